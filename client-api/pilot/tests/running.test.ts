// SPDX-License-Identifier: Apache-2.0
/** What the pilot starts and what it reports: commands, templates, output, work directories. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aLease, shell, text, withHead } from './test-head.ts';

test('a lease is started, reported and confirmed', () =>
  withHead(async (head) => {
    head.pilot();
    await head.next(
      'PilotHello',
      (hello) => hello.token === 'secret' && hello.pilot === 'pilot-0' && hello.slots === 1,
    );
    await head.lease(aLease(1, { simulation: 42, draw: 1, attempt: 2 }));
    const started = await head.next('Started', (body) => body.lease === 1);
    assert.ok(started.processId > 1);
    const ended = await head.ended(1);
    assert.equal(ended.outcome, 1);
    assert.equal(ended.exitCode, 0);
    assert.equal(ended.reason, '');
    assert.deepEqual([ended.simulation, ended.draw, ended.attempt, ended.descendantsEnded], [42, 1, 2, 0]);
    assert.ok(ended.wallSeconds > 0 && ended.wallSeconds < 20);
    assert.ok(ended.peakRssBytes > 0);
  }));

test('many leases at once are run in order, one at a time', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(...Array.from({ length: 200 }, (_, i) => aLease(i + 1)));
      await head.ended(200);
      assert.deepEqual(
        head.all('Ended').map((message) => message.body.lease),
        Array.from({ length: 200 }, (_, i) => i + 1),
      );
    },
    { command: ['/bin/true'] },
  ));

test('a lease that is pushed twice runs once', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1), aLease(1));
      await head.ended(1);
      await head.lease(aLease(1), aLease(2));
      await head.ended(2);
      assert.equal(readFileSync(join(head.folder, 'work/runs'), 'utf8'), '1\n2\n');
    },
    { command: shell('echo $MELISSA_SIMULATION >> runs') },
  ));

test('several slots run at the same time', () =>
  withHead(
    async (head) => {
      head.pilot({ slots: 3 });
      await head.next('PilotHello', (hello) => hello.slots === 3);
      // Each waits until all three have begun, so they end only if they run together.
      await head.lease(aLease(1), aLease(2), aLease(3));
      for (const lease of [1, 2, 3]) assert.equal((await head.ended(lease)).exitCode, 0);
    },
    {
      command: shell(
        'touch at-$MELISSA_SIMULATION; n=0; while [ $(ls at-* | wc -l) -lt 3 ]; do n=$((n+1)); [ $n -gt 900 ] && exit 9; sleep 0.02; done',
      ),
    },
  ));

test('templates reach command, environment, files and preprocessing', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1, { simulation: 11, group: 2, member: 1, values: ['0.1', 'hot water'].join('\x1f') }));
      const ended = await head.ended(1);
      assert.equal(ended.reason, '');
      assert.deepEqual(text(ended.stdout).split('\n'), [
        'prepared 11',
        'arg 0.1 hot water {literal} 11 2 4 test',
        'env hot water',
        'file T=0.1; {"a": {1} }',
        '',
      ]);
    },
    {
      parameterNames: ['temperature', 'name'],
      preprocessing: shell('echo prepared {simulation}'),
      command: [
        '/bin/sh',
        '-c',
        'echo "$@"; echo "env $NAME"; cat sub/in.txt',
        'sh',
        'arg',
        '{temperature}',
        '{name}',
        '{{literal}}',
        '{simulation}',
        '{group}',
        '{ranks}',
        '{study}',
      ],
      environment: [{ name: 'NAME', value: '{name}' }],
      files: [{ path: 'sub/in.txt', content: Buffer.from('file T={temperature}; {"a": {1} }\n') }],
      ranks: 4,
      workDirectory: 1,
    },
  ));

test('a template that names no parameter is refused before the start', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      assert.equal(ended.outcome, 3);
      assert.match(ended.reason, /"\{presure\}" names no parameter/);
    },
    { command: ['/bin/echo', '{presure}'] },
  ));

test('the solver finds its place in the study in the environment', () =>
  withHead(
    async (head) => {
      head.pilot({ env: { MELISSA_SIMULATION: 'stale', MELISSA_ON_ERROR: 'abort' } });
      await head.next('PilotHello');
      await head.lease(aLease(5, { simulation: 3, draw: 1, attempt: 2, group: 0, member: 3, firstStep: 17 }));
      const lines = text((await head.ended(5)).stdout)
        .trim()
        .split('\n');
      const variables = Object.fromEntries(
        lines.filter((line) => /^MELISSA_(?!TEST_)/.test(line)).map((line) => line.split('=', 2)),
      );
      assert.match(variables['MELISSA_SEED']!, /^[0-9]+$/);
      assert.deepEqual(
        { ...variables, MELISSA_SEED: '' },
        {
          MELISSA_ON_ERROR: 'abort',
          MELISSA_HEAD: head.endpoint,
          MELISSA_TOKEN_FILE: join(head.folder, 'token'),
          MELISSA_STUDY: 'test',
          MELISSA_PILOT: 'pilot-0',
          MELISSA_LEASE: '5',
          MELISSA_SERVER_NODE_NAME: '127.0.0.1',
          MELISSA_SIMULATION: '3',
          MELISSA_DRAW: '1',
          MELISSA_ATTEMPT: '2',
          MELISSA_GROUP: '0',
          MELISSA_MEMBER: '3',
          MELISSA_RESUME_STEP: '17',
          MELISSA_SEED: '',
          MELISSA_SIMU_ID: '3',
          MELISSA_SIM_ID: '3',
        },
      );
    },
    { command: ['env'], outputBytesMax: 65536 },
  ));

test('a loop lease starts the solver once without a simulation', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(9, { simulation: 0xffffffff }));
      const ended = await head.ended(9);
      assert.equal(text(ended.stdout), 'loop 9 simulation none\n');
      assert.equal(ended.simulation, 0xffffffff);
    },
    {
      command: shell('echo loop $MELISSA_LOOP_LEASE simulation ${MELISSA_SIMULATION:-none}'),
      loop: 1,
      parameterNames: ['x'],
    },
  ));

test('output is kept by its head and tail, with a line that says what was left out', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      const kept = text(ended.stdout);
      assert.ok(ended.stdout.length <= 1000, `${ended.stdout.length} bytes`);
      assert.match(kept, /^line 1\nline 2\n/);
      assert.match(kept, /line 19999\nline 20000\n$/);
      const leftOut = Number(/\[… +([0-9]+) bytes left out …\]/.exec(kept)![1]);
      const line = Buffer.byteLength(/\n\[…[^\]]*\]\n/.exec(kept)![0]);
      const written = Array.from({ length: 20000 }, (_, i) => `line ${i + 1}\n`).join('').length;
      assert.equal(leftOut + ended.stdout.length - line, written);
      assert.equal(text(ended.stderr), 'short\n');
      assert.equal(ended.outputBytes, written + 6);
    },
    { command: shell('seq -f "line %g" 1 20000; echo short >&2'), outputBytesMax: 1000 },
  ));

test('a solver that writes 1 GB neither blocks nor grows the pilot', () =>
  withHead(
    async (head) => {
      head.pilot();
      const hello = await head.next('PilotHello');
      await head.lease(aLease(1), aLease(2));
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.exitCode, ended.outputBytes], [1, 0, 1_000_000_000]);
      const started = await head.next('Started', (body) => body.lease === 2);
      const parent = /PPid:\s+([0-9]+)/.exec(readFileSync(`/proc/${started.processId}/status`, 'utf8'))![1]!;
      const status = readFileSync(`/proc/${parent}/status`, 'utf8');
      assert.notEqual(
        Number(parent),
        hello.processId,
        'the solver is a child of the pilot, which is a child of its guard',
      );
      assert.ok(Number(/VmHWM:\s+([0-9]+)/.exec(status)![1]) < 32_000, 'the pilot stays below 32 MB');
      await head.send('StopLeases', { leases: [2], reason: 'enough' });
      await head.ended(2);
    },
    { command: shell('[ $MELISSA_SIMULATION = 1 ] && exec head -c 1000000000 /dev/zero; exec sleep 300') },
  ));

test('exit codes and signals are told apart', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(7), aLease(8));
      const exited = await head.ended(7);
      assert.deepEqual([exited.outcome, exited.exitCode, exited.reason], [1, 7, 'the solver exited with 7']);
      const signalled = await head.ended(8);
      assert.deepEqual([signalled.outcome, signalled.exitCode], [2, 11]);
      assert.match(signalled.reason, /signal 11 \(Segmentation fault\)/);
    },
    { command: shell('[ $MELISSA_SIMULATION = 7 ] && exit 7; kill -SEGV $$') },
  ));

test('CPU time and peak memory cover the solver and the processes that it waited for', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      assert.ok(ended.cpuSeconds > 0.05, `${ended.cpuSeconds} s`);
      assert.ok(ended.peakRssBytes > 60e6, `${ended.peakRssBytes} B`);
    },
    { command: shell('dd if=/dev/zero of=/dev/null bs=64M count=20 2>/dev/null; true') },
  ));

test('a missing solver is reported with the reason and all places searched', () =>
  withHead(
    async (head) => {
      const manifest = join(head.folder, 'manifest');
      head.pilot({ manifest, env: { PATH: '/nowhere:/usr/bin' } });
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      assert.equal(ended.outcome, 3);
      assert.equal(
        ended.reason,
        `solver: cannot start "no-such-solver": No such file or directory; searched ${manifest}/bin and then PATH (/nowhere:/usr/bin)`,
      );
      assert.equal(head.all('Started').length, 0);
    },
    { command: ['no-such-solver'] },
  ));

test('a solver that cannot be executed is reported with the reason', () =>
  withHead(
    async (head) => {
      mkdirSync(join(head.folder, 'bin'));
      writeFileSync(join(head.folder, 'bin/solver'), 'not a program');
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      assert.match(
        (await head.ended(1)).reason,
        /cannot start "solver": found, but not executable \(.*bin\/solver: Permission denied\)/,
      );
      chmodSync(join(head.folder, 'bin/solver'), 0o755);
      await head.lease(aLease(2));
      const ended = await head.ended(2);
      assert.equal(ended.outcome, 3);
      assert.match(ended.reason, /Exec format error \(a script needs a first line like #!\/bin\/sh\)/);
    },
    { command: ['solver'] },
  ));

test('a bare command is taken from the manifest before PATH, a command with a slash from the manifest', () =>
  withHead(
    async (head) => {
      mkdirSync(join(head.folder, 'bin'));
      writeFileSync(join(head.folder, 'bin/true'), '#!/bin/sh\necho mine\n', { mode: 0o755 });
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      assert.equal(text((await head.ended(1)).stdout), 'mine\n');
      head.welcome = { ...head.welcome, command: ['./bin/true'] };
      head.epoch = 2;
      await head.send('HeadHeartbeat', { planFinished: 0 });
      await head.next('PilotHello', () => head.all('PilotHello').length === 2);
      await head.lease(aLease(2));
      assert.equal(text((await head.ended(2)).stdout), 'mine\n');
    },
    { command: ['true'] },
  ));

test('a launcher comes before the command, and the command becomes a path', () =>
  withHead(
    async (head) => {
      mkdirSync(join(head.folder, 'bin'));
      writeFileSync(join(head.folder, 'bin/solver'), '#!/bin/sh\necho ran "$@"\n', { mode: 0o755 });
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      assert.equal(text((await head.ended(1)).stdout), 'ran 3\n');
    },
    { launcher: ['env', 'N={ranks}'], command: ['solver', '{ranks}'], ranks: 3 },
  ));

test('preprocessing that fails ends the attempt with outcome 4', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.exitCode, ended.reason], [4, 3, 'preprocessing exited with 3']);
      assert.equal(text(ended.stdout), 'looking\n');
      head.welcome = { ...head.welcome, preprocessing: ['./missing'] };
      head.epoch = 2;
      await head.send('HeadHeartbeat', { planFinished: 0 });
      await head.next('PilotHello', () => head.all('PilotHello').length === 2);
      await head.lease(aLease(2));
      const missing = await head.ended(2);
      assert.equal(missing.outcome, 4);
      assert.match(missing.reason, /missing: No such file/);
    },
    { preprocessing: shell('echo looking; exit 3'), command: shell('echo must not run') },
  ));

test('work directories are kept always, on failure, or never', async () => {
  for (const [keep, left] of [
    [0, ['pilot-0-0/']],
    [1, ['simulation-000002-draw-0-attempt-1/leftover']],
    [2, ['simulation-000001-draw-0-attempt-0/leftover', 'simulation-000002-draw-0-attempt-1/leftover']],
  ] as const) {
    await withHead(
      async (head) => {
        head.pilot();
        await head.next('PilotHello');
        await head.lease(aLease(1), aLease(2, { attempt: 1 }));
        assert.equal(text((await head.ended(1)).stdout), 'empty\n');
        assert.equal(text((await head.ended(2)).stdout), 'empty\n');
        const work = join(head.folder, 'work');
        const found = readdirSync(work).flatMap((name) => {
          const inside = readdirSync(join(work, name));
          return inside.length === 0 ? [`${name}/`] : inside.map((file) => `${name}/${file}`);
        });
        assert.deepEqual(found.sort(), [...left], `keepWorkDirectory ${keep}`);
      },
      {
        workDirectory: 1,
        keepWorkDirectory: keep,
        command: shell('[ -z "$(ls)" ] && echo empty; echo x > leftover; [ $MELISSA_SIMULATION = 1 ]'),
      },
    );
  }
});

test('emptying a work directory follows no symbolic link', () =>
  withHead(
    async (head) => {
      writeFileSync(join(head.folder, 'precious'), 'keep me');
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      await head.ended(1);
      assert.ok(existsSync(join(head.folder, 'precious')));
      assert.deepEqual(readdirSync(join(head.folder, 'work/pilot-0-0')), []);
    },
    { workDirectory: 1, command: shell('ln -s ../.. up; mkdir -p a/b; ln -s ../../.. a/b/up; touch a/b/c') },
  ));

test('a file of the study cannot be written outside the work directory', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      assert.equal(ended.outcome, 3);
      assert.match(ended.reason, /cannot write "\.\.\/escaped"/);
      assert.ok(!existsSync(join(head.folder, 'work/escaped')));
    },
    { workDirectory: 1, files: [{ path: '../escaped', content: Buffer.from('x') }] },
  ));
