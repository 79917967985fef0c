// SPDX-License-Identifier: Apache-2.0
/**
 * Writes what is made from the schema: `node crds/src/generate/main.ts`. With `--check` nothing is written, and files that
 * differ from what would be written are named with exit code 1.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FILE_COUNT, staleFiles } from './files.ts';

const checkOnly = process.argv.includes('--check');
const stale = staleFiles((path) => (existsSync(path) ? readFileSync(path, 'utf8') : null));

for (const { name, path, text } of stale) {
  if (checkOnly) {
    process.stdout.write(`stale: ${name} (run: npm run generate)\n`);
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  process.stdout.write(`wrote ${name}\n`);
}
if (checkOnly) {
  process.stdout.write(`crds: ${FILE_COUNT} generated files, ${stale.length} stale\n`);
  process.exitCode = stale.length > 0 ? 1 : 0;
}
