// SPDX-License-Identifier: Apache-2.0
/**
 * The plan's memory and its few transitions; pilot-events.ts, client-events.ts, rank-events.ts and study-events.ts say
 * when they happen. Invariants: a simulation has at most one lease that counts (`leaseOf`); a lease that no longer counts
 * stays with its pilot as Stopping until the pilot says it ended, because it still keeps a slot busy; whoever is Pending
 * is in the queue; each change of a state is counted and becomes one event.
 */
import { assert } from '@melissa/kit';
import { reasonsMax } from '../limits.ts';
import { completionOf } from './completion-policy.ts';
import { notChecked, type ConvergenceState } from './convergence-policy.ts';
import { PendingQueue } from './pending-queue.ts';
import { SimulationTable } from './simulation-table.ts';
import { Code, LOOP_SIMULATION, states } from './types.ts';
import type { AttemptFate, Instruction, Outcome, PlanOptions, StudyOutcome, Usage } from './types.ts';

export type Lease = {
  lease: number;
  pilot: string;
  host: string;
  simulation: number;
  draw: number;
  attempt: number;
  state: 'Waiting' | 'Running' | 'Stopping';
  leasedMs: number;
  startedMs: number | null;
  lastSignMs: number;
  /** The client that speaks for it, '' before its hello. */
  client: string;
  clientRanks: number;
  /** A rank restarted meanwhile: data that is missing at the end is not its fault. */
  disturbed: boolean;
  /** Heartbeats in a row that did not name it. */
  beatsMissed: number;
  /** Why it was told to end; '' until then. Its solver may end by itself before the order comes, and has no reason then. */
  stopReason: string;
  /** What its solver did wrong after all data had arrived; '' if nothing. */
  remark: string;
  /** For a simulation of a looping solver: the loop's lease; else 0. */
  loopLease: number;
};

export type Pilot = {
  pilot: string;
  instance: string;
  host: string;
  slots: number;
  draining: boolean;
  dismissed: boolean;
  lastHeardMs: number;
  /** Leases on its account; those of a loop are on the loop's. */
  leases: Set<number>;
};

/** A loop lease's children in the order in which they were given, and a request that waits for work. */
export type Loop = {
  children: number[];
  parked: { reply: number; client: string; clientRanks: number; wanted: number } | null;
  asked: boolean;
};

export type RankRecord = { instance: string; connected: boolean; checkpoint: number; groupsFolded: number };
export type Grace = { deadlineMs: number; lease: Lease; usage: Usage | null };

export class PlanState {
  readonly options: PlanOptions;
  readonly table: SimulationTable;
  readonly queue: PendingQueue;
  readonly leases = new Map<number, Lease>();
  /** The lease that counts, by simulation. */
  readonly leaseOf = new Map<number, number>();
  readonly loops = new Map<number, Loop>();
  readonly pilots = new Map<string, Pilot>();
  /** Given up after their silence. One that is heard again (its link was down) does not know that, and gets its place back. */
  readonly silentPilots = new Map<string, Pilot>();
  readonly ranks: RankRecord[];
  /** Solvers that exited 0 while data is still missing. */
  readonly grace = new Map<number, Grace>();
  /** First step not yet complete, by rank, of simulations under way. */
  readonly firstSteps = new Map<number, Uint32Array>();
  /** Ranks were told to drop what attempts below this one sent: what is still said of those is out of date. */
  readonly droppedBelow = new Map<number, number>();
  readonly reasons = new Map<number, string>();
  readonly openGroups = new Set<number>();
  parallelism: number;
  suspended = false;
  /** Why nothing new is leased any more although the study has not ended: converged. */
  closed = '';
  outcome: StudyOutcome | null = null;
  outcomeReason = '';
  /** Results are written: nothing can change any more. */
  sealed = false;
  convergence: ConvergenceState = notChecked;
  meanMs: number | null = null;
  retried = 0;
  redrawn = 0;
  /** Simulations that failed by themselves; their group's mates are cancelled. */
  failed = 0;
  loopStartFailures = 0;
  persisting = false;
  adoptUntilMs = 0;
  nextLease = 1;
  out: Instruction[] = [];

