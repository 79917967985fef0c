// SPDX-License-Identifier: Apache-2.0
/** The whole MelissaStudy: names of the resource, spec, status, printer columns and the rules that need all of it. */
import { client } from './client.ts';
import { fields, time } from './fields.ts';
import { parameters } from './parameters.ts';
import { backend, faultPolicy, keepRaw, lifeCycle, queue } from './policy.ts';
import { sampling } from './sampling.ts';
import { local, server } from './server.ts';
import { statistics } from './statistics.ts';
import { status } from './status.ts';
import { object, string, type CelRule, type Schema } from './schema.ts';

export const resource = {
  group: 'melissa.dev',
  version: 'v1alpha1',
  kind: 'MelissaStudy',
  listKind: 'MelissaStudyList',
  plural: 'melissastudies',
  singular: 'melissastudy',
  shortNames: ['mst'],
  categories: ['all', 'melissa'],
} as const;

export const API_VERSION = `${resource.group}/${resource.version}`;

/** Names of children add at most 23 characters, and labels hold 63. */
export const NAME_MAX = 40;
export const NAME_PATTERN = '^[a-z]([-a-z0-9]*[a-z0-9])?$';

export const spec: Schema = object(
  'What the study explores and how.',
  {
    parameters,
    sampling,
    time: { ...time, default: {} },
    fields,
    statistics: { ...statistics, default: {} },
    keepRaw,
    partial: lifeCycle['partial']!,
    deterministic: lifeCycle['deterministic']!,
    nonFinite: lifeCycle['nonFinite']!,
    client,
    server,
    faultPolicy,
    backend,
    queue,
    suspend: lifeCycle['suspend']!,
    cancel: lifeCycle['cancel']!,
    deadlineSeconds: lifeCycle['deadlineSeconds']!,
    ttlSecondsAfterFinished: lifeCycle['ttlSecondsAfterFinished']!,
    managedBy: lifeCycle['managedBy']!,
    local,
  },
  ['parameters', 'sampling', 'fields', 'client'],
  {
    'x-kubernetes-validations': [
      {
        rule: 'has(self.managedBy) == has(oldSelf.managedBy) && (!has(self.managedBy) || self.managedBy == oldSelf.managedBy)',
        message: 'managedBy cannot change',
      },
    ],
  },
);

/** What decides the result: fixed once the study has started, because a checkpoint of other values would be refused. */
export const IMMUTABLE_WHEN_STARTED = {
  required: ['parameters', 'sampling', 'fields'],
  optional: ['time', 'statistics', 'keepRaw', 'partial', 'deterministic', 'nonFinite', 'backend'],
  client: [
    'command',
    'args',
    'env',
    'files',
    'preprocessing',
    'ranks',
    'launcher',
    'launcherArgs',
    'loop',
    'outputs',
    'mode',
  ],
} as const;

const STARTED = 'has(oldSelf.status) && has(oldSelf.status.startTime)';

/** `loop` is a reserved word of CEL, and Kubernetes escapes such names with underscores. */
const celPath = (path: string): string => path.replace(/\bloop$/, '__loop__');

const frozen = (path: string, optional: boolean): CelRule => {
  const now = `self.${celPath(path)}`;
  const before = `oldSelf.${celPath(path)}`;
  const same = optional
    ? `has(${now}) == has(${before}) && (!has(${now}) || ${now} == ${before})`
    : `${now} == ${before}`;
  return {
    rule: `!(${STARTED}) || (${same})`,
    message: `${path} cannot change after the study has started; create another study`,
  };
};

export const study: Schema = object(
  'A study explores a simulation code over its uncertain parameters and computes statistics of its fields while they arrive, without storing them.',
  {
    apiVersion: string('melissa.dev/v1alpha1.', 64),
    kind: string('MelissaStudy.', 64),
    metadata: { description: 'Name, labels and annotations.', type: 'object' },
    spec,
    status,
  },
  ['spec'],
  {
    'x-kubernetes-validations': [
      {
        rule: `self.metadata.name.matches('${NAME_PATTERN}') && size(self.metadata.name) <= ${NAME_MAX}`,
        message: `metadata.name must start with a letter, hold only lower-case letters, digits and -, end with a letter or digit, and have at most ${NAME_MAX} characters`,
      },
      ...IMMUTABLE_WHEN_STARTED.required.map((name) => frozen(`spec.${name}`, false)),
      ...IMMUTABLE_WHEN_STARTED.optional.map((name) => frozen(`spec.${name}`, true)),
      ...IMMUTABLE_WHEN_STARTED.client.map((name) => frozen(`spec.client.${name}`, name !== 'command')),
      frozen('spec.server.ranks', true),
      {
        rule: '!has(oldSelf.spec.cancel) || !oldSelf.spec.cancel || (has(self.spec.cancel) && self.spec.cancel)',
        message: 'a cancelled study cannot go on; create another study',
      },
    ],
  },
);

type PrinterColumn = {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description: string;
  priority?: number;
};

export const printerColumns: readonly PrinterColumn[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="ServerReady")].status',
    description: 'The study server is ready.',
  },
  { name: 'Backend', type: 'string', jsonPath: '.status.backend', description: 'Where pilots run.' },
  {
    name: 'Sims',
    type: 'string',
    jsonPath: '.status.simulations.summary',
    description: 'Simulations counted, of all.',
  },
  {
    name: 'Failed',
    type: 'integer',
    jsonPath: '.status.simulations.failed',
    description: 'Simulations that failed for good.',
  },
  { name: 'Active', type: 'integer', jsonPath: '.status.client.active', description: 'Pilots that hold a lease.' },
  { name: 'Progress', type: 'string', jsonPath: '.status.progress.text', description: 'How much is done.' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  { name: 'Desired', type: 'integer', jsonPath: '.status.client.desired', description: 'Pilots wanted.', priority: 1 },
  {
    name: 'Server',
    type: 'string',
    jsonPath: '.status.server.endpoint',
    description: 'Address of the REST API.',
    priority: 1,
  },
  { name: 'Queue', type: 'string', jsonPath: '.spec.queue.name', description: 'Queue.', priority: 1 },
  {
    name: 'Suspended',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Suspended")].status',
    description: 'The study is suspended.',
    priority: 1,
  },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Progressing")].reason',
    description: 'Why it is in this state.',
    priority: 1,
  },
];

export const scale = {
  specReplicasPath: '.spec.client.parallelism',
  statusReplicasPath: '.status.client.active',
  labelSelectorPath: '.status.client.selector',
} as const;
