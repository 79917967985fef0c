// SPDX-License-Identifier: Apache-2.0
/**
 * Gives out leases, once a turn of the event loop. Pilots are served in the order in which they have least, so that one
 * pilot's batch never starves another. Nothing is leased while a rank is away, while a redraw is not yet on disk, while a
 * restarted head waits for pilots to name what they run, or when the study is suspended, closed or over.
 */
import { assert } from '@melissa/kit';
import { forgetData } from './attempts.ts';
import { leasesToGive } from './lease-policy.ts';
import type { Lease, Pilot, PlanState } from './plan-state.ts';
import { Code, LOOP_SIMULATION } from './types.ts';
import type { LeaseOrder } from './types.ts';

export function mayLease(plan: PlanState, nowMs: number): boolean {
  if (plan.finished || plan.suspended || plan.closed !== '' || plan.persisting) return false;
  return plan.ranksReady && nowMs >= plan.adoptUntilMs;
}

/** The next simulation that may be leased, or −1. */
function next(plan: PlanState): number {
  if (plan.options.openGroupsMax === Infinity) {
    const urgent = plan.queue.peekUrgent();
    return urgent >= 0 ? urgent : plan.queue.peek();
  }
  const urgent = plan.queue.peekUrgent();
  if (urgent >= 0) return urgent;
  const simulation = plan.queue.peek();
  if (simulation < 0 || plan.openGroups.has(plan.groupOf(simulation))) return simulation;
  return plan.openGroups.size < plan.options.openGroupsMax ? simulation : -1;
}

function take(plan: PlanState, pilot: Pilot, loopLease: number, nowMs: number): Lease | null {
  const simulation = next(plan);
  if (simulation < 0) return null;
  assert(!plan.leaseOf.has(simulation), 'a simulation is leased once at a time');
  plan.openGroup(plan.groupOf(simulation));
  // Attempts are not mixed: a rank drops what it holds of an earlier one as soon as this one opens, told by us or not.
  if (plan.options.dropOnRetry) forgetData(plan, simulation);
  const { draw, attempt, executions } = plan.table;
  attempt[simulation]! += 1;
  executions[simulation] = Math.min(65535, executions[simulation]! + 1);
  const lease = newLease(plan, pilot, { simulation, draw: draw[simulation]!, attempt: attempt[simulation]! }, nowMs);
  lease.loopLease = loopLease;
  plan.leaseOf.set(simulation, lease.lease);
  if (loopLease === 0) pilot.leases.add(lease.lease);
  plan.setState(simulation, Code.Leased, 'leased', { pilot: pilot.pilot, draw: lease.draw, attempt: lease.attempt });
  return lease;
}

function newLease(
  plan: PlanState,
  pilot: Pilot,
  what: { simulation: number; draw: number; attempt: number },
  nowMs: number,
): Lease {
  const lease: Lease = {
    lease: plan.options.epoch * 2 ** 32 + plan.nextLease,
    pilot: pilot.pilot,
    host: pilot.host,
    ...what,
    state: 'Waiting',
    leasedMs: nowMs,
    startedMs: null,
    lastSignMs: nowMs,
    client: '',
    clientRanks: 0,
    disturbed: false,
    beatsMissed: 0,
    stopReason: '',
    remark: '',
    loopLease: 0,
  };
  plan.nextLease += 1;
  plan.leases.set(lease.lease, lease);
  return lease;
}

export function orderOf(plan: PlanState, lease: Lease): LeaseOrder {
  const { simulation, draw, attempt } = lease;
  const group = simulation === LOOP_SIMULATION ? 0 : plan.groupOf(simulation);
  const member = simulation === LOOP_SIMULATION ? 0 : simulation % plan.options.groupSize;
  return { lease: lease.lease, simulation, draw, attempt, group, member, firstStep: plan.firstStep(simulation) };
}

