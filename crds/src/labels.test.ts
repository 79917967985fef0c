// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalNote } from './labels.ts';
import { compiled, type Changes } from './testing.ts';

const PF = { method: 'PickFreeze', groups: 200 };
const LATIN = { ...PF, design: 'LatinHypercube' };
const cases: [string, Changes, string][] = [
  ['a random design', { 'spec.sampling': PF }, ''],
  [
    'a Latin hypercube',
    { 'spec.sampling': LATIN },
    'intervals approximate: a Latin hypercube is not an independent sample',
  ],
  [
    'a Latin hypercube without intervals',
    { 'spec.sampling': LATIN, 'spec.statistics.sobol': { interval: 'None' } },
    '',
  ],
  [
    'a study that may stop early',
    { 'spec.sampling': PF, 'spec.statistics.stopWhen': { sobolIntervalBelow: 0.1 } },
    'intervals not corrected for looking before the end',
  ],
  ["no Sobol' indices", {}, ''],
];
for (const [name, changes, note] of cases) {
  test(`what is said about intervals: ${name}`, () => assert.equal(intervalNote(compiled(changes)), note));
}
