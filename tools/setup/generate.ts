// SPDX-License-Identifier: Apache-2.0
/** `npm run generate`: every generated file from its source; with --check only compares, and names the stale ones. */
import { existsSync } from 'node:fs';
import { at, runProgram } from './run.ts';

/** Each is a program of its own that accepts --check and exits 1 naming what is stale. */
export const generators = [
  'crds/src/generate/main.ts',
  'client-api/protocol/src/generate.ts',
  'server/api/src/generate.ts',
  'cli/src/generate.ts',
  'operator/src/generate.ts',
  'tools/setup/generate-errors.ts',
  'tools/setup/generate-chart.ts',
];

export async function generate(args: string[]): Promise<number> {
  let failed = 0;
  for (const generator of generators) {
    if (!existsSync(at(generator))) {
      process.stderr.write(`generate: ${generator} is missing\n`);
      failed += 1;
    } else if ((await runProgram(generator, args)) !== 0) {
      process.stderr.write(`generate: ${generator} reports stale or unwritable files\n`);
      failed += 1;
    }
  }
  return failed === 0 ? 0 : 1;
}
