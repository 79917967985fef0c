// SPDX-License-Identifier: Apache-2.0
/**
 * Real processes: shell scripts stand for head, rank and pilot, because a solver that forks away and a head that
 * ignores SIGTERM cannot be asked of the real ones at a chosen moment.
 */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Exit } from '../local/reconcile.ts';
import { LocalBackend } from './local-backend.ts';
import { markedProcesses } from './marked-processes.ts';
import { systemClock } from './world.ts';

const clock = systemClock();
let serial = 0;

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'melissa-backend-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function until(condition: () => boolean, what: string, limitMs = 20_000): Promise<void> {
  const endMs = clock.monotonicMs() + limitMs;
  while (!condition()) {
    assert.ok(clock.monotonicMs() < endMs, `waited ${limitMs} ms for ${what}`);
    await new Promise<void>((wake) => clock.after(20, wake));
  }
}

function aBackend(
  context: TestContext,
  scripts: Record<string, string>,
): { backend: LocalBackend; mark: string; ends: [string, Exit][] } {
  const directory = folder(context);
  const mark = `test${process.pid}x${serial++}`;
  const ends: [string, Exit][] = [];
  const backend = new LocalBackend({
    mark,
    clock,
    launch: (scope) => ({
      command: '/bin/sh',
      args: ['-c', scripts[scope]!],
      directory,
      environment: { PATH: process.env['PATH'] },
    }),
    logFile: (id) => join(directory, `${id}.log`),
    onEnded: (id, exit) => ends.push([id, exit]),
  });
  context.after(() => backend.close());
  return { backend, mark, ends };
}

test('what a killed pilot leaves behind ends before its slot is free', async (context) => {
  // The solver forks into a session of its own and outlives its parents, as badly behaved launchers do.
  const { backend, mark, ends } = aBackend(context, { pilot: '(setsid sleep 1000 &) ; exec sleep 1000' });
  await backend.start('pilot', [0]);
  await until(() => markedProcesses(`${mark}.pilot-0.`).length === 2, 'pilot and solver');
  process.kill(backend.processId('pilot-0')!, 'SIGKILL');
  await until(() => ends.length === 1, 'the end of the pilot');
  assert.deepEqual(ends, [['pilot-0', { code: null, signal: 'SIGKILL' }]]);
  await until(() => markedProcesses(`${mark}.`).length === 0, 'the end of the solver');
});

test('a process that ignores SIGTERM is killed after its grace', async (context) => {
  const { backend, mark, ends } = aBackend(context, { rank: "trap '' TERM; while :; do sleep 0.2; done" });
  await backend.start('rank', [0]);
  await until(() => markedProcesses(`${mark}.rank-0.`).length > 0, 'the rank');
  await backend.stop(['rank-0'], 0.3);
  assert.equal(ends[0]![1].signal, 'SIGKILL');
  assert.deepEqual(await backend.list(), []);
});

test('a program that cannot be started is reported as ended', async (context) => {
  const directory = folder(context);
  const ends: [string, Exit][] = [];
  const backend = new LocalBackend({
    mark: `test${process.pid}x${serial++}`,
    clock,
    launch: () => ({ command: join(directory, 'no-such-program'), args: [], directory, environment: {} }),
    logFile: (id) => join(directory, `${id}.log`),
    onEnded: (id, exit) => ends.push([id, exit]),
  });
  context.after(() => backend.close());
  await backend.start('head', [0]);
  await until(() => ends.length === 1, 'the report');
  assert.match(ends[0]![1].signal!, /could not start: .*ENOENT/);
});

test('kill -9 of the command line ends every process within 5 s, solvers included, after the head has said goodbye', async (context) => {
  const directory = folder(context);
  const mark = `test${process.pid}x${serial++}`;
  const program = join(directory, 'owner.ts');
  const backendUrl = new URL('./local-backend.ts', import.meta.url).href;
  const worldUrl = new URL('./world.ts', import.meta.url).href;
  writeFileSync(
    program,
    `import { LocalBackend } from ${JSON.stringify(backendUrl)};
     import { systemClock } from ${JSON.stringify(worldUrl)};
     const scripts = {
       head: "trap 'echo checkpoint > goodbye; exit 0' TERM; while :; do sleep 0.1; done",
       rank: "trap '' TERM; while :; do sleep 0.1; done",
       pilot: "(setsid sleep 1000 &) ; exec sleep 1000",
     };
     const backend = new LocalBackend({
       mark: ${JSON.stringify(mark)}, clock: systemClock(), onEnded() {},
       logFile: (id) => ${JSON.stringify(directory)} + '/' + id + '.log',
       launch: (scope) => ({ command: '/bin/sh', args: ['-c', scripts[scope]], directory: ${JSON.stringify(directory)}, environment: process.env }),
     });
     await backend.start('head', [0]);
     await backend.start('rank', [0, 1]);
     await backend.start('pilot', [0, 1]);
     setInterval(() => {}, 1000);`,
  );
  const owner = spawn(process.execPath, [program], {
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  context.after(() => owner.kill('SIGKILL'));
  await until(() => markedProcesses(`${mark}.pilot-`).length === 4, 'two pilots with a solver each');
  owner.kill('SIGKILL');
  const killedMs = clock.monotonicMs();
  await until(() => markedProcesses(`${mark}.`).length === 0, 'the end of everything');
  assert.ok(clock.monotonicMs() - killedMs < 5_000, `took ${Math.round(clock.monotonicMs() - killedMs)} ms`);
  const { readFileSync } = await import('node:fs');
  assert.equal(readFileSync(join(directory, 'goodbye'), 'utf8'), 'checkpoint\n');
});
