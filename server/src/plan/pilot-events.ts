// SPDX-License-Identifier: Apache-2.0
/** What pilots tell, and what their silence tells. Called by plan.ts. */
import { heartbeatMs, pilotsMax } from '../limits.ts';
import { attemptFailed, attemptLost, attemptReturned, nothingSeen, type Seen } from './attempts.ts';
import { signalText } from './failure-policy.ts';
import { orderOf } from './leasing.ts';
import { nextMean } from './lease-policy.ts';
import type { Lease, Pilot, PlanState } from './plan-state.ts';
import { Code, LOOP_SIMULATION, type ClientReference, type LeaseReference, type PlanEvent } from './types.ts';

type Event<T extends PlanEvent['type']> = Extract<PlanEvent, { type: T }>;

export function pilotHello(plan: PlanState, event: Event<'pilotHello'>, nowMs: number): void {
  const known = plan.pilots.get(event.pilot);
  if (known !== undefined && known.instance !== event.instance) {
    pilotGone(plan, known, 'it was started again', nowMs);
  }
  plan.silentPilots.delete(event.pilot);
  if (!plan.pilots.has(event.pilot)) {
    if (plan.pilots.size >= pilotsMax) return;
    plan.out.push({
      type: 'event',
      entity: 'pilot',
      id: event.pilot,
      from: '',
      to: 'Connected',
      cause: 'hello',
      data: { host: event.host },
    });
  }
  const pilot: Pilot = plan.pilots.get(event.pilot) ?? {
    pilot: event.pilot,
    instance: event.instance,
    host: event.host,
    slots: Math.max(1, event.slots),
    draining: false,
    dismissed: false,
    lastHeardMs: nowMs,
    leases: new Set(),
  };
  pilot.lastHeardMs = nowMs;
  plan.pilots.set(event.pilot, pilot);
  const unwanted = event.running
    .filter((reference) => !adopt(plan, pilot, reference, nowMs))
    .map((reference) => reference.lease);
  if (unwanted.length > 0) {
    plan.out.push({
      type: 'stopLeases',
      pilot: pilot.pilot,
      leases: unwanted,
      reason: 'this attempt is not leased any more',
    });
  }
  if (plan.finished) plan.dismiss(pilot);
  else pushAgain(plan, pilot, new Set(event.running.map((reference) => reference.lease)));
}

/** What was pushed and never started, and is not among what the pilot has, was lost on the way. A pilot takes a lease that it knows once. */
function pushAgain(plan: PlanState, pilot: Pilot, has: Set<number>): void {
  const lost = [...pilot.leases].flatMap((number) => {
    const lease = has.has(number) ? undefined : plan.leases.get(number);
    return lease?.state === 'Waiting' ? [lease] : [];
  });
  for (const lease of lost) lease.beatsMissed = 0;
  const leases = lost.map((lease) => orderOf(plan, lease));
  if (leases.length > 0) plan.out.push({ type: 'lease', pilot: pilot.pilot, leases });
}

/**
 * Whether an attempt that this head did not lease may still be one that an earlier head leased and that its pilot will
 * name. Its solver may come first: their connections are not made in any order.
 */
export function mayBeAdopted(plan: PlanState, reference: ClientReference): boolean {
  const { simulation, draw, attempt } = reference;
  // What a loop leases is no pilot's to name.
  if (plan.options.loop || simulation >= plan.options.simulations || plan.finished) return false;
  const { table } = plan;
  if (table.state[simulation] !== Code.Pending || table.draw[simulation] !== draw || plan.grace.has(simulation))
    return false;
  // A number above the last one given can only come from before the checkpoint that this head started from.
  return attempt <= table.attempt[simulation]! && plan.options.resumed;
}

