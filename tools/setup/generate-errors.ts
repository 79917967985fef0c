// SPDX-License-Identifier: Apache-2.0
/**
 * docs/errors.md from the tables of codes: every package with codes has `src/errors.ts` that exports
 * `errors: Record<code, { message, remedy }>`. The reader finds any code that a terminal, a log or the API shows.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { at } from './run.ts';

const packages = [
  { folder: 'kit', who: 'everywhere' },
  { folder: 'crds', who: 'manifest' },
  { folder: 'client-api/protocol', who: 'protocol' },
  { folder: 'server/api', who: 'HTTP API' },
  { folder: 'server', who: 'study server' },
  { folder: 'cli', who: 'command line' },
];

type Row = { message: string; remedy: string };

async function rows(): Promise<string[]> {
  const lines: string[] = [];
  const seen = new Map<string, string>();
  for (const { folder, who } of packages) {
    const path = at(folder, 'src', 'errors.ts');
    if (!existsSync(path)) continue;
    const table = ((await import(pathToFileURL(path).href)) as { errors?: Record<string, Row> }).errors ?? {};
    for (const [code, row] of Object.entries(table)) {
      const other = seen.get(code);
      if (other !== undefined)
        throw new TypeError(`${code} stands in the tables of ${other} and ${folder}; a code has one meaning`);
      seen.set(code, folder);
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
