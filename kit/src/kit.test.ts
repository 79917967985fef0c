// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BoundedQueue,
  closest,
  formatBytes,
  formatDuration,
  ManualClock,
  parseQuantity,
  ProjectError,
  Random,
} from './index.ts';

test('timers of a manual clock fire in order of their due time, at their due time', () => {
  const clock = new ManualClock();
  const fired: [string, number][] = [];
  clock.after(20, () => fired.push(['late', clock.monotonicMs()]));
  clock.after(10, () => {
    fired.push(['early', clock.monotonicMs()]);
    clock.after(5, () => fired.push(['nested', clock.monotonicMs()]));
  });
  clock.after(12, () => fired.push(['never', 0])).cancel();
  clock.advance(30);
  assert.deepEqual(fired, [
    ['early', 10],
    ['nested', 15],
    ['late', 20],
  ]);
  assert.equal(clock.monotonicMs(), 30);
});

test('setting the wall clock back leaves monotonic time alone', () => {
  const clock = new ManualClock();
  const wallMs = clock.wallMs();
  clock.advance(1000);
  clock.setWallBackBy(3_600_000);
  assert.equal(clock.monotonicMs(), 1000);
  assert.equal(clock.wallMs(), wallMs + 1000 - 3_600_000);
});

test('random numbers are those of xoshiro256** seeded by SplitMix64', () => {
  // The generator written again with BigInt, as its authors publish it.
  const mask = (1n << 64n) - 1n;
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (64n - k))) & mask;
  const s: bigint[] = [];
  let state = 42n;
  for (let i = 0; i < 4; i++) {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    s.push(z ^ (z >> 31n));
  }
  const random = new Random(42);
  for (let i = 0; i < 1000; i++) {
    const expected = (rotl((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 17n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 45n);
    const [high, low] = random.bits64();
    assert.equal((BigInt(high) << 32n) | BigInt(low), expected);
  }
});

test('uniform numbers fill [0, 1) evenly, and streams at different indexes differ', () => {
  const random = new Random(7);
  let sum = 0;
  for (let i = 0; i < 100_000; i++) {
    const u = random.uniform();
    assert.ok(u >= 0 && u < 1);
    sum += u;
  }
  assert.ok(Math.abs(sum / 100_000 - 0.5) < 0.005);
  assert.notEqual(Random.at(1, 0).uniform(), Random.at(1, 1).uniform());
  assert.equal(Random.at(1, 5).uniform(), Random.at(1, 5).uniform());
  assert.notEqual(new Random(1).fork('a').uniform(), new Random(1).fork('b').uniform());
});

test('integers below a bound and shuffles reach every value', () => {
  const random = new Random(3);
  const counts = new Array<number>(5).fill(0);
  for (let i = 0; i < 5000; i++) counts[random.below(5)]! += 1;
  assert.ok(counts.every((count) => count > 850 && count < 1150));
  assert.deepEqual([...random.shuffle([1, 2, 3, 4, 5])].sort(), [1, 2, 3, 4, 5]);
});

test('a full queue refuses and keeps its order', () => {
  const queue = new BoundedQueue<number>({ name: 'test', itemsMax: 2 });
  assert.ok(queue.offer(1) && queue.offer(2));
  assert.equal(queue.offer(3), false);
  assert.equal(queue.poll(), 1);
  assert.ok(queue.offer(3));
  assert.deepEqual(queue.drain(), [2, 3]);
  assert.equal(queue.poll(), undefined);
});

test('amounts of memory are read as Kubernetes reads them', () => {
  assert.equal(parseQuantity('4Gi'), 4 * 2 ** 30);
  assert.equal(parseQuantity('1.5G'), 1.5e9);
  assert.equal(parseQuantity('100'), 100);
  assert.throws(
    () => parseQuantity('4 gigs'),
    (error: unknown) => error instanceof ProjectError && error.code === 'EQUANTITY' && error.remedy.includes('4Gi'),
  );
});

test('amounts and durations read well', () => {
  assert.deepEqual([0, 999, 1500, 65e9, 999.7e6].map(formatBytes), ['0 B', '999 B', '1.5 kB', '65 GB', '1 GB']);
  assert.deepEqual([0, 46, 166, 11_100, 349_200].map(formatDuration), [
    '0 s',
    '46 s',
    '2 min 46 s',
    '3 h 5 min',
    '4 d 1 h',
  ]);
});

test('a near miss finds the word that was meant, a far one finds nothing', () => {
  assert.equal(closest('oder', ['order', 'seed']), 'order');
  assert.equal(closest('smapling', ['sampling', 'time']), 'sampling');
  assert.equal(closest('zzz', ['sampling', 'time']), null);
});
