// SPDX-License-Identifier: Apache-2.0
/**
 * One world: a study with its head, ranks, pilots and solvers on simulated connections, disk and time, the backend that starts again what has
 * ended, and the faults that its seed says. `simulate` runs it until the study has ended and says what was wrong. Real are the head, the
 * plan, the rank, the rank's core and the protocol's codec; pilots and clients are written after PROTOCOL.md.
 */
import { ProjectError, Random } from '@melissa/kit';
import type { ResultsFacts } from '../../src/results/writer.ts';
import type { ResultsSource } from '../../src/results/source.ts';
import type { Head } from '../../src/head/head.ts';
import { native, type NativeCore } from '@melissa/native';
import { Client, type Behaviour } from './client.ts';
import { Disk, type DiskOperation } from './disk.ts';
import { Faults } from './faults.ts';
import { startHead, type HeadBugs } from './head.ts';
import { Network } from './network.ts';
import { Oracle, type Fate } from './oracle.ts';
import { Pilot, type LeaseBody, type Running } from './pilot.ts';
import { SimulatedRank, type RankBugs } from './rank.ts';
import { scenarioOf, type Profile, type Scenario } from './scenario.ts';
import { Process, Scheduler } from './scheduler.ts';
import { shapeOf, type Shape } from './studies.ts';
import { Watch } from './watch.ts';

export type Bugs = RankBugs & HeadBugs & { forgetsUnacknowledged?: boolean };
export type Verdict = {
  seed: number;
  scenario: Scenario;
  problems: string[];
  virtualMs: number;
  events: number;
  faults: Partial<Record<string, number>>;
  trace: string[];
};

/** A study that has not ended by then hangs. The longest patience of any part is two minutes. */
const virtualMsMax = 600_000;
const traceLinesMax = 4000;
/** Promise callbacks that run after each event; a longer chain goes on after the next. */
const turnsPerEvent = 8;
const token = 'a-token';
/** A head that looks into the folder finds its successor there; on a slow disk the look takes this long. */
const fencedAfterMs = 2000;
/** `sinceMs`: when it took its epoch. */
type LivingHead = { process: Process; head: Head | null; sinceMs: number };

export class World {
  readonly scenario: Scenario;
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly shape: Shape;
  readonly study: Shape['study'];
  readonly watch: Watch;
  readonly trace: string[] = [];
  readonly problems: string[] = [];
  /** Every head that lives, the newest last. */
  heads: LivingHead[] = [];
  ranks: { process: Process; rank: SimulatedRank }[] = [];
  readonly pilots = new Map<string, Process>();
  readonly solvers = new Set<Process>();
  isOver = false;
  /** Whether it is written down what happens. */
  readonly isTraced: boolean;
  #bugs: Bugs;
  #results: string[] | null = null;
  #instances = 1;
  /** By rank, what was last asked for its digests. */
  #read: NativeCore[] = [];

