// SPDX-License-Identifier: Apache-2.0
/** Every example runs as its page says, and finds what its page says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { cleanUp, environment, python, runStudy } from './melissa.ts';

after(cleanUp);

/** Evaluates one Python expression over the results opened in xarray as `r`. */
function results(directory: string, expression: string): unknown {
  const program = `import json, sys, numpy as np, xarray as xr\nr = xr.open_zarr(sys.argv[1])\nprint(json.dumps(${expression}))`;
  const ended = spawnSync(python, ['-c', program, `${directory}/results/results.zarr`], {
    encoding: 'utf8',
    env: environment,
  });
  assert.equal(ended.status, 0, ended.stderr);
  return JSON.parse(ended.stdout);
}

test('heat: a small pick-freeze study opens in xarray with names, units and coordinates', () => {
  const study = runStudy('examples/heat/study.yaml', { 'spec.sampling.groups': '10' });
  assert.equal(study.code, 0, `${study.stdout}\n${study.stderr}`);
  assert.deepEqual(results(study.directory, 'list(r["temperature_mean"].dims)'), ['time', 'y', 'x']);
  assert.deepEqual(results(study.directory, 'list(r["temperature_mean"].shape)'), [100, 100, 100]);
  assert.equal(results(study.directory, 'r["temperature_mean"].attrs["units"]'), 'K');
  assert.deepEqual(
    results(study.directory, 'list(map(str, r["temperature_sobol_first"].coords["parameter"].values))'),
    ['initial', 'left', 'right'],
  );
  assert.equal(results(study.directory, 'int(r["temperature_sobol_count"].max())'), 10);
});

test('ishigami: every index lies near its exact value, inside its interval or just beside', () => {
  const study = runStudy('examples/ishigami/study.yaml');
  assert.equal(study.code, 0, `${study.stdout}\n${study.stderr}`);
  // Ishigami and Homma 1990, a = 7, b = 0.1.
  const exact = { first: [0.3139, 0.4424, 0], total: [0.5576, 0.4424, 0.2437] };
  for (const kind of ['first', 'total'] as const) {
    const found = results(study.directory, `r["f_sobol_${kind}"].values.ravel().tolist()`) as number[];
    found.forEach((value, i) => assert.ok(Math.abs(value - exact[kind][i]!) < 0.12, `${kind} ${i}: ${value}`));
  }
  assert.equal(results(study.directory, 'int(r["f_count"].values.ravel()[0])'), 2000);
});

test('lorenz: one Python process runs many simulations', () => {
  const study = runStudy('examples/lorenz/study.yaml', { 'spec.sampling.simulations': '100' });
  assert.equal(study.code, 0, `${study.stdout}\n${study.stderr}`);
  assert.equal(results(study.directory, 'int(r["position_count"].values.min())'), 100);
});

test('unmodified: the field of a solver that only writes a file', () => {
  const study = runStudy('examples/unmodified/study.yaml', { 'spec.sampling.simulations': '30' });
  assert.equal(study.code, 0, `${study.stdout}\n${study.stderr}`);
  assert.equal(results(study.directory, 'int(r["displacement_count"].values.min())'), 30);
});
