// SPDX-License-Identifier: Apache-2.0
/**
 * `melissa run` as a person starts it, with the real server and the real pilot: small studies of shell scripts, whose
 * fields the pilot sends for them. Skipped, by name, where a part is not built.
 */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock, systemWorld } from './io/world.ts';
import { markedProcesses } from './io/marked-processes.ts';
import type { StudyStatus } from '@melissa/api';
import type { Summary } from './progress/summary.ts';
import { connectTo } from './study-directory.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const world = systemWorld(process.env);
const { server, pilot } = world.parts;
const addon = fileURLToPath(new URL('../../build/native/melissa_native.node', import.meta.url));
const missing = [server, pilot, addon].filter((part) => !existsSync(part));
const options = { skip: missing.length > 0 ? `not built: ${missing.join(', ')}` : false, timeout: 180_000 };
const clock = systemClock();

type Ran = { code: number | null; out: string; err: string };

class Place {
  readonly directory = mkdtempSync(join(tmpdir(), 'melissa-run-'));
  readonly study = join(this.directory, 'studies', 'small');
  #children: ChildProcess[] = [];

  constructor(context: TestContext) {
    context.after(() => {
      for (const child of this.#children) child.kill('SIGKILL');
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
    });
  }

  manifest(change: { simulations?: number; script?: string; fields?: string; more?: string }): void {
    const script = change.script ?? 'echo $1 $2 $1 $2';
    const fields = change.fields ?? '[{ name: u, cells: 4 }]';
    const outputs = fields === '[]' ? '' : 'outputs: [{ field: u, stdout: true }],';
    writeFileSync(
      join(this.directory, 'study.yaml'),
      `apiVersion: melissa.dev/v1alpha1
kind: MelissaStudy
metadata: { name: small }
spec:
  parameters:
    - { name: a, uniform: { min: 0, max: 1 } }
    - { name: b, uniform: { min: 0, max: 1 } }
  sampling: { method: Random, simulations: ${change.simulations ?? 20}, seed: 3 }
  time: { steps: 1 }
  fields: ${fields}
  client: { command: [sh], args: [-c, ${JSON.stringify(script)}, solver, "{a}", "{b}"], ${outputs} parallelism: 2 }
  server: { checkpoint: { periodSeconds: 1 } }
  local: { port: 0 }
${change.more ?? ''}`,
    );
  }

  start(...words: string[]): { child: ChildProcess; ended: Promise<Ran> } {
    const child = spawn(process.execPath, [main, ...words], { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    const ran: Ran = { code: null, out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (ran.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (ran.err += chunk.toString()));
    const ended = new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ ...ran, code })));
    return { child, ended };
  }

  async melissa(...words: string[]): Promise<Ran> {
    return this.start(...words).ended;
  }

  async json<T>(...words: string[]): Promise<T> {
    const ran = await this.melissa(...words, '--output', 'json');
    return JSON.parse(ran.out) as T;
  }

  /** What the server says now, asked directly because a new process for each look is slow; null before it answers. */
  async status(): Promise<StudyStatus | null> {
    try {
      return await connectTo(world, this.study).status();
    } catch {
      return null;
    }
  }

  async done(): Promise<number> {
    return (await this.status())?.simulations.done ?? -1;
  }

  mark(): string {
    return (JSON.parse(readFileSync(join(this.study, 'owner.json'), 'utf8')) as { mark: string }).mark;
  }

  processes(): number {
    return markedProcesses(`${this.mark()}.`).length;
  }
}

async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 90_000): Promise<void> {
  const endMs = clock.monotonicMs() + limitMs;
  while (!(await condition())) {
    assert.ok(clock.monotonicMs() < endMs, `waited ${limitMs} ms for ${what}`);
    await new Promise<void>((wake) => clock.after(50, wake));
  }
}

test('a study runs from its manifest to results, and leaves no process', options, async (context) => {
  const place = new Place(context);
  place.manifest({});
  const ran = await place.melissa('run', '--output', 'json');
  assert.equal(ran.code, 0, ran.out + ran.err);
  const summary = JSON.parse(ran.out) as Summary;
  assert.equal(summary.state, 'Succeeded');
  assert.equal(summary.simulations!.done, 20);
  assert.ok(summary.bytesReceived >= 20 * 4 * 8, `${summary.bytesReceived} bytes`);
  assert.ok(summary.results!.zarr.length === 1 && statSync(summary.results!.zarr[0]!).isDirectory());
  assert.equal(place.processes(), 0);
  assert.equal(statSync(join(place.study, 'token')).mode & 0o777, 0o600);
  const results = await place.melissa('results');
  assert.equal(results.code, 0);
  assert.match(results.out, /xarray\.open_zarr/);
});

test('a study without data succeeds by exit codes', options, async (context) => {
  const place = new Place(context);
  place.manifest({ fields: '[]', script: 'exit 0', simulations: 10 });
  const ran = await place.melissa('run');
  assert.equal(ran.code, 0, ran.out + ran.err);
  assert.match(ran.out, /10 of 10 done/);
});

