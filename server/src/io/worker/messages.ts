// SPDX-License-Identifier: Apache-2.0
/** What travels between the head's main thread and the I/O worker. Every request is answered once, by its id. */
import type { AttemptRecord, EventPage, EventQuery } from '@melissa/api';
import type { LogItem } from '../../events/log-items.ts';
import type { Picture } from '../../results/picture.ts';
import type { ResultsPlan } from '../../results/plan.ts';
import type { MapSummary } from '../../results/map-summary.ts';
import type { SimulationRow } from '../../results/simulation-table.ts';

export type WorkerData = { directory: string };

/** Requests by kind, each with what goes and what comes back. */
export type Requests = {
  log: { ask: { items: LogItem[] }; answer: null };
  events: { ask: { query: EventQuery }; answer: EventPage };
  attempts: { ask: { simulation: number }; answer: AttemptRecord[] };
  summarise: { ask: { values: Float64Array }; answer: MapSummary };
  picture: { ask: { picture: Picture }; answer: Uint8Array };
  resultsBegin: { ask: { plan: ResultsPlan }; answer: null };
  resultsSlice: {
    ask: { variable: number; argument: number; step: number; values: Float64Array };
    answer: { minimum: number; maximum: number };
  };
  resultsRows: { ask: { rows: SimulationRow[] }; answer: null };
  resultsFinish: { ask: { summary: string }; answer: { directory: string; bytes: number; warnings: string[] } };
  resultsAbort: { ask: null; answer: null };
  close: { ask: null; answer: null };
};
export type Kind = keyof Requests;
export type Message = { [K in Kind]: { id: number; kind: K; ask: Requests[K]['ask'] } }[Kind];
export type Reply =
  | { id: number; ok: true; answer: Requests[Kind]['answer'] }
  | { id: number; ok: false; reason: string }
  /** Sent once after start: the log is open and this is its last sequence. */
  | { id: 0; ok: true; lastSequence: number };
