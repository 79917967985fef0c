// SPDX-License-Identifier: Apache-2.0
/** What a study that has ended still answers: which simulations failed, why, and what they wrote. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cleanUp, environment, melissa, runStudy, scratch, variant } from './melissa.ts';

after(cleanUp);

const manifest = `apiVersion: melissa.dev/v1alpha1
kind: MelissaStudy
metadata: { name: fragile }
spec:
  parameters:
    - { name: kind, choice: { values: [good, bad] } }
    - { name: size, uniform: { min: 1, max: 2 } }
  sampling: { method: Grid, points: { kind: 2, size: 3 } }
  fields: []
  client:
    command: [sh]
    args: [-c, 'echo size {size}; test {kind} = good || { echo no convergence >&2; exit 7; }']
    parallelism: 2
    workDirectory: false
  faultPolicy: { retryLimit: 1, onExhausted: Fail, maxFailed: 10 }
`;

function ask(directory: string, ...words: string[]): { code: number | null; output: string } {
  const ended = spawnSync(melissa, [...words, '--directory', directory], { encoding: 'utf8', env: environment });
  return { code: ended.status, output: ended.stdout + ended.stderr };
}

test('an ended study lists its failed simulations, their attempts and their output', () => {
  const study = runStudy(variant('fragile', manifest), {}, join(scratch(), 'study'));
  assert.equal(study.code, 0, study.stdout + study.stderr);
  const all = JSON.parse(ask(study.directory, 'simulations', '--output', 'json').output) as {
    simulations: { simulation: number; state: string; parameters: { kind: string; size: number } }[];
  };
  assert.equal(all.simulations.length, 6);
  assert.equal(typeof all.simulations[0]!.parameters.size, 'number');
  const bad = all.simulations.filter(({ parameters }) => parameters.kind === 'bad');
  assert.equal(bad.length, 3);
  const listed = ask(study.directory, 'simulations', '--state', 'Failed');
  assert.equal(listed.output.trim().split('\n').length, 1 + bad.length, listed.output);
  assert.match(listed.output, /exited with 7/);
  const id = String(bad[1]!.simulation);
  assert.match(ask(study.directory, 'simulation', id).output, /attempt 1 .*\n[^]*attempt 2 .*exit code 7/);
  assert.match(ask(study.directory, 'logs', id).output, /^size 1[.]5\n+--- standard error\nno convergence/);
  const unknown = ask(study.directory, 'simulation', '77');
  assert.equal(unknown.code, 2);
  assert.match(unknown.output, /the study has no simulation 77/);
});
