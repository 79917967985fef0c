// SPDX-License-Identifier: Apache-2.0
/** The border between TypeScript and C++: right calls give right numbers, wrong ones a TypeError and never a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native, type NativeState } from './index.ts';
import { someOptions, someStatistics } from './testing.ts';

const bytesOf = (values: number[]): Uint8Array => new Uint8Array(new Float64Array(values).buffer);

test('statistics folded through the addon equal their definitions', () => {
  const state = native.statisticsCreate(someStatistics({ moments: 4, thresholds: [2.5] }), 3);
  const samples = [
    [1, 10, -1],
    [2, 20, -1],
    [6, 90, -1],
  ];
  native.statisticsFoldSamples(state, 0, 3, bytesOf(samples.flat()), 3);
  const read = (statistic: string, argument = 0): number[] => [
    ...native.statisticsDerive(state, statistic, argument, 0, 3),
  ];
  assert.deepEqual(read('count'), [3, 3, 3]);
  assert.deepEqual(read('mean'), [3, 40, -1]);
  assert.deepEqual(read('variance'), [7, 1900, 0]);
  assert.deepEqual(read('minimum'), [1, 10, -1]);
  assert.deepEqual(read('maximum'), [6, 90, -1]);
  assert.deepEqual(read('exceedance'), [1 / 3, 1, 0]);
});

test('samples folded in one call, in several, at odd addresses, or merged give the same bits', () => {
  const cells = 700;
  const n = 7;
  const values = Array.from({ length: n * cells }, (_, i) => Math.sin(i * 1.7) * 1e3);
  const spec = someStatistics({ moments: 4 });
  const whole = native.statisticsCreate(spec, cells);
  native.statisticsFoldSamples(whole, 0, cells, bytesOf(values), n);
  const pieces = native.statisticsCreate(spec, cells);
  const odd = new Uint8Array(8 * cells + 1);
  for (let i = 0; i < n; i++) {
    odd.set(bytesOf(values.slice(i * cells, (i + 1) * cells)), 1);
    native.statisticsFoldSamples(pieces, 0, cells, odd.subarray(1), 1);
  }
  const read = (state: NativeState, statistic: string) => native.statisticsDerive(state, statistic, 0, 0, cells);
  for (const statistic of ['mean', 'variance', 'skewness', 'kurtosis', 'minimum', 'maximum']) {
    assert.deepEqual(read(pieces, statistic), read(whole, statistic), statistic);
  }
  const empty = native.statisticsCreate(spec, cells);
  assert.equal(native.statisticsMerge(empty, whole), true);
  assert.deepEqual(read(empty, 'mean'), read(whole, 'mean'));
});

test('a wrong argument is a TypeError that says which', () => {
  const state = native.statisticsCreate(someStatistics(), 4);
  const engine = native.engineCreate(someOptions());
  const fold = native.statisticsFoldSamples;
  const wrong: [() => unknown, RegExp][] = [
    [() => fold(state, 0, 4, new Uint8Array(31), 1), /length of their samples/],
    [() => fold(state, 0, 5, new Uint8Array(40), 1), /range of cells/],
    [() => fold(state, 2, 2, new Uint8Array(0), 1), /range of cells/],
    [() => fold(state, 0, 4, new Uint8Array(32), -1), /argument 4/],
    [() => fold(state, 0, 4, new Uint8Array(32), Number.MAX_SAFE_INTEGER), /length of their samples/],
    [() => fold(state, 0, 4, [] as never, 1), /argument 3 must be a Uint8Array/],
    [() => fold(engine as never, 0, 4, new Uint8Array(32), 1), /argument 0 must be a state/],
    [() => fold({} as never, 0, 4, new Uint8Array(32), 1), /argument 0 must be a state/],
    [() => native.engineTakeReport(state as never), /argument 0 must be an engine/],
    [() => native.engineTakeReport(undefined as never), /argument 0 must be an engine/],
    [() => native.statisticsFoldGroups(state, 0, 4, new Uint8Array(0), 0, 0), /no Sobol/],
    [() => native.engineCreate(someOptions({ token: undefined as never })), /options\.token must be given/],
    [() => native.engineCreate(someOptions({ simulations: 1.5 })), /options\.simulations must be a whole number/],
    [() => native.engineCreate(someOptions({ fields: [{}] as never })), /options\.fields\[0\]\.index must be given/],
    [() => native.engineCheckpoint(engine, 0), /argument 1/],
    [() => native.engineConvergence(engine, new Float64Array(1)), /must have 2 values/],
  ];
  for (const [call, message] of wrong) assert.throws(call, { name: 'TypeError', message });
});

test('options that contradict each other and unknown statistics are refused with a code', async () => {
  assert.throws(() => native.engineCreate(someOptions({ rank: 1 })), { code: 'EOPTIONS' });
  assert.throws(() => native.engineCreate(someOptions({ groupSize: 3 })), {
    code: 'EOPTIONS',
    message: /multiple of the group size/,
  });
  const state = native.statisticsCreate(someStatistics(), 4);
  assert.throws(() => native.statisticsDerive(state, 'sobolFirst', 0, 0, 4), { code: 'ESTATISTIC' });
  const engine = native.engineCreate(someOptions());
  const read = (step: number, statistic: string, end: number) =>
    native.engineReadStatistic(engine, 0, step, statistic, 0, 0, end);
  assert.equal((await read(1, 'count', 1000)).length, 1000);
  await assert.rejects(read(2, 'count', 1000), { code: 'ESTATISTIC', message: /does not keep step 2/ });
  await assert.rejects(read(1, 'count', 1001), { code: 'ESTATISTIC', message: /outside/ });
  await assert.rejects(read(1, 'quantile', 1), { code: 'ESTATISTIC', message: /has no statistic "quantile"/ });
});

test('an address that is taken is refused with its reason', async () => {
  const first = native.engineCreate(someOptions());
  const endpoint = native.engineStart(first, () => undefined);
  const second = native.engineCreate(someOptions({ listen: endpoint }));
  assert.throws(() => native.engineStart(second, () => undefined), {
    code: 'ELISTEN',
    message: /Address already in use/,
  });
  await native.engineStop(first);
  assert.equal(
    native.engineStart(second, () => undefined),
    endpoint,
  );
  await native.engineStop(second);
  await native.engineStop(second);
});

test('the core without a socket refuses what the engine refuses, and saves and restores itself', () => {
  const core = native.coreCreate(someOptions(), 7);
  const replies = native.coreMessage(core, 'somebody', new Uint8Array(30));
  assert.equal(replies.length, 1);
  assert.equal(replies[0]!.peer, 'somebody');
  assert.equal(native.coreTakeReport(core).refusedTotal, 1);
  const saved = native.coreSave(core);
  const other = native.coreCreate(someOptions(), 8);
  native.coreRestore(other, saved);
  assert.deepEqual(native.coreDigests(other), native.coreDigests(core));
  assert.throws(() => native.coreRestore(other, saved.subarray(1)), { code: 'ECHECKPOINT' });
  assert.throws(() => native.coreRestore(other, new Uint8Array(0)), { code: 'ECHECKPOINT' });
});

test('every instruction set of this machine can be forced', () => {
  const best = native.instructionSet();
  assert.equal(native.instructionSet('scalar'), 'scalar');
  assert.equal(native.instructionSet(''), best);
  assert.throws(() => native.instructionSet('mmx'), { code: 'EINSTRUCTIONS' });
});
