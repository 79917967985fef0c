// SPDX-License-Identifier: Apache-2.0
/** `status`: what the operator, its only writer, tells about a study. Counters, conditions and capped ranges; never a record a simulation. */
import { boolean, choice, integer, list, number, object, string, type Schema } from './schema.ts';

export const CONDITION_TYPES = [
  'Accepted',
  'ServerReady',
  'ClientsReady',
  'BackendReachable',
  'Progressing',
  'Suspended',
  'Degraded',
  'Succeeded',
  'Failed',
] as const;
/** More failed simulations than this many ranges are cut; the head knows them all. */
export const FAILED_RANGES_LENGTH_MAX = 1024;

const count = (description: string): Schema => integer(description, { min: 0 });
const timestamp = (description: string): Schema => string(description, 64, { format: 'date-time' });

const condition: Schema = object(
  'One condition.',
  {
    type: string(`Kind: ${CONDITION_TYPES.join(', ')}.`, 316, { minLength: 1 }),
    status: choice('True, False or Unknown.', ['True', 'False', 'Unknown']),
    observedGeneration: integer('Generation of the spec that this was seen for.', {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    lastTransitionTime: timestamp('When status last changed.'),
    reason: string('One word in CamelCase.', 1024, {
      minLength: 1,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    }),
    message: string('What is the case and what to do about it.', 32_768),
  },
  ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
);

export const status: Schema = object('State of the study, written by the operator.', {
  observedGeneration: integer('Generation of the spec that was last acted on.', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  }),
  conditions: list(
    'Conditions by type.',
    condition,
    { max: 32 },
    { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  ),
  startTime: timestamp('When the study first started.'),
  completionTime: timestamp('When the study ended.'),
  backend: string('Where pilots run.', 32),
  server: object('The study server.', {
    ready: boolean('The head answers and every rank is there.'),
    ranksReady: count('Ranks that are there.'),
    endpoint: string('Address of the REST API in the cluster.', 1024),
    epoch: count("Number of the head's life."),
    restarts: count('Restarts of head and ranks.'),
    lastHeartbeatTime: timestamp('When the head last answered.'),
    checkpoint: object('Newest checkpoint.', { number: count('Its number.'), time: timestamp('When it was written.') }),
  }),
  client: object('The pilots.', {
    desired: count('Pilots wanted.'),
    ready: count('Pods that run.'),
    active: count('Pilots that hold a lease.'),
    failed: count('Pods that failed.'),
    selector: string('Label selector of the pilot pods, for autoscalers.', 4096),
  }),
  simulations: object('Simulations by state.', {
    total: count('All.'),
    pending: count('Not leased.'),
    running: count('Leased to a pilot.'),
    succeeded: count('Counted by every statistic.'),
    failed: count('Failed for good.'),
    retried: count('Executions after the first.'),
    redrawn: count('Parameter vectors drawn anew.'),
    summary: string('Counted and all, such as 8123/10000, for printing.', 64),
    failedRanges: string('Ids of failed simulations, such as 3,17-20.', FAILED_RANGES_LENGTH_MAX),
    failedRangesTruncated: boolean('There are more than failedRanges can hold.'),
  }),
  progress: object('How far the study is.', {
    percent: integer('Done, in per cent.', { min: 0, max: 100 }),
    text: string('The same for printing, such as 81%.', 16),
    estimatedRemainingSeconds: integer('Estimate of what is left.', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    bytesReceived: integer('Bytes of fields received.', { min: 0, max: Number.MAX_SAFE_INTEGER }),
    widestInterval: number("Widest confidence interval of a Sobol' index."),
    lastReportTime: timestamp('When the head reported this.'),
  }),
  external: object('Jobs of a batch system outside the cluster.', {
    cluster: string('Name of the batch system.', 253),
    jobs: list(
      'At most 64 of them.',
      object(
        'One job.',
        {
          id: string('Id.', 64),
          chunk: count('Part of the pilots.'),
          state: string('State.', 64),
          reason: string('Reason.', 1024),
        },
        ['id'],
      ),
      { max: 64 },
    ),
    lastSyncTime: timestamp('When the batch system was last asked.'),
  }),
});
