// SPDX-License-Identifier: Apache-2.0
/** Builds the solvers of the chaos and bad-input studies into build/e2e, once per change of the source. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@melissa/kit';
import { root } from '../melissa.ts';

const library = join(root, 'build', 'client-api');

/** Compiles `source` (a path below e2e/src) to build/e2e/NAME and returns that path. */
export function buildSolver(source: string, name: string, options: { mpi: boolean } = { mpi: false }): string {
  const input = join(root, 'e2e', 'src', source);
  const output = join(root, 'build', 'e2e', name);
  const newest = Math.max(statSync(input).mtimeMs, statSync(join(library, 'libmelissa.so')).mtimeMs);
  if (existsSync(output) && statSync(output).mtimeMs > newest) return output;
  mkdirSync(join(root, 'build', 'e2e'), { recursive: true });
  const words = [
    '-O2',
    '-std=c99',
    '-Wall',
    '-Wextra',
    '-ffp-contract=off',
    `-I${join(root, 'client-api', 'include')}`,
  ];
  words.push(...(options.mpi ? ['-DCHAOS_MPI'] : []), '-o', output, input);
  words.push(`-L${library}`, `-Wl,-rpath,${library}`, '-lmelissa', '-lm');
  const built = spawnSync(options.mpi ? 'mpicc' : 'cc', words, { encoding: 'utf8' });
  assert(built.status === 0, `${input} compiles: ${built.stderr} ${built.error?.message ?? ''}`);
  return output;
}

export const hasMpi = (): boolean => spawnSync('mpicc', ['--version']).status === 0;
