// SPDX-License-Identifier: Apache-2.0
/**
 * How many leases a pilot gets. Long simulations: one a slot, because a queue would only be unfair. Short ones: so many that
 * the pilot has `leaseQueueTargetMs` of work waiting by the measured mean, which hides the round trip to the head. Near the
 * end of the plan nobody gets more than an equal share of what is left. Pure; called once a turn for each pilot.
 */
import { leaseBatchBelowMs, leaseQueueTargetMs, leasesPerPilotMax } from '../limits.ts';

export type LeaseFacts = {
  slots: number;
  /** Leases it has now, the ones being stopped included: they still keep a slot busy. */
  held: number;
  /** Measured mean duration of a simulation; null before the first one ended. */
  meanMs: number | null;
  pending: number;
  pilots: number;
};

/** Leases to give now. */
export function leasesToGive(facts: LeaseFacts): number {
  const { slots, held, meanMs, pending, pilots } = facts;
  if (pending === 0) return 0;
  const batched = meanMs !== null && meanMs < leaseBatchBelowMs;
  const ahead = batched ? slots * Math.ceil(leaseQueueTargetMs / Math.max(meanMs, 0.5)) : 0;
  const target = Math.min(slots + ahead, Math.max(slots, leasesPerPilotMax));
  // A pilot that still has more than half of its target is left alone, so that leases travel in batches.
  if (held > slots && held > target / 2) return 0;
  const share = Math.max(Math.max(0, slots - held), Math.ceil(pending / Math.max(1, pilots)) - held);
  return Math.max(0, Math.min(target - held, share, pending));
}

/** Pilots worth having: never more than simulations that still need one. */
export function desiredPilots(facts: {
  parallelism: number;
  remaining: number;
  suspended: boolean;
  finished: boolean;
}): number {
  if (facts.suspended || facts.finished) return 0;
  return Math.min(facts.parallelism, facts.remaining);
}

/** The mean follows recent simulations, so that it adapts when their cost drifts through the plan. */
export function nextMean(meanMs: number | null, sampleMs: number): number {
  return meanMs === null ? sampleMs : meanMs + 0.1 * (sampleMs - meanMs);
}