/** Serves pilots and the parked requests of looping solvers. */
export function giveLeases(plan: PlanState, nowMs: number): void {
  if (!mayLease(plan, nowMs)) return;
  if (plan.options.loop) {
    giveLoopLeases(plan, nowMs);
    for (const lease of plan.loops.keys()) giveToLoop(plan, lease, nowMs);
    return;
  }
  const ready = readyPilots(plan);
  for (const pilot of ready) {
    const count = leasesToGive({
      slots: pilot.slots,
      held: pilot.leases.size,
      meanMs: plan.meanMs,
      pending: plan.table.counts[Code.Pending]!,
      pilots: ready.length,
    });
    const orders: LeaseOrder[] = [];
    for (let i = 0; i < count; i++) {
      const lease = take(plan, pilot, 0, nowMs);
      if (lease === null) break;
      orders.push(orderOf(plan, lease));
    }
    if (orders.length > 0) plan.out.push({ type: 'lease', pilot: pilot.pilot, leases: orders });
  }
}

/** Those that may get leases, least loaded first; never more than the parallelism wanted. */
function readyPilots(plan: PlanState): Pilot[] {
  const live = [...plan.pilots.values()].filter((pilot) => !pilot.draining && !pilot.dismissed);
  const busy = live.filter((pilot) => pilot.leases.size > 0);
  const idle = live.filter((pilot) => pilot.leases.size === 0).slice(0, Math.max(0, plan.parallelism - busy.length));
  return [...idle, ...busy.slice(0, plan.parallelism)].sort((a, b) => a.leases.size - b.leases.size);
}

/** One loop a slot, as long as there is work that no loop has. */
function giveLoopLeases(plan: PlanState, nowMs: number): void {
  for (const pilot of readyPilots(plan)) {
    const orders: LeaseOrder[] = [];
    while (pilot.leases.size < pilot.slots && plan.table.counts[Code.Pending]! > 0) {
      const lease = newLease(plan, pilot, { simulation: LOOP_SIMULATION, draw: 0, attempt: 0 }, nowMs);
      pilot.leases.add(lease.lease);
      plan.loops.set(lease.lease, { children: [], parked: null, asked: false });
      orders.push(orderOf(plan, lease));
    }
    if (orders.length > 0) plan.out.push({ type: 'lease', pilot: pilot.pilot, leases: orders });
  }
}

/** Answers a parked request when there is something to give. */
export function giveToLoop(plan: PlanState, loopLease: number, nowMs: number): void {
  const loop = plan.loops.get(loopLease);
  const parent = plan.leases.get(loopLease);
  if (loop === undefined || loop.parked === null || parent === undefined || parent.state === 'Stopping') return;
  const pilot = plan.pilots.get(parent.pilot);
  if (pilot === undefined || pilot.draining || !mayLease(plan, nowMs)) return;
  const allowed = leasesToGive({
    slots: 1,
    held: loop.children.length,
    meanMs: plan.meanMs,
    pending: plan.table.counts[Code.Pending]!,
    pilots: Math.max(1, plan.loops.size),
  });
  const simulations = [];
  while (simulations.length < Math.min(loop.parked.wanted, Math.max(1, allowed))) {
    const lease = take(plan, pilot, loopLease, nowMs);
    if (lease === null) break;
    lease.client = loop.parked.client;
    lease.clientRanks = loop.parked.clientRanks;
    loop.children.push(lease.lease);
    const { simulation, draw, attempt } = lease;
    simulations.push({ simulation, draw, attempt, firstStep: plan.firstStep(simulation) });
  }
  if (simulations.length === 0) return;
  plan.out.push({ type: 'simulations', reply: loop.parked.reply, terminated: false, simulations });
  loop.parked = null;
  beginFront(plan, loopLease, nowMs);
}

/** The first child of a loop is the one that runs. */
export function beginFront(plan: PlanState, loopLease: number, nowMs: number): void {
  const front = plan.leases.get(plan.loops.get(loopLease)?.children[0] ?? -1);
  if (front === undefined || front.state !== 'Waiting') return;
  front.state = 'Running';
  front.startedMs = nowMs;
  front.lastSignMs = nowMs;
  if (plan.table.state[front.simulation] === Code.Leased)
    plan.setState(front.simulation, Code.Running, 'started', { pilot: front.pilot });
}
