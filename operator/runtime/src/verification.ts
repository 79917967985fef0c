// SPDX-License-Identifier: Apache-2.0
/**
 * Compares a cache with what the API server has, from time to time, by metadata alone: the last defence against an event that
 * was lost without a trace. Nothing in the protocol tells of such a loss (client-go has no defence but a restart), and
 * an object that nobody changes again would stay wrong for ever. A list is a picture of a moment and the watch may lag
 * behind it, so a difference counts only when it is still there after a while.
 */
import { compareVersions, keyOf, type KubernetesObject } from './objects.ts';
import type { Store } from './store.ts';

export type Version = { key: string; namespace: string | undefined; version: string | undefined };

/** Keys that the cache has otherwise than the list at `listVersion`, and does not know anything newer about. */
export function differences(
  store: Store<KubernetesObject>,
  listed: readonly Version[],
  listVersion: string,
  scope: string | undefined,
): Set<string> {
  const wrong = new Set<string>();
  const seen = new Set<string>();
  for (const { key, version } of listed) {
    seen.add(key);
    const isNewer = (compareVersions(store.versionOf(key), listVersion) ?? 0) > 0;
    if (!isNewer && store.get(key)?.metadata.resourceVersion !== version) wrong.add(key);
  }
  for (const object of store.list()) {
    if (scope !== undefined && object.metadata.namespace !== scope) continue;
    const key = keyOf(object);
    const order = compareVersions(object.metadata.resourceVersion, listVersion);
    if (!seen.has(key) && order !== null && order <= 0) wrong.add(key);
  }
  return wrong;
}
