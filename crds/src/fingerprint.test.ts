// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalJson, sha256 } from './fingerprint.ts';
import { compiled, type Changes } from './testing.ts';

test('SHA-256 is that of the platform, at every length around a block', () => {
  for (let length = 0; length < 200; length++) {
    const text = 'é'.repeat(length >> 1) + 'x'.repeat(length);
    assert.equal(sha256(text), createHash('sha256').update(text).digest('hex'));
  }
  assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('the order of keys does not matter', () => {
  assert.equal(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true }), '{"a":true,"b":[1,{"c":"x","d":null}]}');
});

const base = compiled().fingerprint;
const decides: Changes[] = [
  { 'spec.sampling.seed': 1 },
  { 'spec.sampling.simulations': 11 },
  { 'spec.parameters.0.uniform.max': 2 },
  { 'spec.parameters.0.name': 'z' },
  { 'spec.time.steps': 2 },
  { 'spec.fields.0.cells': 11 },
  { 'spec.fields.0.dtype': 'Float32' },
  { 'spec.fields.0.region': { ranges: [{ start: 0, stop: 5 }] } },
  { 'spec.statistics.extrema': true },
  { 'spec.deterministic': false },
  { 'spec.nonFinite': 'Skip' },
  { 'spec.client.command': ['other'] },
  { 'spec.client.args': ['{x}'] },
  { 'spec.client.env': { A: '1' } },
  { 'spec.client.files': [{ path: 'in', content: '{x}' }] },
];
const leaves: Changes[] = [
  { 'spec.client.parallelism': 64 },
  { 'spec.server.memory': '16Gi' },
  { 'spec.server.ranks': 3 },
  { 'spec.server.checkpoint': { periodSeconds: 5 } },
  { 'spec.local.port': 0 },
  { 'spec.faultPolicy.retryLimit': 9 },
  { 'spec.suspend': true },
  { 'spec.fields.0.unit': 'K' },
  { 'spec.client.image': 'solver:2' },
];
for (const changes of decides) {
  test(`the fingerprint sees ${Object.keys(changes).join()}`, () =>
    assert.notEqual(compiled(changes).fingerprint, base));
}
for (const changes of leaves) {
  test(`the fingerprint is not moved by ${Object.keys(changes).join()}`, () =>
    assert.equal(compiled(changes).fingerprint, base));
}

test('the fingerprint of the small study stays what it is', () => {
  // A study must find its checkpoints again after an upgrade.
  assert.equal(base, '79126646cdbd0b5cbf0aeb8ed8b01017246225e97c549f6842e5a5f01b6c4085');
});
