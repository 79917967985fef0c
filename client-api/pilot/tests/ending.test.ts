// SPDX-License-Identifier: Apache-2.0
/** How things end: descendants, orders of the head, signals, deaths of the pilot itself. Nothing may be left behind. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aLease, alive, shell, type TestHead, withHead } from './test-head.ts';

/** Ids that the solver's processes have written into a file in the work folder, once there are `count`. */
async function processIds(head: TestHead, count: number): Promise<number[]> {
  const file = join(head.folder, 'work/pids');
  const read = () =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .filter((line) => line !== '')
      : [];
  await head.until(() => read().length >= count, `${count} processes of the solver`);
  return read().map(Number);
}
const allGone = (head: TestHead, ids: number[]) =>
  head.until(() => ids.every((id) => !alive(id)), `the end of ${ids.join(', ')}`);

/** Leaves a process that has a session and a parent of its own. */
const doubleFork = "(setsid sh -c 'echo $$ >> pids; exec sleep 300' > /dev/null 2>&1 &) ";

test('a process that a solver forks away is ended and counted', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1), aLease(2));
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.exitCode, ended.descendantsEnded], [1, 0, 1]);
      await head.ended(2);
      await allGone(head, await processIds(head, 2));
    },
    {
      command: shell(
        `touch pids; ${doubleFork}; while [ $(wc -l < pids) -lt $MELISSA_SIMULATION ]; do sleep 0.01; done`,
      ),
    },
  ));

test('a descendant that ignores SIGTERM and keeps the output open is ended all the same', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.descendantsEnded >= 1], [1, true]);
      await allGone(head, await processIds(head, 1));
    },
    {
      command: shell(
        'setsid sh -c \'trap "" TERM; echo $$ >> pids; while :; do sleep 1; done\' & while ! [ -s pids ]; do sleep 0.01; done',
      ),
    },
  ));

test('with several slots only the descendants of the attempt that ended are ended', () =>
  withHead(
    async (head) => {
      head.pilot({ slots: 2 });
      await head.next('PilotHello');
      await head.lease(aLease(1), aLease(2));
      // Each solver leaves one process in a session of its own; simulation 2 goes on living.
      const ids = await processIds(head, 2);
      writeFileSync(join(head.folder, 'work/go-1'), '');
      assert.equal((await head.ended(1)).descendantsEnded, 1);
      await head.until(() => ids.filter(alive).length === 1, 'the end of one of the two');
      await head.send('StopLeases', { leases: [2], reason: 'enough' });
      const second = await head.ended(2);
      assert.equal(second.outcome, 7);
      await allGone(head, ids);
    },
    { command: shell(`${doubleFork}; while ! [ -e go-$MELISSA_SIMULATION ]; do sleep 0.02; done`) },
  ));

test('mpirun is ended with all its ranks', { skip: mpirunMissing() }, () =>
  withHead(
    async (head) => {
      head.pilot({
        env: {
          OMPI_ALLOW_RUN_AS_ROOT: '1',
          OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
          OMPI_MCA_rmaps_base_oversubscribe: '1',
        },
      });
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ranks = await processIds(head, 3);
      await head.send('StopLeases', { leases: [1], reason: 'enough' });
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.reason], [7, 'enough']);
      assert.ok(ended.descendantsEnded >= 3, `${ended.descendantsEnded} descendants`);
      await allGone(head, ranks);
    },
    { launcher: ['mpirun', '-n', '{ranks}'], command: shell('echo $$ >> pids; exec sleep 300'), ranks: 3 },
  ),
);

function mpirunMissing(): string | false {
  try {
    execFileSync('mpirun', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'mpirun is not installed';
  }
}

test('StopLeases drops what waits and ends what runs', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1), aLease(2), aLease(3));
      await head.next('Started');
      await head.send('StopLeases', { leases: [3, 1, 77], reason: 'replaced' });
      const [waiting, running] = [await head.ended(3), await head.ended(1)];
      assert.deepEqual([waiting.outcome, waiting.wallSeconds], [7, 0]);
      assert.deepEqual([running.outcome, running.exitCode, running.reason], [7, 15, 'replaced']);
      await head.next('Started', (body) => body.lease === 2);
      await head.send('StopLeases', { leases: [2], reason: 'replaced' });
      await head.ended(2);
    },
    { command: ['sleep', '300'] },
  ));

