// SPDX-License-Identifier: Apache-2.0
/** Writes docs/reference/cli.md from the program. With `--check` it writes nothing and exits 1 when the page is stale. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProgram } from './program.ts';
import { referencePage } from './reference.ts';

const path = fileURLToPath(new URL('../../docs/reference/cli.md', import.meta.url));
const text = referencePage(buildProgram('', async () => undefined));

function current(): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // Not there yet: stale.
  }
}

if (current() !== text) {
  if (process.argv.includes('--check')) {
    process.stderr.write('docs/reference/cli.md is stale; run `node cli/src/generate.ts`\n');
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