test('a study whose solver fails says which simulation, and why', options, async (context) => {
  const place = new Place(context);
  place.manifest({ script: 'echo no such mesh >&2; exit 3', more: '  faultPolicy: { retryLimit: 0, maxFailed: 0 }\n' });
  const ran = await place.melissa('run');
  assert.equal(ran.code, 1, ran.out + ran.err);
  assert.match(ran.out, /simulation \d+ failed: .*3/);
  assert.equal(place.processes(), 0);
});

test(
  '^C writes a checkpoint, says how to go on, and --resume ends the study with every simulation counted once',
  options,
  async (context) => {
    const place = new Place(context);
    place.manifest({ simulations: 60, script: 'sleep 0.1; echo $1 $2 $1 $2' });
    const { child, ended } = place.start('run');
    await until(async () => (await place.done()) >= 5, 'five simulations');
    child.kill('SIGINT');
    const ran = await ended;
    assert.equal(ran.code, 4, ran.out + ran.err);
    assert.match(ran.out, /Continue with: melissa run --resume .*studies\/small/);
    assert.equal(place.processes(), 0);
    const resumed = await place.json<Summary>('run', '--resume', 'studies/small');
    assert.equal(resumed.state, 'Succeeded', JSON.stringify(resumed));
    assert.equal(resumed.simulations!.done, 60);
  },
);

test('kill -9 of the command line leaves nothing after 5 s, and the study can be resumed', options, async (context) => {
  const place = new Place(context);
  place.manifest({ simulations: 60, script: 'sleep 0.1; echo $1 $2 $1 $2' });
  const { child, ended } = place.start('run');
  await until(async () => (await place.done()) >= 5, 'five simulations');
  child.kill('SIGKILL');
  const killedMs = clock.monotonicMs();
  await ended;
  await until(() => place.processes() === 0, 'the end of everything');
  assert.ok(clock.monotonicMs() - killedMs < 5_000, `took ${Math.round(clock.monotonicMs() - killedMs)} ms`);
  const resumed = await place.json<Summary>('run', '--resume', 'studies/small');
  assert.equal(resumed.state, 'Succeeded', JSON.stringify(resumed));
  assert.equal(resumed.simulations!.done, 60);
});

test('killed heads, ranks and pilots are replaced, and the study succeeds', options, async (context) => {
  const place = new Place(context);
  place.manifest({
    simulations: 80,
    script: 'sleep 0.1; echo $1 $2 $1 $2',
    more: '  faultPolicy: { timeoutSeconds: 5 }\n',
  });
  const { ended } = place.start('run', '--output', 'json');
  for (const [scope, count] of [
    ['head', 5],
    ['rank-0', 15],
    ['pilot-1', 25],
  ] as const) {
    await until(async () => (await place.done()) >= count, `${count} simulations`);
    const [victim] = markedProcesses(`${place.mark()}.${scope}.`);
    process.kill(victim!, 'SIGKILL');
  }
  const ran = await ended;
  assert.equal(ran.code, 0, ran.out + ran.err);
  assert.equal((JSON.parse(ran.out) as Summary).simulations!.done, 80);
});

test('a running study can be watched, scaled, suspended, resumed and cancelled', options, async (context) => {
  const place = new Place(context);
  place.manifest({ simulations: 5000, script: 'sleep 0.2; echo $1 $2 $1 $2' });
  const { ended } = place.start('run');
  await until(async () => (await place.done()) >= 3, 'three simulations');
  assert.match((await place.melissa('status')).out, /^state +Running/m);
  await place.json('scale', '4');
  await until(async () => (await place.status())?.pilots.connected === 4, 'four pilots');
  assert.match((await place.melissa('simulations', '--state', 'done', '--limit', '3')).out, /ID +STATE/);
  assert.match((await place.melissa('simulation', '0')).out, /simulation 0: /);
  assert.match((await place.melissa('logs', '0')).out, /[0-9.]+ [0-9.]+/);
  await place.json('suspend');
  await until(async () => /Suspend/.test((await place.status())?.state ?? ''), 'suspension');
  await place.json('resume');
  await until(async () => (await place.status())?.state === 'Running', 'going on');
  await place.json('cancel', '--reason', 'seen enough');
  const ran = await ended;
  assert.equal(ran.code, 6, ran.out + ran.err);
});

test('a second command line is refused while the first runs the study', options, async (context) => {
  const place = new Place(context);
  place.manifest({ simulations: 200, script: 'sleep 0.2; echo $1 $2 $1 $2' });
  const { child, ended } = place.start('run');
  await until(async () => (await place.done()) >= 1, 'a simulation');
  const second = await place.melissa('run', '--resume', 'studies/small');
  assert.equal(second.code, 2);
  assert.match(second.err, /already running/);
  child.kill('SIGINT');
  assert.equal((await ended).code, 4);
});

test('try runs one simulation, estimates the study, and leaves nothing behind', options, async (context) => {
  const place = new Place(context);
  place.manifest({ simulations: 1000 });
  const ran = await place.melissa('try');
  assert.equal(ran.code, 0, ran.out + ran.err);
  assert.match(ran.out, /u: 4 cells × 1 steps/);
  assert.match(ran.out, /The whole study: 1,000 simulations/);
  assert.equal(existsSync(join(place.directory, 'studies', 'small')), false);
});
