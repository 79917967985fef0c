// SPDX-License-Identifier: Apache-2.0
/**
 * One rank of the study server: the native engine receives and folds in its own thread; this object speaks for it to the
 * head. It says hello (again whenever the head's epoch rises), forwards what the engine completes, carries out the head's
 * orders, and ends when it is dismissed or the head has been silent for too long. Requests of the head are answered once and
 * the answers remembered, so that a repeated one has no second effect.
 */
import { ProjectError, type Clock, type TimerHandle } from '@melissa/kit';
import {
  decodeControl,
  encodeControl,
  type ControlBody,
  type ControlMessage,
  type ControlName,
} from '@melissa/protocol';
import type { NativeAddon, NativeEngine } from '@melissa/native';
import { errors } from '../errors.ts';
import { COVARIANCE_FIELD } from '../head/statistics-reader.ts';
import type { ControlPeer } from '../io/control-socket.ts';
import { answersPerPeerMax, headSilenceMs, heartbeatMs, rankReportMs, rankRequestRepeatMs } from '../limits.ts';
import { Progress } from './progress.ts';

export type RankWorld = {
  native: NativeAddon;
  engine: NativeEngine;
  clock: Clock;
  identity: { token: string; rank: number; instance: bigint; host: string; processId: number; serverKey: string };
  /** Number of the checkpoint that the engine restored, 0 = none. */
  restored: number;
  /** Where clients are told to connect, of where the engine listens. */
  advertised: (endpoint: string) => string;
  openControl: (receive: (frame: Uint8Array) => void) => ControlPeer;
  residentBytes: () => number;
  log: (level: 'info' | 'warn' | 'error', sentence: string, facts?: Record<string, unknown>) => void;
};

/** In the engine, covariance i is read as field NATIVE_COVARIANCE + i. */
const NATIVE_COVARIANCE = 65536;

