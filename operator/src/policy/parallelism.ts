// SPDX-License-Identifier: Apache-2.0
/** `spec.client.parallelism`, the target of `kubectl scale`: how many pilots the Job is to run. */
import type { Observed } from '../types.ts';

/**
 * A pod of the server has no room. Pilots can do nothing until it has, and on a full cluster, or under a quota, they would hold what it waits for and both wait for ever:
 * they step aside.
 */
export const serverFindsNoNode = ({ serverPods }: Pick<Observed, 'serverPods'>): boolean =>
  serverPods.some(
    ({ spec, status }) =>
      spec?.nodeName === undefined &&
      status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable') === true,
  );

/**
 * A head that has heard the present spec knows how many the plan can still feed. While it is silent, or speaks of an older spec, nothing is added, and what
 * the spec takes away goes.
 */
export function parallelism(o: Observed): number {
  if (serverFindsNoNode(o)) return 0;
  const wanted = o.spec.client.parallelism;
  const { head, headSilentSinceMs, study } = o;
  const hasHeard = head !== null && headSilentSinceMs === null && head.status.generation === study.metadata.generation;
  if (hasHeard || head?.demand.planFinished === true) return Math.min(wanted, head.demand.desiredPilots);
  return Math.min(wanted, o.job?.spec?.parallelism ?? o.compiled.sampling.simulations);
}
