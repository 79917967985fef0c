// SPDX-License-Identifier: Apache-2.0
/**
 * The kinds that the operator reads and writes, and what its caches keep of each. Only objects that carry the operator's own
 * label are cached: an operator that reads every pod and ConfigMap of a cluster costs memory and trust. Secrets are never listed or watched.
 */
import type { MelissaStudySpec, MelissaStudyStatus } from '@melissa/crds';
import { resource } from '@melissa/crds';
import type { Kind, KubernetesObject, ObjectMeta } from 'operator-runtime';
import { FAILED_PILOTS, OURS, SERVER_PODS } from './names.ts';

export type Study = KubernetesObject & { spec: MelissaStudySpec; status?: MelissaStudyStatus };

export type ContainerState = {
  waiting?: { reason?: string; message?: string };
  terminated?: { reason?: string; exitCode?: number; message?: string };
};
export type ContainerStatus = {
  name: string;
  ready?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
};
export type PodCondition = {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
};
export type Pod = KubernetesObject & {
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    podIP?: string;
    conditions?: PodCondition[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
};
export type Job = KubernetesObject & {
  spec?: { parallelism?: number; suspend?: boolean };
  status?: {
    active?: number;
    ready?: number;
    failed?: number;
    succeeded?: number;
    terminating?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
};
export type StatefulSet = KubernetesObject & {
  spec?: { replicas?: number };
  status?: { replicas?: number; readyReplicas?: number; updateRevision?: string; observedGeneration?: number };
};
export type ConfigMap = KubernetesObject & { data?: Record<string, string> };
export type Claim = KubernetesObject & { status?: { phase?: string } };
export type Secret = KubernetesObject & { data?: Record<string, string> };
export type ClusterEvent = KubernetesObject & {
  type?: string;
  reason?: string;
  message?: string;
  lastTimestamp?: string | null;
  eventTime?: string | null;
};

const core = { group: '', version: 'v1', namespaced: true } as const;
const apps = { group: 'apps', version: 'v1', namespaced: true } as const;
const ours = { labelSelector: OURS } as const;

export const studies: Kind<Study> = {
  group: resource.group,
  version: resource.version,
  plural: resource.plural,
  kind: resource.kind,
  namespaced: true,
};
export const configMaps: Kind<ConfigMap> = {
  ...core,
  ...ours,
  plural: 'configmaps',
  kind: 'ConfigMap',
  // The compiled study beside it may have a megabyte.
  keep: ['data.rendered'],
};
export const services: Kind = { ...core, ...ours, plural: 'services', kind: 'Service', keep: [] };
export const networkPolicies: Kind = {
  ...ours,
  group: 'networking.k8s.io',
  version: 'v1',
  namespaced: true,
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  keep: [],
};
export const serviceAccounts: Kind = { ...core, ...ours, plural: 'serviceaccounts', kind: 'ServiceAccount', keep: [] };
export const claims: Kind<Claim> = {
  ...core,
  ...ours,
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  keep: ['metadata.annotations', 'status.phase'],
};
export const statefulSets: Kind<StatefulSet> = {
  ...apps,
  ...ours,
  plural: 'statefulsets',
  kind: 'StatefulSet',
  keep: ['metadata.annotations', 'spec.replicas', 'status'],
};
export const jobs: Kind<Job> = {
  ...ours,
  group: 'batch',
  version: 'v1',
  namespaced: true,
  plural: 'jobs',
  kind: 'Job',
  keep: ['metadata.annotations', 'spec.parallelism', 'spec.suspend', 'status'],
};
const podKeep = [
  'spec.nodeName',
  'status.phase',
  'status.reason',
  'status.message',
  'status.podIP',
  'status.conditions',
  'status.containerStatuses',
  'status.initContainerStatuses',
];
/** Pods of the StatefulSet; their owner is the set, so the label names the study. */
export const serverPods: Kind<Pod> = {
  ...core,
  labelSelector: SERVER_PODS,
  plural: 'pods',
  kind: 'Pod',
  keep: podKeep,
};
/** Of the pilots' pods only those that failed: their reasons are for the head. */
export const failedPilots: Kind<Pod> = {
  ...core,
  labelSelector: FAILED_PILOTS,
  fieldSelector: 'status.phase=Failed',
  plural: 'pods',
  kind: 'Pod',
  keep: podKeep.filter((path) => path !== 'status.podIP'),
};
/** Read by name and created once; never listed or watched. */
export const secrets: Kind<Secret> = { ...core, plural: 'secrets', kind: 'Secret' };
/** Read by name when pods are missing; never listed or watched. */
export const namespaces: Kind = { ...core, namespaced: false, plural: 'namespaces', kind: 'Namespace', keep: [] };
export const events: Kind<ClusterEvent> = { ...core, plural: 'events', kind: 'Event' };

export type WithMeta = { metadata: ObjectMeta };
