// SPDX-License-Identifier: Apache-2.0
/**
 * The bodies of the public HTTP API. Routes (routes.ts), OpenAPI, the reference page and the fetch client are made from
 * these; the TypeScript types below them are what the command line, the operator and the dashboard see.
 */
import { Type, type Static } from 'typebox';

export const SimulationState = Type.Enum(['Pending', 'Leased', 'Running', 'Received', 'Done', 'Failed', 'Cancelled'], {
  description:
    'Received: every block is on the server, some of it waits for its group. Done: folded by every consumer.',
});

const Convergence = Type.Object({
  groups: Type.Integer(),
  widestInterval: Type.Union([Type.Number(), Type.Null()]),
  medianInterval: Type.Union([Type.Number(), Type.Null()]),
  goal: Type.Union([Type.Number(), Type.Null()]),
});

export const StudyStatus = Type.Object({
  name: Type.String(),
  state: Type.Enum(['Starting', 'Running', 'Suspending', 'Suspended', 'Finishing', 'Succeeded', 'Failed', 'Cancelled']),
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
  etaSeconds: Type.Union([Type.Number(), Type.Null()], {
    description: 'Null while there is no rate to estimate from.',
  }),
  bytesReceived: Type.Number(),
  bytesPerSecond: Type.Number(),
  heldBytes: Type.Number(),
  framesReceived: Type.Number(),
  duplicates: Type.Number(),
  convergence: Convergence,
  pilots: Type.Object({ desired: Type.Integer(), connected: Type.Integer(), active: Type.Integer() }),
  ranks: Type.Array(
    Type.Object({
      rank: Type.Integer(),
      state: Type.String(),
      endpoint: Type.String(),
      checkpoint: Type.Integer(),
      rssBytes: Type.Number(),
    }),
  ),
  checkpoint: Type.Object({
    number: Type.Integer(),
    time: Type.Union([Type.String(), Type.Null()]),
    failures: Type.Integer(),
  }),
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
export const SimulationDetail = Type.Intersect([
  SimulationSummary,
  Type.Object({ history: Type.Array(AttemptRecord) }),
]);

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

export const EventPage = Type.Object({
  events: Type.Array(EventRecord, { maxItems: 1000 }),
  last: Type.Integer({ description: 'Sequence of the last event of this answer; pass it as `since` to read on.' }),
});
export const EventQuery = Type.Object({
  entity: Type.Optional(Type.Enum(['study', 'simulation', 'pilot', 'rank', 'head', 'checkpoint'])),
  id: Type.Optional(Type.String({ maxLength: 128 })),
  since: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'Only events with a larger sequence.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
});

/** What an attempt wrote, for people: the newest attempt unless one is named. */
export const SimulationOutput = Type.Object({
  simulation: Type.Integer(),
  draw: Type.Integer(),
  attempt: Type.Integer(),
  stdout: Type.String({ description: 'Head and tail where the solver wrote more than the study keeps.' }),
  stderr: Type.String(),
});
export const OutputQuery = Type.Object({
  draw: Type.Optional(Type.Integer({ minimum: 0 })),
  attempt: Type.Optional(Type.Integer({ minimum: 0 })),
});

/** One statistic that can be read as a map, and the values its `argument` can take. */
export const AvailableStatistic = Type.Object({
  statistic: Type.String(),
  longName: Type.String(),
  unit: Type.String(),
  /** What the argument selects; empty when there is none. */
  argumentName: Type.String({ description: 'parameter, quantile, threshold, bin, pair, or empty.' }),
  arguments: Type.Array(Type.Object({ argument: Type.Integer(), label: Type.String() })),
});
export const FieldInfo = Type.Object({
  name: Type.String({ description: 'A covariance is named `first:second`.' }),
  unit: Type.String(),
  longName: Type.String(),
  dtype: Type.String(),
  shape: Type.Array(Type.Integer(), { description: 'Shape of the kept part, in C order.' }),
  cells: Type.Integer(),
  steps: Type.Array(Type.Integer(), { description: "The solver's step numbers that are kept, ascending." }),
  times: Type.Array(Type.Number()),
  timeUnit: Type.String(),
  statistics: Type.Array(AvailableStatistic),
});
export const FieldList = Type.Object({ fields: Type.Array(FieldInfo) });

export const StatisticParameters = Type.Object({
  field: Type.String({ maxLength: 257 }),
  step: Type.Integer({ minimum: 0 }),
  statistic: Type.String({ maxLength: 64 }),
});
export const StatisticOptions = Type.Object({
  argument: Type.Optional(
    Type.Integer({ minimum: 0, default: 0, description: 'Index from the list in GET /v1/fields.' }),
  ),
  format: Type.Optional(Type.Enum(['json', 'npy', 'png'], { default: 'json' })),
});
/** A map in a few numbers. Every value is null when no cell has one. */
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);
export const StatisticSummary = Type.Object({
  field: Type.String(),
  step: Type.Integer(),
  time: Type.Number(),
  statistic: Type.String(),
  argument: Type.Integer(),
  label: Type.String(),
  unit: Type.String(),
  shape: Type.Array(Type.Integer()),
  cells: Type.Integer(),
  nanCount: Type.Integer(),
  minimum: NumberOrNull,
  maximum: NumberOrNull,
  mean: NumberOrNull,
  quantiles: Type.Array(Type.Object({ probability: Type.Number(), value: NumberOrNull }), {
    description: 'Over the cells of the map, not over simulations.',
  }),
});

export const DigestList = Type.Object({
  digests: Type.Array(Type.Object({ consumer: Type.String(), digest: Type.String(), units: Type.Integer() })),
});

export const ParallelismBody = Type.Object({ parallelism: Type.Integer({ minimum: 0, maximum: 100000 }) });
export const CancelBody = Type.Object({ reason: Type.Optional(Type.String({ maxLength: 256 })) });
/** What can change while a study runs, as the manifest says it. */
export const Intent = Type.Object({
  generation: Type.Integer({ minimum: 0, description: 'metadata.generation; an older one than the last is refused.' }),
  parallelism: Type.Integer({ minimum: 0, maximum: 100000 }),
  suspend: Type.Boolean(),
  cancel: Type.Boolean({ description: 'Once true it stays true.' }),
  deadlineSeconds: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()]),
});
export const GoneBody = Type.Object({
  pilots: Type.Array(
    Type.Object({
      pilot: Type.String({ minLength: 1, maxLength: 253 }),
      reason: Type.String({
        maxLength: 256,
        description: 'In the words of the cluster: OOMKilled, Evicted, NodeLost …',
      }),
    }),
    { maxItems: 1000 },
  ),
});
export const Accepted = Type.Object({ accepted: Type.Literal(true), state: StudyStatus.properties.state });

