// SPDX-License-Identifier: Apache-2.0
/** What clients ask: to speak for an attempt, to report data that cannot be used, and (looping solvers) for more work. */
import { errors } from '../errors.ts';
import { clientRetryMs } from '../limits.ts';
import { attemptFailed, nothingSeen } from './attempts.ts';
import { beginFront, giveToLoop, mayLease } from './leasing.ts';
import { nextMean } from './lease-policy.ts';
import { begin, exitedCleanly, mayBeAdopted } from './pilot-events.ts';
import type { PlanState } from './plan-state.ts';
import { Code, type PlanEvent } from './types.ts';

type Event<T extends PlanEvent['type']> = Extract<PlanEvent, { type: T }>;

function refuse(
  plan: PlanState,
  client: string,
  code: string,
  message: string,
  remedy: string,
  retryAfterMs = 0,
): void {
  plan.out.push({ type: 'clientAnswer', client, refused: { code, message, remedy, retryAfterMs }, firstStep: 0 });
}

export function clientHello(plan: PlanState, event: Event<'clientHello'>, nowMs: number): void {
  const { simulation, draw, attempt } = event.reference;
  const lease = simulation < plan.options.simulations ? plan.countingLease(simulation) : undefined;
  const name = `simulation ${simulation}, draw ${draw}, attempt ${attempt}`;
  if (lease === undefined && mayBeAdopted(plan, event.reference)) {
    const { message, remedy } = errors.EPILOT_AWAY;
    refuse(plan, event.client, 'EPILOT_AWAY', `${name}: ${message}`, remedy, clientRetryMs);
    return;
  }
  if (lease === undefined || lease.draw !== draw || lease.attempt !== attempt) {
    refuse(
      plan,
      event.client,
      'ELEASE',
      `${name} is not leased, or was replaced`,
      'Start the solver through a pilot; end this process.',
    );
    return;
  }
  if (lease.client !== '' && lease.client !== event.client && lease.loopLease === 0) {
    refuse(
      plan,
      event.client,
      'ETAKEN',
      `another client already speaks for ${name}`,
      'Open the study once per simulation: one communicator, one process group.',
    );
    return;
  }
  const counted = plan.table.communicator[simulation]!;
  if (counted !== 0 && counted !== event.clientRanks) {
    const message = `${name}: samples were counted from ${counted} client ranks, now there are ${event.clientRanks}`;
    refuse(plan, event.client, 'ECOMMUNICATOR', message, `Start every attempt of the solver with ${counted} ranks.`);
    return;
  }
  lease.client = event.client;
  lease.clientRanks = event.clientRanks;
  begin(plan, lease, nowMs);
  lease.lastSignMs = nowMs;
  plan.out.push({ type: 'clientAnswer', client: event.client, refused: null, firstStep: plan.firstStep(simulation) });
}

export function clientFault(plan: PlanState, event: Event<'clientFault'>, nowMs: number): void {
  const { simulation, draw, attempt } = event.reference;
  faultOf(plan, { simulation, draw, attempt, code: event.code, message: event.message }, nowMs);
}

/** A fault that a client or a rank found: the attempt fails with it, and its process is ended. */
export function faultOf(
  plan: PlanState,
  fault: { simulation: number; draw: number; attempt: number; code: string; message: string },
  nowMs: number,
): void {
  const lease = plan.countingLease(fault.simulation) ?? plan.grace.get(fault.simulation)?.lease;
  if (lease === undefined || lease.draw !== fault.draw || lease.attempt !== fault.attempt) return;
  const reason = `${fault.code}: ${fault.message}`;
  if (plan.table.state[fault.simulation]! >= Code.Received) {
    // The result has all it wants of this attempt, but whoever wrote the solver should hear of it.
    lease.remark = `${reason}, after all of its data had arrived`;
    return;
  }
  if (plan.leases.has(lease.lease)) plan.stop(lease, reason);
  attemptFailed(plan, lease, reason, nothingSeen, nowMs);
}

export function nextSimulations(plan: PlanState, event: Event<'nextSimulations'>, nowMs: number): void {
  const parent = plan.leases.get(event.loopLease);
  const loop = plan.loops.get(event.loopLease);
  const pilot = plan.pilots.get(event.pilot);
  if (parent === undefined || loop === undefined || pilot === undefined || parent.state === 'Stopping') {
    plan.out.push({ type: 'simulations', reply: event.reply, terminated: true, simulations: [] });
    return;
  }
  pilot.lastHeardMs = nowMs;
  begin(plan, parent, nowMs);
  parent.lastSignMs = nowMs;
  loop.asked = true;
  plan.loopStartFailures = 0;
  for (const finished of event.finished) finishedByLoop(plan, event.loopLease, finished, nowMs);
  beginFront(plan, event.loopLease, nowMs);
  plan.finishIfOver();
  if (loop.parked !== null) {
    plan.out.push({ type: 'simulations', reply: loop.parked.reply, terminated: false, simulations: [] });
    loop.parked = null;
  }
  const nothingMore = plan.finished || plan.closed !== '' || pilot.draining;
  if (nothingMore || event.wanted === 0) {
    plan.out.push({ type: 'simulations', reply: event.reply, terminated: nothingMore, simulations: [] });
    return;
  }
  loop.parked = { reply: event.reply, client: event.client, clientRanks: event.clientRanks, wanted: event.wanted };
  if (mayLease(plan, nowMs)) giveToLoop(plan, event.loopLease, nowMs);
  // Nothing to give now: say so; the head keeps the request and pushes one more reply when there is.
  if (loop.parked !== null)
    plan.out.push({ type: 'simulations', reply: event.reply, terminated: false, simulations: [] });
}

function finishedByLoop(
  plan: PlanState,
  loopLease: number,
  finished: { simulation: number; draw: number; attempt: number; wallSeconds: number },
  nowMs: number,
): void {
  const lease = plan.countingLease(finished.simulation);
  if (
    lease === undefined ||
    lease.loopLease !== loopLease ||
    lease.draw !== finished.draw ||
    lease.attempt !== finished.attempt
  )
    return;
  plan.meanMs = nextMean(plan.meanMs, finished.wallSeconds * 1000);
  begin(plan, lease, nowMs);
  plan.release(lease);
  const usage = { wallSeconds: finished.wallSeconds, cpuSeconds: 0, peakRssBytes: 0, stdout: '', stderr: '' };
  exitedCleanly(plan, lease, { outcome: 'Exited', exitCode: 0, usage }, nowMs);
}