test('SIGTERM returns what waits at once and lets what runs end', () =>
  withHead(
    async (head) => {
      const pilot = head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1), aLease(2));
      await head.next('Started');
      pilot.child.kill('SIGTERM');
      assert.equal((await head.next('Draining')).reason, 'SIGTERM');
      const returned = await head.ended(2);
      assert.equal(returned.outcome, 5);
      assert.equal(head.all('Ended').length, 1, 'the running one goes on');
      await head.lease(aLease(3));
      assert.equal((await head.ended(3)).outcome, 5, 'nothing new is taken');
      writeFileSync(join(head.folder, 'work/go'), '');
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.exitCode], [1, 0]);
      assert.equal(await pilot.exit(), 3);
    },
    { command: shell('while ! [ -e go ]; do sleep 0.02; done') },
  ));

test('what still runs after drainSeconds is ended as interrupted', () =>
  withHead(
    async (head) => {
      const pilot = head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      await head.next('Started');
      pilot.child.kill('SIGINT');
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.exitCode], [6, 15]);
      assert.equal(await pilot.exit(), 3);
    },
    { command: ['sleep', '300'], drainSeconds: 0.2 },
  ));

test('a second SIGTERM ends everything at once', () =>
  withHead(
    async (head) => {
      const pilot = head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ids = await processIds(head, 2);
      pilot.child.kill('SIGTERM');
      await head.next('Draining');
      pilot.child.kill('SIGTERM');
      assert.equal((await head.ended(1)).outcome, 6);
      assert.equal(await pilot.exit(), 3);
      await allGone(head, ids);
    },
    { command: shell(`trap "" TERM; echo $$ >> pids; ${doubleFork}; while :; do sleep 1; done`), drainSeconds: 1000 },
  ));

test('a dismissed pilot exits 0 only when the plan is finished', async () => {
  for (const [planFinished, code] of [
    [1, 0],
    [0, 3],
  ] as const) {
    await withHead(async (head) => {
      const pilot = head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      await head.ended(1);
      await head.send('Dismiss', { drain: 1, planFinished, reason: 'done' });
      assert.equal(await pilot.exit(), code);
    });
  }
});

test('a dismissal lets what runs end, or ends it', () =>
  withHead(
    async (head) => {
      const pilot = head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1), aLease(2));
      await head.next('Started');
      await head.send('Dismiss', { drain: 1, planFinished: 0, reason: 'fewer pilots' });
      assert.equal((await head.ended(2)).outcome, 5);
      assert.equal(head.all('Ended').length, 1);
      await head.send('Dismiss', { drain: 0, planFinished: 0, reason: 'now' });
      assert.equal((await head.ended(1)).outcome, 7);
      assert.equal(await pilot.exit(), 3);
    },
    { command: ['sleep', '300'] },
  ));

test('a killed pilot leaves no process behind', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const started = await head.next('Started');
      const ids = await processIds(head, 2);
      const inner = Number(/PPid:\s+([0-9]+)/.exec(readFileSync(`/proc/${started.processId}/status`, 'utf8'))![1]);
      process.kill(inner, 'SIGKILL');
      await allGone(head, [...ids, inner, started.processId]);
    },
    { command: shell(`trap "" TERM; echo $$ >> pids; ${doubleFork}; while :; do sleep 1; done`) },
  ));

test('a killed guard takes the pilot and everything in it along', () =>
  withHead(
    async (head) => {
      const pilot = head.pilot();
      const hello = await head.next('PilotHello');
      assert.equal(hello.processId, pilot.child.pid);
      await head.lease(aLease(1));
      const started = await head.next('Started');
      const ids = await processIds(head, 2);
      const inner = Number(/PPid:\s+([0-9]+)/.exec(readFileSync(`/proc/${started.processId}/status`, 'utf8'))![1]);
      pilot.child.kill('SIGKILL');
      assert.equal(await pilot.exit(), 'SIGKILL');
      await allGone(head, [...ids, inner, started.processId]);
    },
    { command: shell(`trap "" TERM; echo $$ >> pids; ${doubleFork}; while :; do sleep 1; done`) },
  ));
