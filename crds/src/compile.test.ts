// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileStudy } from './compile.ts';
import { aManifest, compiled, HEAT, problemsOf } from './testing.ts';

test('the heat manifest compiles', () => {
  const result = compileStudy(HEAT, { manifestDirectory: '/home/ada' });
  assert.ok('study' in result, JSON.stringify(result));
  const { study } = result;
  assert.deepEqual(study.parameters[1], {
    name: 'left',
    unit: 'K',
    longName: '',
    distribution: { kind: 'Normal', mean: 300, sd: 20 },
  });
  assert.equal(study.sampling.simulations, 1500);
  assert.equal(study.sampling.groupSize, 5);
  assert.equal(study.time.values.length, 100);
  assert.equal(study.time.values[99], 0.99);
  const [field] = study.fields;
  assert.deepEqual([field?.cells, field?.keptCells, field?.keptSteps.length], [10_000, 10_000, 100]);
  assert.deepEqual(field?.mesh, { kind: 'Regular', spacing: [0.01, 0.01], origin: [0, 0] });
  assert.deepEqual(field?.statistics, {
    moments: 4,
    extrema: true,
    exceedance: [350],
    quantiles: [0.05, 0.5, 0.95],
    quantileMethod: 'Lattice',
    spacing: 'Linear',
    histogram: false,
    sobol: { estimator: 'Martinez', secondOrder: false, interval: 'Robust', jackknifeBlocks: 20, level: 0.95 },
  });
  assert.deepEqual(study.stopWhen, { sobolIntervalBelow: 0.05, every: 50, minGroups: 100, minVarianceShare: 0.01 });
  assert.equal(study.faultPolicy.onExhausted, 'Redraw');
});

test('every default is what it is', () => {
  const { fingerprint, ...study } = compiled();
  assert.match(fingerprint, /^[0-9a-f]{64}$/);
  assert.deepEqual(study, {
    name: 'small',
    parameters: [{ name: 'x', unit: '', longName: '', distribution: { kind: 'Uniform', min: 0, max: 1 } }],
    sampling: {
      method: 'Random',
      design: 'Random',
      seed: 0,
      simulations: 10,
      groupSize: 1,
      groups: 10,
      secondOrder: false,
      skip: 0,
      scramble: false,
      gridPoints: [],
      rows: [],
    },
    time: { unit: '', steps: 1, values: [0] },
    fields: [
      {
        index: 0,
        name: 'u',
        unit: '',
        longName: '',
        dtype: 'Float64',
        shape: [10],
        cells: 10,
        regions: [[0, 10]],
        box: { start: [0], stop: [10] },
        keptCells: 10,
        keptShape: [10],
        keptSteps: [0],
        mesh: { kind: 'None' },
        statistics: {
          moments: 2,
          extrema: false,
          exceedance: [],
          quantiles: [],
          quantileMethod: 'Lattice',
          spacing: 'Linear',
          histogram: false,
          sobol: null,
        },
      },
    ],
    covariances: [],
    keepRaw: { all: false, ids: [] },
    partial: 'Keep',
    deterministic: true,
    nonFinite: 'Reject',
    stopWhen: null,
    client: {
      image: '',
      command: ['solver'],
      args: [],
      env: {},
      files: [],
      preprocessing: [],
      ranks: 1,
      launcher: { kind: 'None' },
      loop: false,
      parallelism: 1,
      keepWorkDirectory: 'Never',
      workDirectory: true,
      drainSeconds: 30,
      outputBytesMax: 65_536,
      outputs: [],
    },
    server: {
      ranks: 1,
      memoryBytes: 4 * 2 ** 30,
      checkpointPeriodSeconds: 60,
      resultsPeriodSeconds: 600,
      keepSeconds: 0,
      heldBytesMax: 2 ** 30,
      receiveBudgetBytes: 256 * 2 ** 20,
      sendWindowBytes: 16 * 2 ** 20,
    },
    faultPolicy: {
      timeoutSeconds: 300,
      retryLimit: 2,
      onExhausted: 'Fail',
      redrawLimit: 3,
      lostLimit: 5,
      maxFailed: 10,
      graceSeconds: 30,
      sendTimeoutSeconds: 300,
    },
    suspend: false,
    cancel: false,
    deadlineSeconds: null,
    ttlSecondsAfterFinished: null,
    backend: 'Local',
    local: { directory: 'studies/small', port: 8888, listen: '127.0.0.1', encrypt: false },
    manifestDirectory: '/home/ada',
  });
});

const PICK_FREEZE = { 'spec.sampling': { method: 'PickFreeze', groups: 200 } };
const sobolOf = (changes: Record<string, unknown>): unknown =>
  compiled({ ...PICK_FREEZE, ...changes }).fields[0]!.statistics.sobol;

test("a pick-freeze study has Sobol' indices with the interval that suits its design, unless told otherwise", () => {
  const base = { secondOrder: false, jackknifeBlocks: 20, level: 0.95 };
  assert.deepEqual(sobolOf({}), { ...base, estimator: 'Martinez', interval: 'Robust' });
  assert.deepEqual(sobolOf({ 'spec.statistics.sobol': { estimator: 'Jansen' } }), {
    ...base,
    estimator: 'Jansen',
    interval: 'None',
  });
  assert.deepEqual(sobolOf({ 'spec.sampling.design': 'Sobol', 'spec.sampling.skip': 1 }), {
    ...base,
    estimator: 'Martinez',
    interval: 'None',
  });
  assert.equal(sobolOf({ 'spec.statistics.sobol': { estimator: 'None' } }), null);
  assert.equal(sobolOf({ 'spec.fields.0.statistics': { sobol: false } }), null);
});

