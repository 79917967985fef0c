// SPDX-License-Identifier: Apache-2.0
/** The operator's own metrics, from the statuses in its cache: what an autoscaler asks for. Registered by io/operator.ts. */
import type { GaugeDeclaration, Store } from 'operator-runtime';
import { studies, type Study } from './kinds.ts';

/** A study that has no counters yet has no value either: an autoscaler then leaves it as it is. */
export function* pendingOf(
  store: Pick<Store<Study>, 'list'>,
): Iterable<{ labels: Record<string, string>; value: number }> {
  for (const { metadata, status } of store.list()) {
    const pending = status?.simulations?.pending;
    if (pending !== undefined)
      yield { labels: { namespace: metadata.namespace ?? '', study: metadata.name }, value: pending };
  }
}

export const gauges: readonly GaugeDeclaration[] = [
  {
    name: 'melissa_simulations_pending',
    help: 'Simulations of a study that no pilot has taken yet, as its status says',
    labelNames: ['namespace', 'study'],
    read: (manager) => pendingOf(manager.storeFor(studies)),
  },
];
