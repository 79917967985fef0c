// SPDX-License-Identifier: Apache-2.0
/**
 * The part of a pod that a study may choose: a closed list, because creating a study equals creating pods. No service
 * account, host namespace, hostPath or privilege can be asked for.
 */
import { boolean, choice, integer, list, map, object, string, union, type Schema } from './schema.ts';

const name = (description: string): Schema => string(description, 253, { minLength: 1 });
const label = string('Value.', 63);
const amount = string('A Kubernetes quantity such as 500m, 2 or 4Gi.', 32, {
  pattern: '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$',
  melissa: {
    patternMeans: 'a Kubernetes quantity such as 500m, 2 or 4Gi',
    remedy: 'Write the amount as text, for example "2" or 4Gi.',
  },
});

const requirement = (operators: readonly string[]): Schema =>
  object(
    'One requirement on a label.',
    {
      key: string('Label.', 317),
      operator: choice('Relation.', operators),
      values: list('Values.', string('Value.', 63), { max: 64 }),
    },
    ['key', 'operator'],
  );
const NODE_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];
const LABEL_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

const nodeTerm = object('All requirements must hold.', {
  matchExpressions: list('On labels of the node.', requirement(NODE_OPERATORS), { max: 16 }),
  matchFields: list('On fields of the node.', requirement(NODE_OPERATORS), { max: 16 }),
});
const weight = integer('Weight.', { min: 1, max: 100 });

const podTerm = object(
  'Pods with these labels, in the same topology domain.',
  {
    labelSelector: object('Which pods.', {
      matchLabels: map('Labels.', label, 16),
      matchExpressions: list('Requirements.', requirement(LABEL_OPERATORS), { max: 16 }),
    }),
    topologyKey: string('Label of nodes that tells domains apart.', 317),
  },
  ['topologyKey'],
);
const podAffinity = (description: string): Schema =>
  object(description, {
    requiredDuringSchedulingIgnoredDuringExecution: list('Must hold.', podTerm, { max: 16 }),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      'Better if it holds.',
      object('One preference.', { weight, podAffinityTerm: podTerm }, ['weight', 'podAffinityTerm']),
      { max: 16 },
    ),
  });

const affinity: Schema = object('Which nodes are allowed or preferred.', {
  nodeAffinity: object('By labels of nodes.', {
    requiredDuringSchedulingIgnoredDuringExecution: object(
      'Must hold.',
      { nodeSelectorTerms: list('One of these.', nodeTerm, { min: 1, max: 16 }) },
      ['nodeSelectorTerms'],
    ),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      'Better if it holds.',
      object('One preference.', { weight, preference: nodeTerm }, ['weight', 'preference']),
      { max: 16 },
    ),
  }),
  podAffinity: podAffinity('Near these pods.'),
  podAntiAffinity: podAffinity('Away from these pods.'),
});

const volume: Schema = {
  ...union('One volume; exactly one source.', {
    emptyDir: object('Scratch space that dies with the pod.', {
      medium: choice('Empty: disk; Memory: tmpfs.', ['', 'Memory']),
      sizeLimit: amount,
    }),
    configMap: object('A ConfigMap.', { name: name('Name of the ConfigMap.') }, ['name']),
    secret: object('A Secret.', { secretName: name('Name of the Secret.') }, ['secretName']),
    persistentVolumeClaim: object(
      'A claim.',
      { claimName: name('Name of the claim.'), readOnly: boolean('Mount it read-only.') },
      ['claimName'],
    ),
  }),
};

export const podTemplate: Schema = object('What a cluster adds to the pods; ignored on one machine.', {
  labels: map('Further labels.', label, 32),
  annotations: map('Further annotations.', string('Value.', 4096), 32),
  resources: object('Requests and limits of the container.', {
    requests: map('Requests.', amount, 16),
    limits: map('Limits.', amount, 16),
  }),
  nodeSelector: map('Labels that a node must have.', label, 32),
  affinity,
  tolerations: list(
    'Taints that are tolerated.',
    object('One toleration.', {
      key: string('Taint.', 317),
      operator: choice('Relation.', ['Exists', 'Equal']),
      value: string('Value.', 63),
      effect: choice('Effect.', ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
      tolerationSeconds: integer('How long, for NoExecute.', { min: 0 }),
    }),
    { max: 32 },
  ),
  priorityClassName: name('Priority class.'),
  runtimeClassName: name('Runtime class.'),
  imagePullPolicy: choice('When the image is pulled.', ['Always', 'IfNotPresent', 'Never']),
  imagePullSecrets: list(
    'Secrets for pulling the image.',
    object('One secret.', { name: name('Name of the Secret.') }, ['name']),
    { max: 16 },
  ),
  volumes: list(
    'Further volumes.',
    {
      ...volume,
      properties: { name: string('Name of the volume.', 63, { minLength: 1 }), ...volume.properties },
      required: ['name'],
    },
    { max: 16 },
  ),
  volumeMounts: list(
    'Where the volumes appear in the container.',
    object(
      'One mount.',
      {
        name: string('Name of the volume.', 63, { minLength: 1 }),
        mountPath: string('Absolute path.', 4096, { minLength: 1 }),
        subPath: string('Folder in the volume.', 4096),
        readOnly: boolean('Mount it read-only.'),
      },
      ['name', 'mountPath'],
    ),
    { max: 32 },
  ),
  securityContext: object('Users and groups; null leaves the choice to the cluster (OpenShift).', {
    runAsUser: integer('User id; 65532 when left out.', { min: 1 }, { nullable: true }),
    runAsGroup: integer('Group id; 65532 when left out.', { min: 1 }, { nullable: true }),
    fsGroup: integer('Group of the volumes; 65532 when left out.', { min: 1 }, { nullable: true }),
    readOnlyRootFilesystem: boolean('Root file system is read-only.'),
  }),
});
