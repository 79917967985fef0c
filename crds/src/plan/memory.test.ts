// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompiledStudy } from '../compiled.ts';
import { compiled, type Changes } from '../testing.ts';
import { groupHeldBytes, groupsWanted, openGroupsMax } from './held.ts';
import { planMemory, PROCESS_BYTES } from './memory.ts';
import { rankBegin, rankCells, stateBytes } from './state.ts';

const SIX = Array.from({ length: 6 }, (_, i) => ({ name: `p${i}`, uniform: { min: 0, max: 1 } }));

/** 10⁷ cells × 100 steps: the example by which the design was made. */
const large = (changes: Changes = {}): CompiledStudy =>
  compiled({
    'spec.parameters': SIX,
    'spec.sampling': { method: 'PickFreeze', groups: 300 },
    'spec.time.steps': 100,
    'spec.fields': [{ name: 't', cells: 1e7 }],
    'spec.statistics': { moments: 4, extrema: true },
    ...changes,
  });

/** Gigabytes by statistic, rounded. */
const gigabytes = (study: CompiledStudy): Record<string, number> =>
  Object.fromEntries(planMemory(study).statistics.map(({ statistic, bytes }) => [statistic, Math.round(bytes / 1e9)]));

test('10⁷ cells × 100 steps need what the design says', () => {
  const robust = gigabytes(large());
  assert.equal(robust['moments']! + robust['extrema']!, 48);
  assert.equal(robust['sobol'], 832);
  assert.equal(gigabytes(large({ 'spec.statistics.sobol': { interval: 'Fisher' } }))['sobol'], 224);
});

const bytes: [string, Changes, Record<string, number>][] = [
  ['nothing', { 'spec.statistics': { moments: 0 } }, {}],
  ['moments', { 'spec.statistics': { moments: 3 } }, { counts: 4, moments: 24 }],
  [
    'thresholds',
    { 'spec.statistics': { moments: 0, exceedance: [{ above: 1 }, { above: 2 }] } },
    { counts: 4, exceedance: 8 },
  ],
  ['lattice', { 'spec.statistics': { moments: 0, quantiles: [0.5, 0.9] } }, { counts: 4, lattice: 536 }],
  ['histogram', { 'spec.statistics': { moments: 0, histogram: true } }, { counts: 4, lattice: 536 }],
  [
    'Robbins-Monro',
    { 'spec.statistics': { moments: 0, quantiles: [0.5, 0.9], quantileMethod: 'RobbinsMonro' } },
    { counts: 4, extrema: 16, quantiles: 16 },
  ],
  [
    'covariance',
    {
      'spec.fields': [
        { name: 'u', cells: 512 },
        { name: 'v', cells: 512, statistics: { moments: 0 } },
      ],
      'spec.statistics': { moments: 0, covariance: [{ fields: ['u', 'v'] }] },
    },
    { covariance: 44 },
  ],
];
for (const [name, changes, expected] of bytes) {
  test(`bytes a cell and step: ${name}`, () => {
    const rows = planMemory(compiled(changes)).statistics;
    assert.deepEqual(Object.fromEntries(rows.map((row) => [row.statistic, row.bytesPerCellStep])), expected);
  });
}

const PF = { method: 'PickFreeze', groups: 200 };
const sobol: [string, Changes, number][] = [
  ['Martinez without interval', { 'spec.statistics.sobol': { interval: 'None' } }, 8],
  ['Fisher', { 'spec.statistics.sobol': { interval: 'Fisher' } }, 8],
  ['Robust', { 'spec.statistics.sobol': { interval: 'Robust' } }, 24],
  ['Jansen', { 'spec.statistics.sobol': { estimator: 'Jansen' } }, 6],
  ['Saltelli', { 'spec.statistics.sobol': { estimator: 'Saltelli' } }, 7],
  [
    'Jackknife of 10 blocks',
    { 'spec.statistics.sobol': { estimator: 'Jansen', interval: 'Jackknife', jackknifeBlocks: 10 } },
    60,
  ],
];
for (const [name, changes, doubles] of sobol) {
  test(`doubles of the Sobol' state of one parameter: ${name}`, () => {
    const rows = planMemory(compiled({ 'spec.sampling': PF, ...changes })).statistics;
    assert.equal(rows.find(({ statistic }) => statistic === 'sobol')?.bytesPerCellStep, 8 * doubles);
  });
}

