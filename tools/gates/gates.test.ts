// SPDX-License-Identifier: Apache-2.0
/** Each gate is shown a planted failure: a gate that cannot fail protects nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { at } from '../setup/run.ts';
import { importLaw } from './import-law.ts';
import {
  codesExplained,
  dependenciesExplained,
  linksLead,
  noRegistryHosts,
  nothingLeftOpen,
  spdxLines,
} from './text-gates.ts';

const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A small tree with the project's rules and the given files. */
function tree(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'melissa-gate-'));
  folders.push(folder);
  const manifest = (name: string, dependencies = {}) =>
    JSON.stringify({ name, type: 'module', exports: { '.': './src/index.ts' }, dependencies });
  const all: Record<string, string> = {
    'package.json': JSON.stringify({ name: 'planted', type: 'module', workspaces: ['kit', 'crds', 'server'] }),
    'kit/package.json': manifest('@melissa/kit'),
    'crds/package.json': manifest('@melissa/crds', { '@melissa/kit': '0.1.0' }),
    'server/package.json': manifest('@melissa/server', { '@melissa/kit': '0.1.0' }),
    'kit/src/index.ts': 'export const kit = 1;\n',
    'crds/src/index.ts': "export { kit } from '@melissa/kit';\n",
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const name of ['.dependency-cruiser.mjs', 'eslint.config.mjs', 'tsconfig.json'])
    cpSync(at(name), join(folder, name));
  mkdirSync(join(folder, 'node_modules', '@melissa'), { recursive: true });
  for (const name of ['kit', 'crds', 'server'])
    symlinkSync(join('..', '..', name), join(folder, 'node_modules', '@melissa', name));
  for (const name of ['typescript-eslint', 'typescript', 'eslint', '@types', '@typescript-eslint'])
    symlinkSync(at('node_modules', name), join(folder, 'node_modules', name));
  spawnSync('git', ['init', '-q'], { cwd: folder });
  return folder;
}

const law = (folder: string) =>
  importLaw(folder, at('node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs'));
const lint = (folder: string) =>
  spawnSync(process.execPath, [at('node_modules', 'eslint', 'bin', 'eslint.js'), '--max-warnings=0', '.'], {
    cwd: folder,
    encoding: 'utf8',
  });

test('the import law accepts a tree that keeps it', () => {
  const result = law(tree({}));
  assert.deepEqual(result.problems, []);
  assert.equal(result.looked, 2);
});

const outlaws: [string, Record<string, string>, RegExp][] = [
  [
    'an import that points the wrong way',
    { 'kit/src/index.ts': "export * from '@melissa/crds';\n" },
    /only-declared:kit/,
  ],
  [
    'a package entered by a relative path',
    { 'crds/src/index.ts': "export { kit } from '../../kit/src/index.ts';\n" },
    /by-name-only/,
  ],
  ['the file system outside src/io', { 'server/src/index.ts': "import 'node:fs';\n" }, /io-in-io/],
  ['SQLite outside src/io', { 'server/src/index.ts': "import 'node:sqlite';\n" }, /io-in-io/],
  [
    'a circle',
    {
      'kit/src/a.ts': "import { b } from './b.ts';\nexport const a = b;\n",
      'kit/src/b.ts': "import { a } from './a.ts';\nexport const b = a;\n",
    },
    /no-circular/,
  ],
  ['an import that leads nowhere', { 'kit/src/index.ts': "import './gone.ts';\n" }, /resolvable/],
];
for (const [what, files, expected] of outlaws) {
  test(`the import law finds ${what}`, () => assert.match(law(tree(files)).problems.join('\n'), expected));
}

test('the import law fails when a workspace is not in its table', () => {
  const folder = tree({ 'package.json': JSON.stringify({ name: 'planted', workspaces: ['kit', 'stranger'] }) });
  assert.match(law(folder).problems.join('\n'), /workspaces without a row in the import law: stranger/);
});

test('the import law fails when git tracks a file that it did not read', () => {
  // An unreadable ending is what a checker without TypeScript support sees in all files.
  assert.match(law(tree({ 'kit/src/odd.mtsx': 'export {};\n' })).problems.join('\n'), /unseen: kit\/src\/odd[.]mtsx/);
});

const ambient: [string, string, RegExp][] = [
  ['Date.now', 'export const t = Date.now();', /Take a Clock/],
  ['globalThis.Date.now', 'export const t = globalThis.Date.now();', /Take a Clock/],
  ['new Date()', 'export const t = new Date();', /Take a Clock/],
  ['process.hrtime', 'export const t = process.hrtime();', /Take a Clock/],
  ['Math.random', 'export const t = Math.random();', /Take a Random/],
  ['process.env', 'export const t = process.env;', /Read the environment/],
  ['import { env }', "import { env } from 'node:process';\nexport const t = env;", /Read the environment/],
  ['setTimeout', 'export const t = () => setTimeout(() => {}, 1);', /kit\/src\/clock/],
  ['a bare Error', "export const t = () => { throw new Error('x'); };", /ProjectError/],
  ['a floating promise', 'export const t = () => { Promise.resolve(1); };', /no-floating-promises/],
];
test('the lint finds each way to the ambient world, and accepts a test file', () => {
  const files = Object.fromEntries(ambient.map(([, code], index) => [`kit/src/planted${index}.ts`, `${code}\n`]));
  const folder = tree({
    ...files,
    'kit/src/fine.test.ts': "import { test } from 'node:test';\ntest('now', () => void Date.now());\n",
  });
  const { stdout } = lint(folder);
  ambient.forEach(([what, , expected], index) => {
    const section = stdout.split(`planted${index}.ts`)[1]?.split('/kit/src/')[0] ?? '';
    assert.match(section, expected, `the lint misses ${what}`);
  });
  assert.doesNotMatch(stdout, /fine[.]test[.]ts/);
});

test('a source without licence, an open end, a registry host and a dead link are found', () => {
  const word = 'TO' + 'DO';
  const host = ['registry', 'npmjs', 'org'].join('.');
  assert.deepEqual(spdxLines([{ path: 'a.ts', text: 'let x;' }]).problems.length, 1);
  assert.deepEqual(nothingLeftOpen([{ path: 'a.ts', text: `// ${word}: later` }]).problems.length, 1);
  assert.deepEqual(noRegistryHosts([{ path: 'a.sh', text: `curl ${host}` }]).problems.length, 1);
  assert.deepEqual(
    noRegistryHosts([{ path: 'package-lock.json', text: '"resolved": "https://mirror/x.tgz"' }]).problems.length,
    1,
  );
  assert.deepEqual(linksLead([{ path: 'a.md', text: '[x](gone.md)' }], () => false).problems.length, 1);
  assert.deepEqual(
    dependenciesExplained([{ path: 'package.json', text: '{"dependencies":{"left-pad":"1"}}' }]).problems,
    ['docs/dependencies.md does not explain left-pad'],
  );
});

test('a code without explanation and an explanation without code are found', () => {
  const found = codesExplained([
    { path: 'docs/errors.md', text: '| `EOLD` | x | y | z |\n' },
    { path: 'server/src/a.ts', text: "throw refusal('ENEWCODE');" },
  ]);
  assert.deepEqual(found.problems, [
    'server/src/a.ts: ENEWCODE is not explained in docs/errors.md',
    'docs/errors.md: no source names EOLD',
  ]);
});
