// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileStudy, type CompiledStudy } from '@melissa/crds';
import { makeDesign } from './design.ts';
import { formatValue } from './format.ts';

const UNIFORM = [
  { name: 'a', uniform: { min: 0, max: 1 } },
  { name: 'b', uniform: { min: 0, max: 1 } },
  { name: 'c', uniform: { min: 0, max: 1 } },
];

function aStudy(sampling: Record<string, unknown>, parameters: unknown[] = UNIFORM): CompiledStudy {
  const manifest = {
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: 'test' },
    spec: { parameters, sampling, fields: [], client: { command: ['solver'] } },
  };
  const result = compileStudy(manifest, { manifestDirectory: '/' });
  assert.ok('study' in result, JSON.stringify(result));
  return result.study;
}

const all = (study: CompiledStudy, draw = 0): (number | string)[][] => {
  const design = makeDesign(study);
  return Array.from({ length: study.sampling.simulations }, (_, i) => design.parameters(i, draw));
};

for (const method of ['Random', 'LatinHypercube', 'Halton', 'Sobol']) {
  test(`${method}: any order of asking gives the same vectors, another seed or draw others`, () => {
    const study = aStudy({ method, simulations: 20, seed: 3 });
    const forward = all(study);
    const design = makeDesign(study);
    for (let i = 19; i >= 0; i--) {
      design.parameters(i, 1);
      assert.deepEqual(design.parameters(i, 0), forward[i]);
    }
    assert.notDeepEqual(all(study, 1), forward);
    assert.notDeepEqual(all(study, 2), all(study, 1));
    if (method === 'Random' || method === 'LatinHypercube')
      assert.notDeepEqual(all(aStudy({ method, simulations: 20, seed: 4 })), forward);
    assert.equal(design.redraws, true);
    assert.equal(design.redrawLabel, method === 'Random' ? '' : 'design broken');
  });
}

test('a random design is uniform and its parameters are independent', () => {
  const rows = all(aStudy({ method: 'Random', simulations: 4000, seed: 11 })) as number[][];
  const mean = (of: (row: number[]) => number): number => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  for (let d = 0; d < 3; d++) {
    // 5 standard errors of the mean, 1/√(12·4000), and of the variance.
    assert.ok(Math.abs(mean((row) => row[d]!) - 0.5) < 5 * 0.0046);
    assert.ok(Math.abs(mean((row) => (row[d]! - 0.5) ** 2) - 1 / 12) < 5 * 0.0012);
  }
  assert.ok(Math.abs(mean((row) => (row[0]! - 0.5) * (row[1]! - 0.5))) < 5 * 0.0014);
});

test('a Latin hypercube has one point in each stratum of each parameter', () => {
  const rows = all(aStudy({ method: 'LatinHypercube', simulations: 100, seed: 1 })) as number[][];
  for (let d = 0; d < 3; d++) {
    assert.deepEqual(
      rows.map((row) => Math.floor(row[d]! * 100)).sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, i) => i),
    );
  }
});

test('members of a pick-freeze group are A, B, C_1…C_P and with second order D_1…D_P', () => {
  const design = makeDesign(aStudy({ method: 'PickFreeze', groups: 5, seed: 7, secondOrder: true }));
  for (const [group, draw] of [
    [0, 0],
    [4, 0],
    [4, 2],
  ] as const) {
    const [A, B, ...rest] = Array.from({ length: 8 }, (_, member) => design.parameters(group * 8 + member, draw)) as [
      number[],
      number[],
      ...number[][],
    ];
    for (let i = 0; i < 3; i++) {
      assert.notEqual(A[i], B[i]);
      assert.deepEqual(rest[i], A.with(i, B[i]!));
      assert.deepEqual(rest[3 + i], B.with(i, A[i]!));
    }
  }
});

test("a pick-freeze study on a Sobol' sequence takes A and B from one sequence of 2P dimensions", () => {
  const rows = all(aStudy({ method: 'PickFreeze', design: 'Sobol', groups: 4, skip: 1 }));
  // Points 1 to 3 of SciPy's sequence in 6 dimensions.
  assert.deepEqual(
    [rows[0], rows[1]],
    [
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ],
  );
  assert.deepEqual(
    [rows[5], rows[6]],
    [
      [0.75, 0.25, 0.25],
      [0.25, 0.75, 0.75],
    ],
  );
  assert.deepEqual(
    [rows[10], rows[11]],
    [
      [0.25, 0.75, 0.75],
      [0.75, 0.25, 0.25],
    ],
  );
});

test('a grid counts with its last parameter fastest, and is never redrawn', () => {
  const parameters = [
    { name: 'a', uniform: { min: 0, max: 1 } },
    { name: 'b', choice: { values: ['x', 'y'] } },
    { name: 'c', constant: { value: 5 } },
  ];
  const study = aStudy({ method: 'Grid', points: { a: 3 } }, parameters);
  const expected = [
    [0, 'x', 5],
    [0, 'y', 5],
    [0.5, 'x', 5],
    [0.5, 'y', 5],
    [1, 'x', 5],
    [1, 'y', 5],
  ];
  assert.deepEqual(all(study), expected);
  assert.deepEqual(all(study, 3), expected);
  assert.equal(makeDesign(study).redraws, false);
});

test('a list gives its rows', () => {
  const study = aStudy({ method: 'List', list: { text: 'c,a,b\n3,1,2\n6,4,5\n' } });
  assert.deepEqual(all(study), [
    [1, 2, 3],
    [4, 5, 6],
  ]);
  assert.equal(makeDesign(study).redraws, false);
});

test('a simulation outside the study is our own mistake', () => {
  const design = makeDesign(aStudy({ method: 'Random', simulations: 2 }));
  assert.throws(() => design.parameters(2, 0), /assertion failed: simulation 2 is in the study/);
});

test('the first vectors of seed 7 stay what they are', () => {
  // A study resumed by a newer version must go on with the same parameters.
  const [first] = all(aStudy({ method: 'PickFreeze', groups: 1, seed: 7 }));
  assert.deepEqual(first, [0.3912163542827063, 0.3099122999310209, 0.6429534955451676]);
});

const texts: [number | string, string][] = [
  [0.1, '0.1'],
  [-0, '-0'],
  [1e21, '1e+21'],
  [5e-324, '5e-324'],
  [0.1 + 0.2, '0.30000000000000004'],
  [100, '100'],
  ['steel', 'steel'],
];
for (const [value, text] of texts) {
  test(`${text} is written so that it reads back as the same value`, () => {
    assert.equal(formatValue(value), text);
    if (typeof value === 'number') assert.ok(Object.is(Number(text), value));
  });
}
