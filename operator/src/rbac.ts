// SPDX-License-Identifier: Apache-2.0
/**
 * What the operator may do, from what its code does: the kinds that it caches are listed and watched, the kinds that it writes are written, and nothing else. The
 * chart's roles are made of this table (`npm run generate` writes operator/rbac.json). Secrets can be read by name and created, never listed.
 */
import { resource } from '@melissa/crds';
import type { Kind } from 'operator-runtime';
import {
  claims,
  configMaps,
  events,
  jobs,
  namespaces,
  networkPolicies,
  secrets,
  serverPods,
  serviceAccounts,
  services,
  statefulSets,
  studies,
} from './kinds.ts';

export type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] };

const rule = (kind: Kind, verbs: string[], subresource = ''): Rule => ({
  apiGroups: [kind.group],
  resources: [subresource === '' ? kind.plural : `${kind.plural}/${subresource}`],
  verbs,
});

/** A create by apply asks for both. */
const applied = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** In every namespace that has studies. */
export const clusterRules: Rule[] = [
  // Deleted after ttlSecondsAfterFinished; `update` of finalizers is what owner references that block deletion need.
  rule(studies, ['get', 'list', 'watch', 'delete']),
  rule(studies, ['patch'], 'status'),
  { apiGroups: [resource.group], resources: [`${resource.plural}/finalizers`], verbs: ['update'] },
  rule(configMaps, applied),
  rule(networkPolicies, ['get', 'list', 'watch', 'create', 'patch']),
  rule(services, ['get', 'list', 'watch', 'create', 'patch']),
  rule(serviceAccounts, ['get', 'list', 'watch', 'create', 'patch']),
  rule(claims, ['get', 'list', 'watch', 'create', 'patch']),
  rule(statefulSets, ['get', 'list', 'watch', 'create', 'patch']),
  rule(jobs, applied),
  rule(secrets, ['get', 'create', 'patch', 'delete']),
  // Server pods of an older template are deleted; pilots' pods are only looked at.
  rule(serverPods, ['get', 'list', 'watch', 'delete']),
  rule(namespaces, ['get']),
  rule(events, ['list']),
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
];

/** For /authorize; what the ClusterRole system:auth-delegator grants. */
export const authorizeRules: Rule[] = [
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
];

/** In the operator's own namespace: the lease by which one replica leads. */
export const namespacedRules: Rule[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
];

type Asked = { method: string; path: string; query?: Record<string, string> };

/** The verb, group and resource that a request to the API server needs; for the test that compares requests with rules. */
export function accessOf({ method, path, query }: Asked): { verb: string; group: string; resource: string } {
  const parts = path.split('/').filter((part) => part !== '');
  const group = parts[0] === 'api' ? '' : parts[1]!;
  let rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  if (rest[0] === 'namespaces' && rest.length > 2) rest = rest.slice(2);
  const [plural = '', name, subresource] = rest;
  const reading = query?.['watch'] === 'true' ? 'watch' : name === undefined ? 'list' : 'get';
  const verbs: Record<string, string> = {
    GET: reading,
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
  };
  return { verb: verbs[method]!, group, resource: subresource === undefined ? plural : `${plural}/${subresource}` };
}

export const isAllowed = (
  rules: readonly Rule[],
  { verb, group, resource: of }: ReturnType<typeof accessOf>,
): boolean =>
  rules.some(
    ({ apiGroups, resources, verbs }) => apiGroups.includes(group) && resources.includes(of) && verbs.includes(verb),
  );
