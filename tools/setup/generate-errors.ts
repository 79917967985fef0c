// SPDX-License-Identifier: Apache-2.0
/**
 * docs/errors.md from the tables of codes: each table exports
 * `errors: Record<code, { message, remedy }>`. The reader finds any code that a terminal, a log or the API shows.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { at } from './run.ts';

const tables = [
  { path: 'kit/src/errors-table.ts', who: 'everywhere' },
  { path: 'crds/src/errors.ts', who: 'manifest' },
  { path: 'client-api/protocol/src/errors.ts', who: 'protocol' },
  { path: 'server/api/src/errors.ts', who: 'HTTP client' },
  { path: 'server/src/http/errors.ts', who: 'HTTP API' },
  { path: 'server/native/src/errors.ts', who: 'native addon' },
  { path: 'server/src/errors.ts', who: 'study server' },
  { path: 'cli/src/errors.ts', who: 'command line' },
  { path: 'operator/src/errors.ts', who: 'operator' },
];

type Row = { message: string; remedy: string };

async function rows(): Promise<string[]> {
  const lines: string[] = [];
  for (const { path, who } of tables) {
    const table = ((await import(pathToFileURL(at(path)).href)) as { errors?: Record<string, Row> }).errors ?? {};
    for (const [code, row] of Object.entries(table)) {
      lines.push(`| \`${code}\` | ${who} | ${cell(row.message)} | ${cell(row.remedy)} |`);
    }
  }
  return lines.sort();
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const text = `# Errors

Every error has a code, says what happened with the facts in it, and what to do. This page is generated from the tables of
codes (\`npm run generate\`). \`{…}\` stands for a fact that the message names.

| code | from | message | remedy |
|---|---|---|---|
${(await rows()).join('\n')}
`;

const target = at('docs', 'errors.md');
const current = existsSync(target) ? readFileSync(target, 'utf8') : '';
if (process.argv.includes('--check')) {
  if (current !== text) {
    process.stderr.write('stale: docs/errors.md\n');
    process.exitCode = 1;
  }
} else if (current !== text) writeFileSync(target, text);
