// SPDX-License-Identifier: Apache-2.0
/**
 * A pilot and its solver in TypeScript: they speak the real protocol over real sockets, so that head and ranks can be tested
 * without the C library. The solver has one client rank and computes its fields from a formula. Everything is repeated until
 * it is answered; after a cut or a restart it says hello again and resends, as PROTOCOL.md wants.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '@melissa/native';
import {
  decodeControl,
  decodeData,
  encodeControl,
  encodeData,
  encodeDataFrame,
  type ControlBody,
  type ControlMessage,
  type ControlName,
} from '@melissa/protocol';
import { Dealer } from 'zeromq';
import { openControlPeer, type ControlPeer } from '../src/io/control-socket.ts';
import { randomIdentity, randomRoutingId } from '../src/io/process.ts';

export type SolverFormula = (where: {
  simulation: number;
  values: string[];
  field: string;
  step: number;
  cell: number;
}) => number;
export type PilotOptions = {
  head: string;
  token: string;
  name: string;
  formula: SolverFormula;
  stepMs: number;
  exitCode?: (simulation: number, attempt: number) => number;
};

type LeaseBody = ControlBody<'Lease'>['leases'][number];
const repeatMs = 400;

/** The lease was taken back, or the pilot is to vanish: nobody waits for answers any more. */
class Stopped extends Error {}

/** Requests that are repeated with the same number until they are answered. */
export class Speaker {
  epoch = 0;
  onMessage: (message: ControlMessage) => void = () => undefined;
  #peer: ControlPeer;
  #waiting = new Map<number, (message: ControlMessage) => void>();
  #request = 0;
  closed = false;

  #isAborted: () => boolean;

  constructor(head: string, isAborted: () => boolean) {
    this.#isAborted = isAborted;
    this.#peer = openControlPeer({
      endpoint: head,
      routingId: randomRoutingId(),
      curve: null,
      receive: (frame) => this.#receive(frame),
    });
  }
  #receive(frame: Uint8Array): void {
    const message = decodeControl(frame);
    if (message.epoch < this.epoch) return;
    const rose = message.epoch > this.epoch && this.epoch !== 0;
    this.epoch = message.epoch;
    this.#waiting.get(message.request)?.(message);
    this.onMessage(message);
    if (rose) this.onRise();
  }
  onRise: () => void = () => undefined;
  push<N extends ControlName>(name: N, body: ControlBody<N>): void {
    if (!this.closed) this.#peer.send(encodeControl(name, body, { epoch: this.epoch, request: 0 }));
  }
  async ask<N extends ControlName>(name: N, body: ControlBody<N>): Promise<ControlMessage> {
    const request = ++this.#request;
    const answer = Promise.withResolvers<ControlMessage>();
    this.#waiting.set(request, answer.resolve);
    try {
      for (;;) {
        if (this.closed || this.#isAborted()) throw new Stopped();
        this.#peer.send(encodeControl(name, body, { epoch: this.epoch, request }));
        const message = await Promise.race([answer.promise, sleep(repeatMs, null)]);
        if (message !== null) return message;
      }
    } finally {
      this.#waiting.delete(request);
    }
  }
  async close(): Promise<void> {
    this.closed = true;
    await this.#peer.close();
  }
}

export class Pilot {
  readonly ended: Promise<void>;
  #o: PilotOptions;
  #speaker: Speaker;
  #instance = randomIdentity();
  #queue: LeaseBody[] = [];
  #held = new Map<number, LeaseBody>();
  #stopped = new Set<number>();
  #wake: () => void = () => undefined;
  #dismissed = false;
  #beat: NodeJS.Timeout | undefined;
  /** Set by a test that lets the pilot vanish. */
  #gone = false;

