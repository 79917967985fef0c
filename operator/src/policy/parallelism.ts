// SPDX-License-Identifier: Apache-2.0
/** `spec.client.parallelism`, the target of `kubectl scale`: how many pilots the Job is to run. */
import type { Observed } from '../types.ts';

/** The head knows how many the plan can still feed. While it is silent nothing is added, and what the spec takes away goes. */
export function parallelism(o: Observed): number {
  const wanted = o.spec.client.parallelism;
  if (o.head !== null && o.headSilentSinceMs === null) return Math.min(wanted, o.head.demand.desiredPilots);
  const running = o.job?.spec?.parallelism;
  return Math.min(wanted, running ?? o.compiled.sampling.simulations);
}
