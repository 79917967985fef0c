// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled, plateManifest } from '../http/scripted-service.ts';
import { partitionOf, rangesOf } from './partition.ts';
import {
  clientWelcomeOf,
  fieldLayoutOf,
  openGroupsMax,
  pilotWelcomeOf,
  planOptionsOf,
  valuesText,
} from './study-facts.ts';

const study = compiled(plateManifest());
const announced = { simulation: 0, client: 1n, name: 'temperature', dtype: 2, cells: [40, 8] };

test('parts of the ranks cover every cell once and differ by at most one cell', () => {
  for (const [cells, ranks] of [
    [48, 1],
    [48, 5],
    [3, 4],
    [0, 2],
  ] as const) {
    const partition = partitionOf(cells, ranks);
    assert.equal(partition[0], 0);
    assert.equal(partition[ranks], cells);
    const sizes = partition.slice(1).map((end, rank) => end - partition[rank]!);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${cells} cells on ${ranks} ranks: ${sizes.join(' ')}`);
  }
});

test('steps travel as ranges with a stride', () => {
  assert.deepEqual(rangesOf([0, 1, 2, 3]), [{ begin: 0, end: 4, stride: 1 }]);
  assert.deepEqual(rangesOf([0, 10, 20, 25]), [
    { begin: 0, end: 21, stride: 10 },
    { begin: 25, end: 26, stride: 1 },
  ]);
  const back = rangesOf([2, 3, 7, 9, 11]).flatMap(({ begin, end, stride }) => {
    const steps = [];
    for (let step = begin; step < end; step += stride) steps.push(step);
    return steps;
  });
  assert.deepEqual(back, [2, 3, 7, 9, 11]);
});

test('an announced field gets its layout, or the reason why not', () => {
  const layout = fieldLayoutOf(study, announced);
  assert.ok(!('code' in layout));
  assert.deepEqual(layout, { index: 0, regions: [], steps: [], partition: [0, 48] });
  const code = (changes: object) => {
    const answer = fieldLayoutOf(study, { ...announced, ...changes });
    return 'code' in answer ? `${answer.code}: ${answer.message}` : 'layout';
  };
  assert.match(code({ name: 'temprature' }), /^EFIELD_UNKNOWN: .*"temprature"; it has temperature/);
  assert.match(code({ cells: [40] }), /^EFIELD_SIZE: .*sends 40 cells, the study says 48/);
  assert.match(code({ dtype: 1 }), /^EFIELD_TYPE/);
});

test('a part of a field is announced by its regions and steps', () => {
  const fields = [
    { name: 'temperature', unit: 'K', shape: [6, 8], every: 2, region: { box: { start: [1, 0], stop: [3, 4] } } },
  ];
  const part = compiled(plateManifest({ fields }));
  const layout = fieldLayoutOf(part, announced);
  assert.ok(!('code' in layout));
  assert.deepEqual(layout.regions, [
    { begin: 8, end: 12 },
    { begin: 16, end: 20 },
  ]);
  assert.deepEqual(layout.steps, [{ begin: 0, end: 3, stride: 2 }]);
  assert.deepEqual(layout.partition, [0, 8]);
});

test('values are the shortest decimals that read back', () => {
  const values = valuesText([0.1, 1 / 3, -0, 1e-7, 'blue']).split('\u001f');
  assert.deepEqual(values, ['0.1', '0.3333333333333333', '-0', '1e-7', 'blue']);
});

test('welcomes carry what pilots and clients need', () => {
  const pilot = pilotWelcomeOf(study);
  assert.deepEqual(pilot.parameterNames, ['initial', 'left']);
  assert.deepEqual(pilot.command, ['heat', '{initial}']);
  const client = clientWelcomeOf(study, [{ endpoint: 'tcp://127.0.0.1:1', serverKey: '', host: 'h' }], 3);
  assert.deepEqual([client.firstStep, client.nonFinite, client.fields[0]!.cells], [3, 0, 48]);
});

test('groups are opened within the memory for held blocks, and at least one', () => {
  const heldOfGroup = 4 * 48 * 4 * 8;
  assert.equal(openGroupsMax({ ...study, server: { ...study.server, heldBytesMax: 3.5 * heldOfGroup } }), 3);
  assert.equal(openGroupsMax({ ...study, server: { ...study.server, heldBytesMax: 1 } }), 1);
  assert.equal(planOptionsOf(study, { epoch: 1, resumed: false }).redrawable, true);
});
