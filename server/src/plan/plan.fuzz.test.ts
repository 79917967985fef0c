// SPDX-License-Identifier: Apache-2.0
/**
 * Random worlds from a seed: pilots come, go and fall silent, attempts fail, messages are lost and repeated, ranks
 * restart, the head restarts from a checkpoint. Whatever happens: no simulation is lost, none is leased twice at once,
 * counts and bits agree, and once the faults stop the study ends.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@melissa/kit';
import { aStudy, Driver, usage } from './builders.ts';
import { Plan } from './plan.ts';
import { encodePlan, restorePlan } from './plan-checkpoint.ts';
import { bit } from './simulation-table.ts';
import { Code, type Instruction, type PlanOptions } from './types.ts';

const SEEDS = 400;
const crc32 = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7);

class World {
  readonly random: Random;
  options: PlanOptions;
  driver: Driver;
  /** What each rank has folded, and what it holds of groups. */
  folded: Set<number>[];
  heldAt: Set<number>[];
  life = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const groupSize = this.random.chance(0.5) ? 1 : 3;
    const study = aStudy()
      .withGroups(6, groupSize)
      .with({ ranks: 1 + this.random.below(2), openGroupsMax: groupSize === 1 ? Infinity : 1 + this.random.below(3) })
      .withPolicy({ maxFailed: 1000, lostLimit: 4, retryLimit: 1, redrawLimit: 2, timeoutSeconds: 20 })
      .withPilots(3);
    this.options = study.options;
    this.driver = study.start();
    this.folded = this.driver.plan.state.ranks.map(() => new Set());
    this.heldAt = this.driver.plan.state.ranks.map(() => new Set());
  }
  send(...[event]: Parameters<Driver['send']>): void {
    this.obey(this.driver.send(event));
  }
  obey(instructions: Instruction[]): void {
    for (const instruction of instructions) {
      if (instruction.type === 'persist') this.send({ type: 'persisted' });
      if (instruction.type === 'attempt' && instruction.drop)
        this.heldAt.forEach((held) => held.delete(instruction.simulation));
      if (instruction.type === 'stopLeases' && !this.random.chance(0.2)) {
        for (const lease of instruction.leases) this.end(instruction.pilot, lease, 'EndedOnOrder', 15);
      }
    }
  }
  end(
    pilot: string,
    lease: number,
    outcome: 'Exited' | 'Signalled' | 'EndedOnOrder' | 'InterruptedByDrain',
    exitCode: number,
  ): void {
    const reference = this.driver.leases(pilot).find((order) => order.lease === lease) ?? {
      simulation: 0,
      draw: 0,
      attempt: 0,
    };
    this.driver.drop(pilot, lease);
    this.send({ type: 'ended', pilot, lease, reference, outcome, exitCode, reason: '', usage });
  }
  /** One rank receives it, and folds its group once it has all members. */
  arrive(rank: number, simulation: number, draw: number, attempt: number): void {
    const plan = this.driver.plan.state;
    if (plan.table.draw[simulation] !== draw) return;
    this.heldAt[rank]!.add(simulation);
    const members = plan.membersOf(plan.groupOf(simulation));
    const completed: { simulation: number; draw: number; attempt: number; state: 1 | 2 }[] = [
      { simulation, draw, attempt, state: 1 },
    ];
    if (members.every((member) => this.heldAt[rank]!.has(member) || this.folded[rank]!.has(member))) {
      for (const member of members) {
        this.heldAt[rank]!.delete(member);
        this.folded[rank]!.add(member);
        completed.push({
          simulation: member,
          draw: plan.table.draw[member]!,
          attempt: plan.table.attempt[member]!,
          state: 2,
        });
      }
    }
    this.send({ type: 'rankProgress', rank, completed, active: [], faults: [], groupsFolded: 0 });
  }
  bitmap(rank: number): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.options.simulations / 8));
    for (const simulation of this.folded[rank]!) bytes[simulation >>> 3]! |= 1 << (simulation & 7);
    return bytes;
  }
  restartRank(rank: number): void {
    this.life += 1;
    this.send({ type: 'rankLost', rank, reason: 'killed' });
    this.heldAt[rank]!.clear();
    for (const simulation of [...this.folded[rank]!])
      if (this.random.chance(0.3)) this.folded[rank]!.delete(simulation);
    this.send({ type: 'rankHello', rank, instance: `life ${this.life}`, complete: this.bitmap(rank), checkpoint: 1 });
  }
  restartHead(): void {
    const old = this.driver;
    const bytes = encodePlan(old.plan.state, { fingerprint: 'f', checkpoint: 1, elapsedMs: 0 }, crc32);
    this.options = { ...this.options, epoch: this.options.epoch + 1, resumed: true };
    const plan = new Plan(this.options, old.nowMs);
    restorePlan(plan.state, bytes, 'f', crc32);
    this.driver = new Driver(this.options, plan);
    this.driver.nowMs = old.nowMs;
    for (const [pilot, orders] of old.held) {
      this.driver.held.set(pilot, orders);
      if (this.random.chance(0.8))
        this.send({ type: 'pilotHello', pilot, instance: 'first', host: 'x', slots: 1, running: orders });
      else this.driver.held.delete(pilot);
    }
    this.folded.forEach((_, rank) => {
      this.send({
        type: 'rankHello',
        rank,
        instance: `head ${this.options.epoch} rank ${rank}`,
        complete: this.bitmap(rank),
        checkpoint: 1,
      });
      for (const simulation of this.heldAt[rank]!) {
        this.send({
          type: 'rankProgress',
          rank,
          completed: [{ simulation, draw: plan.state.table.draw[simulation]!, attempt: 1, state: 1 }],
          active: [],
          faults: [],
          groupsFolded: 0,
        });
      }
    });
  }
  step(faults: boolean): void {
    const pilot = `pilot-${this.random.below(3)}`;
    const known = this.driver.plan.state.pilots.get(pilot);
    if (known === undefined || known.draining) {
      this.life += 1;
      this.driver.held.delete(pilot);
      this.send({ type: 'pilotHello', pilot, instance: `life ${this.life}`, host: 'x', slots: 1, running: [] });
    }
    const order = this.driver.leases(pilot)[0];
    const dice = this.random.below(faults ? 22 : 12);
    if (order !== undefined && dice < 12) this.work(pilot, order, dice);
    else if (order !== undefined && dice < 15)
      this.end(pilot, order.lease, dice === 12 ? 'InterruptedByDrain' : 'Signalled', 9);
    else if (dice === 15) this.send({ type: 'backendGone', pilot, reason: 'killed' });
    else if (dice === 16) this.driver.held.delete(pilot);
    else if (dice === 17) this.restartRank(this.random.below(this.options.ranks));
    else if (dice === 18 && this.random.chance(0.3)) this.restartHead();
    else if (dice === 19) this.send({ type: 'draining', pilot, reason: 'SIGTERM' });
    else if (dice === 20) this.pass(this.random.below(30));
    else this.pass(1);
    this.driver.turn();
    this.check();
  }
  work(pilot: string, order: ReturnType<Driver['leases']>[number], dice: number): void {
    if (dice < 3) this.send({ type: 'started', pilot, lease: order.lease });
    else if (dice < 9) this.arrive(this.random.below(this.options.ranks), order.simulation, order.draw, order.attempt);
    else this.end(pilot, order.lease, 'Exited', 0);
  }
  pass(seconds: number): void {
    const before = this.driver.all.length;
    this.driver.pass(seconds);
    this.obey(this.driver.all.slice(before));
  }
  check(): void {
    const plan = this.driver.plan.state;
    const counts = plan.table.counts.reduce((sum, count) => sum + count, 0);
    assert.equal(counts, this.options.simulations, 'every simulation has one state');
    const leased = new Set<number>();
    for (const lease of plan.leases.values()) {
      if (plan.leaseOf.get(lease.simulation) !== lease.lease) continue;
      assert.ok(!leased.has(lease.simulation), 'leased once');
      leased.add(lease.simulation);
    }
    for (let simulation = 0; simulation < this.options.simulations; simulation++) {
      const state = plan.table.state[simulation]!;
      const owned = leased.has(simulation) || plan.grace.has(simulation);
      if (state === Code.Leased || state === Code.Running) assert.ok(owned, `simulation ${simulation} is nobody's`);
      if (state === Code.Pending) assert.ok(!leased.has(simulation), `simulation ${simulation} is pending and leased`);
      if (state === Code.Done)
        for (const bits of plan.table.complete)
          assert.ok(bit(bits, simulation), `${simulation} is done without its bits`);
    }
    if (!plan.options.resumed && this.life === 0) assert.ok(plan.openGroups.size <= this.options.openGroupsMax);
  }
}

test(`in ${SEEDS} random worlds no simulation is lost or leased twice, and the study ends`, () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    try {
      const world = new World(seed);
      for (let step = 0; step < 150; step++) world.step(true);
      // Without faults it has to come to its end: nothing may be waited for that never comes.
      for (let step = 0; step < 3000 && !world.driver.plan.state.finished; step++) world.step(false);
      const plan = world.driver.plan.state;
      assert.ok(plan.finished, `not over: counts ${[...plan.table.counts].join(' ')}`);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
});
