// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Random } from '@melissa/kit';
import { haltonSequence, sobolSequence } from './sequences.ts';

type Case = { method: 'Sobol' | 'Halton'; dimensions: number; skip: number; points: number[][] };
const vectors = JSON.parse(readFileSync(new URL('vectors/sequences.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

for (const { method, dimensions, skip, points } of vectors.cases) {
  test(`${method} in ${dimensions} dimensions from point ${skip} equals SciPy bit for bit`, () => {
    const sequence = (method === 'Sobol' ? sobolSequence : haltonSequence)(dimensions, null);
    for (const [i, point] of points.entries()) {
      assert.equal(point.length, dimensions);
      for (const [d, value] of point.entries())
        assert.equal(sequence(skip + i, d), value, `point ${skip + i}, dimension ${d}`);
    }
  });
}

for (const [name, make] of [
  ['Sobol', sobolSequence],
  ['Halton', haltonSequence],
] as const) {
  test(`a scrambled ${name} sequence keeps its strata, depends on the seed and never gives 0`, () => {
    const count = 64;
    const pointsOf = (seed: number): number[] => {
      const sequence = make(2, new Random(seed));
      return Array.from({ length: count }, (_, i) => sequence(i, 0));
    };
    const first = pointsOf(1);
    // The first coordinate is on base 2 in both: 64 points fall into 64 strata, one each.
    assert.deepEqual(
      [...new Set(first.map((x) => Math.floor(x * count)))].sort((a, b) => a - b),
      Array.from({ length: count }, (_, i) => i),
    );
    assert.ok(first.every((x) => x > 0 && x < 1));
    assert.deepEqual(first, pointsOf(1));
    assert.notDeepEqual(first, pointsOf(2));
  });
}
