// SPDX-License-Identifier: Apache-2.0
/** `spec.server` and `spec.local`: the study server, and what concerns one machine only. */
import { podTemplate } from './template.ts';
import { boolean, choice, integer, number, object, quantity, string, type Schema } from './schema.ts';

const storage: Schema = object(
  'Where checkpoints and results live on a cluster; one claim, one folder a pod.',
  {
    size: quantity('Size of the claim.', { default: '10Gi' }),
    storageClassName: string("Storage class; the cluster's default when left out.", 253),
    existingClaim: string('Use this claim instead of making one.', 253),
    accessMode: choice(
      'ReadWriteOnce: head and ranks run on one node. ReadWriteMany: on any; the storage class must offer it.',
      ['ReadWriteOnce', 'ReadWriteMany'],
      { default: 'ReadWriteOnce' },
    ),
    retention: choice('What happens to the claim when the study is deleted.', ['Delete', 'Retain'], {
      default: 'Delete',
    }),
  },
  [],
  {
    'x-kubernetes-validations': [
      {
        rule: '!has(self.existingClaim) || !has(self.storageClassName)',
        message: 'existingClaim has its storage class already; leave storageClassName out',
      },
    ],
  },
);

const period = (description: string, value: number): Schema =>
  number(description, { minimum: 1, maximum: 604_800, default: value });

export const server: Schema = object(
  'The study server: one head and one or more ranks.',
  {
    ranks: integer('Number of ranks that share the cells of every field.', { min: 1, max: 1024 }, { default: 1 }),
    memory: quantity('Memory of each server process or pod.', { default: '4Gi' }),
    checkpoint: object(
      'From a checkpoint a killed study continues.',
      { periodSeconds: period('Time between two checkpoints.', 60), storage },
      [],
      { default: {} },
    ),
    results: object(
      'Statistics are also written while the study runs.',
      { periodSeconds: period('Time between two writings of the results.', 600) },
      [],
      {
        default: {},
      },
    ),
    keepSeconds: integer(
      'How long a finished head goes on serving results.',
      { min: 0, max: 31_536_000 },
      {
        melissa: { defaultMeans: '3600 on a cluster, 0 on one machine' },
      },
    ),
    heldLimit: quantity(
      'Bound of blocks per rank that wait for their partners; simulations are leased so that it holds.',
      {
        melissa: { defaultMeans: 'a quarter of memory' },
      },
    ),
    receiveBudget: quantity(
      'Bound of all bytes that solvers may have under way to one rank. Memory shared with solvers of the same machine takes up to half as much again.',
      { default: '256Mi' },
    ),
    sendWindow: quantity('Bytes that one rank of a solver may have under way to one rank of the server.', {
      default: '16Mi',
    }),
    directory: string('One machine: folder of the study, relative to where the command is run.', 4096, {
      minLength: 1,
      melissa: { defaultMeans: 'studies/NAME' },
    }),
    template: podTemplate,
  },
  [],
  { default: {} },
);

export const local: Schema = object(
  'Settings that concern a study on one machine only; a cluster ignores them.',
  {
    port: integer('Port of the REST API; 0 takes any free one.', { min: 0, max: 65_535 }, { default: 8888 }),
    listen: string('Address that the REST API listens on; only loopback is safe without further protection.', 253, {
      minLength: 1,
      default: '127.0.0.1',
    }),
    encrypt: boolean(
      'Encrypts what solvers, pilots, ranks and head say to each other, with keys made for this study (CURVE); only who has them can connect. A cluster always does.',
      { default: false },
    ),
  },
  [],
  { default: {} },
);
