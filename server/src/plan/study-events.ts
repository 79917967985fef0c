// SPDX-License-Identifier: Apache-2.0
/** What people and time ask of the study: suspend, resume, scale, cancel, the deadline, convergence, and the tick that finds silence. */
import { attemptFailed, attemptIncomplete, attemptReturned, cancelSimulation, nothingSeen } from './attempts.ts';
import { afterCheck } from './convergence-policy.ts';
import { pilotsMax } from '../limits.ts';
import { isBeating, isSilent, pilotSilenceMs, simulationSilenceMs } from './liveness-policy.ts';
import { pilotGone } from './pilot-events.ts';
import type { Lease, PlanState } from './plan-state.ts';
import { Code, LOOP_SIMULATION, type PlanEvent, type StudyOutcome } from './types.ts';

type Event<T extends PlanEvent['type']> = Extract<PlanEvent, { type: T }>;

export function tick(plan: PlanState, nowMs: number): void {
  const { faultPolicy } = plan.options;
  for (const pilot of [...plan.pilots.values()]) {
    const limitMs = pilotSilenceMs(faultPolicy);
    if (!isSilent({ lastSignMs: pilot.lastHeardMs, nowMs, limitMs })) continue;
    pilotGone(plan, pilot, `silent for ${Math.round(limitMs / 1000)} s`, nowMs);
    plan.silentPilots.set(pilot.pilot, { ...pilot, leases: new Set() });
    if (plan.silentPilots.size > pilotsMax) plan.silentPilots.delete(plan.silentPilots.keys().next().value!);
  }
  if (!plan.ranksReady) return;
  for (const lease of [...plan.leases.values()]) checkLease(plan, lease, nowMs);
  for (const [simulation, grace] of [...plan.grace]) {
    if (nowMs > grace.deadlineMs) attemptIncomplete(plan, simulation, nowMs);
  }
}

function checkLease(plan: PlanState, lease: Lease, nowMs: number): void {
  const limitMs = simulationSilenceMs(plan.options.faultPolicy);
  if (lease.state !== 'Running' || !plan.leases.has(lease.lease)) return;
  const loop = plan.loops.get(lease.lease);
  // A loop that waits for work may be silent, and one that works is judged by the simulation that it is at.
  if (loop !== undefined && (loop.parked !== null || loop.children.length > 0)) return;
  if (!isSilent({ lastSignMs: lease.lastSignMs, nowMs, limitMs })) return;
  const pilot = plan.pilots.get(lease.pilot);
  if (pilot !== undefined && !isBeating(pilot.lastHeardMs, nowMs)) return;
  const reason = `time-out: silent for more than ${plan.options.faultPolicy.timeoutSeconds} s (faultPolicy.timeoutSeconds)`;
  if (lease.simulation === LOOP_SIMULATION) {
    plan.stop(lease, reason);
    return;
  }
  if (lease.loopLease !== 0) {
    stopLoop(plan, lease.loopLease, lease, reason, nowMs);
    return;
  }
  const counts =
    plan.leaseOf.get(lease.simulation) === lease.lease && plan.table.state[lease.simulation]! < Code.Received;
  plan.stop(lease, reason);
  if (counts) attemptFailed(plan, lease, reason, nothingSeen, nowMs);
}

/** A stuck simulation of a looping solver takes the process with it; what the solver had not begun goes back. */
function stopLoop(plan: PlanState, loopLease: number, stuck: Lease, reason: string, nowMs: number): void {
  const parent = plan.leases.get(loopLease);
  const children = plan.loops.get(loopLease)?.children ?? [];
  for (const number of [...children]) {
    const lease = plan.leases.get(number);
    if (lease === undefined) continue;
    plan.release(lease);
    if (lease === stuck) attemptFailed(plan, lease, reason, nothingSeen, nowMs);
    else attemptReturned(plan, lease, `its solver is ended: ${reason}`, nothingSeen, nowMs);
  }
  if (parent !== undefined) plan.stop(parent, reason);
}

export function convergence(plan: PlanState, event: Event<'convergence'>): void {
  const { stopWhen } = plan.options;
  plan.convergence = afterCheck(stopWhen, plan.convergence, event);
  if (!plan.convergence.converged || plan.closed !== '' || plan.finished || stopWhen === null) return;
  plan.closed = 'stopped early; intervals not corrected for looking';
  plan.out.push({
    type: 'event',
    entity: 'study',
    id: '',
    from: 'Running',
    to: 'Converged',
    cause: plan.closed,
    data: { groups: event.groups, widest: event.widest, goal: stopWhen.sobolIntervalBelow },
  });
  cancelPending(plan, plan.closed);
  plan.answerParked(true);
}

function cancelPending(plan: PlanState, reason: string): void {
  for (let simulation = 0; simulation < plan.options.simulations; simulation++) {
    if (plan.table.state[simulation] === Code.Pending) plan.setState(simulation, Code.Cancelled, reason);
  }
}

/** Cancelled by people, or over time: everything that is not done is cancelled, then the study ends. */
export function end(plan: PlanState, outcome: StudyOutcome, reason: string): void {
  if (plan.finished) return;
  plan.closed = reason;
  for (let simulation = 0; simulation < plan.options.simulations; simulation++) {
    const state = plan.table.state[simulation]!;
    if (state === Code.Pending) plan.setState(simulation, Code.Cancelled, reason);
    else if (state < Code.Done) cancelSimulation(plan, simulation, reason);
  }
  plan.finish(outcome, reason);
}

export function suspend(plan: PlanState): void {
  if (plan.suspended || plan.finished) return;
  plan.suspended = true;
  plan.out.push({
    type: 'event',
    entity: 'study',
    id: '',
    from: 'Running',
    to: 'Suspended',
    cause: 'asked for',
    data: {},
  });
}

export function resume(plan: PlanState): void {
  if (!plan.suspended) return;
  plan.suspended = false;
  plan.out.push({
    type: 'event',
    entity: 'study',
    id: '',
    from: 'Suspended',
    to: 'Running',
    cause: 'asked for',
    data: {},
  });
}
