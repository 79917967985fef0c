// SPDX-License-Identifier: Apache-2.0
/**
 * The bodies of the public HTTP API. Routes (routes.ts), OpenAPI, the reference page and the fetch client are made from
 * these; the TypeScript types below them are what the command line, the operator and the dashboard see.
 */
import { Type, type Static } from 'typebox';

export const SimulationState = Type.Union(
  ['Pending', 'Leased', 'Running', 'Received', 'Done', 'Failed', 'Cancelled'].map((state) => Type.Literal(state)),
  { description: 'Received: every block is on the server, some of it waits for its group. Done: folded by every consumer.' },
);

const Convergence = Type.Object({
  groups: Type.Integer(),
  widestInterval: Type.Union([Type.Number(), Type.Null()]),
  medianInterval: Type.Union([Type.Number(), Type.Null()]),
  goal: Type.Union([Type.Number(), Type.Null()]),
});

export const StudyStatus = Type.Object({
  name: Type.String(),
  state: Type.Union(
    ['Starting', 'Running', 'Suspending', 'Suspended', 'Finishing', 'Succeeded', 'Failed', 'Cancelled'].map((state) => Type.Literal(state)),
  ),
  reason: Type.String({ description: 'Why it is in this state, in one sentence; empty when nothing needs saying.' }),
  epoch: Type.Integer(),
  generation: Type.Integer(),
  startTime: Type.String({ format: 'date-time' }),
  elapsedSeconds: Type.Number(),
  simulations: Type.Object({
    total: Type.Integer(),
    pending: Type.Integer(),
    leased: Type.Integer(),
    running: Type.Integer(),
    received: Type.Integer(),
    done: Type.Integer(),
    failed: Type.Integer(),
    cancelled: Type.Integer(),
    retried: Type.Integer(),
    redrawn: Type.Integer(),
  }),
  progress: Type.Number({ minimum: 0, maximum: 1 }),
  simulationsPerSecond: Type.Number(),
  etaSeconds: Type.Union([Type.Number(), Type.Null()]),
  bytesReceived: Type.Number(),
  bytesPerSecond: Type.Number(),
  heldBytes: Type.Number(),
  framesReceived: Type.Number(),
  duplicates: Type.Number(),
  convergence: Convergence,
  pilots: Type.Object({ desired: Type.Integer(), connected: Type.Integer(), active: Type.Integer() }),
  ranks: Type.Array(
    Type.Object({ rank: Type.Integer(), state: Type.String(), endpoint: Type.String(), checkpoint: Type.Integer(), rssBytes: Type.Number() }),
  ),
  checkpoint: Type.Object({ number: Type.Integer(), time: Type.Union([Type.String(), Type.Null()]), failures: Type.Integer() }),
  degraded: Type.Array(Type.String({ description: 'Each a sentence: what is wrong and what to do.' })),
  failedSimulations: Type.Array(Type.Object({ simulation: Type.Integer(), reason: Type.String() }), { maxItems: 128 }),
  results: Type.Union([Type.String(), Type.Null()], { description: 'Folder of the results when written.' }),
});

/** For the owner of the backend: what should run. */
export const BackendDemand = Type.Object({
  epoch: Type.Integer(),
  desiredPilots: Type.Integer(),
  desiredRanks: Type.Integer(),
  controlEndpoint: Type.String(),
  /** The plan is finished: pilots exit by themselves, ranks when told. */
  planFinished: Type.Boolean(),
  /** Everything is written; head and ranks may be ended. */
  finished: Type.Boolean(),
  pilots: Type.Array(Type.Object({ pilot: Type.String(), active: Type.Integer() }), { maxItems: 10000 }),
});

export const AttemptRecord = Type.Object({
  draw: Type.Integer(),
  attempt: Type.Integer(),
  pilot: Type.String(),
  host: Type.String(),
  state: Type.String(),
  reason: Type.String(),
  exitCode: Type.Union([Type.Integer(), Type.Null()]),
  signal: Type.Union([Type.Integer(), Type.Null()]),
  startTime: Type.Union([Type.String(), Type.Null()]),
  endTime: Type.Union([Type.String(), Type.Null()]),
  wallSeconds: Type.Union([Type.Number(), Type.Null()]),
  cpuSeconds: Type.Union([Type.Number(), Type.Null()]),
  peakRssBytes: Type.Union([Type.Number(), Type.Null()]),
  stdout: Type.String(),
  stderr: Type.String(),
});

export const SimulationSummary = Type.Object({
  simulation: Type.Integer(),
  group: Type.Integer(),
  member: Type.Integer(),
  state: SimulationState,
  draw: Type.Integer(),
  attempts: Type.Integer(),
  reason: Type.String(),
  pilot: Type.String(),
  parameters: Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()])),
});
export const SimulationDetail = Type.Intersect([SimulationSummary, Type.Object({ history: Type.Array(AttemptRecord) })]);

export const SimulationPage = Type.Object({
  simulations: Type.Array(SimulationSummary, { maxItems: 1000 }),
  next: Type.Union([Type.String(), Type.Null()], { description: 'Cursor of the next page; null on the last.' }),
});
export const SimulationQuery = Type.Object({
  state: Type.Optional(Type.String({ description: 'One or more states, comma-separated.' })),
  group: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 64 })),
});

export const EventRecord = Type.Object({
  sequence: Type.Integer(),
  time: Type.String({ format: 'date-time' }),
  entity: Type.String(),
  id: Type.String(),
  from: Type.String(),
  to: Type.String(),
  cause: Type.String(),
  data: Type.Record(Type.String(), Type.Unknown()),
});

export const ErrorBody = Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() });

export type StudyStatus = Static<typeof StudyStatus>;
export type BackendDemand = Static<typeof BackendDemand>;
export type SimulationSummary = Static<typeof SimulationSummary>;
export type SimulationDetail = Static<typeof SimulationDetail>;
export type SimulationPage = Static<typeof SimulationPage>;
export type SimulationQuery = Static<typeof SimulationQuery>;
export type AttemptRecord = Static<typeof AttemptRecord>;
export type EventRecord = Static<typeof EventRecord>;
export type ErrorBody = Static<typeof ErrorBody>;
