// SPDX-License-Identifier: Apache-2.0
/**
 * `spec.suspend`: pilots go first, then the head confirms a last checkpoint, then the server's pods go; the claim stays. A cancelled study is not
 * suspended: its head must run to write what was counted.
 */
import { silentStopMs } from '../limits.ts';
import type { Observed } from '../types.ts';

export type Suspension = {
  wanted: boolean;
  /** The server's pods may go, or are gone. */
  serverStopped: boolean;
  /** No pod is left. */
  complete: boolean;
};

export function suspension(o: Observed): Suspension {
  const wanted = o.spec.suspend && !o.spec.cancel;
  if (!wanted) return { wanted, serverStopped: false, complete: false };
  const active = (o.job?.status?.active ?? 0) + (o.job?.status?.terminating ?? 0);
  // Once it was scaled to none its word is not needed any more, and cannot be had.
  const alreadyStopped = o.statefulSet === null || o.statefulSet.spec?.replicas === 0;
  const confirmed = o.head?.status.state === 'Suspended' && o.headSilentSinceMs === null;
  const isSilent = o.headSilentSinceMs !== null && o.nowMs - o.headSilentSinceMs >= silentStopMs;
  const serverStopped = alreadyStopped || (active === 0 && (confirmed || isSilent));
  return { wanted, serverStopped, complete: serverStopped && active === 0 && o.serverPods.length === 0 };
}
