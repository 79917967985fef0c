// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Distribution } from '@melissa/crds';
import { axisOf, inverseOf } from './distributions.ts';
import { normalCdf, normalQuantile } from './normal.ts';

type Vectors = {
  cases: { distribution: Distribution; u: number[]; values: number[] }[];
  normalCdf: { x: number[]; values: number[] };
};
const vectors = JSON.parse(readFileSync(new URL('vectors/distributions.json', import.meta.url), 'utf8')) as Vectors;

function assertNear(actual: number, expected: number, relative: number, what: string): void {
  const scale = Math.max(Math.abs(expected), Number.MIN_VALUE);
  assert.ok(Math.abs(actual - expected) <= relative * scale, `${what}: ${actual}, expected ${expected}`);
}

test("the normal's probability keeps its relative accuracy far out in the lower tail", () => {
  const { x, values } = vectors.normalCdf;
  assert.ok(x.length > 90);
  for (const [i, at] of x.entries()) assertNear(normalCdf(at), values[i]!, 4e-15, `Φ(${at})`);
});

test('the quantile of the normal undoes its probability', () => {
  for (let x = -37; x <= 5; x += 0.37) assert.ok(Math.abs(normalQuantile(normalCdf(x)) - x) <= 1e-10, `Φ⁻¹(Φ(${x}))`);
  assert.equal(normalQuantile(0.5), 0);
});

for (const { distribution, u, values } of vectors.cases) {
  const { kind, ...numbers } = distribution;
  test(`${kind} ${JSON.stringify(numbers)} has SciPy's quantiles`, () => {
    const inverse = inverseOf(distribution);
    // Near its ends a truncated normal is compared in units of its width, since the value there is a difference.
    const width = 'min' in distribution ? Math.max(Math.abs(distribution.min), Math.abs(distribution.max)) : 0;
    for (const [i, at] of u.entries()) {
      const expected = values[i]!;
      const tolerance = 2e-13 * Math.max(Math.abs(expected), width, kind === 'Normal' ? 1 : 0);
      const actual = inverse(at) as number;
      assert.ok(Math.abs(actual - expected) <= tolerance, `u = ${at}: ${actual}, expected ${expected}`);
    }
  });
}

test('no value leaves its bounds, even at the ends of the unit interval', () => {
  for (const { distribution } of vectors.cases) {
    if (!('min' in distribution)) continue;
    const inverse = inverseOf(distribution);
    for (const u of [2 ** -54, 1 - 2 ** -53]) {
      const value = inverse(u) as number;
      assert.ok(value >= distribution.min && value <= distribution.max, `${distribution.kind} at ${u}: ${value}`);
    }
  }
});

test('a choice takes its values in proportion to their weights, and never one of weight 0', () => {
  const inverse = inverseOf({ kind: 'Choice', values: ['a', 2, 'c'], weights: [0.25, 0.75, 0] });
  assert.deepEqual([0, 0.2499, 0.25, 0.9, 1 - 2 ** -53].map(inverse), ['a', 'a', 2, 2, 2]);
});

test('a constant is itself', () => {
  assert.equal(inverseOf({ kind: 'Constant', value: 'steel' })(0.3), 'steel');
});

const axes: [string, Distribution, number, (number | string)[]][] = [
  ['uniform: ends included', { kind: 'Uniform', min: 0, max: 10 }, 3, [0, 5, 10]],
  ['uniform, 1 point: the middle', { kind: 'Uniform', min: 0, max: 10 }, 1, [5]],
  ['log-uniform: equal ratios', { kind: 'LogUniform', min: 1, max: 4 }, 3, [1, 2, 4]],
  ['normal: midpoints of equally likely intervals', { kind: 'Normal', mean: 1, sd: 1 }, 1, [1]],
  ['choice: its values', { kind: 'Choice', values: ['x', 'y'], weights: [0.5, 0.5] }, 2, ['x', 'y']],
];
for (const [name, distribution, points, expected] of axes) {
  test(`axis of a grid, ${name}`, () => {
    const actual = axisOf(distribution, points);
    assert.equal(actual.length, expected.length);
    for (const [i, value] of expected.entries()) {
      if (typeof value === 'number') assertNear(actual[i] as number, value, 1e-14, `point ${i}`);
      else assert.equal(actual[i], value);
    }
  });
}
