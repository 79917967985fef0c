// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { crdYaml, customResourceDefinition, openApi } from './crd.ts';
import { emitYaml } from './emit-yaml.ts';
import { staleFiles } from './files.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

test('generated files are current', () => {
  const run = spawnSync(process.execPath, [main, '--check'], { encoding: 'utf8' });
  assert.equal(run.stdout, 'crds: 3 generated files, 0 stale\n');
  assert.equal(run.status, 0);
});

test('a file that was edited by hand is found', () => {
  const edited = (path: string): string => `${readFileSync(path, 'utf8')}${path.endsWith('.yaml') ? '# mine\n' : ''}`;
  assert.deepEqual(
    staleFiles(edited).map(({ name }) => name),
    ['crds/melissastudies.melissa.dev.yaml'],
  );
});

test('a file that is missing is found', () => {
  assert.equal(staleFiles(() => null).length, 3);
});

test('the CRD leaves room for annotations: below 256 kB', () => {
  assert.ok(Buffer.byteLength(crdYaml()) < 256 * 1000);
});

test('our own facts do not leak into the CRD', () => {
  assert.doesNotMatch(JSON.stringify(customResourceDefinition()), /"melissa":\{|exactlyOneOf|defaultMeans/);
});

test('a union becomes a rule; keys that rules cannot see are left to the validator', () => {
  const text = { description: 'T.', type: 'string' as const };
  const hidden = { description: 'H.' };
  const rulesOf = (b: typeof text | typeof hidden): unknown =>
    openApi({ description: 'U.', type: 'object', properties: { a: text, b }, melissa: { exactlyOneOf: ['a', 'b'] } })[
      'x-kubernetes-validations'
    ];
  assert.deepEqual(rulesOf(text), [
    {
      rule: '[has(self.a), has(self.b)].filter(given, given).size() == 1',
      message: 'exactly one of a, b must be given',
    },
  ]);
  assert.deepEqual(rulesOf(hidden), [
    { rule: '[has(self.a)].filter(given, given).size() <= 1', message: 'exactly one of a, b must be given' },
  ]);
});

const yaml: [string, Parameters<typeof emitYaml>[0], string][] = [
  ['plain', { a: 1, b: true, c: null, d: 'word' }, 'a: 1\nb: true\nc: null\nd: word\n'],
  [
    'texts that mean something',
    { a: 'yes', b: '1', c: '', d: 'a: b', e: '"q"', f: 'null' },
    'a: "yes"\nb: "1"\nc: ""\nd: "a: b"\ne: "\\"q\\""\nf: "null"\n',
  ],
  ['lists of maps', { a: [{ b: 1, c: [2] }, 'x'] }, 'a:\n  - b: 1\n    c:\n      - 2\n  - x\n'],
  ['empty', { a: {}, b: [] }, 'a: {}\nb: []\n'],
];
for (const [name, value, text] of yaml) test(`YAML: ${name}`, () => assert.equal(emitYaml(value), text));