test('second order adds the D members and a co-moment of every ordered pair', () => {
  const of = (secondOrder: boolean): number =>
    planMemory(large({ 'spec.sampling': { method: 'PickFreeze', groups: 300, secondOrder } })).statistics.find(
      ({ statistic }) => statistic === 'sobol',
    )!.bytesPerCellStep;
  assert.equal(of(true) - of(false), 8 * (2 * 6 + 6 * 5));
});

test('ranks own even parts that cover every cell once', () => {
  for (const [cells, ranks] of [
    [10, 3],
    [2, 4],
    [1e7, 7],
    [9007199254740991, 1024],
  ] as const) {
    const parts = Array.from({ length: ranks }, (_, rank) => rankCells(cells, ranks, rank));
    assert.equal(rankBegin(cells, ranks, ranks), cells);
    assert.equal(
      parts.reduce((a, b) => a + b),
      cells,
    );
    assert.ok(parts[0]! - parts.at(-1)! <= 1);
  }
});

test('state is allocated in whole tiles', () => {
  assert.equal(stateBytes(compiled({ 'spec.fields.0.cells': 1 })), 512 * 20);
  assert.equal(stateBytes(compiled({ 'spec.fields.0.cells': 1024, 'spec.server.ranks': 2 }), 1), 512 * 20);
});

test('a group holds every kept block of every member, and nothing is held when nothing waits', () => {
  assert.equal(groupHeldBytes(compiled()), 0);
  assert.equal(openGroupsMax(compiled()), 10);
  // 3 members × 5 steps × 10 cells × 8 bytes, 2 ranks.
  const study = compiled({ 'spec.sampling': PF, 'spec.time.steps': 5, 'spec.server.ranks': 2 });
  assert.equal(groupHeldBytes(study), 600);
  assert.equal(groupHeldBytes(compiled({ 'spec.sampling': PF, 'spec.statistics.sobol': { estimator: 'None' } })), 0);
  assert.equal(groupHeldBytes(compiled({ 'spec.partial': 'Whole', 'spec.fields.0.dtype': 'Float32' })), 40);
});

test('groups are opened within the bound of held blocks', () => {
  const study = compiled({
    'spec.sampling': PF,
    'spec.fields.0.cells': 1e6,
    'spec.server.heldLimit': '100M',
    'spec.client.parallelism': 8,
  });
  assert.equal(groupHeldBytes(study), 24e6);
  assert.equal(openGroupsMax(study), 4);
  assert.equal(groupsWanted(study), 4);
});

test('a study that fits says how much it needs', () => {
  const plan = planMemory(
    compiled({ 'spec.sampling': PF, 'spec.time.steps': 100, 'spec.fields.0.cells': 1e4, 'spec.client.parallelism': 3 }),
  );
  assert.equal(plan.fits, true);
  assert.deepEqual([plan.excesses, plan.remedies], [[], []]);
  const { total, ...parts } = plan.rank;
  assert.equal(
    total,
    Object.values(parts).reduce((a, b) => a + b),
  );
  assert.equal(plan.rank.held, 2 * plan.groupHeldBytes);
  assert.equal(plan.rank.receive, 3 * 16 * 2 ** 20);
  assert.equal(plan.head, PROCESS_BYTES + 256 * 600);
  assert.ok(plan.checkpointBytes >= plan.rank.state);
  // count, mean, variance, standard error; first and total with two bounds.
  assert.equal(plan.resultsBytes, 1e6 * 8 * (4 + 6));
});

const MIB = 2 ** 20;
/** A place for 10⁶ values, its record and its header, in whole cache lines. */
const PLACE = 64 + Math.ceil((96 + 8e6) / 64) * 64;
const RING = Math.ceil((16 * MIB + 2 * PLACE) / 4096) * 4096;
const rings: [string, Changes, number][] = [
  ['one a solver that stays', { 'spec.client.loop': true, 'spec.client.parallelism': 3 }, 3 * RING],
  ['never more than half of the receive budget', { 'spec.client.loop': true, 'spec.client.parallelism': 9 }, 128 * MIB],
  ['solvers of one simulation leave theirs behind for a second', {}, 128 * MIB],
  ['none for a simulation that sends little', { 'spec.fields.0.cells': 1e5 }, 0],
  [
    'one even for little where the solver stays',
    { 'spec.fields.0.cells': 8, 'spec.client.loop': true },
    16 * MIB + 4096,
  ],
  ['none between pods', { 'spec.backend': { kubernetes: {} }, 'spec.client.image': 'solver:1' }, 0],
  ['none without fields', { 'spec.fields': [] }, 0],
];
for (const [name, changes, expected] of rings) {
  test(`memory shared with solvers: ${name}`, () => {
    const { rank } = planMemory(compiled({ 'spec.fields.0.cells': 1e6, ...changes }));
    assert.equal(rank.rings, expected);
    const { total, ...parts } = rank;
    assert.equal(
      total,
      Object.values(parts).reduce((a, b) => a + b),
    );
  });
}

