// SPDX-License-Identifier: Apache-2.0
/** What `npm run NAME` does, by name. Runs on the locked Node; launch.mjs saw to that. */
import { images } from './images/main.ts';
import { build } from './setup/build.ts';
import { generate } from './setup/generate.ts';
import { setUp } from './setup/set-up.ts';
import { buildPortable } from './setup/portable.ts';
import { quickstart } from './quickstart.ts';
import { runProgram } from './setup/run.ts';
import { runSuites } from './suites/runner.ts';

const programs: Record<string, (args: string[]) => Promise<number>> = {
  quickstart,
  build: async () => (setUp('build'), build(), 0),
  images: async (args) => images(args),
  portable: async () => (setUp('images'), buildPortable(), 0),
  generate: async (args) => generate(args),
  test: (args) => runSuites(['check', 'e2e'], args),
  check: (args) => runSuites(['check'], args),
  e2e: (args) => runSuites(['e2e'], args),
  'test:long': (args) => runSuites(['long'], args),
  bench: (args) => prepared('bench', 'benchmarks/src/main.ts', args),
  simulate: (args) => prepared('build', 'server/world/simulate.ts', args),
  chaos: (args) => prepared('test', 'e2e/src/chaos/main.ts', args),
  'cluster:up': (args) => runProgram('e2e/cluster/src/main.ts', ['up', ...args]),
  'cluster:down': (args) => runProgram('e2e/cluster/src/main.ts', ['down', ...args]),
  'cluster:status': (args) => runProgram('e2e/cluster/src/main.ts', ['status', ...args]),
  'cluster:load': (args) => runProgram('e2e/cluster/src/main.ts', ['load', ...args]),
};

/** Sets up what `goal` needs, builds, then runs the program. */
async function prepared(goal: 'build' | 'test' | 'bench', program: string, args: string[]): Promise<number> {
  setUp(goal);
  build();
  return runProgram(program, args);
}

const [name = '', ...args] = process.argv.slice(2);
const program = programs[name];
if (program === undefined) {
  process.stderr.write(`unknown program "${name}"; known: ${Object.keys(programs).join(', ')}\n`);
  process.exit(2);
}
process.exitCode = await program(args);
