// SPDX-License-Identifier: Apache-2.0
/**
 * The head of a study: composes plan, control router, ranks, checkpoints and service, and lives until the study's results
 * are written or it is told to end. Everything from outside (clock, sockets, files, I/O worker, HTTP server) is handed in by
 * main.ts. Invariant: the plan changes only in `apply`, and whatever it asks for is carried out in the same turn; leases go
 * out once at the end of each turn that changed something.
 */
import type { Clock, TimerHandle } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import type { Files } from '../io/files.ts';
import type { ControlServer, PeerId } from '../io/control-socket.ts';
import type { IoWorker } from '../io/worker.ts';
import * as limits from '../limits.ts';
import { Plan } from '../plan/plan.ts';
import { restorePlan } from '../plan/plan-checkpoint.ts';
import type { Instruction, PlanEvent } from '../plan/types.ts';
import type { Design } from '../sampling/index.ts';
import { Checkpoints, newestPlan, takeEpoch } from './checkpoints.ts';
import { ControlRouter } from './control-router.ts';
import { Looker } from './convergence-check.ts';
import { Ending } from './ending.ts';
import { carryOut, type Hands } from './instructions.ts';
import { IntentKeeper } from './intent.ts';
import type { Log } from './log.ts';
import { RankLink } from './rank-link.ts';
import { StatisticsReader } from './statistics-reader.ts';
import { pilotWelcomeOf, planOptionsOf, ranksOf } from './study-facts.ts';
import { HeadService } from './study-service.ts';
import { Suspension } from './suspension.ts';

export type HeadWorld = {
  study: CompiledStudy;
  manifest: Record<string, unknown>;
  design: Design;
  directory: string;
  token: string;
  host: string;
  versions: Record<string, string>;
  clock: Clock;
  atEndOfTurn: (callback: () => void) => void;
  files: Files;
  io: IoWorker;
  sameSecret: (given: string, wanted: string) => boolean;
  openControl: (receive: (peer: PeerId, frame: Uint8Array) => void) => Promise<ControlServer>;
  log: Log;
  /** Ranks of a finished study end with the head; false where their backend would only start them again. */
  dismissRanks: boolean;
  /** A newer head has taken over, or the head cannot go on. */
  abandon: (exitCode: number) => void;
};

/** On a cluster the manifest names the object that it was read from. */
const uidOf = (manifest: Record<string, unknown>): string =>
  String((manifest['metadata'] as { uid?: unknown } | undefined)?.uid ?? '');

export class Head {
  readonly service: HeadService;
  readonly epoch: number;
  readonly plan: Plan;
  readonly router: ControlRouter;
  readonly ranks: RankLink[];
  readonly checkpoints: Checkpoints;
  readonly ending: Ending;
  readonly looker: Looker;
  readonly suspension: Suspension;
  readonly intent: IntentKeeper;
  #w: HeadWorld;
  #hands: Hands;
  #control: ControlServer | null = null;
  #turnIsDue = false;
  #stopped = false;
  #timers = new Map<string, TimerHandle>();
  #startMs: number;
  #elapsedBeforeMs: number;

  /** Takes the next epoch and the newest sound plan; nothing is open yet. */
  static async create(world: HeadWorld): Promise<Head> {
    const { files, study, log } = world;
    const directory = `${world.directory}/checkpoint`;
    const { epoch, isFirst } = await takeEpoch(files, directory);
    const { bytes, refused } = await newestPlan(files, directory, study.fingerprint);
    for (const reason of refused) log('warn', 'a checkpoint was passed over', { reason });
    const plan = new Plan(planOptionsOf(study, { epoch, resumed: !isFirst }), world.clock.monotonicMs());
    const rest = bytes === null ? null : restorePlan(plan.state, bytes, study.fingerprint, files.crc32);
    // No plan is left of the heads before this one: what they may have leased is not leased again under the same number.
    if (rest === null && !isFirst) plan.state.table.attempt.fill(Math.min(0xffff, (epoch - 1) * limits.attemptJump));
    const head = new Head(world, plan, { epoch, checkpoint: rest?.checkpoint ?? 0, elapsedMs: rest?.elapsedMs ?? 0 });
    if (rest !== null) head.#tellRewound(rest.checkpoint, rest.epoch);
    return head;
  }

