// SPDX-License-Identifier: Apache-2.0
/** Asks one benchmark and makes its line, with what a reader needs to judge it: machine, date, commit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { met, rounded, type Bench, type Result } from './bench.ts';
import { root, run } from './programs.ts';

export async function ask(bench: Bench, options: { tiny: boolean; repetitions: number }): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), `melissa-bench-`));
  try {
    const repetitions = bench.repetitions ?? options.repetitions;
    const { value, hash, detail } = await bench.run({ tiny: options.tiny, repetitions, folder });
    return {
      name: bench.name,
      value: rounded(value),
      unit: bench.unit,
      goal: bench.goal,
      met: met(bench, value),
      peer: bench.peer,
      detail: { ...detail, hash, repetitions },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where and of what the results are. */
export async function circumstances(): Promise<{ date: string; commit: string; machine: string }> {
  const commit = (await run('git', ['-C', root, 'rev-parse', '--short=12', 'HEAD'])).stdout.trim();
  const changed = (await run('git', ['-C', root, 'status', '--porcelain', '--untracked-files=no'])).stdout
    .split('\n')
    .filter((line) => line !== '' && !line.includes('benchmarks/results/') && !line.includes('docs/performance.md'));
  const processors = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 16) + 'Z',
    commit: changed.length > 0 ? `${commit} and changes` : commit,
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}, ${gib} GiB`,
  };
}
