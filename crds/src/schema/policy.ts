// SPDX-License-Identifier: Apache-2.0
/** `spec.faultPolicy`, `spec.backend`, `spec.queue` and the switches of a study's life. */
import { boolean, choice, integer, list, number, object, string, union, type Schema } from './schema.ts';

const seconds = (description: string, value: number): Schema =>
  number(description, { minimum: 0.1, maximum: 31_536_000, default: value });

export const faultPolicy: Schema = object(
  'What happens when something fails.',
  {
    timeoutSeconds: seconds('Longest silence of a leased simulation before it is given to another pilot.', 300),
    retryLimit: integer('Executions after the first with the same parameters.', { min: 0, max: 1000 }, { default: 2 }),
    onExhausted: choice(
      'After the last retry: Redraw (new parameters; in pick-freeze for the whole group) or Fail. Grid and list designs never redraw.',
      ['Redraw', 'Fail'],
      { default: 'Fail' },
    ),
    redrawLimit: integer('How often one simulation or group may be redrawn.', { min: 0, max: 1000 }, { default: 3 }),
    lostLimit: integer(
      'After so many losses of its pilot or node a simulation has failed: it kills its pilot.',
      { min: 1, max: 1000 },
      { default: 5 },
    ),
    maxFailed: integer('The study fails when more simulations than this have failed.', { min: 0 }, { default: 10 }),
    graceSeconds: seconds('How long data of a simulation whose solver exited with 0 may stay incomplete.', 30),
    sendTimeoutSeconds: seconds('How long a solver tries to reach a rank before its attempt is lost.', 300),
  },
  [],
  { default: {} },
);

const extraArgs = list('Further arguments of the submission.', string('One argument.', 1024), { max: 32 });

export const backend: Schema = union(
  'Where pilots run: exactly one of these. Left out: this machine, or on a cluster Kubernetes.',
  {
    kubernetes: object('Pods of the cluster.', {}),
    slurm: object('Jobs of a Slurm cluster.', {
      account: string('Account.', 253),
      partition: string('Partition.', 253),
      qos: string('Quality of service.', 253),
      timeLimitSeconds: integer('Time limit of one pilot.', { min: 60 }),
      arraySize: integer('Largest job array.', { min: 1, max: 100_000 }),
      extraArgs,
    }),
    oar: object('Jobs of an OAR cluster.', {
      project: string('Project.', 253),
      queue: string('Queue.', 253),
      resources: string('Resources, as in `oarsub -l`.', 1024),
      walltimeSeconds: integer('Time limit of one pilot.', { min: 60 }),
      types: list('Job types, as in `oarsub -t`.', string('One type.', 253), { max: 16 }),
      extraArgs,
    }),
  },
);

export const queue: Schema = object('Queue of a cluster with Kueue.', {
  name: string('Local queue.', 63, { minLength: 1 }),
  priorityClassName: string('Workload priority class.', 253, { minLength: 1 }),
});

export const keepRaw: Schema = union('Also write the raw fields of some simulations, for checking.', {
  all: boolean('Of every simulation, when true.'),
  ids: list('Of these simulations.', integer('Simulation.', { min: 0 }), { min: 1, max: 4096 }),
});

export const lifeCycle: Record<string, Schema> = {
  partial: choice(
    'Keep: samples of a simulation that failed half-way stay in the statistics. Whole: a simulation is counted when it is complete.',
    ['Keep', 'Whole'],
    { melissa: { defaultMeans: 'Keep, or Whole when deterministic is false' } },
  ),
  deterministic: boolean('The same parameters give the same output, bit for bit; false folds only whole simulations.', {
    default: true,
  }),
  nonFinite: choice(
    'NaN and infinity: Reject (the simulation fails at that step), Skip (the cell of that sample is left out), Propagate.',
    ['Reject', 'Skip', 'Propagate'],
    { default: 'Reject' },
  ),
  suspend: boolean(
    'When true, pilots stop, the server writes a checkpoint and stops; when false again, the study goes on.',
    {
      default: false,
    },
  ),
  cancel: boolean('When true, the study ends for good; what was counted is written.', { default: false }),
  deadlineSeconds: integer('The study fails when it has not ended so long after its start.', { min: 1 }),
  ttlSecondsAfterFinished: integer('A cluster deletes the study so long after its end.', { min: 0 }),
  managedBy: string('Controller that looks after the study; immutable. Left out: the Melissa operator.', 63, {
    minLength: 1,
  }),
};