  private constructor(
    world: HeadWorld,
    plan: Plan,
    restored: { epoch: number; checkpoint: number; elapsedMs: number },
  ) {
    const { study, clock, files } = world;
    this.#w = world;
    this.plan = plan;
    this.epoch = restored.epoch;
    this.#startMs = clock.monotonicMs();
    this.#elapsedBeforeMs = restored.elapsedMs;
    const send = (peer: PeerId, frame: Uint8Array) => this.#control?.send(peer, frame);
    const epoch = this.epoch;
    this.ranks = Array.from({ length: ranksOf(study) }, (_, rank) => new RankLink(rank, { clock, epoch, send }));
    this.checkpoints = new Checkpoints({
      files,
      directory: `${world.directory}/checkpoint`,
      epoch,
      fingerprint: study.fingerprint,
      clock,
      ranks: this.ranks,
      plan: plan.state,
      number: restored.checkpoint,
      elapsedMs: () => this.elapsedMs,
      fenced: () => world.abandon(5),
    });
    this.looker = new Looker(study, this.ranks, clock);
    this.suspension = new Suspension({
      plan: plan.state,
      isCheckpointUnderWay: () => this.checkpoints.isUnderWay,
      takeCheckpoint: () => this.#checkpoint(),
    });
    this.intent = new IntentKeeper({
      study,
      files,
      directory: world.directory,
      owner: uidOf(world.manifest),
      apply: (event) => void this.apply(event),
      setDeadline: (seconds) => this.#setDeadline(seconds),
    });
    this.router = this.#makeRouter(send);
    this.service = this.#makeService();
    this.ending = new Ending({
      ...world,
      plan: plan.state,
      ranks: this.ranks,
      checkpoints: this.checkpoints,
      service: this.service,
      looker: this.looker,
      apply: (event) => void this.apply(event),
    });
    this.#hands = this.#makeHands();
  }
  #makeRouter(send: (peer: PeerId, frame: Uint8Array) => void): ControlRouter {
    const { study, token, clock, sameSecret, log } = this.#w;
    return new ControlRouter({
      study,
      epoch: this.epoch,
      token,
      clock,
      ranks: this.ranks,
      pilotWelcome: pilotWelcomeOf(study),
      sameSecret,
      send,
      apply: (event) => this.apply(event),
      planFinished: () => this.plan.state.finished,
      committedCheckpoint: () => this.checkpoints.number,
      log: (sentence) => log('warn', sentence),
    });
  }
  #makeService(): HeadService {
    const { study, clock, design, io } = this.#w;
    return new HeadService({
      study,
      epoch: this.epoch,
      plan: this.plan,
      ranks: this.ranks,
      reader: new StatisticsReader(study, this.ranks),
      checkpoints: this.checkpoints,
      looker: this.looker,
      clock,
      startWallMs: clock.wallMs() - this.#elapsedBeforeMs,
      elapsedMs: () => this.elapsedMs,
      parameters: (simulation, draw) => design.parameters(simulation, draw),
      controlEndpoint: () => this.#control?.endpoint ?? '',
      apply: (event) => void this.apply(event),
      intent: this.intent,
      suspension: this.suspension,
      degraded: () => [...this.ending.problems(), ...io.degraded()],
    });
  }
  #makeHands(): Hands {
    const { study, clock, design, io } = this.#w;
    return {
      study,
      clock,
      ranks: this.ranks,
      router: () => this.router,
      parameters: (simulation, draw) => design.parameters(simulation, draw),
      appendEvent: (event) => io.events.append(event),
      recordAttempt: (attempt) => io.recordAttempt(attempt),
      checkConvergence: (groups) => void this.#checkConvergence(groups),
      persist: () => void this.#persist(),
      finish: (outcome, reason) => {
        this.#w.log('info', `the plan has ended: ${outcome}`, { reason });
        void this.ending.begin();
      },
      foldDenied: (order) => void this.apply({ type: 'foldDenied', ...order }),
      reopen: (reason) => {
        this.#w.log('warn', 'the study goes on', { reason });
        this.ending.abort();
      },
    };
  }
  get elapsedMs(): number {
    return this.#elapsedBeforeMs + this.#w.clock.monotonicMs() - this.#startMs;
  }
  get controlEndpoint(): string {
    return this.#control?.endpoint ?? '';
  }

  /** Opens the control socket and begins. */
  async start(): Promise<void> {
    const { clock } = this.#w;
    this.#control = await this.#w.openControl((peer, frame) => {
      if (!this.#stopped) this.router.receive(peer, frame);
    });
    await this.checkpoints.writePlan();
    this.#every('tick', limits.tickMs, () => {
      this.router.tick(clock.monotonicMs());
      this.apply({ type: 'tick' });
    });
    this.#every('sample', 1000, () => {
      this.service.sample(clock.monotonicMs());
      this.#lookForPeople();
      this.suspension.look();
    });
    const { checkpointPeriodSeconds, resultsPeriodSeconds } = this.#w.study.server;
    this.#every('checkpoint', checkpointPeriodSeconds * 1000, () => this.#periodicCheckpoint());
    this.#every('results', resultsPeriodSeconds * 1000, () => void this.ending.writeInterval());
    await this.intent.start();
    if (this.plan.state.finished) void this.ending.begin();
  }
  #setDeadline(seconds: number | null): void {
    this.#timers.get('deadline')?.cancel();
    this.#timers.delete('deadline');
    if (seconds === null || this.#stopped) return;
    const leftMs = Math.max(0, seconds * 1000 - this.elapsedMs);
    this.#timers.set(
      'deadline',
      this.#w.clock.after(leftMs, () => void this.apply({ type: 'deadline', seconds })),
    );
  }
  #every(name: string, periodMs: number, callback: () => void): void {
    if (!(periodMs > 0) || !Number.isFinite(periodMs)) return;
    const again = () => {
      callback();
      if (!this.#stopped) this.#timers.set(name, this.#w.clock.after(periodMs, again));
    };
    this.#timers.set(name, this.#w.clock.after(periodMs, again));
  }

  apply(event: PlanEvent): Instruction[] {
    const instructions = this.plan.handle(event, this.#w.clock.monotonicMs());
    for (const instruction of instructions) carryOut(this.#hands, instruction);
    if (!this.#turnIsDue && event.type !== 'turn') {
      this.#turnIsDue = true;
      this.#w.atEndOfTurn(() => this.#turn());
    }
    return instructions;
  }
  #turn(): void {
    this.#turnIsDue = false;
    // A log that cannot follow holds leases back; the next tick tries again.
    if (this.#stopped || this.#w.io.events.isFull) return;
    this.apply({ type: 'turn' });
  }

  #periodicCheckpoint(): void {
    // One that waits for a rank is repeated by itself; to begin another beside it would only look like a failure.
    if (this.checkpoints.isUnderWay) return;
    if (this.plan.state.ranksReady && !this.plan.state.finished) void this.#checkpoint();
  }
  async #checkpoint(): Promise<boolean> {
    const ok = await this.checkpoints.take();
    const { number, problem, failures } = this.checkpoints;
    const event = { timeMs: this.#w.clock.wallMs(), entity: 'checkpoint' as const, from: '', cause: problem };
    this.#w.io.events.append({ ...event, id: String(number), to: ok ? 'Committed' : 'Failed', data: { failures } });
    if (!ok) this.#w.log('error', problem);
    return ok;
  }
  /** Before a redraw is leased it is on disk; a full disk holds the study, and says so. */
  async #persist(): Promise<void> {
    try {
      await this.checkpoints.writePlan();
      this.apply({ type: 'persisted' });
    } catch (cause) {
      this.#w.log('error', 'the plan could not be written; leasing waits for it', { reason: (cause as Error).message });
      if (!this.#stopped) this.#w.clock.after(limits.persistRetryMs, () => void this.#persist());
    }
  }
  async #checkConvergence(groups: number): Promise<void> {
    try {
      const look = await this.looker.look();
      this.apply({ type: 'convergence', groups, widest: look.widest, cells: look.cells });
    } catch (cause) {
      this.#w.log('warn', 'convergence could not be looked at; the next time it is', {
        reason: (cause as Error).message,
      });
      this.apply({ type: 'convergence', groups, widest: NaN, cells: 0 });
    }
  }
  /** For people: how wide the intervals are by now. */
  #lookForPeople(): void {
    const state = this.plan.state;
    if (state.finished || !state.ranksReady || state.ranks.length === 0) return;
    if (!this.looker.isDue(Math.min(...state.ranks.map((rank) => rank.groupsFolded)))) return;
    // A rank that goes away meanwhile makes this look fail, and no other.
    this.looker.look().catch(() => undefined);
  }
  #tellRewound(checkpoint: number, epoch: number): void {
    const data = { checkpoint, epoch: this.epoch, before: epoch };
    const timeMs = this.#w.clock.wallMs();
    this.#w.io.events.append({
      timeMs,
      entity: 'head',
      id: '',
      from: '',
      to: 'rewound',
      cause: `restored from checkpoint ${checkpoint}`,
      data,
    });
  }

  /** Told to end: a last checkpoint when the study is under way, then everything is closed. Peers wait for the next head. */
  async stop(): Promise<void> {
    if (!this.plan.state.sealed && this.plan.state.ranksReady) {
      const limit = new Promise<boolean>(
        (resolve) =>
          void this.#timers.set(
            'last',
            this.#w.clock.after(limits.lastCheckpointMs, () => resolve(false)),
          ),
      );
      await Promise.race([this.#checkpoint(), limit]);
    }
    this.#stopped = true;
    this.ending.abort();
    // The ranks of a finished study have nothing more to serve.
    if (this.plan.state.sealed && this.#w.dismissRanks)
      for (const rank of this.ranks) rank.push('Dismiss', { drain: 1, planFinished: 1, reason: 'the study has ended' });
    for (const timer of this.#timers.values()) timer.cancel();
    for (const rank of this.ranks) rank.close();
    await this.#control?.close();
  }
}
