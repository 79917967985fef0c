// SPDX-License-Identifier: Apache-2.0
/**
 * A head and one server rank for tests of real clients: two real ROUTERs that speak the real protocol, keep every value that
 * arrives, and misbehave on request. Every wait has a limit; nothing of it sleeps for a fixed time.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { type curveKeyPair, Router } from 'zeromq';
import {
  dataCodeOf,
  dataFrames,
  DATA_CODE,
  decodeControl,
  decodeData,
  encodeControl,
  encodeData,
  type ControlBody,
  type ControlMessage,
  type ControlName,
  type DataBody,
} from '../index.ts';

export type CurveKeys = ReturnType<typeof curveKeyPair>;
export const waitLimitMs = 30_000;

export type TestField = { name: string; dtype: 1 | 2; cells: number; steps: number };
export type TestServerOptions = {
  fields: TestField[];
  nonFinite: 0 | 1 | 2;
  sendWindowBytes: number;
  sendTimeoutMs: number;
  /** Credit granted beyond what was received; the client must never have more than this on its way. */
  creditBytes: number;
  firstStep: number;
  regions: { begin: number; end: number }[];
  steps: { begin: number; end: number; stride: number }[];
  curve: CurveKeys | null;
  token: string;
};

type Session = { peer: Buffer; held: number; payloadSinceOpen: number; client: bigint };

/** field/step → values by kept index, for each simulation. */
export type Received = Map<string, Map<number, number>>;

const defaults: TestServerOptions = {
  fields: [
    { name: 'temperature', dtype: 2, cells: 18, steps: 3 },
    { name: 'pressure', dtype: 2, cells: 18, steps: 3 },
  ],
  nonFinite: 0,
  sendWindowBytes: 16 << 20,
  sendTimeoutMs: 20_000,
  creditBytes: 8 << 20,
  firstStep: 0,
  regions: [],
  steps: [],
  curve: null,
  token: '',
};

export class TestServer {
  readonly options: TestServerOptions;
  headEndpoint = '';
  rankEndpoint = '';
  /** What ClientWelcome names; a proxy's address when a test puts one in between. */
  announcedEndpoint: string | null = null;
  epoch = 1;
  instance = 1n;
  frozen = false;
  readonly controlLog: ControlMessage[] = [];
  readonly values = new Map<number, Received>();
  framesTotal = 0;
  batchedTotal = 0;
  duplicatesTotal = 0;
  gapsTotal = 0;
  opensTotal = 0;
  bytesBeyondCredit = 0;
  /** Answers instead of the default where it returns something other than undefined; null = no answer. */
  onControl: (message: ControlMessage) => Uint8Array | null | undefined = () => undefined;
  onOpen: (open: DataBody<'Open'>) => Uint8Array | null | undefined = () => undefined;
  #head = new Router({ linger: 0, handover: true });
  #rank = new Router({ linger: 0, handover: true });
  #sessions = new Map<string, Session>();
  #peers = new Map<string, Buffer>();
  #running: Promise<void>[] = [];
  #closed = false;

  constructor(options: Partial<TestServerOptions> = {}) {
    this.options = { ...defaults, ...options };
  }