export class Rank {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  #w: RankWorld;
  #end: (code: number) => void = () => undefined;
  #endpoint = '';
  #control: ControlPeer | null = null;
  #epoch = 0;
  #request = 0;
  #progress = new Progress();
  #underWay: { request: number; body: ControlBody<'RankProgress'>; sentMs: number } | null = null;
  #helloSentMs = -Infinity;
  #isWelcome = false;
  #headHeardMs: number;
  #lastSentMs = 0;
  #reportTimer: TimerHandle | null = null;
  #tickTimer: TimerHandle | null = null;
  #lastReportMs = 0;
  #restored: number;
  /** null while the answer is being made. */
  #answers = new Map<number, Uint8Array | null>();
  #stopped = false;
  /** Told when a checkpoint is committed. */
  #committed: () => void = () => undefined;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(world: RankWorld) {
    this.#w = world;
    this.#restored = world.restored;
    this.#headHeardMs = world.clock.monotonicMs();
    this.ended = new Promise((resolve) => void (this.#end = resolve));
  }

  start(): void {
    const { native, engine } = this.#w;
    this.#endpoint = this.#w.advertised(native.engineStart(engine, () => this.#wake()));
    this.#control = this.#w.openControl((frame) => this.#receive(frame));
    this.#w.log('info', 'the rank is ready', { endpoint: this.#endpoint, checkpoint: this.#restored });
    this.#tick();
  }
  /**
   * Told to end together with its head, as all pods of a study are: the head takes a last checkpoint now, and without this rank it
   * could not. Resolves when that is committed, at the latest after `limitMs`, or when a checkpoint that is being written is done.
   */
  async leave(limitMs: number): Promise<void> {
    const committed = new Promise<void>((resolve) => void (this.#committed = resolve));
    let timer: TimerHandle | null = null;
    const limit = new Promise<void>((resolve) => void (timer = this.#w.clock.after(limitMs, resolve)));
    await Promise.race([committed, limit]);
    (timer as TimerHandle | null)?.cancel();
    await this.#writing;
  }
  /** Closes the socket to the head, then ends the engine's thread and its socket. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#tickTimer?.cancel();
    this.#reportTimer?.cancel();
    await this.#control?.close();
    await this.#w.native.engineStop(this.#w.engine);
  }

  // ---- to the head ----
  #send<N extends ControlName>(name: N, body: ControlBody<N>, request: number): void {
    if (this.#stopped) return;
    this.#lastSentMs = this.#w.clock.monotonicMs();
    this.#control?.send(encodeControl(name, body, { epoch: this.#epoch, request }));
  }
  #hello(): void {
    const { native, engine, identity } = this.#w;
    this.#helloSentMs = this.#w.clock.monotonicMs();
    this.#request += 1;
    const complete = native.engineCompleteBitmap(engine);
    this.#send(
      'RankHello',
      { ...identity, endpoint: this.#endpoint, checkpoint: this.#restored, complete },
      this.#request,
    );
  }
  #tick(): void {
    const nowMs = this.#w.clock.monotonicMs();
    if (nowMs - this.#headHeardMs > headSilenceMs) {
      this.#w.log('error', errors.EHEAD_SILENT.message, { seconds: headSilenceMs / 1000 });
      this.#end(4);
      return;
    }
    if (!this.#isWelcome) {
      if (nowMs - this.#helloSentMs >= heartbeatMs) this.#hello();
    } else {
      this.#report();
      if (nowMs - this.#lastSentMs >= heartbeatMs) this.#send('RankHeartbeat', {}, 0);
    }
    this.#tickTimer = this.#w.clock.after(heartbeatMs / 4, () => this.#tick());
  }
  /** The engine has news: they go out at once, or `rankReportMs` after the last ones. */
  #wake(): void {
    if (this.#reportTimer !== null || this.#stopped) return;
    const waitMs = Math.max(0, this.#lastReportMs + rankReportMs - this.#w.clock.monotonicMs());
    this.#reportTimer = this.#w.clock.after(waitMs, () => {
      this.#reportTimer = null;
      this.#report();
    });
  }
  #report(): void {
    if (this.#stopped) return;
    const nowMs = this.#w.clock.monotonicMs();
    this.#lastReportMs = nowMs;
    this.#progress.add(this.#w.native.engineTakeReport(this.#w.engine));
    if (!this.#isWelcome) return;
    if (this.#underWay === null) {
      const body = this.#progress.next(this.#w.residentBytes());
      if (body === null) return;
      this.#request += 1;
      this.#underWay = { request: this.#request, body, sentMs: -Infinity };
    }
    if (nowMs - this.#underWay.sentMs < rankRequestRepeatMs) return;
    this.#underWay.sentMs = nowMs;
    this.#send('RankProgress', this.#underWay.body, this.#underWay.request);
  }

  // ---- from the head ----
  #receive(frame: Uint8Array): void {
    if (this.#stopped) return;
    let message: ControlMessage;
    try {
      message = decodeControl(frame);
    } catch (cause) {
      this.#w.log('warn', 'a message of the head could not be read', { reason: (cause as Error).message });
      return;
    }
    // A head that was replaced and woke up again.
    if (message.epoch < this.#epoch) return;
    this.#headHeardMs = this.#w.clock.monotonicMs();
    if (message.name === 'RankWelcome') return this.#welcome(message);
    if (message.epoch > this.#epoch) {
      this.#isWelcome = false;
      if (this.#headHeardMs - this.#helloSentMs >= heartbeatMs / 4) this.#hello();
      return;
    }
    this.#obey(message);
  }
  #welcome(message: Extract<ControlMessage, { name: 'RankWelcome' }>): void {
    const isNew = message.epoch > this.#epoch;
    this.#isWelcome = true;
    if (!isNew) return;
    this.#epoch = message.epoch;
    // Numbers of requests are each head's own.
    this.#answers.clear();
    this.#w.native.engineSetEpoch(this.#w.engine, message.epoch);
    // A report that the last head may not have confirmed goes to this one.
    if (this.#underWay !== null) this.#underWay.sentMs = -Infinity;
    this.#progress.repeatReceived();
    this.#w.log('info', 'the head has welcomed this rank', { epoch: message.epoch });
    this.#report();
  }
  #obey(message: ControlMessage): void {
    if (message.name === 'Ok') {
      if (this.#underWay?.request !== message.request) return;
      this.#underWay = null;
      this.#wake();
      return;
    }
    if (message.name === 'Dismiss') return this.#end(0);
    if (message.name === 'Refused') {
      this.#w.log('error', `the head refused: ${message.body.message}`, { code: message.body.code });
      // Without its token, or as a rank that the study does not have, it is of no use.
      if (!this.#isWelcome) this.#end(1);
      return;
    }
    if (message.request === 0) return;
    const known = this.#answers.get(message.request);
    if (known !== undefined) {
      if (known !== null) this.#control?.send(known);
      return;
    }
    this.#answers.set(message.request, null);
    void this.#answer(message);
  }
  async #answer(message: ControlMessage): Promise<void> {
    const { request, epoch } = message;
    let frame: Uint8Array;
    try {
      const [name, body] = await this.#carryOut(message);
      frame = encodeControl(name, body as never, { epoch, request });
    } catch (cause) {
      const error = cause instanceof ProjectError ? cause : null;
      const body = {
        code: error?.code ?? 'ESTATISTIC',
        message: (cause as Error).message,
        remedy: error?.remedy ?? errors.ESTATISTIC.remedy,
        retryAfterMs: 0,
      };
      frame = encodeControl('Refused', body, { epoch, request });
    }
    // A statistic is not kept: it is large, and reading it again does no harm.
    if (message.name === 'ReadStatistic') this.#answers.delete(request);
    else this.#answers.set(request, frame);
    while (this.#answers.size > answersPerPeerMax) this.#answers.delete(this.#answers.keys().next().value!);
    if (!this.#stopped) this.#control?.send(frame);
  }

  async #carryOut(message: ControlMessage): Promise<[ControlName, object]> {
    const { native, engine } = this.#w;
    switch (message.name) {
      case 'Attempt': {
        const { simulation, draw, attempt, drop } = message.body;
        native.engineAttempt(engine, simulation, draw, attempt, drop !== 0);
        if (drop !== 0) this.#progress.dropped(simulation, draw, attempt);
        return ['Ok', {}];
      }
      case 'Fold':
        return this.#fold(message.body);
      case 'Checkpoint': {
        const writing = native.engineCheckpoint(engine, message.body.number);
        this.#writing = writing.catch(() => undefined);
        const done = await writing;
        if (!done.ok) this.#w.log('error', 'the checkpoint failed', { number: done.number, reason: done.reason });
        return ['CheckpointDone', { ...done, ok: done.ok ? 1 : 0 }];
      }
      case 'CheckpointCommitted':
        native.engineCheckpointCommitted(engine, message.body.number);
        this.#restored = message.body.number;
        this.#committed();
        return ['Ok', {}];
      case 'ReadStatistic':
        return ['Statistic', await this.#statistic(message.body)];
      case 'ReadConvergence':
        return ['Convergence', await this.#convergence(message.body)];
      case 'ReadDigest':
        return ['Digest', { digests: await native.engineDigests(engine) }];
      default:
        throw new ProjectError({
          code: 'EMESSAGE',
          message: `a rank does not understand ${message.name}`,
          remedy: errors.EMESSAGE.remedy,
        });
    }
  }
  /** Refused when it is not all here: another attempt opened after it had been reported, and took its place. */
  async #fold(order: ControlBody<'Fold'>): Promise<[ControlName, object]> {
    const { simulation, draw, attempt } = order;
    if (await this.#w.native.engineFold(this.#w.engine, simulation, draw, attempt)) return ['Ok', {}];
    const message = `simulation ${simulation}, draw ${draw}, attempt ${attempt}: ${errors.ENOTHELD.message}`;
    throw new ProjectError({ code: 'ENOTHELD', message, remedy: errors.ENOTHELD.remedy });
  }
  async #statistic(ask: ControlBody<'ReadStatistic'>): Promise<ControlBody<'Statistic'>> {
    const field = ask.field >= COVARIANCE_FIELD ? ask.field - COVARIANCE_FIELD + NATIVE_COVARIANCE : ask.field;
    const { native, engine } = this.#w;
    const values = await native.engineReadStatistic(
      engine,
      field,
      ask.step,
      ask.statistic,
      ask.argument,
      ask.begin,
      ask.end,
    );
    return { dtype: 2, values: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
  }
  /** First round: the largest variances alone. Second: widths over the cells that vary enough. */
  async #convergence(ask: ControlBody<'ReadConvergence'>): Promise<ControlBody<'Convergence'>> {
    const { native, engine } = this.#w;
    if (ask.maxVariance.length === 0) {
      const maxVariance = [...(await native.engineMaxVariance(engine))];
      return { groups: 0, widest: 0, medianWidth: 0, cells: 0, maxVariance };
    }
    const minVariance = Float64Array.from(ask.maxVariance, (largest) => ask.minVarianceShare * largest);
    return { ...(await native.engineConvergence(engine, minVariance)), maxVariance: [] };
  }
}
