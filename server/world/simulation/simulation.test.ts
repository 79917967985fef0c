// SPDX-License-Identifier: Apache-2.0
/** Thousands of worlds in which everything fails have the right result; a planted bug of each class is found; a seed replays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutants } from './mutants.ts';
import { told } from './run.ts';
import { shapeNames } from './studies.ts';
import { simulate } from './world.ts';

const SEEDS = 1000;
/** A planted bug shows in one of this many worlds. */
const MUTANT_SEEDS = 120;

test(`${SEEDS} worlds end with every sample folded once`, { timeout: 600_000 }, async () => {
  const seen = new Set<string>();
  const happened = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const verdict = await simulate(seed);
    assert.deepEqual(verdict.problems, [], told(verdict, 60));
    seen.add(verdict.scenario.shape);
    for (const kind of Object.keys(verdict.faults)) happened.add(kind);
  }
  assert.deepEqual([...seen].sort(), [...shapeNames].sort(), 'every study was among them');
  assert.ok(happened.size >= 17, `nearly every fault happened: ${[...happened].join(' ')}`);
});

test('a seed replays its world, event by event', async () => {
  const [first, second] = [await simulate(77, { profile: 'all' }), await simulate(77, { profile: 'all' })];
  assert.ok(first.events > 100);
  assert.deepEqual(first, second);
});

for (const { name, bugs, profile, shape, says } of mutants) {
  test(`found: ${name}`, { timeout: 300_000 }, async () => {
    const world = shape === undefined ? { profile } : { profile, shape };
    for (let seed = 1; seed <= MUTANT_SEEDS; seed++) {
      const { problems } = await simulate(seed, { ...world, bugs });
      if (problems.length === 0) continue;
      assert.match(problems.join('\n'), says);
      assert.deepEqual((await simulate(seed, world)).problems, [], 'without the bug the same world ends well');
      return;
    }
    assert.fail(`no world of ${MUTANT_SEEDS} shows it`);
  });
}
