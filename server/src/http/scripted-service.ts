// SPDX-License-Identifier: Apache-2.0
/**
 * A StudyService for tests of the HTTP server and the results: a real compiled study, maps computed from a formula, and a
 * record of what was asked of it. Its values are known, so that what arrives can be compared with what was meant.
 */
import { assert, ProjectError } from '@melissa/kit';
import type {
  BackendDemand,
  Intent,
  SimulationDetail,
  SimulationPage,
  SimulationQuery,
  SimulationSummary,
  StudyStatus,
} from '@melissa/api';
import { compileStudy, type CompiledStudy } from '@melissa/crds';
import type { StatisticQuery, StudyService } from '../head/service.ts';

type Spec = Record<string, unknown>;

/** A pick-freeze study of a heated plate, with every statistic on; `changes` replace parts of the spec. */
export function plateManifest(changes: Spec = {}): Record<string, unknown> {
  return {
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: 'plate' },
    spec: {
      parameters: [
        { name: 'initial', unit: 'K', uniform: { min: 100, max: 500 } },
        { name: 'left', unit: 'K', normal: { mean: 300, sd: 20 } },
      ],
      sampling: { method: 'PickFreeze', design: 'Random', groups: 5, seed: 7 },
      time: { steps: 4, unit: 's', step: 0.5 },
      fields: [{ name: 'temperature', unit: 'K', shape: [6, 8], mesh: { spacing: [0.5, 0.25], origin: [1, 2] } }],
      statistics: {
        moments: 4,
        extrema: true,
        quantiles: [0.05, 0.5],
        exceedance: [{ field: 'temperature', above: 350 }],
        sobol: { estimator: 'Martinez', interval: 'Robust' },
      },
      client: { image: 'example/heat:1.0', command: ['heat'], args: ['{initial}'] },
      ...changes,
    },
  };
}

export function compiled(manifest: Record<string, unknown>, manifestDirectory = '/nowhere'): CompiledStudy {
  const result = compileStudy(manifest, { manifestDirectory, readText: () => '' });
  assert('study' in result, `the manifest of the test compiles: ${JSON.stringify(result)}`);
  return result.study;
}

/** The value that the scripted study has for a cell: different in everything that selects a map. */
export function scriptedValue(query: StatisticQuery, cell: number): number {
  let hash = 0;
  for (const character of `${query.field} ${query.statistic}`) hash = (hash * 31 + character.charCodeAt(0)) % 997;
  return hash + query.argument * 1000 + query.step * 10 + cell / 1024;
}

export class ScriptedService implements StudyService {
  readonly study: CompiledStudy;
  readonly calls: string[] = [];
  state: StudyStatus['state'] = 'Running';
  #generation = 1;
  /** Statistics that fail, by name, with the code they fail with. */
  failing = new Map<string, string>();

  constructor(study: CompiledStudy) {
    this.study = study;
  }
  status(): StudyStatus {
    const total = this.study.sampling.simulations;
    return {
      name: this.study.name,
      state: this.state,
      reason: '',
      epoch: 1,
      generation: this.#generation,
      startTime: '2026-01-01T00:00:00.000Z',
      elapsedSeconds: 12.5,
      simulations: {
        total,
        pending: 2,
        leased: 1,
        running: 1,
        received: 0,
        done: total - 5,
        failed: 1,
        cancelled: 0,
        retried: 3,
        redrawn: 0,
      },
      progress: 0.75,
      simulationsPerSecond: 2,
      etaSeconds: 2,
      bytesReceived: 4096,
      bytesPerSecond: 512,
      heldBytes: 0,
      framesReceived: 32,
      duplicates: 1,
      convergence: { groups: 4, widestInterval: 0.4, medianInterval: 0.2, goal: null },
      pilots: { desired: 4, connected: 3, active: 2 },
      ranks: [{ rank: 0, state: 'Ready', endpoint: 'tcp://127.0.0.1:4000', checkpoint: 2, rssBytes: 1e8 }],
      checkpoint: { number: 2, time: '2026-01-01T00:00:10.000Z', failures: 0 },
      degraded: [],
      failedSimulations: [{ simulation: 3, reason: 'exit code 1' }],
      results: null,
    };
  }
  simulations(query: SimulationQuery): SimulationPage {
    const first = query.cursor === undefined ? 0 : Number(query.cursor);
    const limit = query.limit ?? 100;
    const wanted = query.state?.split(',');
    const page: SimulationSummary[] = [];
    for (let id = first; id < this.study.sampling.simulations; id++) {
      const summary = this.#summary(id);
      if (wanted !== undefined && !wanted.includes(summary.state)) continue;
      if (query.group !== undefined && summary.group !== query.group) continue;
      if (page.length === limit) return { simulations: page, next: String(id) };
      page.push(summary);
    }
    return { simulations: page, next: null };
  }
  simulation(id: number): SimulationDetail | null {
    return id < this.study.sampling.simulations ? { ...this.#summary(id), history: [] } : null;
  }
  async readStatistic(query: StatisticQuery): Promise<Float64Array> {
    this.calls.push(`read ${query.field} ${query.step} ${query.statistic} ${query.argument}`);
    const code = this.failing.get(query.statistic);
    if (code === 'EBUSY') {
      this.failing.delete(query.statistic); // busy once, then free
      throw new ProjectError({ code, message: 'many fields are being read', remedy: 'Wait.', retryable: true });
    }
    if (code !== undefined)
      throw new ProjectError({ code, message: `${query.statistic} cannot be read`, remedy: 'Wait.' });
    const field = this.study.fields.find(({ name }) => name === query.field.split(':')[0])!;
    const values = Float64Array.from({ length: field.keptCells }, (_, cell) => scriptedValue(query, cell));
    if (query.statistic === 'skewness') values[0] = NaN;
    return values;
  }
  backendDemand(): BackendDemand {
    return {
      epoch: 1,
      desiredPilots: 4,
      desiredRanks: 1,
      controlEndpoint: 'tcp://127.0.0.1:4001',
      planFinished: false,
      finished: false,
      pilots: [{ pilot: 'pilot-0', active: 1 }],
    };
  }
  async digests(): Promise<{ consumer: string; digest: string; units: number }[]> {
    return [{ consumer: 'temperature', digest: '0123456789abcdef', units: 80 }];
  }
  setParallelism(pilots: number): void {
    this.calls.push(`parallelism ${pilots}`);
  }
  suspend(): void {
    this.calls.push('suspend');
  }
  resume(): void {
    this.calls.push('resume');
  }
  cancel(reason: string): void {
    this.calls.push(`cancel ${reason}`);
  }
  async takeIntent(intent: Intent): Promise<boolean> {
    if (intent.generation < this.#generation) return false;
    this.#generation = intent.generation;
    this.calls.push(`intent ${JSON.stringify(intent)}`);
    return true;
  }
  backendGone(pilot: string, reason: string): void {
    this.calls.push(`gone ${pilot}: ${reason}`);
  }
  #summary(id: number): SimulationSummary {
    const { groupSize } = this.study.sampling;
    const isFailed = id === 3;
    return {
      simulation: id,
      group: Math.floor(id / groupSize),
      member: id % groupSize,
      state: isFailed ? 'Failed' : id < 15 ? 'Done' : 'Pending',
      draw: 0,
      attempts: isFailed ? 3 : 1,
      reason: isFailed ? 'exit code 1, "out of range"' : '',
      pilot: 'pilot-0',
      parameters: Object.fromEntries(this.study.parameters.map(({ name }, i) => [name, id + i / 8])),
    };
  }
}
