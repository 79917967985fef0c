// SPDX-License-Identifier: Apache-2.0
/**
 * What goes into the plan and what comes out of it. The plan reads no clock and opens nothing: every event carries
 * what happened, `handle` is given the monotonic time, and the head carries out the instructions. Lease numbers are
 * epoch · 2³² + a counter, so that no two heads ever give the same one.
 */
import type { CompiledFaultPolicy, CompiledStopWhen } from '@melissa/crds';

export const states = ['Pending', 'Leased', 'Running', 'Received', 'Done', 'Failed', 'Cancelled'] as const;
export type SimulationState = (typeof states)[number];
/** The code of each state in the table. */
export const Code = { Pending: 0, Leased: 1, Running: 2, Received: 3, Done: 4, Failed: 5, Cancelled: 6 } as const;

/** The simulation number of a loop lease. */
export const LOOP_SIMULATION = 0xffffffff;

export type PlanOptions = {
  epoch: number;
  simulations: number;
  groupSize: number;
  /** Ranks that fold; 0 for a study without fields. */
  ranks: number;
  parallelism: number;
  loop: boolean;
  /** Groups that may hold blocks at once; Infinity when nothing is ever held. */
  openGroupsMax: number;
  /** False for grid and list designs: they have no other draw. */
  redrawable: boolean;
  /** A failed attempt's held blocks are dropped: `partial: Whole` or `deterministic: false`. */
  dropOnRetry: boolean;
  partialWhole: boolean;
  /** The solver itself speaks to the server, so that its silence means something. */
  solverSpeaks: boolean;
  faultPolicy: CompiledFaultPolicy;
  stopWhen: CompiledStopWhen;
  /** True after a restart: pilots get `adoptionMs` to name what they still run. */
  resumed: boolean;
};

export type LeaseReference = { lease: number; simulation: number; draw: number; attempt: number };
export type ClientReference = { simulation: number; draw: number; attempt: number };

/** How an attempt ended, as the pilot tells it. */
export type Outcome =
  | 'Exited'
  | 'Signalled'
  | 'CouldNotStart'
  | 'PreprocessingFailed'
  | 'ReturnedUnstarted'
  | 'InterruptedByDrain'
  | 'EndedOnOrder'
  | 'OutputMissing';

/** What is measured of an attempt; passed through to the history. */
export type Usage = {
  wallSeconds: number;
  cpuSeconds: number;
  peakRssBytes: number;
  stdout: string;
  stderr: string;
};

export type PlanEvent =
  | { type: 'pilotHello'; pilot: string; instance: string; host: string; slots: number; running: LeaseReference[] }
  | { type: 'started'; pilot: string; lease: number }
  | {
      type: 'ended';
      pilot: string;
      lease: number;
      /** What the pilot says it ran: all that is known of a lease that an earlier head gave. */
      reference: ClientReference;
      outcome: Outcome;
      exitCode: number;
      reason: string;
      usage: Usage;
    }
  | { type: 'pilotHeartbeat'; pilot: string; running: number[]; waiting: number[] }
  | { type: 'draining'; pilot: string; reason: string }
  /** The backend lists the pilot as gone, or it said goodbye. */
  | { type: 'backendGone'; pilot: string; reason: string }
  | { type: 'clientHello'; client: string; clientRanks: number; reference: ClientReference }
  | { type: 'clientFault'; client: string; reference: ClientReference; code: string; message: string }
  | {
      type: 'nextSimulations';
      /** Identifies the request, so that the reply finds its way. */
      reply: number;
      pilot: string;
      loopLease: number;
      client: string;
      clientRanks: number;
      wanted: number;
      finished: { simulation: number; draw: number; attempt: number; wallSeconds: number }[];
    }
  | { type: 'rankHello'; rank: number; instance: string; complete: Uint8Array; checkpoint: number }
  /** A rank that was silent is heard again: the same process, nothing lost. */
  | { type: 'rankBack'; rank: number }
  | { type: 'rankLost'; rank: number; reason: string }
  /** A rank was told to fold what it does not hold: another attempt had opened after it reported that it had everything. */
  | { type: 'foldDenied'; rank: number; simulation: number; draw: number; attempt: number }
  | {
      type: 'rankProgress';
      rank: number;
      completed: { simulation: number; draw: number; attempt: number; state: 1 | 2 }[];
      active: { simulation: number; draw: number; attempt: number; firstStep: number }[];
      faults: { simulation: number; draw: number; attempt: number; code: string; message: string }[];
      groupsFolded: number;
    }
  | { type: 'convergence'; groups: number; widest: number; cells: number }
  /** Once a turn of the event loop: gives out leases for all that the turn's events made possible. */
  | { type: 'turn' }
  | { type: 'tick' }
  /** The plan is on disk: leases that waited for it may go out. */
  | { type: 'persisted' }
  /** Results are written: what a rank loses from now on does not matter. */
  | { type: 'sealed' }
  | { type: 'setParallelism'; pilots: number }
  | { type: 'suspend' }
  | { type: 'resume' }
  | { type: 'cancel'; reason: string }
  | { type: 'deadline'; seconds: number };

export type LeaseOrder = LeaseReference & { group: number; member: number; firstStep: number };
export type StudyOutcome = 'Succeeded' | 'Failed' | 'Cancelled';
/** How the plan saw an attempt end. */
export type AttemptFate = 'Succeeded' | 'Failed' | 'Lost' | 'Returned' | 'Interrupted' | 'Stopped';

export type AttemptEnd = {
  simulation: number;
  draw: number;
  attempt: number;
  pilot: string;
  host: string;
  fate: AttemptFate;
  reason: string;
  outcome: Outcome | null;
  exitCode: number | null;
  startedMs: number | null;
  endedMs: number;
  usage: Usage | null;
};

/** retryAfterMs 0: for good. */
export type ClientRefusal = { code: string; message: string; remedy: string; retryAfterMs: number };

export type Instruction =
  | { type: 'lease'; pilot: string; leases: LeaseOrder[] }
  | { type: 'stopLeases'; pilot: string; leases: number[]; reason: string }
  | { type: 'dismiss'; pilot: string; drain: boolean; planFinished: boolean; reason: string }
  /** To every rank: attempts below `attempt` of this draw are refused from now on. */
  | { type: 'attempt'; rank: number | null; simulation: number; draw: number; attempt: number; drop: boolean }
  | { type: 'fold'; simulation: number; draw: number; attempt: number }
  | {
      type: 'clientAnswer';
      client: string;
      refused: ClientRefusal | null;
      firstStep: number;
    }
  | { type: 'clientStop'; client: string; reason: string }
  | {
      type: 'simulations';
      reply: number;
      terminated: boolean;
      simulations: (ClientReference & { firstStep: number })[];
    }
  | { type: 'attemptEnded'; end: AttemptEnd }
  | {
      type: 'event';
      entity: 'study' | 'simulation' | 'pilot' | 'rank';
      id: string;
      from: string;
      to: string;
      cause: string;
      data: Record<string, string | number | boolean | null>;
    }
  | { type: 'checkConvergence'; groups: number }
  /** Write the plan before any new lease goes out: a redraw must not be forgotten. */
  | { type: 'persist' }
  /** The study had ended, but a rank lost data before the results were safe: it goes on. */
  | { type: 'reopen'; reason: string }
  | { type: 'finish'; outcome: StudyOutcome; reason: string };
