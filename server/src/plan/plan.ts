// SPDX-License-Identifier: Apache-2.0
/**
 * The plan: which simulations exist, who leases them, what became of them. A pure state machine: `handle` takes an event
 * and the time and returns what has to be done; it never waits, opens or reads a clock. The head (head/head.ts) owns the
 * one Plan of a study, feeds it and carries out its instructions; plan-checkpoint.ts makes it durable.
 */
import { adoptionMs } from '../limits.ts';
import { desiredPilots } from './lease-policy.ts';
import { giveLeases } from './leasing.ts';
import { PlanState } from './plan-state.ts';
import * as clients from './client-events.ts';
import * as pilots from './pilot-events.ts';
import * as ranks from './rank-events.ts';
import * as study from './study-events.ts';
import type { Instruction, PlanEvent, PlanOptions } from './types.ts';

export class Plan {
  readonly state: PlanState;

  constructor(options: PlanOptions, nowMs: number) {
    this.state = new PlanState(options);
    if (options.resumed) this.state.adoptUntilMs = nowMs + adoptionMs;
  }
  handle(event: PlanEvent, nowMs: number): Instruction[] {
    this.#dispatch(event, nowMs);
    this.state.finishIfOver();
    const { out } = this.state;
    this.state.out = [];
    return out;
  }
  /** Pilots that the backend shall run. */
  get desiredPilots(): number {
    const { parallelism, remaining, suspended, finished } = this.state;
    return desiredPilots({ parallelism, remaining, suspended, finished });
  }

  #dispatch(event: PlanEvent, nowMs: number): void {
    const plan = this.state;
    switch (event.type) {
      case 'pilotHello':
        return pilots.pilotHello(plan, event, nowMs);
      case 'started':
        return pilots.started(plan, event, nowMs);
      case 'ended':
        return pilots.ended(plan, event, nowMs);
      case 'pilotHeartbeat':
        return pilots.pilotHeartbeat(plan, event, nowMs);
      case 'draining':
        return pilots.draining(plan, event, nowMs);
      case 'backendGone': {
        const pilot = plan.pilots.get(event.pilot);
        if (pilot !== undefined) pilots.pilotGone(plan, pilot, event.reason, nowMs);
        return;
      }
      case 'clientHello':
        return clients.clientHello(plan, event, nowMs);
      case 'clientFault':
        return clients.clientFault(plan, event, nowMs);
      case 'nextSimulations':
        return clients.nextSimulations(plan, event, nowMs);
      case 'rankHello':
        return ranks.rankHello(plan, event, nowMs);
      case 'rankBack':
        return ranks.rankBack(plan, event, nowMs);
      case 'rankLost':
        return ranks.rankLost(plan, event);
      case 'foldDenied':
        return ranks.foldDenied(plan, event, nowMs);
      case 'rankProgress':
        return ranks.rankProgress(plan, event, nowMs);
      default:
        return this.#dispatchStudy(event, nowMs);
    }
  }
  #dispatchStudy(event: PlanEvent, nowMs: number): void {
    const plan = this.state;
    switch (event.type) {
      case 'turn':
        return giveLeases(plan, nowMs);
      case 'tick':
        return study.tick(plan, nowMs);
      case 'persisted':
        plan.persisting = false;
        return;
      case 'sealed':
        plan.sealed = true;
        return;
      case 'convergence':
        return study.convergence(plan, event);
      case 'setParallelism':
        plan.parallelism = event.pilots;
        return;
      case 'suspend':
        return study.suspend(plan);
      case 'resume':
        return study.resume(plan);
      case 'cancel':
        return study.end(plan, 'Cancelled', event.reason);
      case 'deadline':
        return study.end(plan, 'Failed', `deadlineSeconds: ${event.seconds} s are over`);
      default:
    }
  }
}
