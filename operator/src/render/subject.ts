// SPDX-License-Identifier: Apache-2.0
/** Which study is rendered, and what all its pods have in common. */
import type { CheckedSpec } from '@melissa/crds';
import type { Wanted } from 'operator-runtime';
import { labelsOf, pilotName, serverName } from '../names.ts';

export type Subject = { name: string; namespace: string; spec: CheckedSpec };

export const fieldOf = (name: string, fieldPath: string): Record<string, unknown> => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

/** Accounts without any rule and without a token: a pod's identity for policies, not a right. */
export const accounts = ({ name, namespace }: Subject): Wanted[] =>
  [
    { name: serverName(name), component: 'server' as const },
    { name: pilotName(name), component: 'pilot' as const },
  ].map((account) => ({
    metadata: { name: account.name, namespace, labels: labelsOf(name, account.component) },
    automountServiceAccountToken: false,
  }));
