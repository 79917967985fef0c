// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProjectError } from '@melissa/kit';
import { explain } from './explain.ts';

test('a field is explained with type, default, bounds and meaning', () => {
  assert.equal(
    explain('spec.sampling.seed'),
    `spec.sampling.seed
  type     whole number
  default  0
  bounds   at least 0

  Seed of every random number of the study; the same seed draws the same parameters.
`,
  );
});

test('a map lists its fields', () => {
  const text = explain('spec.server.checkpoint');
  assert.match(text, /\n {2}fields\n {4}periodSeconds {2}number \(default 60\): Time between two checkpoints\.\n/);
});

test('paths may leave out spec, carry indices, and ask for the whole manifest', () => {
  assert.equal(explain('client.args'), explain('spec.client.args'));
  assert.equal(explain('spec.fields[3].name'), explain('fields.name'));
  assert.match(explain('spec.fields[].name'), /^spec\.fields\[\]\.name\n/);
  assert.match(explain(''), /^MelissaStudy \(melissa\.dev\/v1alpha1\)\n/);
  assert.match(explain('status.conditions'), /^status\.conditions\n {2}type {5}list of map\n/);
});

test('no line is wider than a terminal', () => {
  for (const path of ['', 'spec', 'sampling', 'client', 'statistics', 'fields', 'status']) {
    for (const line of explain(path).split('\n')) assert.ok(line.length <= 100, line);
  }
});

test('an unknown field gets a suggestion', () => {
  assert.throws(
    () => explain('spec.client.comand'),
    (error: unknown) =>
      error instanceof ProjectError &&
      error.code === 'EUNKNOWNPATH' &&
      error.message === 'spec.client has no field "comand"; did you mean command?',
  );
});
