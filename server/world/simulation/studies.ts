// SPDX-License-Identifier: Apache-2.0
/**
 * The small studies of the simulated worlds, and the values that their solvers send. A value depends on simulation, draw, field, step and cell
 * alone, never on the seed, so that what an oracle expects of a study is computed once for all seeds.
 */
import { compileStudy, rankBegin, type CompiledStudy } from '@melissa/crds';
import { assert } from '@melissa/kit';
import { native } from '@melissa/native';
import { makeDesign, type Design } from '../../src/sampling/index.ts';

export type Unit = { begin: number; end: number; payload: Uint8Array; hash: bigint };
export type Shape = {
  name: string;
  study: CompiledStudy;
  design: Design;
  clientRanks: number;
  /** Blocks of one client rank for one server rank, by `simulation/draw/field/step/client rank/rank`. */
  units: Map<string, Unit | null>;
};

const base = {
  time: { steps: 3, unit: 's', step: 1 },
  client: { command: ['none'], parallelism: 3 },
  faultPolicy: {
    timeoutSeconds: 10,
    retryLimit: 50,
    graceSeconds: 10,
    sendTimeoutSeconds: 30,
    lostLimit: 1000,
    maxFailed: 1000,
  },
};
const parameters = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `p${i}`, unit: '1', uniform: { min: 0, max: 1 } }));
const field = (name: string, cells: number, changes: object = {}) => ({ name, unit: 'K', cells, ...changes });
const sobol = (changes: object = {}) => ({
  moments: 2,
  extrema: true,
  sobol: { estimator: 'Martinez', interval: 'None', ...changes },
});

type Recipe = { ranks: number; clientRanks: number; spec: Record<string, unknown> };
const plainSampling = { method: 'Random', simulations: 5, seed: 3 };
const groupSampling = { method: 'PickFreeze', groups: 2, seed: 3 };
const recipes: Record<string, Recipe> = {
  plain: {
    ranks: 1,
    clientRanks: 1,
    spec: {
      sampling: plainSampling,
      parameters: parameters(2),
      fields: [field('a', 4)],
      statistics: { moments: 2, extrema: true },
    },
  },
  spread: {
    ranks: 2,
    clientRanks: 2,
    spec: {
      sampling: plainSampling,
      parameters: parameters(2),
      fields: [field('a', 5), field('b', 3, { dtype: 'Float32' })],
      statistics: { moments: 2, extrema: true, exceedance: [{ field: 'a', above: 0 }] },
    },
  },
  whole: {
    ranks: 2,
    clientRanks: 2,
    spec: {
      sampling: plainSampling,
      parameters: parameters(2),
      fields: [field('a', 6)],
      statistics: { moments: 2 },
      partial: 'Whole',
    },
  },
  covariance: {
    ranks: 2,
    clientRanks: 1,
    spec: {
      sampling: { ...plainSampling, simulations: 4 },
      parameters: parameters(2),
      fields: [field('a', 4), field('b', 4)],
      statistics: { moments: 2, covariance: [{ fields: ['a', 'b'] }] },
    },
  },
  groups: {
    ranks: 2,
    clientRanks: 2,
    spec: { sampling: groupSampling, parameters: parameters(1), fields: [field('a', 5)], statistics: sobol() },
  },
  secondOrder: {
    ranks: 1,
    clientRanks: 2,
    spec: {
      sampling: { ...groupSampling, secondOrder: true },
      parameters: parameters(2),
      fields: [field('a', 4)],
      statistics: sobol(),
    },
  },
  wholeGroups: {
    ranks: 2,
    clientRanks: 1,
    spec: {
      sampling: groupSampling,
      parameters: parameters(1),
      fields: [field('a', 4)],
      statistics: sobol(),
      partial: 'Whole',
    },
  },
};

const shapes = new Map<string, Shape>();
export const shapeNames = Object.keys(recipes);

export function shapeOf(name: string): Shape {
  const known = shapes.get(name);
  if (known !== undefined) return known;
  const recipe = recipes[name];
  assert(recipe !== undefined, `there is a study ${name}`);
  const spec = {
    ...base,
    ...recipe.spec,
    client: { ...base.client, ranks: recipe.clientRanks },
    server: { ranks: recipe.ranks, checkpoint: { periodSeconds: 1 } },
  };
  const manifest = { apiVersion: 'melissa.dev/v1alpha1', kind: 'MelissaStudy', metadata: { name: 'world' }, spec };
  const result = compileStudy(manifest, { manifestDirectory: '/', readText: () => '' });
  assert('study' in result, `the study ${name} compiles: ${JSON.stringify(result)}`);
  const study = result.study;
  // A window of a few frames, so that credit and resending have something to do.
  study.server = { ...study.server, sendWindowBytes: 64, receiveBudgetBytes: 256, resultsPeriodSeconds: 0 };
  const shape = { name, study, design: makeDesign(study), clientRanks: recipe.clientRanks, units: new Map() };
  shapes.set(name, shape);
  return shape;
}

export function valueOf(simulation: number, draw: number, fieldIndex: number, step: number, cell: number): number {
  return Math.sin(1 + simulation * 7.3 + draw * 31.1 + fieldIndex * 3.7 + step * 0.9 + cell * 1.7) * 100;
}

/** The block that client rank `from` sends to rank `to`; null when they have no cell in common. */
export function unitOf(
  shape: Shape,
  at: { simulation: number; draw: number; field: number; step: number; from: number; to: number },
): Unit | null {
  const { simulation, draw, field: f, step, from, to } = at;
  const key = `${simulation}/${draw}/${f}/${step}/${from}/${to}`;
  const known = shape.units.get(key);
  if (known !== undefined) return known;
  const { study, clientRanks } = shape;
  const { keptCells, dtype } = study.fields[f]!;
  const begin = Math.max(rankBegin(keptCells, clientRanks, from), rankBegin(keptCells, study.server.ranks, to));
  const end = Math.min(rankBegin(keptCells, clientRanks, from + 1), rankBegin(keptCells, study.server.ranks, to + 1));
  let unit: Unit | null = null;
  if (begin < end) {
    const values = Array.from({ length: end - begin }, (_, i) => valueOf(simulation, draw, f, step, begin + i));
    const array = dtype === 'Float32' ? Float32Array.from(values) : Float64Array.from(values);
    const payload = new Uint8Array(array.buffer);
    unit = { begin, end, payload, hash: native.payloadHash(payload) };
  }
  shape.units.set(key, unit);
  return unit;
}
/** Cells of each client rank. */
export const cellsOf = (shape: Shape, fieldIndex: number): number[] => {
  const { keptCells } = shape.study.fields[fieldIndex]!;
  const { clientRanks } = shape;
  return Array.from(
    { length: clientRanks },
    (_, rank) => rankBegin(keptCells, clientRanks, rank + 1) - rankBegin(keptCells, clientRanks, rank),
  );
};
