// SPDX-License-Identifier: Apache-2.0
/**
 * Carries out what the plan says: messages to pilots, clients and ranks, lines of the event log, records of attempts. What takes
 * time (checkpoints, convergence, the end) is handed on to the head by callbacks. Called by head.ts for every instruction.
 */
import type { Clock } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import type { Attempt } from '../events/log-items.ts';
import type { AttemptEnd, Instruction, LeaseOrder, StudyOutcome } from '../plan/types.ts';
import type { ControlRouter } from './control-router.ts';
import type { RankLink } from './rank-link.ts';
import type { StudyEvent } from './service.ts';
import { valuesText } from './study-facts.ts';

export type Hands = {
  study: CompiledStudy;
  clock: Clock;
  ranks: RankLink[];
  router: () => ControlRouter;
  parameters: (simulation: number, draw: number) => (number | string)[];
  appendEvent: (event: StudyEvent) => void;
  recordAttempt: (attempt: Attempt) => void;
  checkConvergence: (groups: number) => void;
  persist: () => void;
  finish: (outcome: StudyOutcome, reason: string) => void;
  reopen: (reason: string) => void;
  /** A rank has nothing to fold: what it had reported was dropped. */
  foldDenied: (order: { rank: number; simulation: number; draw: number; attempt: number }) => void;
};

export function carryOut(hands: Hands, instruction: Instruction): void {
  switch (instruction.type) {
    case 'lease':
      return pushLeases(hands, instruction.pilot, instruction.leases);
    case 'stopLeases': {
      const { leases, reason } = instruction;
      const peer = hands.router().peers.find('pilot', instruction.pilot);
      if (peer !== undefined) hands.router().push(peer, 'StopLeases', { leases, reason });
      return;
    }
    case 'dismiss': {
      const peer = hands.router().peers.find('pilot', instruction.pilot);
      const { drain, planFinished, reason } = instruction;
      if (peer !== undefined) {
        hands.router().push(peer, 'Dismiss', { drain: drain ? 1 : 0, planFinished: planFinished ? 1 : 0, reason });
      }
      return;
    }
    case 'clientStop': {
      const peer = hands.router().peers.find('client', instruction.client);
      if (peer !== undefined) hands.router().push(peer, 'ClientStop', { reason: instruction.reason });
      return;
    }
    case 'simulations':
      return answerLoop(hands, instruction);
    case 'attempt': {
      const { rank, simulation, draw, attempt, drop } = instruction;
      for (const link of hands.ranks) {
        if (rank === null || rank === link.rank)
          link.order('Attempt', { simulation, draw, attempt, drop: drop ? 1 : 0 });
      }
      return;
    }
    case 'fold': {
      const { simulation, draw, attempt } = instruction;
      for (const link of hands.ranks) {
        const { rank } = link;
        const denied = (code: string) => {
          if (code === 'ENOTHELD') hands.foldDenied({ rank, simulation, draw, attempt });
        };
        link.order('Fold', { simulation, draw, attempt }, denied);
      }
      return;
    }
    default:
      return record(hands, instruction);
  }
}

function record(hands: Hands, instruction: Instruction): void {
  switch (instruction.type) {
    case 'event': {
      const { entity, id, from, to, cause, data } = instruction;
      hands.appendEvent({ timeMs: hands.clock.wallMs(), entity, id, from, to, cause, data });
      return;
    }
    case 'attemptEnded':
      return hands.recordAttempt(attemptRecord(hands.clock, instruction.end));
    case 'checkConvergence':
      return hands.checkConvergence(instruction.groups);
    case 'persist':
      return hands.persist();
    case 'finish':
      return hands.finish(instruction.outcome, instruction.reason);
    case 'reopen':
      return hands.reopen(instruction.reason);
    default:
    // clientAnswer is the router's: it knows whom to answer.
  }
}

function pushLeases(hands: Hands, pilot: string, orders: LeaseOrder[]): void {
  const peer = hands.router().peers.find('pilot', pilot);
  // Without a peer the lease is taken back when the pilot's heartbeats do not name it.
  if (peer === undefined) return;
  const timeoutMs = hands.study.faultPolicy.timeoutSeconds * 1000;
  const leases = orders.map((order) => {
    // A loop lease carries no parameters.
    const isLoop = order.simulation >= hands.study.sampling.simulations;
    return { ...order, timeoutMs, values: isLoop ? '' : valuesText(hands.parameters(order.simulation, order.draw)) };
  });
  hands.router().push(peer, 'Lease', { leases });
}

function answerLoop(hands: Hands, instruction: Extract<Instruction, { type: 'simulations' }>): void {
  hands.router().simulations(instruction.reply, {
    terminated: instruction.terminated ? 1 : 0,
    parameterNames: hands.study.parameters.map((parameter) => parameter.name),
    simulations: instruction.simulations.map((item) => ({
      ...item,
      values: valuesText(hands.parameters(item.simulation, item.draw)),
    })),
  });
}

/** Monotonic times become times of day. */
export function attemptRecord(clock: Clock, end: AttemptEnd): Attempt {
  const offsetMs = clock.wallMs() - clock.monotonicMs();
  const signalled = end.outcome === 'Signalled';
  return {
    simulation: end.simulation,
    draw: end.draw,
    attempt: end.attempt,
    pilot: end.pilot,
    host: end.host,
    state: end.fate,
    reason: end.reason,
    exitCode: end.outcome === 'Exited' ? end.exitCode : null,
    signal: signalled ? end.exitCode : null,
    startTime: end.startedMs === null ? null : new Date(offsetMs + end.startedMs).toISOString(),
    endTime: new Date(offsetMs + end.endedMs).toISOString(),
    wallSeconds: end.usage?.wallSeconds ?? null,
    cpuSeconds: end.usage?.cpuSeconds ?? null,
    peakRssBytes: end.usage?.peakRssBytes ?? null,
    stdout: end.usage?.stdout ?? '',
    stderr: end.usage?.stderr ?? '',
  };
}
