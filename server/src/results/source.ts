// SPDX-License-Identifier: Apache-2.0
/** What results are made from, and what is told about them when they are written. */
import type { SimulationPage, SimulationQuery, StudyStatus } from '@melissa/api';
import type { CompiledStudy } from '@melissa/crds';
import type { StatisticQuery } from '../head/service.ts';

/** What the writer reads; StudyService has it. */
export interface ResultsSource {
  readonly study: CompiledStudy;
  status(): StudyStatus;
  simulations(query: SimulationQuery): SimulationPage;
  readStatistic(query: StatisticQuery): Promise<Float64Array>;
  digests(): Promise<{ consumer: string; digest: string; units: number }[]>;
}
/** What only the head's composition knows. */
export type ResultsFacts = {
  /** The manifest as written, parsed. */
  manifest: unknown;
  versions: Record<string, string>;
  host: string;
  /** Time of writing, ISO 8601. */
  time: string;
  /** These are the final results, not those of an interval. */
  isFinal: boolean;
  /** How the study ended, or null while it goes on. */
  outcome: StudyStatus['state'] | null;
  stoppedEarly: boolean;
  /** Simulations that failed after some of their samples were folded. */
  partlyIn: number[];
  /** For example `design broken by 3 redraws`; empty when the design is whole. */
  designLabel: string;
};
export type ResultsReport = { directory: string; bytes: number; maps: number; missing: string[]; warnings: string[] };