  constructor(scenario: Scenario, bugs: Bugs, isTraced: boolean) {
    this.scenario = scenario;
    this.isTraced = isTraced;
    this.#bugs = bugs;
    this.random = new Random(scenario.seed).fork('world');
    this.network = new Network(this.scheduler, this.random.fork('network'));
    this.disk = new Disk(this.random.fork('disk'));
    this.shape = shapeOf(scenario.shape);
    this.study = studyFor(scenario, this.shape);
    this.watch = new Watch(this.problems);
  }
  log(told: string | (() => string)): void {
    if (!this.isTraced) return;
    const sentence = typeof told === 'string' ? told : told();
    // Every second of a study that hangs.
    if (/^head \d+: checkpoint \d+:  → Committed/.test(sentence) && this.scheduler.nowMs > 20_000) return;
    if (this.trace.length >= traceLinesMax) this.trace.splice(0, traceLinesMax / 2);
    this.trace.push(`${(this.scheduler.nowMs / 1000).toFixed(4)} ${sentence}`);
  }
  process(name: string, isAsynchronous: boolean): Process {
    const crashed = (who: string, cause: unknown) => {
      this.problems.push(`${who} crashed: ${(cause as Error).stack ?? String(cause)}`);
    };
    return new Process(this.scheduler, { name, isAsynchronous, crashed });
  }
  instance(): bigint {
    return BigInt(++this.#instances);
  }

  // ---- the backend ----
  startHead(): void {
    this.scheduler.hasPromises = true;
    const process = this.process(`head ${this.heads.length + 1}`, true);
    const entry: LivingHead = { process, head: null, sinceMs: Infinity };
    this.heads.push(entry);
    const { scheduler, network, disk, shape, study } = this;
    const parts = {
      scheduler, network, disk, shape, study, token, process, bugs: this.#bugs,
      newestEpoch: () => Math.max(...this.heads.map(({ head }) => head?.epoch ?? 0)),
      log: (sentence: () => string) => this.log(() => `${process.name}: ${sentence()}`),
      writeResults: (source: ResultsSource, facts: ResultsFacts) => this.#writeResults(entry, source, facts),
      created: (head: Head) => {
        entry.head = head;
        entry.sinceMs = this.scheduler.nowMs;
        this.log(`${process.name} is up, epoch ${head.epoch}`);
        void head.ending.done.then(() => this.#ended(entry));
      },
      exit: (code: number) => {
        this.log(`${process.name} leaves with ${code}`);
        process.end();
      },
    }; // prettier-ignore
    process.onEnd.push(() => this.#headEnded(entry));
    startHead(parts).then(
      () => undefined,
      (cause: unknown) => {
        if (!(cause instanceof ProjectError))
          this.problems.push(`${process.name} did not start: ${(cause as Error).stack}`);
        process.end();
      },
    );
  }
  #headEnded(entry: { process: Process }): void {
    if (entry !== this.heads.at(-1) || this.isOver) return;
    this.log(`${entry.process.name} is gone`);
    this.scheduler.after(200 + this.random.uniform() * 1500, () => {
      if (entry === this.heads.at(-1)) this.startHead();
    });
  }
  startRank(rank: number): void {
    const process = this.process(`rank ${rank}`, true);
    const instance = this.instance();
    const { movesEndpoints } = this.scenario;
    const endpoint = movesEndpoints ? `rank-${rank}-${instance}` : `rank-${rank}`;
    process.run(() => {
      const log = (sentence: () => string) => this.log(sentence);
      const { network, disk, shape } = this;
      const digestsRead = (core: NativeCore) => void (this.#read[rank] = core);
      const parts = {
        network,
        disk,
        shape,
        rank,
        instance,
        token,
        endpoint,
        process,
        bugs: this.#bugs,
        log,
        digestsRead,
      };
      const made = new SimulatedRank({ ...parts, exit: () => process.end() });
      this.log(`rank ${rank} starts from checkpoint ${made.restored}`);
      this.ranks[rank] = { process, rank: made };
    });
    process.onEnd.push(() => {
      this.log(`rank ${rank} is gone`);
      this.scheduler.after(100 + this.random.uniform() * 1500, () => this.isOver || this.startRank(rank));
    });
  }
  /** Starts pilots as long as the newest head wants more than there are. */
  reconcile(): void {
    const { head, process } = this.heads.at(-1)!;
    const wanted = head !== null && process.isAlive ? head.plan.desiredPilots : 0;
    for (let i = 0; this.pilots.size < wanted && i < this.study.client.parallelism; i++)
      if (!this.pilots.has(`pilot-${i}`)) this.#startPilot(`pilot-${i}`);
    this.scheduler.after(300, () => this.reconcile());
  }
  #startPilot(name: string): void {
    const process = this.process(name, false);
    this.pilots.set(name, process);
    process.onEnd.push(() => void (this.pilots.get(name) === process && this.pilots.delete(name)));
    new Pilot({
      network: this.network,
      process,
      name,
      instance: this.instance(),
      token,
      start: (lease, ended) => this.#startSolver(name, process, lease, ended),
      accepted: (lease, epoch, newest) => this.watch.accepted(process, lease, epoch, newest),
      exit: (code) => {
        this.log(`${name} leaves with ${code}`);
        process.end();
      },
    });
  }
  #startSolver(
    pilotName: string,
    pilot: Process,
    lease: LeaseBody,
    ended: (outcome: number, exitCode: number, reason: string) => void,
  ): Running {
    const { simulation, draw, attempt } = lease;
    const name = `solver ${simulation}/${draw}/${attempt}`;
    const process = this.process(name, false);
    this.log(`${pilotName} starts ${name}`);
    this.watch.started(simulation, draw);
    this.solvers.add(process);
    let left: [number, number, string] = [2, 9, ''];
    process.onEnd.push(() => {
      this.solvers.delete(process);
      this.scheduler.after(this.random.uniform() * 20, () => pilot.run(() => ended(...left)));
    });
    // The pilot's children end with it.
    pilot.onEnd.push(() => process.end());
    const { network, shape } = this;
    const behaviour = this.#behaviour(simulation, draw, attempt);
    new Client({
      network, process, shape, token, id: this.instance(), lease: { simulation, draw, attempt }, behaviour,
      exit: (code, reason) => {
        this.log(`${name} leaves with ${code} ${reason}`);
        left = [1, code, reason];
        process.end();
      },
    }); // prettier-ignore
    return { kill: () => process.end() };
  }
  #behaviour(simulation: number, draw: number, attempt: number): Behaviour {
    const { stepMs, resumes, misbehaviour } = this.scenario;
    const forgetsUnacknowledged = this.#bugs.forgetsUnacknowledged === true;
    const right = { stepMs, resumes, fails: null, sticksAtStep: null, forgetsUnacknowledged };
    if (misbehaviour.kind === 'none' || misbehaviour.simulation !== simulation) return right;
    const { atStep } = misbehaviour;
    if (misbehaviour.kind === 'poison') return draw > 0 ? right : { ...right, fails: { atStep, exitCode: 7 } };
    if (attempt > 1) return right;
    const { exitCode } = misbehaviour;
    return exitCode === null ? { ...right, sticksAtStep: atStep } : { ...right, fails: { atStep, exitCode } };
  }

