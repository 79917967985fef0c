// SPDX-License-Identifier: Apache-2.0
/**
 * A solver process with its client ranks: hello, fields, steps, bye, as PROTOCOL.md tells it, on simulated connections. It has one
 * session for each (client rank, server rank). All client ranks share the control connection of the first one; everything else
 * is each rank's own. It ends with an exit code, or is killed, or sticks: the behaviour is given by the world.
 */
import {
  decodeControl,
  decodeData,
  encodeControl,
  encodeData,
  encodeDataFrame,
  type ControlBody,
  type ControlMessage,
  type ControlName,
  type DataMessage,
} from '@melissa/protocol';
import type { TimerHandle } from '@melissa/kit';
import { Dealer, type Network } from './network.ts';
import type { Process } from './scheduler.ts';
import { Session } from './session.ts';
import { cellsOf, unitOf, type Shape } from './studies.ts';

export type Behaviour = {
  stepMs: number;
  /** Begins at the first step that is not complete, instead of at 0. */
  resumes: boolean;
  /** Leaves with this code instead of step `atStep`. */
  fails: { atStep: number; exitCode: number } | null;
  /** Hangs for ever instead of computing step `atStep`. */
  sticksAtStep: number | null;
  forgetsUnacknowledged: boolean;
};
export type ClientParts = {
  network: Network;
  process: Process;
  shape: Shape;
  token: string;
  id: bigint;
  lease: { simulation: number; draw: number; attempt: number };
  behaviour: Behaviour;
  /** The process ends by itself. */
  exit: (code: number, reason: string) => void;
};

const requestRepeatMs = 2000;
const linkDownMs = 2000;
type Pending = {
  name: string;
  frame: (epoch: number) => Uint8Array;
  sendMs: number;
  answered: (message: ControlMessage) => void;
};

/** A client rank and a server rank; `downMs` is since when they have no connection, −1 while they have one. */
type Conversation = { from: number; to: number; session: Session; dealer: Dealer | null; downMs: number };

export class Client {
  #p: ClientParts;
  #epoch = 0;
  #control: Dealer;
  #controlWasUp = false;
  #requests = new Map<number, Pending>();
  #nextRequest = 1;
  #endpoints: string[] = [];
  #sendTimeoutMs = 0;
  #sessions: Conversation[] = [];
  #isHelloUnderWay = false;
  #firstStep = 0;
  #isFinalizing = false;
  #isOver = false;
  #timer: TimerHandle | null = null;
  #lastHelloMs = -Infinity;

