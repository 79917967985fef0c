// SPDX-License-Identifier: Apache-2.0
/**
 * The kinds of study that chaos runs, each small and each with something that faults could break: bits of the cells, of
 * pick-freeze groups, of covariance pairs, blocks held until a simulation is whole, several server ranks, several client
 * ranks. The limits are generous where a fault must not end the study (retries) and short where a fault must be noticed.
 */

export type Variant = {
  name: string;
  /** Ranks of the server. */
  ranks: number;
  /** MPI ranks of one simulation. */
  clientRanks: number;
  fields: 1 | 2;
  spec: Record<string, unknown>;
};

const CELLS = 96;
const STEPS = 6;
/** Pause of the solver between two steps: a simulation takes a quarter of a second, most of it asleep. */
const PAUSE_US = 30_000;

const parameters = [
  { name: 'x', uniform: { min: 1, max: 3 } },
  { name: 'y', normal: { mean: 0.5, sd: 0.2 } },
  { name: 'z', uniform: { min: -1, max: 1 } },
];

/** Longest silence of a leased simulation; freezes of the schedule last shorter and longer than it. */
export const TIMEOUT_SECONDS = 5;

const faultPolicy = {
  timeoutSeconds: TIMEOUT_SECONDS,
  // A redraw would be another sample: within these limits no fault of the schedule leads to one.
  retryLimit: 200,
  lostLimit: 1000,
  maxFailed: 0,
  onExhausted: 'Fail',
  graceSeconds: 5,
  sendTimeoutSeconds: 60,
};

function variant(
  name: string,
  shape: { ranks: number; clientRanks?: number; fields?: 1 | 2 },
  spec: Record<string, unknown>,
): Variant {
  const { ranks, clientRanks = 1, fields = 1 } = shape;
  return { name, ranks, clientRanks, fields, spec };
}

const cells = { moments: 4, extrema: true, quantiles: [0.1, 0.5], exceedance: [{ field: 'u', above: 4 }] };
const random = (simulations: number) => ({ sampling: { method: 'Random', simulations, seed: 11 } });
const pickFreeze = (groups: number, more: object = {}) => ({
  sampling: { method: 'PickFreeze', groups, seed: 12, ...more },
});

export const variants: Variant[] = [
  variant('moments', { ranks: 1 }, { ...random(120), statistics: cells }),
  // Its sockets are encrypted, as on a cluster.
  variant('moments-3-ranks', { ranks: 3 }, { ...random(120), statistics: cells, local: { encrypt: true } }),
  variant(
    'sobol',
    { ranks: 2 },
    {
      ...pickFreeze(24),
      statistics: { moments: 2, extrema: true, sobol: { estimator: 'Martinez', interval: 'Robust' } },
    },
  ),
  variant(
    'sobol-second-order',
    { ranks: 2 },
    { ...pickFreeze(15, { secondOrder: true }), statistics: { moments: 1, sobol: { estimator: 'Martinez' } } },
  ),
  variant(
    'covariance',
    { ranks: 2, fields: 2 },
    { ...random(120), statistics: { moments: 2, covariance: [{ fields: ['u', 'v'] }] } },
  ),
  variant('whole', { ranks: 2 }, { ...random(120), partial: 'Whole', statistics: cells }),
  variant(
    'whole-sobol',
    { ranks: 1 },
    { ...pickFreeze(24), partial: 'Whole', statistics: { moments: 2, sobol: { estimator: 'Martinez' } } },
  ),
  variant('mpi', { ranks: 2, clientRanks: 2 }, { ...random(40), statistics: cells }),
];

/** The manifest as JSON, which is YAML too. */
export function manifestOf({ name, ranks, clientRanks, fields, spec }: Variant, solver: string): string {
  const names = ['u', 'v'].slice(0, fields);
  const args = ['{x}', '{y}', '{z}', STEPS, CELLS, PAUSE_US, ...(fields === 2 ? ['v'] : [])].map(String);
  return JSON.stringify({
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: `chaos-${name}` },
    spec: {
      parameters,
      time: { steps: STEPS },
      fields: names.map((field) => ({ name: field, shape: [CELLS] })),
      client: { command: [solver], args, parallelism: 4, ranks: clientRanks, drainSeconds: 2 },
      server: { ranks, memory: '512Mi', checkpoint: { periodSeconds: 1 } },
      faultPolicy,
      ...spec,
    },
  });
}