  async start(): Promise<this> {
    const { curve } = this.options;
    for (const socket of [this.#head, this.#rank]) {
      if (curve !== null) {
        socket.curveServer = true;
        socket.curveSecretKey = curve.secretKey;
      }
      await socket.bind('tcp://127.0.0.1:*');
    }
    this.headEndpoint = this.#head.lastEndpoint!;
    this.rankEndpoint = this.#rank.lastEndpoint!;
    this.#running = [this.#runHead(), this.#runRank()];
    return this;
  }
  async close(): Promise<void> {
    this.#closed = true;
    this.#head.close();
    this.#rank.close();
    await Promise.all(this.#running);
  }
  /** The environment of a client of one simulation. */
  environment(changes: Record<string, string> = {}): Record<string, string> {
    return {
      MELISSA_HEAD: this.headEndpoint,
      MELISSA_SIMULATION: '5',
      MELISSA_DRAW: '0',
      MELISSA_ATTEMPT: '1',
      MELISSA_TIMEOUT_SECONDS: '10',
      ...changes,
    };
  }
  /** Another process in the rank's place: it forgets sessions and values are kept only as counted units, as a checkpoint does. */
  restartRank(): void {
    this.instance += 1n;
    this.#sessions.clear();
  }
  received(simulation: number, field: string, step: number): number[] {
    const units = this.values.get(simulation)?.get(`${field}/${step}`) ?? new Map<number, number>();
    return Array.from({ length: units.size }, (_, i) => units.get(i) ?? NaN);
  }
  log<N extends ControlName>(name: N): ControlBody<N>[] {
    return this.controlLog.filter((message) => message.name === name).map((message) => message.body as ControlBody<N>);
  }
  async push<N extends ControlName>(name: N, body: ControlBody<N>, request = 0): Promise<void> {
    const frame = encodeControl(name, body, { epoch: this.epoch, request });
    for (const peer of this.#peers.values()) await this.#head.send([peer, frame]);
  }
  refused(code: string, message: string, request: number, retryAfterMs = 0): Uint8Array {
    return encodeControl(
      'Refused',
      { code, message, remedy: `remedy of ${code}`, retryAfterMs },
      { epoch: this.epoch, request },
    );
  }

  async #runHead(): Promise<void> {
    try {
      for await (const [peer, frame] of this.#head) {
        const message = decodeControl(frame!);
        this.controlLog.push(message);
        this.#peers.set(peer!.toString('hex'), peer!);
        const chosen = this.onControl(message);
        const answer = chosen === undefined ? this.#answer(message) : chosen;
        if (answer !== null) await this.#head.send([peer!, answer]);
      }
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }
  welcome(): ControlBody<'ClientWelcome'> {
    const { fields, firstStep, nonFinite, sendWindowBytes, sendTimeoutMs, curve } = this.options;
    const endpoint = this.announcedEndpoint ?? this.rankEndpoint;
    return {
      study: 'test',
      serverRanks: [{ endpoint, serverKey: curve?.publicKey ?? '', host: '' }],
      firstStep,
      nonFinite,
      sendWindowBytes,
      sendTimeoutMs,
      heartbeatMs: 500,
      fields: fields.map(({ name, dtype, cells, steps }, index) => ({ name, index, dtype, cells, steps })),
    };
  }
  #answer(message: ControlMessage): Uint8Array | null {
    const envelope = { epoch: this.epoch, request: message.request };
    switch (message.name) {
      case 'ClientHello':
        if (message.body.token !== this.options.token) return this.refused('ETOKEN', 'wrong token', message.request);
        return encodeControl('ClientWelcome', this.welcome(), envelope);
      case 'Field':
        return this.#layout(message.body, message.request);
      case 'ClientHeartbeat':
        return encodeControl('HeadHeartbeat', { planFinished: 0 }, envelope);
      default:
        return encodeControl('Ok', {}, envelope);
    }
  }
  #layout(field: ControlBody<'Field'>, request: number): Uint8Array {
    const index = this.options.fields.findIndex(({ name }) => name === field.name);
    if (index < 0) return this.refused('EFIELD_UNKNOWN', `no field ${field.name}`, request);
    const total = field.cells.reduce((sum, cells) => sum + cells, 0);
    if (total !== this.options.fields[index]!.cells) return this.refused('EFIELD_SIZE', `${total} cells`, request);
    const { regions, steps } = this.options;
    const kept = regions.length === 0 ? total : regions.reduce((sum, { begin, end }) => sum + end - begin, 0);
    return encodeControl(
      'FieldLayout',
      { index, regions, steps, partition: [0, kept] },
      { epoch: this.epoch, request },
    );
  }

  async #runRank(): Promise<void> {
    try {
      for await (const [peer, frame] of this.#rank) {
        while (this.frozen && !this.#closed) await after(5);
        for (const answer of this.#receive(peer!, frame!)) await this.#rank.send([peer!, answer]);
      }
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }
  #receive(peer: Buffer, frame: Buffer): Uint8Array[] {
    if (dataCodeOf(frame) === DATA_CODE) return this.#data(frame);
    const message = decodeData(frame);
    if (message.name !== 'Open') return [];
    this.opensTotal++;
    const { body } = message;
    const chosen = message.epoch < this.epoch ? this.dataRefused(body, 1, 'EEPOCH') : this.onOpen(body);
    if (chosen !== undefined) return chosen === null ? [] : [chosen];
    const key = `${body.simulation}/${body.attempt}/${body.clientRank}`;
    const known = this.#sessions.get(key);
    const held = Math.max(known?.held ?? 0, body.firstUnacknowledged - 1);
    this.#sessions.set(key, { peer, held, payloadSinceOpen: 0, client: body.client });
    const { simulation, draw, attempt } = body;
    return [
      encodeData(
        'Opened',
        { instance: this.instance, held, creditLimit: this.options.creditBytes, ring: '', simulation, draw, attempt },
        { epoch: this.epoch },
      ),
    ];
  }
  dataRefused(of: { simulation: number; draw: number; attempt: number }, retry: number, code: string): Uint8Array {
    const { simulation, draw, attempt } = of;
    return encodeData(
      'DataRefused',
      { simulation, draw, attempt, retry, code, message: `refused with ${code}`, remedy: '' },
      { epoch: this.epoch },
    );
  }
  #data(batch: Buffer): Uint8Array[] {
    const answers = new Map<string, Uint8Array>();
    let inBatch = 0;
    for (const { header, payload } of dataFrames(batch)) {
      inBatch++;
      const key = `${header.simulation}/${header.attempt}/${header.clientRank}`;
      const session = this.#sessions.get(key);
      if (session === undefined || header.sequence > session.held + 1) {
        this.gapsTotal++;
        answers.set(key, this.dataRefused(header, 2, 'ESEQUENCE'));
        continue;
      }
      if (header.epoch < this.epoch) {
        answers.set(key, this.dataRefused(header, 1, 'EEPOCH'));
        this.#sessions.delete(key);
        continue;
      }
      if (header.sequence <= session.held) this.duplicatesTotal++;
      else this.#take(session, header, payload);
      answers.set(key, this.#ack(session, header));
    }
    if (inBatch > 1) this.batchedTotal++;
    return [...answers.values()];
  }
  #ack(session: Session, { simulation, attempt }: { simulation: number; attempt: number }): Uint8Array {
    const creditLimit = session.payloadSinceOpen + this.options.creditBytes;
    return encodeData('Ack', { simulation, attempt, held: session.held, creditLimit }, { epoch: this.epoch });
  }
  #take(
    session: Session,
    header: {
      simulation: number;
      field: number;
      step: number;
      dtype: number;
      offset: number;
      count: number;
      sequence: number;
    },
    payload: Uint8Array,
  ): void {
    session.held = header.sequence;
    session.payloadSinceOpen += payload.length;
    this.framesTotal++;
    const simulation = this.values.get(header.simulation) ?? new Map<string, Map<number, number>>();
    this.values.set(header.simulation, simulation);
    const unit = `${this.options.fields[header.field]!.name}/${header.step}`;
    const cells = simulation.get(unit) ?? new Map<number, number>();
    simulation.set(unit, cells);
    if (header.count > 4096) {
      cells.set(0, header.count); // large steps are only counted
      return;
    }
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    for (let i = 0; i < header.count; i++) {
      cells.set(header.offset + i, header.dtype === 1 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true));
    }
  }
}

/** Resolves when `condition` holds; fails after the limit with `what` in the text. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + waitLimitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new TypeError(`waited too long until ${what}`);
    await after(10);
  }
}

export const randomName = (): string => randomBytes(6).toString('hex');