  constructor(parts: ClientParts) {
    this.#p = parts;
    this.#control = new Dealer(parts.network, parts.process, {
      routingId: `client-${parts.id}`,
      address: () => 'head',
      receive: (frame) => this.#fromHead(frame),
      up: () => this.#controlUp(),
    });
    this.#hello((welcome) => this.#announce(welcome, 0));
    this.#step();
  }
  get #nowMs(): number {
    return this.#p.process.clock.monotonicMs();
  }
  #leave(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#p.exit(code, reason);
  }

  // ---- the head ----
  #controlUp(): void {
    for (const request of this.#requests.values()) request.sendMs = this.#nowMs;
    if (this.#controlWasUp && this.#endpoints.length > 0) this.#wantHello();
    this.#controlWasUp = true;
    this.#step();
  }
  #ask<N extends ControlName>(name: N, body: ControlBody<N>, answered: (message: ControlMessage) => void): void {
    const request = this.#nextRequest++;
    const frame = (epoch: number) => encodeControl(name, body, { epoch, request });
    this.#requests.set(request, { name, frame, sendMs: this.#nowMs, answered });
  }
  #hello(welcomed: (welcome: ControlBody<'ClientWelcome'>) => void): void {
    const { token, id, lease, shape } = this.#p;
    this.#isHelloUnderWay = true;
    this.#lastHelloMs = this.#nowMs;
    const body = { token, client: id, library: 'simulated', host: 'h', ...lease, ranks: shape.clientRanks };
    this.#ask('ClientHello', body, (message) => {
      this.#isHelloUnderWay = false;
      if (message.name === 'ClientWelcome') {
        this.#epoch = message.epoch;
        this.#adopt(message.body);
        welcomed(message.body);
      } else if (message.name === 'Refused' && message.body.retryAfterMs === 0) {
        this.#leave(70, `refused: ${message.body.code}`);
      } else if (message.name === 'Refused') {
        this.#p.process.after(message.body.retryAfterMs, () => {
          this.#hello(welcomed);
          this.#step();
        });
      }
    });
  }
  #wantHello(): void {
    if (this.#isHelloUnderWay || this.#isOver || this.#nowMs - this.#lastHelloMs < requestRepeatMs / 4) return;
    this.#hello(() => undefined);
  }
  #adopt(welcome: ControlBody<'ClientWelcome'>): void {
    this.#sendTimeoutMs = welcome.sendTimeoutMs;
    this.#endpoints = welcome.serverRanks.map((rank) => rank.endpoint);
    for (const one of this.#sessions) one.session.epochRenewed();
  }
  #fromHead(frame: Uint8Array): void {
    const message = decodeControl(frame);
    if (message.epoch < this.#epoch || this.#isOver) return;
    if (message.name === 'ClientStop') return this.#leave(71, 'stopped');
    const request = this.#requests.get(message.request);
    if (message.request !== 0 && request !== undefined) {
      this.#requests.delete(message.request);
      request.answered(message);
    }
    if (message.epoch > this.#epoch && this.#endpoints.length > 0) this.#wantHello();
    this.#step();
  }
  /** One field after the other, then the sessions. */
  #announce(welcome: ControlBody<'ClientWelcome'>, index: number): void {
    const { shape, lease, id } = this.#p;
    const known = welcome.fields[index];
    if (known === undefined) return this.#begin(welcome.firstStep);
    const { simulation } = lease;
    const body = { simulation, client: id, name: known.name, dtype: known.dtype, cells: cellsOf(shape, index) };
    this.#ask('Field', body, (message) => {
      if (message.name === 'FieldLayout') this.#announce(welcome, index + 1);
      else this.#leave(72, 'a field was refused');
    });
  }
  #begin(firstStep: number): void {
    const { shape, behaviour } = this.#p;
    for (let from = 0; from < shape.clientRanks; from++) {
      for (let to = 0; to < shape.study.server.ranks; to++) {
        const session = new Session(this.#sendTimeoutMs, behaviour.forgetsUnacknowledged);
        this.#sessions.push({ from, to, session, dealer: null, downMs: -1 });
      }
    }
    this.#firstStep = behaviour.resumes ? firstStep : 0;
    this.#compute(0);
  }

  // ---- the solver ----
  #compute(step: number): void {
    const { process, behaviour, shape } = this.#p;
    if (behaviour.sticksAtStep === step) return;
    process.after(behaviour.stepMs, () => {
      if (behaviour.fails?.atStep === step) {
        // What was sent gets a moment to arrive, as at any exit.
        process.after(50, () => this.#leave(behaviour.fails!.exitCode, 'the solver failed'));
        return;
      }
      if (step === shape.study.time.steps) {
        this.#isFinalizing = true;
      } else {
        if (step >= this.#firstStep) this.#send(step);
        this.#compute(step + 1);
      }
      this.#step();
    });
  }
  #send(step: number): void {
    const { shape, lease, id } = this.#p;
    const { simulation, draw, attempt } = lease;
    for (const { from, to, session } of this.#sessions) {
      for (const { index, dtype } of shape.study.fields) {
        const unit = unitOf(shape, { simulation, draw, field: index, step, from, to });
        if (unit === null) continue;
        const dtypeCode = dtype === 'Float32' ? 1 : 2;
        const { begin: offset, end, payload, hash: payloadHash } = unit;
        const header = { client: id, simulation, draw, attempt, step, field: index, dtype: dtypeCode, flags: 0 };
        const rest = { clientRank: from, offset, count: end - offset, payloadHash };
        const make = (epoch: number, sequence: number) =>
          encodeDataFrame({ ...header, ...rest, epoch, sequence }, payload);
        session.append({ payloadBytes: payload.length, make }, this.#nowMs);
      }
    }
  }
  #finalize(): void {
    if (!this.#isFinalizing || this.#sessions.some(({ session }) => !session.isIdle)) return;
    this.#isFinalizing = false;
    const { lease, id, shape } = this.#p;
    const close = { simulation: lease.simulation, draw: lease.draw, attempt: lease.attempt, client: id };
    for (const { from, dealer } of this.#sessions)
      if (dealer?.isConnected) dealer.send(encodeData('Close', { ...close, clientRank: from }, { epoch: this.#epoch }));
    this.#ask('ClientBye', { simulation: lease.simulation, client: id, stepsSent: shape.study.time.steps }, () =>
      this.#leave(0, ''),
    );
    // The head may be away: nothing is lost by leaving without its answer.
    this.#p.process.after(5000, () => this.#leave(0, ''));
  }

  // ---- the ranks ----
  #step(): void {
    if (this.#isOver) return;
    this.#finalize();
    let wakeMs = Infinity;
    for (const one of this.#sessions) wakeMs = Math.min(wakeMs, this.#sessionStep(one));
    if (this.#isOver) return;
    for (const request of this.#requests.values()) {
      if (!this.#control.isConnected) continue;
      if (this.#nowMs >= request.sendMs) {
        this.#control.send(request.frame(this.#epoch));
        request.sendMs = this.#nowMs + requestRepeatMs;
      }
      wakeMs = Math.min(wakeMs, request.sendMs);
    }
    this.#timer?.cancel();
    this.#timer = Number.isFinite(wakeMs)
      ? this.#p.process.after(Math.max(1, wakeMs - this.#nowMs), () => this.#step())
      : null;
  }
  #sessionStep(one: Conversation): number {
    const { session } = one;
    if (!session.isIdle && one.dealer === null) this.#open(one);
    let wakeMs = Infinity;
    if (one.downMs >= 0) {
      if (this.#nowMs - one.downMs >= linkDownMs && this.#nowMs - this.#lastHelloMs >= linkDownMs) this.#wantHello();
      wakeMs = this.#nowMs + linkDownMs / 2;
    }
    for (;;) {
      const action = session.next(this.#nowMs);
      if (action.type === 'nothing') return Math.min(wakeMs, action.wakeMs);
      if (action.type === 'timedOut') {
        this.#leave(73, 'a server rank acknowledged nothing');
        return Infinity;
      }
      if (action.type === 'needEpoch') {
        this.#wantHello();
        return this.#nowMs + requestRepeatMs / 4;
      }
      if (action.type === 'open') {
        one.dealer?.send(this.#openFrame(one));
        session.sentOpen(this.#nowMs);
        continue;
      }
      for (let sequence = action.first; sequence <= action.last; sequence++)
        one.dealer?.send(session.frames[sequence - 1]!.make(this.#epoch, sequence));
      session.sent(action.last, this.#nowMs);
    }
  }
  #open(one: Conversation): void {
    const { network, process, id } = this.#p;
    one.downMs = this.#nowMs;
    const dealer: Dealer = new Dealer(network, process, {
      // Kept over reconnections.
      routingId: `data-${id}-${one.from}-${one.to}`,
      address: () => this.#endpoints[one.to]!,
      receive: (frame) => this.#fromRank(one, frame),
      up: () => {
        one.downMs = -1;
        one.session.connected(this.#nowMs);
        this.#step();
      },
      down: () => {
        // A fresh socket: what the old one has queued must not reach the rank before the next Open.
        dealer.close();
        one.dealer = null;
        one.session.disconnected();
        process.after(20, () => this.#step());
      },
    });
    one.dealer = dealer;
  }
  #openFrame(one: Conversation): Uint8Array {
    const { shape, token, id, lease } = this.#p;
    const fields = shape.study.fields.map(({ index, dtype }) => ({
      index,
      dtype: dtype === 'Float32' ? 1 : 2,
      cells: new Uint8Array(BigUint64Array.from(cellsOf(shape, index), BigInt).buffer),
    }));
    const who = { token, client: id, clientRank: one.from, clientRanks: shape.clientRanks, ...lease, host: 'h' };
    const firstUnacknowledged = one.session.acknowledged + 1;
    return encodeData('Open', { ...who, firstUnacknowledged, fields }, { epoch: this.#epoch });
  }
  #fromRank(one: Conversation, frame: Uint8Array): void {
    const message: DataMessage = decodeData(frame);
    if (this.#isOver) return;
    if (message.epoch > this.#epoch) this.#wantHello();
    const { session } = one;
    let isPossible = true;
    if (message.name === 'Opened') {
      const { instance, held, creditLimit } = message.body;
      isPossible = session.opened(instance, held, creditLimit, this.#nowMs);
    } else if (message.name === 'Ack') {
      isPossible = session.acknowledge(message.body.held, message.body.creditLimit, this.#nowMs);
    } else if (message.name === 'DataRefused') {
      session.refused(message.body.retry, this.#nowMs);
      if (session.state === 'failed') this.#leave(74, `a rank refused: ${message.body.code}`);
    }
    if (!isPossible) this.#leave(75, 'a rank acknowledged frames that it was never sent');
    this.#step();
  }
}
