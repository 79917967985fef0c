// SPDX-License-Identifier: Apache-2.0
/** All children of a study, and the ConfigMap that freezes them. Called once for each version of the spec. */
import type { CompiledStudy } from '@melissa/crds';
import { API_VERSION, resource } from '@melissa/crds';
import type { Wanted } from 'operator-runtime';
import { configMapName, labelsOf } from '../names.ts';
import type { OperatorConfig, Rendered } from '../types.ts';
import { networkPolicies } from './network.ts';
import { pilotJob } from './pilots.ts';
import { claim, services, statefulSet } from './server.ts';
import { accounts, type Subject } from './subject.ts';

export function render(subject: Subject, config: OperatorConfig, hash: string): Rendered {
  return {
    version: 1,
    accounts: accounts(subject),
    services: services(subject),
    networkPolicies: networkPolicies(subject),
    claim: claim(subject),
    statefulSet: statefulSet(subject, config, configMapName(subject.name, hash)),
    job: pilotJob(subject, config),
  };
}

export function configMap(
  subject: Subject,
  parts: {
    compiled: CompiledStudy;
    rendered: Rendered;
    hash: string;
    caCertificate: string;
    authorizeCa: string | null;
    /** Tells the head which study object the generations of its intents are of. */
    uid: string;
  },
): Wanted {
  const { name, namespace, spec } = subject;
  const manifest = { apiVersion: API_VERSION, kind: resource.kind, metadata: { name, uid: parts.uid }, spec };
  return {
    metadata: { name: configMapName(name, parts.hash), namespace, labels: labelsOf(name, 'study') },
    immutable: true,
    data: {
      'compiled.json': JSON.stringify(parts.compiled),
      'manifest.json': JSON.stringify(manifest),
      'ca.crt': parts.caCertificate,
      ...(parts.authorizeCa === null ? {} : { 'authorize-ca.crt': parts.authorizeCa }),
      // Without a dot, so that the cache can keep this key and drop the others.
      rendered: JSON.stringify(parts.rendered),
    },
  };
}
