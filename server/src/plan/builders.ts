// SPDX-License-Identifier: Apache-2.0
/**
 * Builders for tests of the plan: `aStudy().withGroups(3, 4).withPilots(2).start()` makes a plan with connected ranks
 * and pilots, and a driver that speaks for them. Time stands still unless the test moves it.
 */
import { assert } from '@melissa/kit';
import { Plan } from './plan.ts';
import type { Instruction, LeaseOrder, Outcome, PlanEvent, PlanOptions } from './types.ts';
import { states } from './types.ts';

export const usage = { wallSeconds: 10, cpuSeconds: 10, peakRssBytes: 1e6, stdout: '', stderr: '' };

const faultPolicy: PlanOptions['faultPolicy'] = {
  timeoutSeconds: 60,
  retryLimit: 2,
  onExhausted: 'Redraw',
  redrawLimit: 3,
  lostLimit: 5,
  maxFailed: 10,
  graceSeconds: 10,
  sendTimeoutSeconds: 60,
};

const plain: PlanOptions = {
  epoch: 1,
  simulations: 4,
  groupSize: 1,
  ranks: 1,
  parallelism: 1000,
  loop: false,
  openGroupsMax: Infinity,
  redrawable: true,
  dropOnRetry: false,
  partialWhole: false,
  solverSpeaks: true,
  faultPolicy,
  stopWhen: null,
  resumed: false,
};

export function aStudy(): StudyBuilder {
  return new StudyBuilder();
}

class StudyBuilder {
  options: PlanOptions = { ...plain };
  pilots = 1;
  slots = 1;

  with(options: Partial<PlanOptions>): this {
    Object.assign(this.options, options);
    return this;
  }
  withSimulations(simulations: number): this {
    return this.with({ simulations });
  }
  withGroups(groups: number, groupSize: number): this {
    return this.with({ simulations: groups * groupSize, groupSize });
  }
  withPolicy(policy: Partial<PlanOptions['faultPolicy']>): this {
    return this.with({ faultPolicy: { ...this.options.faultPolicy, ...policy } });
  }
  withPilots(pilots: number, slots = 1): this {
    this.pilots = pilots;
    this.slots = slots;
    return this;
  }
  start(): Driver {
    const driver = new Driver(this.options);
    for (let rank = 0; rank < this.options.ranks; rank++) driver.rankHello(rank, 'first');
    for (let pilot = 0; pilot < this.pilots; pilot++) driver.pilotHello(`pilot-${pilot}`, 'first', this.slots);
    driver.turn();
    return driver;
  }
}

/** Speaks for pilots and ranks; keeps every instruction, and the leases that each pilot holds. */
export class Driver {
  readonly plan: Plan;
  readonly options: PlanOptions;
  nowMs = 0;
  all: Instruction[] = [];
  readonly held = new Map<string, LeaseOrder[]>();

  constructor(options: PlanOptions, plan?: Plan) {
    this.options = options;
    this.plan = plan ?? new Plan(options, 0);
  }
  send(event: PlanEvent): Instruction[] {
    const instructions = this.plan.handle(event, this.nowMs);
    this.all.push(...instructions);
    for (const instruction of instructions) {
      if (instruction.type === 'lease')
        this.held.set(instruction.pilot, [...this.leases(instruction.pilot), ...instruction.leases]);
    }
    return instructions;
  }
  turn(): Instruction[] {
    return this.send({ type: 'turn' });
  }
  /** Moves time in steps of a second; pilots beat unless they are said to be silent. */
  pass(seconds: number, silent: string[] = []): void {
    for (let second = 0; second < seconds; second++) {
      this.nowMs += 1000;
      for (const pilot of this.plan.state.pilots.keys()) {
        if (silent.includes(pilot)) continue;
        const running = this.leases(pilot).map((lease) => lease.lease);
        this.send({ type: 'pilotHeartbeat', pilot, running, waiting: [] });
      }
      this.send({ type: 'tick' });
    }
    this.turn();
  }
  leases(pilot = 'pilot-0'): LeaseOrder[] {
    return this.held.get(pilot) ?? [];
  }
  leaseOf(simulation: number): { pilot: string; order: LeaseOrder } {
    for (const [pilot, orders] of this.held) {
      const order = orders.findLast((candidate) => candidate.simulation === simulation);
      if (order !== undefined) return { pilot, order };
    }
    assert(false, `simulation ${simulation} is leased`);
  }
  pilotHello(pilot: string, instance = 'first', slots = 1): void {
    this.send({ type: 'pilotHello', pilot, instance, host: 'node-1', slots, running: [] });
  }
  rankHello(rank: number, instance: string, complete = new Uint8Array(0)): void {
    this.send({ type: 'rankHello', rank, instance, complete, checkpoint: 0 });
  }
  started(simulation: number): void {
    const { pilot, order } = this.leaseOf(simulation);
    this.send({ type: 'started', pilot, lease: order.lease });
  }
  /** Every rank reports it, state 1 (held) or 2 (folded). */
  data(simulation: number, state: 1 | 2 = 2, ranks = [...Array(this.options.ranks).keys()]): void {
    const { order } = this.leaseOf(simulation);
    const { draw, attempt } = order;
    for (const rank of ranks) {
      this.send({
        type: 'rankProgress',
        rank,
        completed: [{ simulation, draw, attempt, state }],
        active: [],
        faults: [],
        groupsFolded: 0,
      });
    }
  }
  active(simulation: number, firstStep: number, rank = 0): void {
    const { draw, attempt } = this.leaseOf(simulation).order;
    this.send({
      type: 'rankProgress',
      rank,
      completed: [],
      active: [{ simulation, draw, attempt, firstStep }],
      faults: [],
      groupsFolded: 0,
    });
  }
  ended(simulation: number, outcome: Outcome = 'Exited', exitCode = 0, wallSeconds = 10): void {
    const { pilot, order } = this.leaseOf(simulation);
    this.drop(pilot, order.lease);
    this.send({
      type: 'ended',
      pilot,
      lease: order.lease,
      reference: order,
      outcome,
      exitCode,
      reason: '',
      usage: { ...usage, wallSeconds },
    });
    this.turn();
  }
  drop(pilot: string, lease: number): void {
    this.held.set(
      pilot,
      this.leases(pilot).filter((candidate) => candidate.lease !== lease),
    );
  }
  /** The whole of a simulation that goes well. */
  succeed(simulation: number): void {
    this.started(simulation);
    if (this.options.ranks > 0) this.data(simulation);
    this.ended(simulation);
  }
  state(simulation: number): string {
    return states[this.plan.state.table.state[simulation]!]!;
  }
  count(state: (typeof states)[number]): number {
    return this.plan.state.table.counts[states.indexOf(state)]!;
  }
  found<T extends Instruction['type']>(type: T): Extract<Instruction, { type: T }>[] {
    return this.all.filter((instruction) => instruction.type === type) as Extract<Instruction, { type: T }>[];
  }
}