test('shared memory alone can be what does not fit', () => {
  const changes = {
    'spec.fields.0.cells': 1e6,
    'spec.client.loop': true,
    'spec.client.parallelism': 4,
    'spec.server.receiveBudget': '200Mi',
  };
  const { total, rings } = planMemory(compiled(changes)).rank;
  assert.equal(rings, 100 * MIB);
  const fits = (memory: number): boolean =>
    planMemory(compiled({ ...changes, 'spec.server.memory': String(memory) })).fits;
  assert.equal(fits(total), true);
  assert.equal(fits(total - rings / 2), false);
});

test('kept raw fields are counted', () => {
  assert.equal(planMemory(compiled({ 'spec.keepRaw': { all: true } })).rawBytes, 800);
  assert.equal(planMemory(compiled({ 'spec.keepRaw': { ids: [1, 3] } })).rawBytes, 160);
});

test('a Latin hypercube costs the head 4 bytes a parameter and point', () => {
  assert.equal(planMemory(compiled({ 'spec.sampling.method': 'LatinHypercube' })).head, PROCESS_BYTES + 10 * (256 + 4));
});

test('a study that does not fit is told so, and every remedy that claims to be enough is', () => {
  const plan = planMemory(large());
  assert.equal(plan.fits, false);
  assert.match(plan.excesses[0]!, /^each rank needs 9\d\d GB, but server.memory is 4.29 GB$/);
  assert.equal(
    plan.excesses[1],
    'one group of 8 simulations may hold 64 GB on a rank, but server.heldLimit is 1.07 GB',
  );
  assert.equal(openGroupsMax(large()), 0);
  const texts = plan.remedies.map(({ path }) => path);
  for (const path of [
    'spec.server.ranks',
    'spec.fields[].region',
    'spec.statistics.sobol.interval',
    'spec.statistics.sobol.estimator',
    'spec.statistics.moments',
    'spec.server.memory',
  ]) {
    assert.ok(texts.includes(path), path);
  }
  const ranks = Number(/(\d+) ranks/.exec(plan.remedies.find(({ path }) => path === 'spec.server.ranks')!.text)![1]);
  assert.equal(planMemory(large({ 'spec.server.ranks': ranks })).fits, true);
  assert.equal(planMemory(large({ 'spec.server.ranks': ranks - 1 })).fits, false);
  const memory = /(\S+[GM]i)/.exec(plan.remedies.find(({ path }) => path === 'spec.server.memory')!.text)![1];
  assert.equal(planMemory(large({ 'spec.server.memory': memory })).fits, true);
});

test('fewer steps are offered with the smallest stride that fits', () => {
  const changes = { 'spec.sampling': PF, 'spec.time.steps': 64, 'spec.fields.0.cells': 3e6 };
  const plan = planMemory(compiled(changes));
  const remedy = plan.remedies.find(({ path }) => path === 'spec.fields[].every');
  assert.ok(remedy?.fits);
  const every = Number(/every (\d+)/.exec(remedy.text)![1]);
  assert.ok(every > 1);
  assert.equal(planMemory(compiled({ ...changes, 'spec.fields.0.every': every })).fits, true);
  assert.equal(planMemory(compiled({ ...changes, 'spec.fields.0.every': every - 1 })).fits, false);
});

test('too many simulations for the head are named', () => {
  const plan = planMemory(compiled({ 'spec.sampling.simulations': 1e7, 'spec.server.memory': '1Gi' }));
  assert.deepEqual(plan.excesses, ['the head needs 2.69 GB for 10000000 simulations, but server.memory is 1.07 GB']);
});
