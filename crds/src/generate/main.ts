// SPDX-License-Identifier: Apache-2.0
/**
 * Writes what is made from the schema: `node crds/src/generate/main.ts`. With `--check` nothing is written, and files that
 * differ from what would be written are named with exit code 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crdYaml } from './crd.ts';
import { referencePage } from './reference.ts';
import { typesSource } from './types.ts';

const root = new URL('../../../', import.meta.url);

const files: Record<string, () => string> = {
  'crds/melissastudies.melissa.dev.yaml': crdYaml,
  'crds/src/types.generated.ts': typesSource,
  'docs/reference/manifest.md': referencePage,
};

function current(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // Not there yet: stale.
  }
}

const stale: string[] = [];
for (const [name, make] of Object.entries(files)) {
  const path = fileURLToPath(new URL(name, root));
  const text = make();
  if (current(path) === text) continue;
  stale.push(name);
  if (process.argv.includes('--check')) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (process.argv.includes('--check')) {
  for (const name of stale) process.stdout.write(`stale: ${name} (run: npm run generate)\n`);
  process.stdout.write(`crds: ${Object.keys(files).length} generated files, ${stale.length} stale\n`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const name of stale) process.stdout.write(`wrote ${name}\n`);
}
