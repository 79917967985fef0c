// SPDX-License-Identifier: Apache-2.0
/**
 * What ranks tell. The plan follows their bits, not exit codes. A rank that restarts brings the bits of its checkpoint:
 * what it lacks is leased again, and what it has that the plan does not know (a head restored from an older checkpoint) is done.
 */
import { faultOf } from './client-events.ts';
import { pilotGone } from './pilot-events.ts';
import { isCheckDue } from './convergence-policy.ts';
import type { PlanState } from './plan-state.ts';
import { bit, setBit } from './simulation-table.ts';
import { Code, type PlanEvent } from './types.ts';

type Event<T extends PlanEvent['type']> = Extract<PlanEvent, { type: T }>;

export function rankHello(plan: PlanState, event: Event<'rankHello'>, nowMs: number): void {
  const rank = plan.ranks[event.rank];
  if (rank === undefined) return;
  const restarted = rank.instance !== '' && rank.instance !== event.instance;
  const isNew = rank.instance !== event.instance;
  const data = { checkpoint: event.checkpoint };
  plan.out.push({
    type: 'event',
    entity: 'rank',
    id: String(event.rank),
    from: rank.connected ? 'Connected' : 'Away',
    to: 'Connected',
    cause: restarted ? `rewound to checkpoint ${event.checkpoint}` : 'hello',
    data,
  });
  rank.instance = event.instance;
  rank.connected = true;
  rank.checkpoint = event.checkpoint;
  const received = plan.table.received[event.rank]!;
  const complete = plan.table.complete[event.rank]!;
  for (let i = 0; i < complete.length; i++) {
    complete[i] = event.complete[i] ?? 0;
    // Held blocks are not in a checkpoint; a rank that lived on still has them.
    received[i] = isNew ? complete[i]! : received[i]! | complete[i]!;
  }
  if (isNew) {
    for (const steps of plan.firstSteps.values()) steps[event.rank] = 0;
    raiseAttempts(plan, event.rank);
  }
  for (let simulation = 0; simulation < plan.options.simulations; simulation++)
    reconcile(plan, simulation, event.rank, isNew, nowMs);
  forgiveSilence(plan, nowMs);
}

/** The silence while a rank was away was not the simulations'. */
function forgiveSilence(plan: PlanState, nowMs: number): void {
  for (const lease of plan.leases.values()) lease.lastSignMs = nowMs;
  const graceMs = plan.options.faultPolicy.graceSeconds * 1000;
  for (const grace of plan.grace.values()) grace.deadlineMs = Math.max(grace.deadlineMs, nowMs + graceMs);
}

export function rankBack(plan: PlanState, event: Event<'rankBack'>, nowMs: number): void {
  const rank = plan.ranks[event.rank];
  if (rank === undefined || rank.connected || rank.instance === '') return;
  rank.connected = true;
  const id = String(event.rank);
  plan.out.push({ type: 'event', entity: 'rank', id, from: 'Away', to: 'Connected', cause: 'heard again', data: {} });
  forgiveSilence(plan, nowMs);
}

/** The rank may remember older attempts and draws than the plan does. */
function raiseAttempts(plan: PlanState, rank: number): void {
  const { draw, attempt, state } = plan.table;
  for (let simulation = 0; simulation < plan.options.simulations; simulation++) {
    if (state[simulation]! >= Code.Done || (draw[simulation] === 0 && attempt[simulation]! <= 1)) continue;
    const lowest = plan.countingLease(simulation)?.attempt ?? attempt[simulation]!;
    plan.out.push({
      type: 'attempt',
      rank,
      simulation,
      draw: draw[simulation]!,
      attempt: Math.max(1, lowest),
      drop: false,
    });
  }
}

function reconcile(plan: PlanState, simulation: number, rank: number, isNew: boolean, nowMs: number): void {
  const state = plan.table.state[simulation]!;
  if (state === Code.Pending && plan.table.attempt[simulation] === 0 && !bit(plan.table.complete[rank]!, simulation))
    return;
  if (state === Code.Failed || state === Code.Cancelled) return;
  const lacking = !bit(plan.table.received[rank]!, simulation);
  const lease = plan.countingLease(simulation);
  if (isNew && lease !== undefined) lease.disturbed = true;
  if ((state === Code.Done && !bit(plan.table.complete[rank]!, simulation)) || (state === Code.Received && lacking)) {
    regress(plan, simulation, `rank ${rank} restarted without it`, nowMs);
    return;
  }
  const grace = plan.grace.get(simulation);
  if (isNew && grace !== undefined) grace.lease.disturbed = true;
  plan.complete(simulation, plan.table.attempt[simulation]!, nowMs);
}

/** The rank had it and dropped it again, when a later attempt opened that an earlier head had leased: it has to come once more. */
export function foldDenied(plan: PlanState, event: Event<'foldDenied'>, nowMs: number): void {
  const { rank, simulation, draw, attempt } = event;
  const { table } = plan;
  if (draw !== table.draw[simulation] || table.state[simulation]! > Code.Received) return;
  // An order from before it was leased again; another one is under way.
  if (attempt < (plan.droppedBelow.get(simulation) ?? 0) || bit(table.complete[rank]!, simulation)) return;
  setBit(table.received[rank]!, simulation, false);
  // Another rank has denied it too.
  if (table.state[simulation] !== Code.Received) return;
  const lease = plan.countingLease(simulation);
  if (lease !== undefined) lease.disturbed = true;
  regress(plan, simulation, `rank ${rank} does not hold all of it any more`, nowMs);
}