  // ---- the end ----
  fates(head: Head): Fate[] {
    const { state, draw } = head.plan.state.table;
    return Array.from(state, (code, simulation) => ({ state: code, draw: draw[simulation]! }));
  }
  async #writeResults(entry: LivingHead, source: ResultsSource, facts: ResultsFacts): Promise<void> {
    if (!facts.isFinal || entry.head === null) return;
    if (this.disk.isFull) throw new ProjectError({ code: 'ENOSPC', message: 'no space left on device', remedy: '' });
    const newer = this.heads
      .slice(this.heads.indexOf(entry) + 1)
      .some(({ sinceMs }) => sinceMs + fencedAfterMs < this.scheduler.nowMs);
    if (newer) this.problems.push(`${entry.process.name} writes results although a newer head has taken over`);
    const told = await source.digests();
    const fates = this.fates(entry.head);
    const oracle = new Oracle(this.shape);
    // A rank may have answered and been restarted while the head was frozen: the results are those of the answer.
    this.#results = this.#read.flatMap((core, number) => oracle.check(core, number, fates));
    const sums = new Map<string, bigint>();
    for (const core of this.#read)
      for (const { consumer, digest } of native.coreDigests(core))
        sums.set(consumer, BigInt.asUintN(64, (sums.get(consumer) ?? 0n) + digest));
    for (const { consumer, digest } of told)
      if (BigInt(`0x${digest}`) !== sums.get(consumer))
        this.#results.push(`the head tells another digest of ${consumer}`);
  }
  #ended(entry: LivingHead): void {
    if (!entry.process.isAlive || entry.head === null || entry !== this.heads.at(-1)) return;
    this.isOver = true;
    this.problems.push(...(this.#results ?? ['the study ended without results']));
    this.watch.atEnd(this.scenario, this.study, entry.head.plan.state);
  }
}

function studyFor(scenario: Scenario, shape: Shape): Shape['study'] {
  const { misbehaviour } = scenario;
  if (misbehaviour.kind !== 'poison') return shape.study;
  const faultPolicy = { ...shape.study.faultPolicy, retryLimit: 1, redrawLimit: 1, onExhausted: misbehaviour.then };
  return { ...shape.study, faultPolicy };
}

/** `trace: false`: nothing is written down, which is faster. */
export type Wanted = {
  profile?: Profile;
  shape?: string;
  bugs?: Bugs;
  trace?: boolean;
  /** What lies in the study's folder at the start. */
  folder?: ReadonlyMap<string, Uint8Array>;
  /** Is filled with what is done to the folder. */
  journal?: DiskOperation[];
};

/** Runs the world of a seed. */
export async function simulate(seed: number, wanted: Wanted = {}): Promise<Verdict> {
  const world = new World(scenarioOf(seed, wanted), wanted.bugs ?? {}, wanted.trace !== false);
  const { scheduler, scenario } = world;
  for (const [path, content] of wanted.folder ?? []) world.disk.put(path, content);
  world.disk.journal = wanted.journal ?? null;
  const faults = new Faults(world);
  world.startHead();
  for (let rank = 0; rank < world.study.server.ranks; rank++) world.startRank(rank);
  world.reconcile();
  faults.plan();
  while (!world.isOver && world.problems.length === 0 && scheduler.nowMs < virtualMsMax && scheduler.step()) {
    if (!scheduler.hasPromises) continue;
    scheduler.hasPromises = false;
    for (let turn = 0; turn < turnsPerEvent; turn++) await null;
  }
  if (!world.isOver && world.problems.length === 0) world.problems.push(hang(world));
  world.isOver = true;
  const { problems, trace } = world;
  return {
    seed,
    scenario,
    problems,
    virtualMs: scheduler.nowMs,
    events: scheduler.events,
    faults: faults.counts,
    trace,
  };
}

function hang(world: World): string {
  const { head } = world.heads.at(-1)!;
  const fates =
    head === null
      ? 'no head is up'
      : world
          .fates(head)
          .map((fate) => fate.state)
          .join(' ');
  return `the study has not ended after ${virtualMsMax / 1000} s: ${fates}`;
}
