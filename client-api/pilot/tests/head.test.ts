// SPDX-License-Identifier: Apache-2.0
/** How the pilot and the head speak: greeting, heartbeats, lost replies, new epochs, old heads, refusals, silence. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeControl } from '@melissa/protocol';
import { curveKeyPair } from 'zeromq';
import { aLease, alive, pilotPath, shell, TestHead, text, withHead } from './test-head.ts';

const waitsForGo = shell('while ! [ -e go ]; do sleep 0.02; done; echo gone');

test('heartbeats name what runs and what waits', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1), aLease(2));
      await head.next('PilotHeartbeat', ({ running, waiting }) => running.join() === '1' && waiting.join() === '2');
      writeFileSync(join(head.folder, 'work/go'), '');
      await head.ended(2);
      await head.next('PilotHeartbeat', ({ running, waiting }) => running.length === 0 && waiting.length === 0);
    },
    { command: waitsForGo },
  ));

test('a hello without an answer is repeated with the same number', () =>
  withHead(async (head) => {
    head.answers.hello = false;
    head.pilot();
    await head.until(() => head.all('PilotHello').length >= 3, 'three hellos');
    const hellos = head.all('PilotHello');
    assert.equal(new Set(hellos.map((message) => message.request)).size, 1);
    await head.send('PilotWelcome', head.welcome, hellos[0]!.request);
    await head.lease(aLease(1));
    await head.ended(1);
  }));

test('an end is reported with the same number until it is confirmed', () =>
  withHead(async (head) => {
    head.answers.ended = false;
    const pilot = head.pilot();
    await head.next('PilotHello');
    await head.lease(aLease(1));
    await head.until(() => head.all('Ended').length >= 3, 'three reports');
    const reports = head.all('Ended');
    assert.equal(new Set(reports.map((message) => message.request)).size, 1);
    await head.send('Ok', {}, reports[0]!.request);
    await head.send('Dismiss', { drain: 1, planFinished: 1, reason: 'done' });
    assert.equal(await pilot.exit(), 0, 'it leaves only after the confirmation');
  }));

test('a restarted head with a higher epoch adopts the running lease', () =>
  withHead(
    async (head) => {
      const pilot = head.pilot();
      const first = await head.next('PilotHello');
      await head.lease(aLease(1, { simulation: 5, draw: 1, attempt: 2 }), aLease(2));
      const started = await head.next('Started');
      head.answers.ended = false;
      head.vanish();
      head.received = [];
      head.epoch = 2;
      await head.open();
      const again = await head.next('PilotHello');
      assert.equal(again.instance, first.instance);
      assert.deepEqual(again.running, [
        { lease: 1, simulation: 5, draw: 1, attempt: 2 },
        { lease: 2, simulation: 2, draw: 0, attempt: 0 },
      ]);
      assert.ok(alive(started.processId), 'the solver went on');
      writeFileSync(join(head.folder, 'work/go'), '');
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.exitCode, ended.simulation, text(ended.stdout)], [1, 0, 5, 'gone\n']);
      assert.equal(head.all('Ended')[0]!.epoch, 2);
      // The head dies again before it has confirmed: the report comes once more, with the epoch after that.
      head.vanish();
      head.received = [];
      head.epoch = 3;
      head.answers.ended = true;
      await head.open();
      await head.ended(1);
      assert.equal(head.all('Ended').find((message) => message.body.lease === 1)!.epoch, 3);
      await head.send('Dismiss', { drain: 1, planFinished: 1, reason: 'done' });
      assert.equal(await pilot.exit(), 0);
    },
    { command: waitsForGo },
  ));

test('a higher epoch makes the pilot say hello again; a lower one is ignored', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      head.epoch = 5;
      await head.send('HeadHeartbeat', { planFinished: 0 });
      await head.until(() => head.all('PilotHello').length === 2, 'a second hello');
      assert.equal(head.all('PilotHello')[1]!.epoch, 5);
      // A frozen head that wakes up: its lease is not run, its order not obeyed.
      await head.send('Lease', { leases: [aLease(1)] }, 1, 4);
      await head.send('Dismiss', { drain: 0, planFinished: 1, reason: 'old' }, 2, 4);
      await head.lease(aLease(2));
      await head.ended(2);
      assert.deepEqual(
        head.all('Ended').map((message) => message.body.lease),
        [2],
      );
    },
    { command: ['true'] },
  ));

test('a pilot that lost the head ends its solvers and exits 4', () =>
  withHead(
    async (head) => {
      const pilot = head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const started = await head.next('Started');
      head.vanish();
      assert.equal(await pilot.exit(), 4);
      assert.ok(!alive(started.processId));
      assert.match(pilot.log, /nothing was heard of the head/);
    },
    { command: ['sleep', '300'], silenceMs: 1000 },
  ));

test('a pilot that was stopped for longer than the silence says hello and goes on', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const started = await head.next('Started');
      const inner = Number(/PPid:\s+([0-9]+)/.exec(readFileSync(`/proc/${started.processId}/status`, 'utf8'))![1]);
      process.kill(inner, 'SIGSTOP');
      let heard = head.received.length;
      let since = performance.now();
      await head.until(() => {
        if (head.received.length !== heard) since = performance.now();
        heard = head.received.length;
        return performance.now() - since > 2500;
      }, 'a silence longer than silenceMs');
      process.kill(inner, 'SIGCONT');
      await head.until(() => head.all('PilotHello').length === 2, 'a second hello');
      assert.deepEqual(head.all('PilotHello')[1]!.body.running, [{ lease: 1, simulation: 1, draw: 0, attempt: 0 }]);
      writeFileSync(join(head.folder, 'work/go'), '');
      assert.equal((await head.ended(1)).exitCode, 0);
    },
    { command: waitsForGo, silenceMs: 2000 },
  ));

test('a head that has forgotten the pilot is greeted again before it is told more', () =>
  withHead(async (head) => {
    head.answers.ended = false;
    head.pilot();
    await head.next('PilotHello');
    await head.lease(aLease(1));
    await head.until(() => head.all('PilotHello').length === 2, 'a second hello');
    head.answers.ended = true;
    const before = head.all('Ended').length;
    await head.until(() => head.all('Ended').length > before, 'the report once more');
  }));

test('a pilot that the head refuses for good exits 5, and says why', () =>
  withHead(async (head) => {
    head.answers.hello = false;
    const pilot = head.pilot();
    await head.next('PilotHello');
    const request = head.all('PilotHello')[0]!.request;
    await head.send('Refused', { code: 'EBUSY', message: 'not yet', remedy: 'wait', retryAfterMs: 50 }, request);
    await head.until(() => head.all('PilotHello').length >= 2, 'another hello');
    await head.send(
      'Refused',
      { code: 'ETOKEN', message: 'the token is wrong', remedy: 'use the right one', retryAfterMs: 0 },
      request,
    );
    assert.equal(await pilot.exit(), 5);
    assert.match(pilot.log, /ETOKEN: the token is wrong \(use the right one\)/);
  }));

test('another protocol version is answered with EVERSION, garbage is dropped, and the pilot goes on', () =>
  withHead(async (head) => {
    head.pilot();
    await head.next('PilotHello');
    const frame = encodeControl('HeadHeartbeat', { planFinished: 0 }, { epoch: 1, request: 1 });
    new DataView(frame.buffer, frame.byteOffset).setUint16(4, 99, true);
    await head.sendBytes(frame);
    assert.equal((await head.next('Refused')).code, 'EVERSION');
    for (const bytes of [new Uint8Array(0), new Uint8Array(5), new Uint8Array(200).fill(0xff), frame.subarray(0, 20)]) {
      await head.sendBytes(bytes);
    }
    const cut = encodeControl('Lease', { leases: [aLease(9)] }, { epoch: 1, request: 2 });
    await head.sendBytes(cut.subarray(0, cut.length - 3));
    await head.lease(aLease(1));
    assert.equal((await head.ended(1)).outcome, 1);
    assert.equal(head.all('Started').length, 1);
  }));

test('a head that reports the plan as finished in a heartbeat dismisses as well', () =>
  withHead(async (head) => {
    const pilot = head.pilot();
    await head.next('PilotHello');
    await head.lease(aLease(1));
    await head.ended(1);
    await head.send('HeadHeartbeat', { planFinished: 1 });
    assert.equal(await pilot.exit(), 0);
  }));

test('a pilot may start before its head', async () => {
  const head = new TestHead();
  await head.open();
  head.vanish();
  try {
    const pilot = head.pilot();
    await head.until(() => pilot.child.pid !== undefined, 'the pilot');
    await head.open();
    await head.next('PilotHello');
    await head.lease(aLease(1));
    assert.equal((await head.ended(1)).outcome, 1);
  } finally {
    await head.close();
  }
});

test('with keys the connection is encrypted, and the solver is told where they are', async () => {
  const head = new TestHead();
  head.keys = { server: curveKeyPair(), client: curveKeyPair() };
  head.welcome = { ...head.welcome, command: shell('echo $MELISSA_CURVE_DIR') };
  const folder = join(head.folder, 'keys');
  mkdirSync(folder);
  writeFileSync(join(folder, 'server.pub'), head.keys.server.publicKey);
  writeFileSync(join(folder, 'client.pub'), head.keys.client.publicKey + '\n');
  writeFileSync(join(folder, 'client.key'), head.keys.client.secretKey);
  await head.open();
  try {
    head.pilot({ curveDir: folder });
    await head.next('PilotHello');
    await head.lease(aLease(1));
    assert.equal(text((await head.ended(1)).stdout), `${folder}\n`);
    const other = head.pilot({ id: 'pilot-1', curveDir: join(head.folder, 'missing') });
    assert.equal(await other.exit(), 1);
    assert.match(other.log, /missing\/server\.pub: No such file/);
  } finally {
    await head.close();
  }
});

test('wrong usage exits 2 and says what is missing', () => {
  const run = (words: string[]): { code: number; output: string } => {
    try {
      return { code: 0, output: execFileSync(pilotPath, words, { encoding: 'utf8', stdio: 'pipe' }) };
    } catch (error) {
      const failed = error as { status: number; stderr: string };
      return { code: failed.status, output: failed.stderr };
    }
  };
  const whole = ['--head', 'tcp://127.0.0.1:1', '--token-file', '/dev/null', '--id', 'p', '--work', '/tmp'];
  assert.match(run(['--help']).output, /Exit codes: 0 the plan is finished/);
  assert.match(run(['--version']).output, /^melissa-pilot [0-9.]+\n$/);
  for (const [words, message] of [
    [[], /--head is missing/],
    [whole.slice(0, 6), /--work is missing/],
    [[...whole, '--id', '../x'], /--id is not a name/],
    [[...whole, '--slots', '0'], /--slots is not between/],
    [[...whole, 'more'], /unexpected word: more/],
    [[...whole, '--frobnicate'], /wrong usage/],
    [[...whole, '--work', '/dev/null/x'], /cannot be used: Not a directory/],
  ] as const) {
    const { code, output } = run([...words]);
    assert.equal(code, 2);
    assert.match(output, message);
  }
});