/** Folded or held once, and lost with its rank. */
function regress(plan: PlanState, simulation: number, cause: string, nowMs: number): void {
  // The results have been written, with it.
  if (plan.sealed) return;
  if (plan.closed !== '' || (plan.finished && plan.outcome !== 'Succeeded')) {
    plan.setState(simulation, Code.Cancelled, `${cause}; ${plan.closed || plan.outcomeReason}`);
    return;
  }
  if (plan.finished) reopen(plan, cause, nowMs);
  // The client that still runs resends what was not acknowledged; what is missing at its end is leased again, uncharged.
  const lease = plan.countingLease(simulation);
  if (lease === undefined) plan.requeue(simulation, cause);
  else plan.setState(simulation, lease.state === 'Waiting' ? Code.Leased : Code.Running, cause);
}

/** Pilots were dismissed already; the backend starts others. */
function reopen(plan: PlanState, reason: string, nowMs: number): void {
  plan.outcome = null;
  plan.outcomeReason = '';
  for (const pilot of [...plan.pilots.values()]) {
    pilot.draining = true;
    pilotGone(plan, pilot, 'dismissed', nowMs);
  }
  plan.out.push({ type: 'event', entity: 'study', id: '', from: 'Succeeded', to: 'Running', cause: reason, data: {} });
  plan.out.push({ type: 'reopen', reason });
}

export function rankLost(plan: PlanState, event: Event<'rankLost'>): void {
  const rank = plan.ranks[event.rank];
  if (rank === undefined || !rank.connected) return;
  rank.connected = false;
  plan.out.push({
    type: 'event',
    entity: 'rank',
    id: String(event.rank),
    from: 'Connected',
    to: 'Away',
    cause: event.reason,
    data: {},
  });
}

export function rankProgress(plan: PlanState, event: Event<'rankProgress'>, nowMs: number): void {
  const rank = plan.ranks[event.rank];
  if (rank === undefined) return;
  for (const item of event.active) active(plan, event.rank, item, nowMs);
  for (const item of event.completed) {
    if (item.simulation >= plan.options.simulations || item.draw !== plan.table.draw[item.simulation]) continue;
    if (item.state === 1 && wasDropped(plan, item)) continue;
    noteCommunicator(plan, item.simulation);
    setBit(plan.table.received[event.rank]!, item.simulation, true);
    if (item.state === 2) setBit(plan.table.complete[event.rank]!, item.simulation, true);
    plan.complete(item.simulation, item.attempt, nowMs);
  }
  for (const fault of event.faults) faultOf(plan, fault, nowMs);
  rank.groupsFolded = event.groupsFolded;
  const groups = Math.min(...plan.ranks.map((record) => record.groupsFolded));
  if (isCheckDue(plan.options.stopWhen, plan.convergence, groups) && !plan.finished) {
    plan.convergence = { ...plan.convergence, checking: true };
    plan.out.push({ type: 'checkConvergence', groups });
  }
}

function active(
  plan: PlanState,
  rank: number,
  item: { simulation: number; draw: number; attempt: number; firstStep: number },
  nowMs: number,
): void {
  if (item.simulation >= plan.options.simulations || item.draw !== plan.table.draw[item.simulation]) return;
  if (plan.table.state[item.simulation]! >= Code.Done || wasDropped(plan, item)) return;
  noteCommunicator(plan, item.simulation);
  const steps = plan.firstSteps.get(item.simulation) ?? new Uint32Array(plan.options.ranks);
  steps[rank] = Math.max(steps[rank]!, item.firstStep);
  plan.firstSteps.set(item.simulation, steps);
  const lease = plan.countingLease(item.simulation);
  if (lease !== undefined && lease.attempt === item.attempt) {
    lease.lastSignMs = nowMs;
    const parent = plan.leases.get(lease.loopLease);
    if (parent !== undefined) parent.lastSignMs = nowMs;
  }
  const grace = plan.grace.get(item.simulation);
  if (grace !== undefined) grace.deadlineMs = nowMs + plan.options.faultPolicy.graceSeconds * 1000;
}

/** Told before the rank heard that it has to drop it. */
function wasDropped(plan: PlanState, item: { simulation: number; attempt: number }): boolean {
  return item.attempt < (plan.droppedBelow.get(item.simulation) ?? 0);
}

/** Samples are counted: a later attempt has to come with the same communicator. */
function noteCommunicator(plan: PlanState, simulation: number): void {
  const ranks = plan.countingLease(simulation)?.clientRanks ?? plan.grace.get(simulation)?.lease.clientRanks ?? 0;
  if (ranks > 0 && plan.table.communicator[simulation] === 0)
    plan.table.communicator[simulation] = Math.min(65535, ranks);
}
