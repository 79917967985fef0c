// SPDX-License-Identifier: Apache-2.0
/** `npm run simulate`: whole studies in simulated worlds, thousands in a minute. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { addSummary, emptySummary, runSeeds, told, type Summary } from './simulation/run.ts';
import { simulate } from './simulation/world.ts';

const workersMax = 8;
const usage = `usage: npm run simulate -- [--seeds N] [--first S] [--workers W]
         the worlds of N seeds (1000) from S (1) on, in W processes (one a core, ${workersMax} at most); a seed that fails is printed
         with the end of its trace; how far it has come is said on standard error, and the last line is JSON
       npm run simulate -- --seed S
         one world, with all of its trace
`;
/** Lines of the trace of a failing seed among many. */
const tailLines = 25;
/** Seeds that one process runs before it is replaced: small enough that all processes end together. */
const seedsPerProcessMax = 2500;

async function replay(seed: number): Promise<number> {
  const verdict = await simulate(seed);
  process.stdout.write(`${told(verdict, Infinity)}\n`);
  process.stdout.write(`${JSON.stringify({ seeds: 1, failed: verdict.problems.length > 0 ? 1 : 0, seed })}\n`);
  return verdict.problems.length > 0 ? 1 : 0;
}

/** In a process of its own: failures as text, the summary as the last line. */
async function work(first: number, count: number): Promise<number> {
  const summary = await runSeeds(first, count, (verdict) => process.stderr.write(`${told(verdict, tailLines)}\n\n`));
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  return 0;
}

function workElsewhere(first: number, count: number): Promise<Summary> {
  const args = [import.meta.filename, '--worker', '--first', String(first), '--seeds', String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = '';
  createInterface({ input: child.stdout }).on('line', (line) => void (last = line));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      // A world that takes its process with it is a failure of all the seeds that it was to run.
      if (code === 0) return resolve(JSON.parse(last) as Summary);
      process.stderr.write(`seeds ${first} to ${first + count - 1}: the process ended with ${code}\n`);
      resolve({ ...emptySummary(), seeds: count, failed: count, failedSeeds: [first] });
    });
  });
}

async function runAll(first: number, seeds: number, workers: number): Promise<number> {
  const startMs = performance.now();
  const total = emptySummary();
  const share = Math.min(seedsPerProcessMax, Math.ceil(seeds / workers));
  let next = first;
  const end = first + seeds;
  const one = async () => {
    while (next < end) {
      const from = next;
      next = Math.min(end, from + share);
      addSummary(total, await workElsewhere(from, next - from));
      const minutes = ((performance.now() - startMs) / 60_000).toFixed(1);
      if (next < end || total.seeds < seeds)
        process.stderr.write(`${total.seeds} of ${seeds} seeds after ${minutes} min, ${total.failed} failed\n`);
    }
  };
  await Promise.all(Array.from({ length: workers }, one));
  const seconds = Number(((performance.now() - startMs) / 1000).toFixed(1));
  const virtualSeconds = Math.round(total.virtualSeconds);
  process.stdout.write(`${JSON.stringify({ ...total, virtualSeconds, seconds, workers })}\n`);
  return total.failed > 0 ? 1 : 0;
}

/** Null: not as the usage says. */
function optionsOf(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seeds: { type: 'string', default: '1000' },
        first: { type: 'string', default: '1' },
        seed: { type: 'string' },
        workers: { type: 'string', default: String(availableParallelism()) },
        worker: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const whole = [values.seeds, values.first, values.workers, values.seed ?? '1'].map(Number);
    return whole.every((number) => Number.isSafeInteger(number) && number >= 0) ? values : null;
  } catch {
    return null;
  }
}

async function main(): Promise<number> {
  const values = optionsOf(process.argv.slice(2));
  if (values === null || values.help) {
    (values === null ? process.stderr : process.stdout).write(usage);
    return values === null ? 2 : 0;
  }
  // Worlds make thousands of errors on purpose, and nobody reads their stacks.
  if (values.seed !== undefined) return replay(Number(values.seed));
  Error.stackTraceLimit = 3;
  const first = Number(values.first);
  const seeds = Math.max(1, Number(values.seeds));
  if (values.worker) return work(first, seeds);
  return runAll(first, seeds, Math.max(1, Math.min(workersMax, Number(values.workers))));
}

process.exitCode = await main();
