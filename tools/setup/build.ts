// SPDX-License-Identifier: Apache-2.0
/** Builds what is native: client library and pilot, kernels and addon, the examples. CMake and make decide what is stale. */
import { existsSync, readdirSync } from 'node:fs';
import { at, mustRun, tryRun } from './run.ts';

/** CMake projects: source folder, build folder. Their order is that of their dependencies. */
const projects = [
  { source: 'client-api', build: 'build/client-api', tests: [] },
  { source: 'server/native', build: 'build/native', tests: ['native_tests'] },
];

/** `withTests` also builds the programs that only tests run. */
export function build({ withTests = false } = {}): void {
  for (const project of projects) cmake(project.source, project.build, withTests ? project.tests : []);
  for (const example of readdirSync(at('examples'))) {
    if (existsSync(at('examples', example, 'Makefile'))) make(example);
  }
}

function cmake(source: string, folder: string, tests: string[]): void {
  const configured = existsSync(at(folder, 'build.ninja'));
  if (!configured) mustRun('cmake', ['-S', at(source), '-B', at(folder), '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release']);
  if (configured && tryRun('ninja', ['-C', at(folder), '-n', 'all', ...tests]).stdout.includes('no work to do')) return;
  process.stderr.write(`set-up: building ${source}\n`);
  mustRun('ninja', ['-C', at(folder), '--quiet', 'all', ...tests]);
}

/** MPI is optional for an example: its Makefile builds the parts that the machine has compilers for. */
function make(example: string): void {
  mustRun('make', ['--silent', '-C', at('examples', example)]);
}