  constructor(options: PilotOptions) {
    this.#o = options;
    this.#speaker = new Speaker(options.head, () => this.#gone);
    this.#speaker.onMessage = (message) => this.#hear(message);
    this.#speaker.onRise = () => void this.#hello().catch(() => undefined);
    this.ended = this.#run()
      .catch((cause) => {
        if (!(cause instanceof Stopped)) throw cause;
      })
      .finally(() => clearInterval(this.#beat));
  }
  async vanish(): Promise<void> {
    this.#gone = true;
    this.#wake();
    await this.#speaker.close();
  }
  async #hello(): Promise<void> {
    if (this.#gone) return;
    const running = [...this.#held.values()].map(({ lease, simulation, draw, attempt }) => ({
      lease,
      simulation,
      draw,
      attempt,
    }));
    const { token, name } = this.#o;
    await this.#speaker.ask('PilotHello', {
      token,
      pilot: name,
      instance: this.#instance,
      host: 'test',
      processId: process.pid,
      slots: 1,
      running,
    });
  }
  #hear(message: ControlMessage): void {
    if (message.name === 'Lease') {
      for (const lease of message.body.leases) {
        this.#queue.push(lease);
        this.#held.set(lease.lease, lease);
      }
    }
    if (message.name === 'StopLeases') message.body.leases.forEach((lease) => this.#stopped.add(lease));
    if (message.name === 'Dismiss') this.#dismissed = true;
    this.#wake();
  }
  async #run(): Promise<void> {
    await this.#hello();
    this.#beat = setInterval(() => {
      const [first, ...rest] = this.#held.keys();
      this.#speaker.push('PilotHeartbeat', { running: first === undefined ? [] : [first], waiting: rest });
    }, 250);
    while (!this.#gone && !(this.#dismissed && this.#queue.length === 0)) {
      const lease = this.#queue.shift();
      if (lease === undefined)
        await Promise.race([new Promise<void>((wake) => void (this.#wake = wake)), sleep(repeatMs)]);
      else await this.#work(lease);
    }
    if (!this.#gone) await this.#speaker.close();
  }
  async #work(lease: LeaseBody): Promise<void> {
    const startMs = performance.now();
    const solver = new Solver(this.#o, lease, () => this.#gone || this.#stopped.has(lease.lease));
    let outcome = 7;
    if (!this.#stopped.has(lease.lease)) {
      await this.#speaker.ask('Started', { lease: lease.lease, processId: 1 });
      outcome = (await solver.run()) ? 1 : 7;
    }
    if (this.#gone) return;
    const { simulation, draw, attempt } = lease;
    const exitCode = outcome === 1 ? (this.#o.exitCode?.(simulation, attempt) ?? 0) : 0;
    const wallSeconds = (performance.now() - startMs) / 1000;
    const empty = new Uint8Array();
    await this.#speaker.ask('Ended', {
      lease: lease.lease, simulation, draw, attempt, outcome, exitCode, reason: '', wallSeconds, cpuSeconds: 0, peakRssBytes: 1,
      descendantsEnded: 0, outputBytes: 0, stdout: empty, stderr: empty,
    }); // prettier-ignore
    this.#held.delete(lease.lease);
  }
}

type Block = { field: number; step: number; offset: number; payload: Uint8Array; dtype: number; count: number };

/** One execution of the solver: hello, fields, data, bye. */
class Solver {
  #o: PilotOptions;
  #lease: LeaseBody;
  #isStopped: () => boolean;
  #client = randomIdentity();
  #speaker: Speaker;

  constructor(options: PilotOptions, lease: LeaseBody, isStopped: () => boolean) {
    this.#o = options;
    this.#lease = lease;
    this.#isStopped = isStopped;
    this.#speaker = new Speaker(options.head, isStopped);
    this.#speaker.onRise = () => void this.#hello().catch(() => undefined);
  }
  /** False when it was stopped or refused. */
  async run(): Promise<boolean> {
    try {
      const welcome = await this.#hello();
      if (welcome === null) return false;
      if ((this.#o.exitCode?.(this.#lease.simulation, this.#lease.attempt) ?? 0) !== 0) return true;
      const layouts = [];
      for (const field of welcome.fields) {
        const body = {
          simulation: this.#lease.simulation,
          client: this.#client,
          name: field.name,
          dtype: field.dtype,
          cells: [field.cells],
        };
        const answer = await this.#speaker.ask('Field', body);
        if (answer.name !== 'FieldLayout') return false;
        layouts.push({ field, partition: answer.body.partition });
      }
      const steps = Math.max(...welcome.fields.map((field) => field.steps));
      await sleep(this.#o.stepMs * steps);
      for (let rank = 0; rank < welcome.serverRanks.length; rank++) {
        const blocks: Block[] = [];
        for (let step = 0; step < steps; step++) {
          for (const { field, partition } of layouts)
            blocks.push(...this.#block(field, step, partition[rank]!, partition[rank + 1]!));
        }
        if (!(await this.#deliver(rank, blocks, welcome))) return false;
      }
      await this.#speaker.ask('ClientBye', {
        simulation: this.#lease.simulation,
        client: this.#client,
        stepsSent: steps,
      });
      return true;
    } catch (cause) {
      if (cause instanceof Stopped) return false;
      throw cause;
    } finally {
      await this.#speaker.close();
    }
  }
  async #hello(): Promise<ControlBody<'ClientWelcome'> | null> {
    const { simulation, draw, attempt } = this.#lease;
    const body = {
      token: this.#o.token,
      client: this.#client,
      library: 'test',
      host: 'test',
      simulation,
      draw,
      attempt,
      ranks: 1,
    };
    while (!this.#isStopped()) {
      const answer = await this.#speaker.ask('ClientHello', body);
      if (answer.name === 'ClientWelcome') return answer.body;
      if (answer.name !== 'Refused' || answer.body.retryAfterMs === 0) return null;
      await sleep(answer.body.retryAfterMs);
    }
    return null;
  }
  #block(field: { name: string; index: number; dtype: number }, step: number, begin: number, end: number): Block[] {
    if (end === begin) return [];
    const { simulation } = this.#lease;
    const values = this.#lease.values.split('\u001f');
    const list = Array.from({ length: end - begin }, (_, i) =>
      this.#o.formula({ simulation, values, field: field.name, step, cell: begin + i }),
    );
    const array = field.dtype === 1 ? Float32Array.from(list) : Float64Array.from(list);
    return [
      {
        field: field.index,
        step,
        offset: begin,
        payload: new Uint8Array(array.buffer),
        dtype: field.dtype,
        count: list.length,
      },
    ];
  }

  /** Opens a session and sends until the rank has acknowledged all; opens again when nothing comes back. */
  async #deliver(rank: number, blocks: Block[], first: ControlBody<'ClientWelcome'>): Promise<boolean> {
    let welcome = first;
    let held = 0;
    while (held < blocks.length) {
      if (this.#isStopped()) return false;
      const socket = new Dealer({
        routingId: Buffer.from(randomRoutingId()).toString('latin1'),
        linger: 500,
        receiveTimeout: repeatMs,
      });
      socket.connect(welcome.serverRanks[rank]!.endpoint);
      try {
        await socket.send(Buffer.from(this.#open(welcome, held + 1)));
        held = await this.#exchange(socket, blocks, held);
        if (held === blocks.length) await socket.send(Buffer.from(this.#close()));
      } catch (cause) {
        if (cause instanceof Stopped) throw cause;
        const again = await this.#hello();
        if (again === null) return false;
        welcome = again;
      } finally {
        socket.close();
      }
    }
    return true;
  }
  async #exchange(socket: Dealer, blocks: Block[], before: number): Promise<number> {
    let held = before;
    while (held < blocks.length) {
      const [frame] = await socket.receive();
      const message = decodeData(frame!);
      if (message.name === 'DataRefused') throw message;
      if (message.name === 'Ack') held = Math.max(held, message.body.held);
      if (message.name !== 'Opened') continue;
      held = Math.max(held, message.body.held);
      for (let sequence = held + 1; sequence <= blocks.length; sequence++)
        await socket.send(Buffer.from(this.#frame(blocks[sequence - 1]!, sequence)));
    }
    return held;
  }
  #open(welcome: ControlBody<'ClientWelcome'>, firstUnacknowledged: number): Uint8Array {
    const { simulation, draw, attempt } = this.#lease;
    const fields = welcome.fields.map(({ index, dtype, cells }) => ({
      index,
      dtype,
      cells: new Uint8Array(BigUint64Array.of(BigInt(cells)).buffer),
    }));
    const who = {
      token: this.#o.token,
      client: this.#client,
      clientRank: 0,
      clientRanks: 1,
      simulation,
      draw,
      attempt,
      host: 'test',
    };
    return encodeData('Open', { ...who, firstUnacknowledged, fields }, { epoch: this.#speaker.epoch });
  }
  #close(): Uint8Array {
    const { simulation, draw, attempt } = this.#lease;
    return encodeData(
      'Close',
      { simulation, draw, attempt, client: this.#client, clientRank: 0 },
      { epoch: this.#speaker.epoch },
    );
  }
  #frame(block: Block, sequence: number): Uint8Array {
    const { simulation, draw, attempt } = this.#lease;
    const { payload, field, step, dtype, offset, count } = block;
    const header = {
      epoch: this.#speaker.epoch, client: this.#client, simulation, draw, attempt, step, field, dtype, flags: 0, clientRank: 0, offset, count,
      sequence, payloadHash: native.payloadHash(payload),
    }; // prettier-ignore
    return encodeDataFrame(header, payload);
  }
}
