// SPDX-License-Identifier: Apache-2.0
/** `spec.client.parallelism`, the target of `kubectl scale`: how many pilots the Job is to run. */
import { makeRoomAfterMs } from '../limits.ts';
import type { Observed } from '../types.ts';

/**
 * Whether pilots step aside for a pod of the server that finds no node. They can end nothing until it has one, and on a full cluster, or under a quota, they would hold what
 * it waits for and both wait for ever. While no simulation runs that costs nothing; those that run are given up only after a while, in which a node may come.
 */
export function makesRoom({ serverPods, study, nowMs }: Pick<Observed, 'serverPods' | 'study' | 'nowMs'>): boolean {
  const waitingSinceMs = serverPods
    .filter(({ spec }) => spec?.nodeName === undefined)
    .flatMap(({ status }) => status?.conditions ?? [])
    .filter(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable')
    .map(({ lastTransitionTime }) => Date.parse(lastTransitionTime ?? '') || nowMs);
  if (waitingSinceMs.length === 0) return false;
  const { running = 0 } = study.status?.simulations ?? {};
  return running === 0 || nowMs - Math.min(...waitingSinceMs) >= makeRoomAfterMs;
}

/**
 * A head that has heard the present spec knows how many the plan can still feed. While it is silent, or speaks of an older spec, nothing is added, and what
 * the spec takes away goes.
 */
export function parallelism(o: Observed): number {
  if (makesRoom(o)) return 0;
  const wanted = o.spec.client.parallelism;
  const { head, headSilentSinceMs, study } = o;
  const hasHeard = head !== null && headSilentSinceMs === null && head.status.generation === study.metadata.generation;
  if (hasHeard || head?.demand.planFinished === true) return Math.min(wanted, head.demand.desiredPilots);
  return Math.min(wanted, o.job?.spec?.parallelism ?? o.compiled.sampling.simulations);
}