/** True when the pilot may go on with it: the lease is known, or a restarted head takes it over. */
function adopt(plan: PlanState, pilot: Pilot, reference: LeaseReference, nowMs: number): boolean {
  const known = plan.leases.get(reference.lease);
  if (known !== undefined) return known.pilot === pilot.pilot && known.state !== 'Stopping';
  if (!mayBeAdopted(plan, reference)) return false;
  const { simulation, draw, attempt } = reference;
  const lease: Lease = {
    ...reference,
    pilot: pilot.pilot,
    host: pilot.host,
    state: 'Running',
    leasedMs: nowMs,
    startedMs: nowMs,
    lastSignMs: nowMs,
    client: '',
    clientRanks: 0,
    disturbed: false,
    beatsMissed: 0,
    stopReason: '',
    remark: '',
    loopLease: 0,
  };
  plan.openGroup(plan.groupOf(simulation));
  plan.leases.set(lease.lease, lease);
  plan.leaseOf.set(simulation, lease.lease);
  pilot.leases.add(lease.lease);
  plan.setState(simulation, Code.Running, 'adopted after a restart of the head', { pilot: pilot.pilot, draw, attempt });
  return true;
}

export function started(plan: PlanState, event: Event<'started'>, nowMs: number): void {
  const lease = heard(plan, event.pilot, event.lease, nowMs);
  if (lease === null || lease.state === 'Stopping') {
    plan.out.push({
      type: 'stopLeases',
      pilot: event.pilot,
      leases: [event.lease],
      reason: 'this attempt is not leased any more',
    });
    return;
  }
  begin(plan, lease, nowMs);
}

export function begin(plan: PlanState, lease: Lease, nowMs: number): void {
  if (lease.state !== 'Waiting') return;
  lease.state = 'Running';
  lease.startedMs = nowMs;
  lease.lastSignMs = nowMs;
  const { simulation } = lease;
  if (simulation !== LOOP_SIMULATION && plan.table.state[simulation] === Code.Leased) {
    plan.setState(simulation, Code.Running, 'started', { pilot: lease.pilot });
  }
}

function heard(plan: PlanState, pilot: string, lease: number, nowMs: number): Lease | null {
  const record = plan.pilots.get(pilot);
  if (record !== undefined) record.lastHeardMs = nowMs;
  const found = plan.leases.get(lease);
  return found !== undefined && found.pilot === pilot ? found : null;
}

export function ended(plan: PlanState, event: Event<'ended'>, nowMs: number): void {
  const lease = heard(plan, event.pilot, event.lease, nowMs);
  if (lease === null) {
    endedUnderOldHead(plan, event, nowMs);
    return;
  }
  begin(plan, lease, nowMs);
  const wasCounting = lease.simulation !== LOOP_SIMULATION && plan.leaseOf.get(lease.simulation) === lease.lease;
  const seen: Seen = { outcome: event.outcome, exitCode: event.exitCode, usage: event.usage };
  plan.release(lease);
  if (lease.simulation === LOOP_SIMULATION) loopEnded(plan, lease, event, nowMs);
  else if (!wasCounting) plan.endAttempt(lease, 'Stopped', event.reason || lease.stopReason, seen, nowMs);
  else countingEnded(plan, lease, event, seen, nowMs);
}

/** Told to a head that did not give the lease. Without fields nobody else can say that it is done. */
function endedUnderOldHead(plan: PlanState, event: Event<'ended'>, nowMs: number): void {
  const { simulation, draw, attempt } = event.reference;
  const isOld = Math.floor(event.lease / 2 ** 32) < plan.options.epoch && plan.options.resumed;
  if (!isOld || plan.options.ranks > 0 || event.outcome !== 'Exited' || event.exitCode !== 0) return;
  if (plan.table.state[simulation] !== Code.Pending || plan.table.draw[simulation] !== draw) return;
  const { pilot } = event;
  const end = {
    simulation,
    draw,
    attempt,
    pilot,
    host: plan.pilots.get(pilot)?.host ?? '',
    fate: 'Succeeded' as const,
    reason: '',
  };
  const seen = { outcome: event.outcome, exitCode: 0, usage: event.usage };
  plan.out.push({ type: 'attemptEnded', end: { ...end, ...seen, startedMs: null, endedMs: nowMs } });
  plan.setState(simulation, Code.Done, 'exited with 0 while the head was away');
}