test('second order makes groups of 2P + 2', () => {
  const study = compiled({ 'spec.sampling': { method: 'PickFreeze', groups: 200, secondOrder: true } });
  assert.deepEqual([study.sampling.groupSize, study.sampling.simulations], [4, 800]);
  assert.equal(study.fields[0]!.statistics.sobol?.secondOrder, true);
});

test('what is not given follows from what is', () => {
  assert.equal(compiled({ 'spec.deterministic': false }).partial, 'Whole');
  assert.deepEqual(compiled({ 'spec.client.ranks': 4 }).client.launcher, { kind: 'Mpirun', args: [] });
  assert.equal(compiled({ 'spec.server.memory': '8Gi' }).server.heldBytesMax, 2 * 2 ** 30);
  assert.equal(compiled({}, { backend: 'Kubernetes' }).server.keepSeconds, 3600);
  assert.equal(compiled({ 'spec.backend': { slurm: {} } }).backend, 'Slurm');
  assert.equal(compiled({ 'spec.server.directory': 'here' }).local.directory, 'here');
});

test('a study without fields has no statistics', () => {
  const study = compiled({ 'spec.fields': [] });
  assert.deepEqual([study.fields, study.covariances], [[], []]);
});

test('steps and regions are expanded', () => {
  const changes = {
    'spec.time': { steps: 10 },
    'spec.fields': [{ name: 'u', shape: [4, 5], every: 4, region: { box: { start: [1, 1], stop: [3, 4] } } }],
  };
  const [field] = compiled(changes).fields;
  assert.deepEqual(field?.keptSteps, [0, 4, 8]);
  assert.deepEqual(field?.regions, [
    [6, 9],
    [11, 14],
  ]);
  assert.deepEqual([field?.keptCells, field?.keptShape], [6, [2, 3]]);
});

test('whole rows of a box are one range', () => {
  const [field] = compiled({
    'spec.fields': [{ name: 'u', shape: [4, 5, 6], region: { box: { start: [1, 0, 0], stop: [3, 5, 6] } } }],
  }).fields;
  assert.deepEqual(field?.regions, [[30, 90]]);
});

test('ranges that touch are joined', () => {
  const ranges = [
    { start: 0, stop: 2 },
    { start: 2, stop: 3 },
    { start: 5, stop: 6 },
  ];
  const [field] = compiled({ 'spec.fields.0.region': { ranges } }).fields;
  assert.deepEqual(
    [field?.regions, field?.box, field?.keptShape],
    [
      [
        [0, 3],
        [5, 6],
      ],
      null,
      [4],
    ],
  );
});

test("a field's own statistics win, thresholds go to the field they name", () => {
  const study = compiled({
    'spec.fields': [
      { name: 'u', cells: 10, statistics: { moments: 4, quantiles: [0.9, 0.1] } },
      { name: 'v', cells: 10 },
    ],
    'spec.statistics': {
      extrema: true,
      exceedance: [{ above: 2 }, { above: 1, field: 'u' }],
      covariance: [{ fields: ['v', 'u'] }],
    },
  });
  assert.deepEqual(
    study.fields.map(({ statistics: s }) => [s.moments, s.extrema, s.quantiles, s.exceedance]),
    [
      [4, true, [0.1, 0.9], [1, 2]],
      [2, true, [], [2]],
    ],
  );
  assert.deepEqual(study.covariances, [{ fields: [1, 0] }]);
});

test('a list of parameters is read from a CSV file, columns in any order, quotes and comments understood', () => {
  const parameters = [
    { name: 'x', uniform: { min: 0, max: 1 } },
    { name: 'metal', choice: { values: ['iron', 'zinc, raw'] } },
  ];
  const read: string[] = [];
  const readText = (path: string): string => {
    read.push(path);
    return '# made by hand\r\nmetal,x\r\n"zinc, raw", 0.5\r\niron,1e-3\r\n';
  };
  const study = compiled(
    { 'spec.parameters': parameters, 'spec.sampling': { method: 'List', list: { csv: 'rows.csv' } } },
    { readText },
  );
  assert.deepEqual(read, ['rows.csv']);
  assert.deepEqual(study.sampling.rows, [
    [0.5, 'zinc, raw'],
    [0.001, 'iron'],
  ]);
  assert.equal(study.sampling.simulations, 2);
});

test('the argument is left alone', () => {
  const manifest = aManifest();
  const before = structuredClone(manifest);
  compileStudy(manifest, { manifestDirectory: '/' });
  assert.deepEqual(manifest, before);
});

test('a compiled study survives the way between processes', () => {
  const study = compiled(PICK_FREEZE);
  assert.deepEqual(JSON.parse(JSON.stringify(study)), study);
});

test('all problems are named at once', () => {
  const paths = problemsOf({
    'spec.sampling.seeed': 1,
    'spec.client.args': ['{y}'],
    'spec.fields.0.cells': 0,
    'spec.server.memory': 'much',
  }).map(({ path }) => path);
  assert.deepEqual(paths, ['spec.sampling.seeed', 'spec.fields[0].cells', 'spec.server.memory', 'spec.client.args[0]']);
});

test('a manifest full of mistakes is refused with a bounded number of problems', () => {
  const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i]));
  assert.equal(problemsOf({ 'spec.sampling': keys }).length, 100);
});

for (const manifest of [
  null,
  undefined,
  3,
  'text',
  [],
  {},
  { spec: null },
  { spec: [] },
  { spec: { parameters: 3, fields: {}, sampling: [], client: 1 } },
]) {
  test(`anything at all is answered: ${JSON.stringify(manifest)}`, () => {
    const result = compileStudy(manifest, { manifestDirectory: '/' });
    assert.ok('errors' in result && result.errors.length > 0);
  });
}
