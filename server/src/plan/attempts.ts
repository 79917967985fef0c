// SPDX-License-Identifier: Apache-2.0
/**
 * The ways an attempt can end badly and what follows, by failure-policy.ts. A failure is charged to the draw's retries, a
 * loss to the simulation's `lostLimit`, a return to nobody. In a pick-freeze study a redraw takes the whole group, and a
 * member that fails for good takes its mates with it: their pairs can never be formed.
 */
import { missingReason } from './completion-policy.ts';
import { afterFailure, afterLoss, studyFails } from './failure-policy.ts';
import type { Lease, PlanState } from './plan-state.ts';
import { Code, LOOP_SIMULATION } from './types.ts';
import type { Outcome, Usage } from './types.ts';

export type Seen = { outcome: Outcome | null; exitCode: number | null; usage: Usage | null };
export const nothingSeen: Seen = { outcome: null, exitCode: null, usage: null };

/** The attempt failed by itself. The caller stops or releases the lease. */
export function attemptFailed(plan: PlanState, lease: Lease, reason: string, seen: Seen, nowMs: number): void {
  const { simulation } = lease;
  plan.detach(lease);
  plan.grace.delete(simulation);
  plan.endAttempt(lease, 'Failed', reason, seen, nowMs);
  if (plan.isTerminal(simulation) || plan.finished) return;
  plan.table.failures[simulation]! += 1;
  plan.remember(simulation, reason);
  const decision = afterFailure(plan.options.faultPolicy, {
    failures: plan.table.failures[simulation]!,
    draw: plan.table.draw[simulation]!,
    redrawable: plan.options.redrawable,
  });
  if (decision === 'Retry') {
    plan.retried += 1;
    again(plan, simulation, reason);
  } else if (decision === 'Redraw') {
    redraw(plan, simulation, reason, nowMs);
  } else {
    fail(plan, simulation, reason);
  }
}

/** The pilot is gone, and with it what it ran. */
export function attemptLost(plan: PlanState, lease: Lease, reason: string, nowMs: number): void {
  const { simulation } = lease;
  plan.detach(lease);
  plan.endAttempt(lease, 'Lost', reason, nothingSeen, nowMs);
  if (simulation === LOOP_SIMULATION || plan.finished || plan.table.state[simulation]! >= Code.Received) return;
  plan.table.lost[simulation]! += 1;
  const lost = plan.table.lost[simulation]!;
  if (afterLoss(plan.options.faultPolicy, lost) === 'Fail') {
    fail(plan, simulation, `KillsPilot: lost ${lost} times with its pilot; the last time: ${reason}`);
  } else {
    again(plan, simulation, reason);
  }
}

/** Given back without a fault of its own: never started, drained, or disturbed by a rank's restart. */
export function attemptReturned(plan: PlanState, lease: Lease, reason: string, seen: Seen, nowMs: number): void {
  const { simulation } = lease;
  plan.detach(lease);
  plan.grace.delete(simulation);
  plan.endAttempt(lease, seen.outcome === 'InterruptedByDrain' ? 'Interrupted' : 'Returned', reason, seen, nowMs);
  if (simulation === LOOP_SIMULATION || plan.finished || plan.table.state[simulation]! >= Code.Received) return;
  again(plan, simulation, reason);
}

/** Exit 0, grace over, data still missing. */
export function attemptIncomplete(plan: PlanState, simulation: number, nowMs: number): void {
  const grace = plan.grace.get(simulation);
  if (grace === undefined) return;
  const reason = missingReason(plan.table, simulation, plan.firstSteps.get(simulation));
  const seen: Seen = { outcome: 'Exited', exitCode: 0, usage: grace.usage };
  if (grace.lease.disturbed) attemptReturned(plan, grace.lease, `a rank restarted meanwhile; ${reason}`, seen, nowMs);
  else attemptFailed(plan, grace.lease, reason, seen, nowMs);
}

