// SPDX-License-Identifier: Apache-2.0
/** Builders for tests of this package: a small sound manifest, changed by paths, so that a test shows only what it is about. */
import assert from 'node:assert/strict';
import { compileStudy, type CompileContext } from './compile.ts';
import type { CompiledStudy } from './compiled.ts';
import type { ManifestProblem } from './problems.ts';

export type Changes = Record<string, unknown>;

/** Random sampling of one parameter, one field of 10 cells, one step. */
export function aManifest(changes: Changes = {}): Record<string, unknown> {
  const manifest: Record<string, unknown> = {
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: 'small' },
    spec: {
      parameters: [{ name: 'x', uniform: { min: 0, max: 1 } }],
      sampling: { method: 'Random', simulations: 10 },
      fields: [{ name: 'u', cells: 10 }],
      client: { command: ['solver'] },
    },
  };
  for (const [path, value] of Object.entries(changes)) setPath(manifest, path.split('.'), value);
  return manifest;
}

/** `undefined` removes the key. Indices are written as keys: `spec.fields.0.every`. */
function setPath(target: Record<string, unknown>, path: string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length > 0) {
    target[key] ??= {};
    setPath(target[key] as Record<string, unknown>, rest, value);
  } else if (value === undefined) delete target[key];
  else target[key] = value;
}

export function compiled(changes: Changes = {}, context: Partial<CompileContext> = {}): CompiledStudy {
  const result = compileStudy(aManifest(changes), { manifestDirectory: '/home/ada', ...context });
  assert.ok('study' in result, JSON.stringify(result, null, 1));
  return result.study;
}

export function problemsOf(changes: Changes, context: Partial<CompileContext> = {}): ManifestProblem[] {
  const result = compileStudy(aManifest(changes), { manifestDirectory: '/home/ada', ...context });
  assert.ok('errors' in result, 'the manifest was not refused');
  return result.errors;
}

/** `path: message` + remedy of each problem. */
export const linesOf = (problems: ManifestProblem[]): string[] =>
  problems.map(({ path, message, remedy }) => `${path}: ${message} | ${remedy}`);

/** The manifest of the README, as an object. */
export const HEAT = {
  apiVersion: 'melissa.dev/v1alpha1',
  kind: 'MelissaStudy',
  metadata: { name: 'heat' },
  spec: {
    parameters: [
      { name: 'initial', unit: 'K', uniform: { min: 100, max: 500 } },
      { name: 'left', unit: 'K', normal: { mean: 300, sd: 20 } },
      { name: 'right', unit: 'K', uniform: { min: 100, max: 500 } },
    ],
    sampling: { method: 'PickFreeze', design: 'Random', groups: 300, seed: 7 },
    time: { steps: 100, unit: 's', step: 0.01 },
    fields: [{ name: 'temperature', unit: 'K', shape: [100, 100], mesh: { spacing: [0.01, 0.01] } }],
    statistics: {
      moments: 4,
      extrema: true,
      exceedance: [{ field: 'temperature', above: 350 }],
      quantiles: [0.05, 0.5, 0.95],
      sobol: { estimator: 'Martinez', interval: 'Robust' },
      stopWhen: { sobolIntervalBelow: 0.05 },
    },
    client: {
      image: 'example/heat:1.0',
      command: ['heat'],
      args: ['{initial}', '{left}', '{right}'],
      parallelism: 8,
      ranks: 1,
    },
    server: { ranks: 1, memory: '4Gi', checkpoint: { periodSeconds: 60 } },
    faultPolicy: { timeoutSeconds: 60, retryLimit: 2, onExhausted: 'Redraw', redrawLimit: 3, maxFailed: 10 },
  },
};
