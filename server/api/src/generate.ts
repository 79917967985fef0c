// SPDX-License-Identifier: Apache-2.0
/**
 * Writes server/api/openapi.json and docs/reference/rest.md from the table of routes. With `--check` it writes nothing and
 * exits 1 when one of them is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from './openapi.ts';
import { referencePage } from './reference.ts';

const root = new URL('../../../', import.meta.url);
const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
  .version;
const outputs = new Map([
  ['server/api/openapi.json', `${JSON.stringify(openApiDocument(version), null, 2)}\n`],
  ['docs/reference/rest.md', referencePage()],
]);

function current(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

const isCheck = process.argv.includes('--check');
for (const [name, text] of outputs) {
  const path = fileURLToPath(new URL(name, root));
  if (current(path) === text) continue;
  if (isCheck) {
    process.stderr.write(`${name} is stale; run \`node server/api/src/generate.ts\`\n`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