/** Same draw, next attempt; late data of the old one is refused by the ranks. */
function again(plan: PlanState, simulation: number, cause: string): void {
  tellRanks(plan, simulation, plan.options.dropOnRetry);
  if (plan.options.dropOnRetry) forgetData(plan, simulation);
  // What was closed by convergence or cancellation stays closed.
  if (plan.closed !== '') plan.setState(simulation, Code.Cancelled, plan.closed);
  else plan.requeue(simulation, cause);
}

function redraw(plan: PlanState, culprit: number, reason: string, nowMs: number): void {
  for (const simulation of plan.membersOf(plan.groupOf(culprit))) {
    if (plan.table.state[simulation]! >= Code.Failed) continue;
    const lease = plan.countingLease(simulation) ?? plan.grace.get(simulation)?.lease;
    if (lease !== undefined && simulation !== culprit) {
      plan.endAttempt(
        lease,
        'Stopped',
        `its group is redrawn because simulation ${culprit} failed`,
        nothingSeen,
        nowMs,
      );
      if (plan.leases.has(lease.lease)) plan.stop(lease, 'its group is redrawn');
    }
    plan.grace.delete(simulation);
    plan.firstSteps.delete(simulation);
    plan.droppedBelow.delete(simulation);
    plan.table.draw[simulation]! += 1;
    plan.table.attempt[simulation] = 0;
    plan.table.failures[simulation] = 0;
    plan.table.communicator[simulation] = 0;
    plan.table.forget(simulation);
    plan.redrawn += 1;
    tellRanks(plan, simulation, true);
    const cause = `draw ${plan.table.draw[simulation]}: ${simulation === culprit ? reason : `simulation ${culprit} of its group failed`}`;
    if (plan.closed !== '') plan.setState(simulation, Code.Cancelled, plan.closed);
    else plan.requeue(simulation, cause);
  }
  plan.persisting = true;
  plan.out.push({ type: 'persist' });
}

function fail(plan: PlanState, culprit: number, reason: string): void {
  plan.failed += 1;
  plan.remember(culprit, reason);
  tellRanks(plan, culprit, true);
  plan.setState(culprit, Code.Failed, reason, { attempts: plan.table.executions[culprit]! });
  for (const mate of plan.membersOf(plan.groupOf(culprit))) {
    if (mate === culprit || plan.isTerminal(mate)) continue;
    cancelSimulation(plan, mate, `simulation ${culprit} of its group failed`);
  }
  const { faultPolicy } = plan.options;
  if (studyFails(faultPolicy, plan.failed)) {
    plan.finish(
      'Failed',
      `${plan.failed} simulations failed, maxFailed allows ${faultPolicy.maxFailed}; the last one: simulation ${culprit} ${reason}`,
    );
  }
}

export function cancelSimulation(plan: PlanState, simulation: number, reason: string): void {
  const lease = plan.countingLease(simulation);
  if (lease !== undefined) plan.stop(lease, reason);
  tellRanks(plan, simulation, true);
  plan.remember(simulation, reason);
  plan.setState(simulation, Code.Cancelled, reason);
}

function tellRanks(plan: PlanState, simulation: number, drop: boolean): void {
  if (plan.options.ranks === 0) return;
  const { draw, attempt } = plan.table;
  plan.out.push({
    type: 'attempt',
    rank: null,
    simulation,
    draw: draw[simulation]!,
    attempt: attempt[simulation]! + 1,
    drop,
  });
}

/** Held blocks were dropped, or will be when the next attempt opens: what is not folded has to come again. */
export function forgetData(plan: PlanState, simulation: number): void {
  plan.firstSteps.delete(simulation);
  plan.droppedBelow.set(simulation, plan.table.attempt[simulation]! + 1);
  plan.table.received.forEach((bits, rank) => {
    const folded = ((plan.table.complete[rank]![simulation >>> 3] ?? 0) & (1 << (simulation & 7))) !== 0;
    if (!folded) bits[simulation >>> 3]! &= ~(1 << (simulation & 7));
  });
}