export const SimulationParameters = Type.Object({ id: Type.Integer({ minimum: 0, maximum: 4294967295 }) });
export const Manifest = Type.Record(Type.String(), Type.Unknown());
export const OpenApiDocument = Type.Record(Type.String(), Type.Unknown());

/** Melissa's own answers, so that a monitor written for it works unchanged. */
export const JobState = Type.Enum(['WAITING', 'RUNNING', 'TERMINATED', 'ERROR']);
export const JobList = Type.Array(Type.Integer());
export const Job = Type.Object({ id: Type.Integer(), unique_id: Type.String(), state: JobState });

export const Health = Type.Object({ ok: Type.Boolean(), reason: Type.String() });
export const ErrorBody = Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() });

export type StudyStatus = Static<typeof StudyStatus>;
export type BackendDemand = Static<typeof BackendDemand>;
export type SimulationSummary = Static<typeof SimulationSummary>;
export type SimulationDetail = Static<typeof SimulationDetail>;
export type SimulationPage = Static<typeof SimulationPage>;
export type SimulationQuery = Static<typeof SimulationQuery>;
export type SimulationOutput = Static<typeof SimulationOutput>;
export type OutputQuery = Static<typeof OutputQuery>;
export type AttemptRecord = Static<typeof AttemptRecord>;
export type EventRecord = Static<typeof EventRecord>;
export type EventPage = Static<typeof EventPage>;
export type EventQuery = Static<typeof EventQuery>;
export type AvailableStatistic = Static<typeof AvailableStatistic>;
export type FieldInfo = Static<typeof FieldInfo>;
export type FieldList = Static<typeof FieldList>;
export type StatisticParameters = Static<typeof StatisticParameters>;
export type StatisticOptions = Static<typeof StatisticOptions>;
export type StatisticSummary = Static<typeof StatisticSummary>;
export type DigestList = Static<typeof DigestList>;
export type ParallelismBody = Static<typeof ParallelismBody>;
export type CancelBody = Static<typeof CancelBody>;
export type Intent = Static<typeof Intent>;
export type GoneBody = Static<typeof GoneBody>;
export type Accepted = Static<typeof Accepted>;
export type Job = Static<typeof Job>;
export type Health = Static<typeof Health>;
export type ErrorBody = Static<typeof ErrorBody>;
