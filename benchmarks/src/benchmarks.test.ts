// SPDX-License-Identifier: Apache-2.0
/** Every benchmark still runs: with inputs so small that the answers mean nothing, once, without peers from a package registry. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { allBenches } from './all.ts';
import { ask } from './ask.ts';
import { met } from './bench.ts';
import { buildNative } from './programs.ts';

before(() => buildNative());

const benches = await allBenches();

test('benchmarks have names of their own and say what they ask, of what, and what limits it', () => {
  assert.ok(benches.length >= 15, `${benches.length} benchmarks`);
  assert.equal(new Set(benches.map(({ name }) => name)).size, benches.length);
  for (const bench of benches) {
    assert.match(bench.name, /^[a-zA-Z0-9-]+$/);
    assert.match(bench.question, /[?]$/, bench.name);
    assert.ok(bench.peer.length > 0 && bench.limits.length > 0, bench.name);
    if (bench.goal === null) continue;
    assert.ok(bench.goal > 0, bench.name);
    assert.equal(met(bench, bench.goal), true);
    assert.equal(met(bench, bench.better === 'higher' ? bench.goal / 2 : bench.goal * 2), false);
  }
});

for (const bench of benches) {
  const skip =
    bench.needsPackages === true
      ? 'its peer comes from a package registry'
      : bench.needsCluster === true
        ? 'it needs a cluster; e2e/src/operator tests what it runs'
        : false;
  test(`${bench.name} runs`, { skip, timeout: 120_000 }, async () => {
    const result = await ask(bench, { tiny: true, repetitions: 1 });
    assert.deepEqual(Object.keys(result), ['name', 'value', 'unit', 'goal', 'met', 'peer', 'detail']);
    assert.ok(Number.isFinite(result.value), `value ${result.value}`);
    assert.equal(result.name, bench.name);
    const hash = result.detail['hash'];
    assert.ok(typeof hash === 'string' && hash.length >= 8, `hash ${String(hash)}`);
  });
}
