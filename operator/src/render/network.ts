// SPDX-License-Identifier: Apache-2.0
/**
 * Who may speak to a study's pods, where the cluster's network enforces policies: data and leases come from the study's own pods only, REST from anywhere (it asks for a
 * token), and nobody speaks to a solver. What solvers speak to is left alone: licence servers and data stores are theirs to know.
 */
import type { Wanted } from 'operator-runtime';
import { AUTHORIZE_PORT, CONTROL_PORT, HTTPS_PORT, labelsOf, pilotName, selectorOf, serverName } from '../names.ts';
import type { Subject } from './subject.ts';

const tcp = (port: number): Record<string, unknown> => ({ protocol: 'TCP', port });
const dns = [tcp(53), { protocol: 'UDP', port: 53 }];

export function networkPolicies({ name, namespace }: Subject): Wanted[] {
  const pods = (component: 'server' | 'pilot') => ({ podSelector: { matchLabels: selectorOf(name, component) } });
  return [
    {
      metadata: { name: serverName(name), namespace, labels: labelsOf(name, 'server') },
      spec: {
        ...pods('server'),
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [pods('server'), pods('pilot')], ports: [tcp(CONTROL_PORT)] }, { ports: [tcp(HTTPS_PORT)] }],
        egress: [
          { to: [pods('server')], ports: [tcp(CONTROL_PORT)] },
          { ports: dns },
          // The operator, in whatever namespace it is.
          { to: [{ namespaceSelector: {} }], ports: [tcp(AUTHORIZE_PORT)] },
        ],
      },
    },
    {
      metadata: { name: pilotName(name), namespace, labels: labelsOf(name, 'pilot') },
      spec: { ...pods('pilot'), policyTypes: ['Ingress'], ingress: [] },
    },
  ];
}