function countingEnded(plan: PlanState, lease: Lease, event: Event<'ended'>, seen: Seen, nowMs: number): void {
  const { simulation } = lease;
  if (event.outcome === 'Exited' && event.exitCode === 0) {
    plan.meanMs = nextMean(plan.meanMs, event.usage.wallSeconds * 1000);
    exitedCleanly(plan, lease, seen, nowMs);
    return;
  }
  if (plan.table.state[simulation]! >= Code.Received) {
    const reason = `${outcomeText(event)} after all of its data had arrived`;
    plan.endAttempt(lease, 'Succeeded', reason, seen, nowMs);
    return;
  }
  const uncharged =
    event.outcome === 'ReturnedUnstarted' || event.outcome === 'InterruptedByDrain' || event.outcome === 'EndedOnOrder';
  if (uncharged) attemptReturned(plan, lease, event.reason || outcomeText(event), seen, nowMs);
  else attemptFailed(plan, lease, outcomeText(event), seen, nowMs);
}

/** Exit 0: success without fields; else the ranks decide, within `graceSeconds`. */
export function exitedCleanly(plan: PlanState, lease: Lease, seen: Seen, nowMs: number): void {
  const { simulation } = lease;
  if (plan.options.ranks === 0) {
    plan.endAttempt(lease, 'Succeeded', '', seen, nowMs);
    if (!plan.isTerminal(simulation)) plan.setState(simulation, Code.Done, 'exited with 0');
    return;
  }
  if (plan.table.state[simulation]! >= Code.Received) {
    plan.endAttempt(lease, 'Succeeded', lease.remark, seen, nowMs);
    return;
  }
  const deadlineMs = nowMs + plan.options.faultPolicy.graceSeconds * 1000;
  plan.grace.set(simulation, { deadlineMs, lease, usage: seen.usage });
}

function outcomeText(event: Event<'ended'>): string {
  const detail = event.reason === '' ? '' : `: ${event.reason}`;
  switch (event.outcome) {
    // The pilot's own words for these two say the same again.
    case 'Exited':
      return `exited with ${event.exitCode}`;
    case 'Signalled':
      return `ended by ${signalText(event.exitCode)}`;
    case 'CouldNotStart':
      return `could not be started${detail}`;
    case 'PreprocessingFailed':
      return `preprocessing failed${detail}`;
    case 'OutputMissing':
      return `its output cannot be used${detail}`;
    case 'ReturnedUnstarted':
      return `returned unstarted${detail}`;
    case 'InterruptedByDrain':
      return `interrupted because its pilot drains${detail}`;
    case 'EndedOnOrder':
      return `ended on the head's order${detail}`;
  }
}

/** The solver of a loop is gone: what it was at failed with it, what it had not begun goes back. */
function loopEnded(plan: PlanState, parent: Lease, event: Event<'ended'>, nowMs: number): void {
  const loop = plan.loops.get(parent.lease);
  plan.loops.delete(parent.lease);
  if (loop === undefined || plan.finished) return;
  const clean = event.outcome === 'Exited' && event.exitCode === 0;
  const uncharged = clean || ['ReturnedUnstarted', 'InterruptedByDrain', 'EndedOnOrder'].includes(event.outcome);
  if (!loop.asked && !uncharged) loopNeverAsked(plan, outcomeText(event));
  else plan.loopStartFailures = clean && !loop.asked ? plan.loopStartFailures + 1 : 0;
  const seen: Seen = { outcome: event.outcome, exitCode: event.exitCode, usage: event.usage };
  loop.children.forEach((child, position) => {
    const lease = plan.leases.get(child);
    if (lease === undefined) return;
    plan.leases.delete(child);
    if (position === 0 && !uncharged) attemptFailed(plan, lease, outcomeText(event), seen, nowMs);
    else if (position === 0 && clean) exitedCleanly(plan, lease, seen, nowMs);
    else attemptReturned(plan, lease, `its solver ended: ${outcomeText(event)}`, seen, nowMs);
    plan.detach(lease);
  });
}

function loopNeverAsked(plan: PlanState, reason: string): void {
  plan.loopStartFailures += 1;
  if (plan.loopStartFailures <= plan.options.faultPolicy.retryLimit) return;
  plan.finish(
    'Failed',
    `the looping solver ended ${plan.loopStartFailures} times before it asked for a simulation; the last time it ${reason}`,
  );
}

