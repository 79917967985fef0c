// SPDX-License-Identifier: Apache-2.0
/**
 * Whole studies of the real heat solver, compared with an offline computation in long double from the raw fields that they
 * kept. The tolerances are those of docs/statistics.md; a ratio of at most 1 is agreement.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { cleanUp, compareOffline, runStudy, summaryOf } from './melissa.ts';

after(cleanUp);

const small = 'examples/heat/study-small.yaml';
const mpi = 'examples/heat/study-small-mpi.yaml';

const twoFields = 'e2e/src/fixtures/two-fields.yaml';
const ofType = (dtype: string, values: string): Record<string, string> => ({
  'spec.fields[0].dtype': dtype,
  'spec.fields[1].dtype': dtype,
  'spec.client.args': `[${dtype.toLowerCase()}, ${values}]`,
});
const groups = {
  'spec.sampling': '{"method":"PickFreeze","groups":30,"seed":5}',
  'spec.statistics.sobol': '{"estimator":"Martinez","interval":"Robust"}',
};

type Variant = { name: string; manifest: string; sets: Record<string, string> };
const variants: Variant[] = [
  { name: 'one client rank, one server rank', manifest: small, sets: {} },
  { name: 'one client rank, three server ranks', manifest: small, sets: { 'spec.server.ranks': '3' } },
  { name: 'one client rank, four server ranks', manifest: small, sets: { 'spec.server.ranks': '4' } },
  { name: 'four MPI client ranks, three server ranks', manifest: mpi, sets: {} },
  { name: 'four MPI client ranks, one server rank', manifest: mpi, sets: { 'spec.server.ranks': '1' } },
  {
    name: "Jansen's estimator",
    manifest: small,
    sets: { 'spec.statistics.sobol': '{"estimator":"Jansen","interval":"Jackknife"}' },
  },
  {
    name: "Saltelli's estimator",
    manifest: small,
    sets: { 'spec.statistics.sobol': '{"estimator":"Saltelli","interval":"None"}' },
  },
  {
    name: 'second-order indices',
    manifest: small,
    sets: { 'spec.sampling.secondOrder': 'true', 'spec.sampling.groups': '15' },
  },
  {
    name: 'independent simulations',
    manifest: small,
    sets: {
      'spec.sampling': '{"method":"LatinHypercube","simulations":60,"seed":3}',
      'spec.statistics.sobol': '{"estimator":"None"}',
    },
  },
  ...['Float32', 'Float64'].map((dtype) => ({
    name: `two fields of ${dtype} and their covariance`,
    manifest: twoFields,
    sets: ofType(dtype, 'finite'),
  })),
  {
    name: "Float32, Sobol' indices and covariance of pick-freeze groups, three server ranks",
    manifest: twoFields,
    sets: { ...ofType('Float32', 'finite'), ...groups, 'spec.server.ranks': '3' },
  },
  {
    name: 'values that are not finite are left out, independent simulations',
    manifest: twoFields,
    sets: { ...ofType('Float64', 'holes'), 'spec.nonFinite': 'Skip' },
  },
  {
    name: 'values that are not finite are left out, pick-freeze groups of Float32',
    manifest: twoFields,
    sets: { ...ofType('Float32', 'holes'), ...groups, 'spec.nonFinite': 'Skip' },
  },
  {
    name: 'values that are not finite propagate, pick-freeze groups',
    manifest: twoFields,
    sets: { ...ofType('Float64', 'holes'), ...groups, 'spec.nonFinite': 'Propagate' },
  },
];

for (const { name, manifest, sets } of variants) {
  test(`statistics equal the offline ones: ${name}`, () => {
    const study = runStudy(manifest, sets);
    assert.equal(study.code, 0, `${study.stdout}\n${study.stderr}`);
    const { largest, ratios, nonFinite } = compareOffline(study.directory);
    assert.ok(largest <= 1, JSON.stringify(ratios, null, 1));
    const holes = sets['spec.client.args']?.includes('holes') ?? false;
    for (const count of Object.values(nonFinite)) assert.equal(count > 0, holes, JSON.stringify(nonFinite));
  });
}

test('C, C with one MPI rank, Fortran and Python send identical bits', () => {
  const digests = ['[heat]', '[heat-mpi]', '[heat-fortran]', '[./heat.py]'].map((command) => {
    const study = runStudy(small, { 'spec.client.command': command, 'spec.sampling.groups': '6' });
    assert.equal(study.code, 0, `${command}: ${study.stdout}\n${study.stderr}`);
    return JSON.stringify(summaryOf(study.directory).digests);
  });
  assert.match(digests[0]!, /cells:temperature.*sobol:temperature/);
  for (const digest of digests) assert.equal(digest, digests[0]);
});
