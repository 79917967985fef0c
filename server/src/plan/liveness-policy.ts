// SPDX-License-Identifier: Apache-2.0
/**
 * Who is alive. A simulation's signs of life are its start and the data that ranks receive of it; the heartbeat of its
 * pilot counts only while it waits, or when the solver does not speak to the server by itself, because a stuck solver's
 * pilot beats on. While a rank is away nobody is timed out: the silence is not theirs. Pure.
 */
import type { CompiledFaultPolicy } from '@melissa/crds';
import { heartbeatMs, peerSilenceMsMin } from '../limits.ts';

export function simulationSilenceMs(policy: CompiledFaultPolicy): number {
  return policy.timeoutSeconds * 1000;
}

/** A pilot is lost after the silence allowed to its simulations, but not before a few heartbeats were missed. */
export function pilotSilenceMs(policy: CompiledFaultPolicy): number {
  return Math.max(peerSilenceMsMin, policy.timeoutSeconds * 1000);
}

/**
 * Whether a silent simulation may be called stuck. Of a pilot that misses its heartbeats nobody knows whether the solver is
 * stuck or gone with it: the pilot's own time runs out first, and what it ran is lost, not failed.
 */
export function isBeating(pilotHeardMs: number, nowMs: number): boolean {
  return nowMs - pilotHeardMs <= 2 * heartbeatMs;
}

export function isSilent(facts: { lastSignMs: number; nowMs: number; limitMs: number }): boolean {
  return facts.nowMs - facts.lastSignMs > facts.limitMs;
}