  constructor(options: PlanOptions) {
    assert(options.simulations > 0 && options.groupSize > 0, 'a plan has simulations');
    assert(options.openGroupsMax >= 1, 'at least one group can be open');
    this.options = options;
    this.table = new SimulationTable(options.simulations, options.ranks);
    this.queue = new PendingQueue(this.table);
    this.ranks = Array.from({ length: options.ranks }, () => ({
      instance: '',
      connected: false,
      checkpoint: 0,
      groupsFolded: 0,
    }));
    this.parallelism = options.parallelism;
  }

  get ranksReady(): boolean {
    return this.ranks.every((rank) => rank.connected);
  }
  get finished(): boolean {
    return this.outcome !== null;
  }
  /** Simulations that still need a pilot. */
  get remaining(): number {
    const { counts } = this.table;
    return counts[Code.Pending]! + counts[Code.Leased]! + counts[Code.Running]!;
  }
  groupOf(simulation: number): number {
    return Math.floor(simulation / this.options.groupSize);
  }
  membersOf(group: number): number[] {
    const first = group * this.options.groupSize;
    const last = Math.min(first + this.options.groupSize, this.options.simulations);
    return Array.from({ length: last - first }, (_, member) => first + member);
  }
  isTerminal(simulation: number): boolean {
    return this.table.state[simulation]! >= Code.Done;
  }
  /** First step that some rank still lacks. */
  firstStep(simulation: number): number {
    const steps = this.firstSteps.get(simulation);
    return steps === undefined ? 0 : Math.min(...steps);
  }

  setState(
    simulation: number,
    to: number,
    cause: string,
    data: Record<string, string | number | boolean | null> = {},
  ): void {
    const from = this.table.state[simulation]!;
    if (from === to) return;
    this.table.setState(simulation, to);
    this.out.push({
      type: 'event',
      entity: 'simulation',
      id: String(simulation),
      from: states[from]!,
      to: states[to]!,
      cause,
      data,
    });
    if (to >= Code.Done) this.#settle(simulation);
  }
  /** Back into the queue; the caller says in `cause` why. */
  requeue(simulation: number, cause: string): void {
    this.setState(simulation, Code.Pending, cause);
    this.queue.put(simulation, this.openGroups.has(this.groupOf(simulation)));
  }
  remember(simulation: number, reason: string): void {
    if (this.reasons.size < reasonsMax || this.reasons.has(simulation)) this.reasons.set(simulation, reason);
  }

