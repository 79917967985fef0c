// SPDX-License-Identifier: Apache-2.0
/**
 * What the head offers to those who serve people: the HTTP server, the results writer and the metrics page read the
 * study through StudyService and never touch the plan. The head's composition (head.ts) implements it.
 */
import type { CompiledStudy } from '@melissa/crds';
import type {
  BackendDemand,
  Intent,
  SimulationDetail,
  SimulationPage,
  SimulationQuery,
  StudyStatus,
} from '@melissa/api';

/** One line of the event log: a state change of one entity. */
export type StudyEvent = {
  /** Milliseconds since the epoch. */
  timeMs: number;
  entity: 'study' | 'simulation' | 'pilot' | 'rank' | 'head' | 'checkpoint';
  /** Simulation id, pilot id, rank index… as text. */
  id: string;
  from: string;
  to: string;
  cause: string;
  data: Record<string, string | number | boolean | null>;
};

/** Append-only; implemented by the I/O worker (bounded queue; refuses rather than grows, and the head then waits). */
export interface EventLog {
  append(event: StudyEvent): void;
  flush(): Promise<void>;
}

/**
 * Selects derived values: `statistic` and `argument` as in docs/statistics.md. `step` is the solver's step number. The
 * field of a covariance is written `first:second`.
 */
export type StatisticQuery = { field: string; step: number; statistic: string; argument: number };

export interface StudyService {
  readonly study: CompiledStudy;
  status(): StudyStatus;
  simulations(query: SimulationQuery): SimulationPage;
  simulation(id: number): SimulationDetail | null;
  /** The whole field in kept order, gathered from the ranks slice by slice. Throws EUNAVAILABLE while a rank is away. */
  readStatistic(query: StatisticQuery): Promise<Float64Array>;
  /** What the owner of the backend should run. */
  backendDemand(): BackendDemand;
  digests(): Promise<{ consumer: string; digest: string; units: number }[]>;
  setParallelism(pilots: number): void;
  suspend(): void;
  resume(): void;
  cancel(reason: string): void;
  /** Durable when it resolves. False: a newer generation was taken before, and nothing has changed. */
  takeIntent(intent: Intent): Promise<boolean>;
  /** The backend lists a pilot as gone; without it the head finds out by silence. */
  backendGone(pilot: string, reason: string): void;
}
