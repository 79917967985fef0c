// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench [-- NAME…] [--json]`: asks the named benchmarks (or those whose names begin so; all when none is named), appends
 * each answer to benchmarks/results/NAME.jsonl and renews docs/performance.md. Run it on a machine that does nothing else.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { allBenches } from './all.ts';
import { ask, circumstances } from './ask.ts';
import type { Result } from './bench.ts';
import { buildNative, root, stopPrograms } from './programs.ts';
import { writeReport } from './report.ts';

const REPETITIONS = 5;
const INTERRUPTED = 130;
let isInterrupted = false;

function sentence(result: Result): string {
  const value = result.unit === 'ms' ? `${result.value} ms` : String(result.value);
  const verdict = result.goal === null ? 'told  ' : result.met ? 'met   ' : 'MISSED';
  return `${verdict}  ${result.name.padEnd(26)} ${value.padStart(10)}   goal ${result.goal ?? 'none'}\n`;
}

async function main(args: string[]): Promise<number> {
  const json = args.includes('--json');
  const names = args.filter((word) => !word.startsWith('--'));
  const all = await allBenches();
  const wanted = all.filter(({ name }) => names.length === 0 || names.some((start) => name.startsWith(start)));
  if (wanted.length === 0) {
    process.stderr.write(`no benchmark is called so; there are: ${all.map(({ name }) => name).join(', ')}\n`);
    return 2;
  }
  await buildNative();
  const where = await circumstances();
  const folder = join(root, 'benchmarks', 'results');
  mkdirSync(folder, { recursive: true });
  let failed = 0;
  for (const bench of wanted) {
    if (isInterrupted) break;
    process.stderr.write(`asking ${bench.name}: ${bench.question}\n`);
    try {
      const result = await ask(bench, { tiny: false, repetitions: REPETITIONS });
      appendFileSync(join(folder, `${bench.name}.jsonl`), `${JSON.stringify({ ...result, ...where })}\n`);
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : sentence(result));
    } catch (error) {
      failed += 1;
      process.stderr.write(`${bench.name} could not be asked: ${String(error)}\n`);
    }
  }
  await writeReport();
  return failed > 0 ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isInterrupted = true;
    stopPrograms();
  });
const code = await main(process.argv.slice(2));
process.exitCode = isInterrupted ? INTERRUPTED : code;