/** A pilot that was given up for its silence beats again: it goes on with new leases. */
function heardAgain(plan: PlanState, name: string): Pilot | undefined {
  const pilot = plan.silentPilots.get(name);
  if (pilot === undefined || plan.pilots.size >= pilotsMax) return undefined;
  plan.silentPilots.delete(name);
  plan.pilots.set(name, pilot);
  plan.out.push({
    type: 'event',
    entity: 'pilot',
    id: name,
    from: 'Gone',
    to: 'Connected',
    cause: 'heard again',
    data: { host: pilot.host },
  });
  return pilot;
}

export function pilotHeartbeat(plan: PlanState, event: Event<'pilotHeartbeat'>, nowMs: number): void {
  const pilot = plan.pilots.get(event.pilot) ?? heardAgain(plan, event.pilot);
  if (pilot === undefined) return;
  pilot.lastHeardMs = nowMs;
  const running = new Set(event.running);
  const waiting = new Set(event.waiting);
  const unknown = [...running, ...waiting].filter((lease) => {
    const known = plan.leases.get(lease);
    return known === undefined || known.pilot !== pilot.pilot || known.state === 'Stopping';
  });
  if (unknown.length > 0) {
    plan.out.push({
      type: 'stopLeases',
      pilot: pilot.pilot,
      leases: unknown,
      reason: 'this attempt is not leased any more',
    });
  }
  for (const number of pilot.leases) {
    const lease = plan.leases.get(number);
    if (lease === undefined) continue;
    if (running.has(number) || waiting.has(number)) named(plan, lease, running.has(number), nowMs);
    else if (nowMs - lease.leasedMs > 2 * heartbeatMs) unnamed(plan, lease, nowMs);
  }
  if (plan.finished) plan.dismiss(pilot);
}

function named(plan: PlanState, lease: Lease, isRunning: boolean, nowMs: number): void {
  lease.beatsMissed = 0;
  // Started was lost on the way.
  if (isRunning) begin(plan, lease, nowMs);
  if (lease.state === 'Waiting' || !plan.options.solverSpeaks) lease.lastSignMs = nowMs;
}

/** Two heartbeats without it: the lease never arrived, or its end was confirmed by a head that is gone. */
function unnamed(plan: PlanState, lease: Lease, nowMs: number): void {
  lease.beatsMissed += 1;
  if (lease.beatsMissed < 2) return;
  if (lease.state === 'Stopping') plan.release(lease);
  if (lease.state !== 'Waiting') return;
  plan.out.push({ type: 'stopLeases', pilot: lease.pilot, leases: [lease.lease], reason: 'the lease did not arrive' });
  plan.release(lease);
  plan.loops.delete(lease.lease);
  attemptReturned(plan, lease, 'the lease did not reach its pilot', nothingSeen, nowMs);
}

export function draining(plan: PlanState, event: Event<'draining'>, nowMs: number): void {
  const pilot = plan.pilots.get(event.pilot);
  if (pilot === undefined || pilot.draining) return;
  pilot.draining = true;
  pilot.lastHeardMs = nowMs;
  plan.out.push({
    type: 'event',
    entity: 'pilot',
    id: event.pilot,
    from: 'Connected',
    to: 'Draining',
    cause: event.reason,
    data: {},
  });
}

/** Running simulations are lost with the pilot; what only waited there goes back uncharged. */
export function pilotGone(plan: PlanState, pilot: Pilot, reason: string, nowMs: number): void {
  plan.pilots.delete(pilot.pilot);
  plan.out.push({
    type: 'event',
    entity: 'pilot',
    id: pilot.pilot,
    from: 'Connected',
    to: 'Gone',
    cause: reason,
    data: {},
  });
  const text = `its pilot ${pilot.pilot} is gone: ${reason}`;
  const numbers = [...pilot.leases].flatMap((number) => [number, ...(plan.loops.get(number)?.children ?? [])]);
  for (const number of numbers) {
    const lease = plan.leases.get(number);
    if (lease === undefined) continue;
    const wasCounting = plan.leaseOf.get(lease.simulation) === lease.lease;
    const wasRunning = lease.state === 'Running';
    plan.release(lease);
    if (!wasCounting) continue;
    if (wasRunning && !pilot.draining) attemptLost(plan, lease, text, nowMs);
    else attemptReturned(plan, lease, text, nothingSeen, nowMs);
  }
  for (const number of pilot.leases) plan.loops.delete(number);
  for (const number of numbers) plan.loops.delete(number);
}
