// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores; absolute, so compare only on the same machine. Baseline and last answer: benchmarks/results/head-delay.jsonl. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compileStudy } from '@melissa/crds';
import { assert } from '@melissa/kit';
import { median, rounded, type Answer, type Bench, type Setting } from '../bench.ts';
import { Swarm } from '../head-delay/swarm.ts';
import { root } from '../programs.ts';
import { plainSpec } from '../study.ts';

type Delay = { count: number; p50: number; p99: number; p999: number; max: number };
type HeadFile = { pid: number; control: string; http: string };
/** Pilots on the wire, and how long each of them takes for a simulation. */
export type Load = { pilots: number; runMs: number };
type Round = Delay & { done: number; answered: number; memoryMb: number };
const PATIENCE_MS = 60_000;
const SIDE = 8;
/** Some 1,700 simulations a second. */
const LOAD: Load = { pilots: 1000, runMs: 600 };

async function until<T>(what: string, look: () => T | null): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = look();
    if (found !== null) return found;
    assert(performance.now() < end, `no ${what} in time`);
    await sleep(20);
  }
}
function parsed<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** Asks as the command line, a dashboard and a person would, until stopped. */
function poll(http: string, token: string): { stop: () => Promise<void>; answered: () => number } {
  const headers = { authorization: `Bearer ${token}` };
  const paths = [
    '/v1/status',
    '/v1/simulations?limit=100',
    '/v1/backend',
    '/v1/statistics/x/0/mean?format=png',
    '/metrics',
  ];
  let stopped = false;
  let answered = 0;
  const asking = (async () => {
    for (let turn = 0; !stopped; turn++) {
      const response = await fetch(http + paths[turn % paths.length]!, { headers }).catch(() => null);
      await response?.arrayBuffer().catch(() => null);
      if (response?.ok === true) answered += 1;
      await sleep(50);
    }
  })();
  return {
    answered: () => answered,
    stop: async () => {
      stopped = true;
      await asking;
    },
  };
}

/** What the command line leaves for head and rank. They are started here without it, because it would also start pilots. */
function prepare(directory: string, token: string, spec: Record<string, unknown>): void {
  const manifest = { apiVersion: 'melissa.dev/v1alpha1', kind: 'MelissaStudy', metadata: { name: 'delay' }, spec };
  const compiled = compileStudy(manifest, { manifestDirectory: directory, readText: () => '' });
  assert('study' in compiled, `the manifest is right: ${JSON.stringify(compiled)}`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'compiled.json'), JSON.stringify(compiled.study));
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  writeFileSync(join(directory, 'token'), token);
}

/** Asked to end, and waited for; killed if it does not. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await gone;
  clearTimeout(late);
}

async function once(setting: Setting, load: Load, round: number): Promise<Round> {
  const folder = join(setting.folder, String(round));
  mkdirSync(folder);
  const spec = {
    ...plainSpec(setting.tiny ? 500 : 100_000),
    fields: [{ name: 'x', shape: [SIDE, SIDE] }],
    client: { command: ['/bin/true'], parallelism: load.pilots },
    server: { checkpoint: { periodSeconds: 5 }, results: { periodSeconds: 3600 } },
  };
  const directory = join(folder, 'study');
  const token = 'token-of-a-swarm-of-pilots';
  prepare(directory, token, spec);
  const delayFile = join(folder, 'delay.json');
  const recorder = fileURLToPath(new URL('../head-delay/recorder.mjs', import.meta.url));
  const processes: ChildProcess[] = [];
  const start = (words: string[], environment: Record<string, string> = {}) => {
    const log = openSync(join(folder, `${words[0]}.log`), 'a');
    const all = [join(root, 'server', 'src', 'main.ts'), ...words];
    const own = ['--study', directory, '--token-file', join(directory, 'token')];
    const env = { ...process.env, ...environment };
    processes.push(spawn(process.execPath, [...all, ...own], { env, stdio: ['ignore', log, log] }));
    closeSync(log);
  };
  const recording = { NODE_OPTIONS: `--import=${recorder}`, BENCH_DELAY: delayFile };
  start(['head', '--http', '127.0.0.1:0', '--control', 'tcp://127.0.0.1:*'], recording);
  try {
    return await measured(setting, load, { directory, delayFile, token, start });
  } finally {
    for (const child of processes) await ended(child);
  }
}

type Running = {
  directory: string;
  delayFile: string;
  token: string;
  start: (words: string[]) => void;
};

async function measured(setting: Setting, load: Load, { directory, delayFile, token, start }: Running): Promise<Round> {
  const head = await until('head', () => parsed<HeadFile>(join(directory, 'head.json')));
  start(['rank', '--rank', '0', '--head', head.control]);
  const { pilots, runMs } = setting.tiny ? { pilots: 10, runMs: 20 } : load;
  const swarm = new Swarm({ control: head.control, token, cells: SIDE * SIDE }, pilots, runMs);
  await until('first simulation', () => (swarm.done > 0 ? true : null));
  process.kill(head.pid, 'SIGUSR2');
  const asking = poll(head.http, token);
  const before = swarm.done;
  await sleep(setting.tiny ? 500 : 12_000);
  const done = swarm.done - before;
  process.kill(head.pid, 'SIGUSR2');
  const delay = await until('histogram', () => parsed<Delay>(delayFile));
  const memory = readFileSync(`/proc/${head.pid}/status`, 'utf8');
  await asking.stop();
  swarm.close();
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(memory)?.[1] ?? Number.NaN;
  return { ...delay, done, answered: asking.answered(), memoryMb: (Number(peak) * 1024) / 1e6 };
}

export async function answerTo(setting: Setting, load: Load): Promise<Answer> {
  const rounds: Round[] = [];
  for (let round = 0; round < setting.repetitions; round++) rounds.push(await once(setting, load, round));
  const values = (key: 'p50' | 'p99' | 'p999' | 'max' | 'done' | 'answered' | 'memoryMb') =>
    rounds.map((one) => one[key]);
  return {
    value: median(values('p99')),
    hash: createHash('sha256').update(`${SIDE}`).digest('hex').slice(0, 16),
    detail: {
      maxMs: rounded(Math.max(...values('max'))),
      maxGoalMs: 100,
      medianMaxMs: rounded(median(values('max'))),
      p50Ms: rounded(median(values('p50'))),
      p999Ms: rounded(median(values('p999'))),
      simulationsReported: median(values('done')),
      requestsAnswered: median(values('answered')),
      headPeakMemoryMb: rounded(Math.max(...values('memoryMb'))),
    },
  };
}

export const bench: Bench = {
  name: 'head-delay',
  question:
    'How late do the head’s timers come with 100,000 planned simulations, 1,000 pilots, REST, checkpoints and pictures?',
  peer: 'none: p99 in milliseconds; the largest delay may be 100 ms',
  unit: 'ms',
  goal: 20,
  better: 'lower',
  limits:
    'One turn of the event loop: a batch of messages of the control socket, or a garbage collection. The swarm of pilots runs on the same two cores.',
  run: (setting) => answerTo(setting, LOAD),
};