  /** Opens a group: its members come before all others from now on. */
  openGroup(group: number): void {
    if (this.options.openGroupsMax === Infinity || this.openGroups.has(group)) return;
    this.openGroups.add(group);
    for (const member of this.membersOf(group)) {
      if (this.table.state[member] === Code.Pending) this.queue.put(member, true);
    }
  }
  #settle(simulation: number): void {
    this.firstSteps.delete(simulation);
    this.droppedBelow.delete(simulation);
    this.grace.delete(simulation);
    if (this.table.state[simulation] === Code.Done) this.reasons.delete(simulation);
    else this.#dropMates(simulation);
    const group = this.groupOf(simulation);
    if (this.openGroups.has(group) && this.membersOf(group).every((member) => this.isTerminal(member)))
      this.openGroups.delete(group);
  }

  /** Members that wait for one that will never come cannot be folded by their group's consumers. */
  #dropMates(simulation: number): void {
    if (this.options.groupSize === 1) return;
    for (const mate of this.membersOf(this.groupOf(simulation))) {
      if (this.table.state[mate] !== Code.Received) continue;
      const reason = `simulation ${simulation} of its group will not come`;
      this.remember(mate, reason);
      this.setState(mate, Code.Cancelled, reason);
    }
  }

  /** Looks at the ranks' bits and moves the simulation to Received or Done. */
  complete(simulation: number, attempt: number, nowMs: number): void {
    const state = this.table.state[simulation]!;
    if (state >= Code.Done) return;
    const completion = completionOf(this.table, simulation);
    if (completion === 'Missing') return;
    const lease = this.countingLease(simulation);
    const grace = this.grace.get(simulation);
    // Data of an earlier attempt completed it: the present one has nothing left to do.
    if (lease !== undefined && attempt < lease.attempt) this.stop(lease, 'an earlier attempt completed the simulation');
    if (grace !== undefined) {
      this.grace.delete(simulation);
      this.endAttempt(grace.lease, 'Succeeded', '', { outcome: 'Exited', exitCode: 0, usage: grace.usage }, nowMs);
    }
    if (state !== Code.Received && this.options.partialWhole) {
      // Whatever attempt a rank has it from, unless that was to be dropped: ranks may know lower numbers than a restarted head.
      const lowest = this.droppedBelow.get(simulation) ?? 0;
      this.out.push({ type: 'fold', simulation, draw: this.table.draw[simulation]!, attempt: lowest });
    }
    if (completion === 'Received') {
      this.setState(simulation, Code.Received, 'every rank has all of it');
      const gone = this.membersOf(this.groupOf(simulation)).find((mate) => this.table.state[mate]! > Code.Done);
      if (gone !== undefined) this.#dropMates(gone);
    } else this.setState(simulation, Code.Done, 'folded by every rank');
  }

  countingLease(simulation: number): Lease | undefined {
    const lease = this.leaseOf.get(simulation);
    return lease === undefined ? undefined : this.leases.get(lease);
  }
  /** A lease stops to count; its pilot ends the process. The lease is kept until the pilot confirms. */
  stop(lease: Lease, reason: string): void {
    this.detach(lease);
    if (lease.state === 'Stopping') return;
    lease.state = 'Stopping';
    lease.stopReason = reason;
    if (lease.loopLease !== 0) {
      if (lease.client !== '') this.out.push({ type: 'clientStop', client: lease.client, reason });
      this.release(lease);
      return;
    }
    this.out.push({ type: 'stopLeases', pilot: lease.pilot, leases: [lease.lease], reason });
  }
  detach(lease: Lease): void {
    if (this.leaseOf.get(lease.simulation) === lease.lease) this.leaseOf.delete(lease.simulation);
  }
  /** Forgets a lease altogether. */
  release(lease: Lease): void {
    this.detach(lease);
    this.leases.delete(lease.lease);
    this.pilots.get(lease.pilot)?.leases.delete(lease.lease);
    const loop = this.loops.get(lease.loopLease);
    if (loop !== undefined) loop.children = loop.children.filter((child) => child !== lease.lease);
  }
  endAttempt(
    lease: Lease,
    fate: AttemptFate,
    reason: string,
    seen: { outcome: Outcome | null; exitCode: number | null; usage: Usage | null },
    nowMs: number,
  ): void {
    if (lease.simulation === LOOP_SIMULATION) return;
    const { simulation, draw, attempt, pilot, host, startedMs } = lease;
    this.out.push({
      type: 'attemptEnded',
      end: { simulation, draw, attempt, pilot, host, fate, reason, ...seen, startedMs, endedMs: nowMs },
    });
  }

  finish(outcome: StudyOutcome, reason: string): void {
    if (this.finished) return;
    this.outcome = outcome;
    this.outcomeReason = reason;
    for (const lease of [...this.leases.values()]) {
      if (outcome !== 'Succeeded' && lease.simulation !== LOOP_SIMULATION) this.stop(lease, reason);
    }
    this.answerParked(true);
    for (const pilot of this.pilots.values()) this.dismiss(pilot);
    this.out.push({ type: 'event', entity: 'study', id: '', from: 'Running', to: outcome, cause: reason, data: {} });
    this.out.push({ type: 'finish', outcome, reason });
  }
  /** The plan has ended: the pilot finishes what it runs if that still counts, and goes. */
  dismiss(pilot: Pilot): void {
    pilot.dismissed = true;
    const drain = this.outcome === 'Succeeded';
    this.out.push({ type: 'dismiss', pilot: pilot.pilot, drain, planFinished: true, reason: this.outcomeReason });
  }
  answerParked(terminated: boolean): void {
    for (const loop of this.loops.values()) {
      if (loop.parked === null) continue;
      this.out.push({ type: 'simulations', reply: loop.parked.reply, terminated, simulations: [] });
      loop.parked = null;
    }
  }
  /** All simulations have their fate: the study has ended. */
  finishIfOver(): void {
    const { counts } = this.table;
    if (this.finished || counts[Code.Done]! + counts[Code.Failed]! + counts[Code.Cancelled]! < this.options.simulations)
      return;
    this.finish('Succeeded', this.closed);
  }
}
