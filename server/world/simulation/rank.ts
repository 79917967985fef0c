// SPDX-License-Identifier: Apache-2.0
/**
 * A rank process in a simulated world: the real Rank object and the real native core, with the engine's thread, socket and files taken away.
 * What the engine does around its core is done here: frames in, replies out, a flush soon after, checkpoints in the study's folder.
 * A checkpoint is the core's own bytes behind a number and a checksum.
 */
import { assert } from '@melissa/kit';
import {
  native,
  type CheckpointResult,
  type EngineOptions,
  type EngineReport,
  type NativeAddon,
  type NativeCore,
  type NativeEngine,
} from '@melissa/native';
import { engineOptionsOf } from '../../src/rank/engine-options.ts';
import { Rank } from '../../src/rank/rank.ts';
import type { Disk } from './disk.ts';
import { Dealer, Router, type Network } from './network.ts';
import type { Process } from './scheduler.ts';
import type { Shape } from './studies.ts';

/** Planted bugs that live in a rank. */
export type RankBugs = {
  /** A restored rank counts from the newest state with the bits of the checkpoint before it. */
  restoresOldBits?: boolean;
  /** Received counts as folded: in reports and in what a restored rank says it has. */
  bitsAtReceipt?: boolean;
  /** A checkpoint is believed without looking at its checksum. */
  believesTorn?: boolean;
  /** The rank obeys and serves any epoch. */
  hasNoFence?: boolean;
  /** After a restart the rank does not say that it is another process. */
  hidesRestart?: boolean;
  /** Once for each simulation it says that it has received everything, when there is only a part. */
  tellsTooEarly?: boolean;
};
export type RankParts = {
  network: Network;
  process: Process;
  disk: Disk;
  shape: Shape;
  rank: number;
  instance: bigint;
  token: string;
  endpoint: string;
  bugs: RankBugs;
  log: (sentence: () => string) => void;
  /** The head has asked for the digests: what it writes next is what this core holds. */
  digestsRead: (core: NativeCore) => void;
  exit: (code: number) => void;
};

const headerBytes = 16;
const folderOf = (rank: number): string => `/study/rank-${rank}`;
const numberOf = (name: string): number => (/^\d+$/.test(name) ? Number(name) : 0);
const numbersOn = (disk: Disk, rank: number): number[] =>
  disk.list(folderOf(rank)).map(numberOf).filter((number) => number > 0).sort((a, b) => b - a); // prettier-ignore
export const newestCheckpoint = (disk: Disk, rank: number): string | null => {
  const [newest] = numbersOn(disk, rank);
  return newest === undefined ? null : `${folderOf(rank)}/${newest}`;
};

function seal(number: number, bytes: Uint8Array): Uint8Array {
  const file = new Uint8Array(headerBytes + bytes.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, number, true);
  view.setUint32(4, bytes.length, true);
  view.setBigUint64(8, native.payloadHash(bytes), true);
  file.set(bytes, headerBytes);
  return file;
}
function unseal(file: Uint8Array, believes: boolean): Uint8Array | null {
  if (file.length < headerBytes) return null;
  const view = new DataView(file.buffer, file.byteOffset, headerBytes);
  const bytes = new Uint8Array(view.getUint32(4, true));
  bytes.set(file.subarray(headerBytes, headerBytes + bytes.length));
  if (believes) return bytes;
  if (file.length !== headerBytes + bytes.length) return null;
  return view.getBigUint64(8, true) === native.payloadHash(bytes) ? bytes : null;
}
/** The bits of one checkpoint in front of the state of another. */
function mixed(newer: Uint8Array, older: Uint8Array): Uint8Array {
  const booksEnd = (bytes: Uint8Array) =>
    8 + Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const books = older.subarray(0, booksEnd(older));
  const state = newer.subarray(booksEnd(newer));
  const all = new Uint8Array(books.length + state.length);
  all.set(books);
  all.set(state, books.length);
  return all;
}

export class SimulatedRank {
  core: NativeCore;
  readonly rank: Rank;
  restored = 0;
  #p: RankParts;
  #router: Router;
  #wake: () => void = () => undefined;
  #flushIsDue = false;
  /** Reports are asked for four times a second; most of the time there is nothing new in them. */
  #report: EngineReport | null = null;
  #isWriting = false;
  #lastCommitted = 0;
  /** Simulations of which everything has arrived, or is said to have; for planted bugs. */
  #received = new Set<number>();

  constructor(parts: RankParts) {
    this.#p = parts;
    const { shape, rank, instance, token, process, network } = parts;
    const place = { rank, token, listen: '', host: 'h', checkpointDirectory: '', rawDirectory: '', curve: null };
    const options = engineOptionsOf(shape.study, place);
    this.core = this.#restore(options);
    this.#router = new Router(network, process, (peer, frame) => this.#onFrame(peer, frame));
    const identity = {
      token,
      rank,
      instance: parts.bugs.hidesRestart ? 1n : instance,
      host: 'h',
      processId: 1,
      serverKey: '',
    };
    this.rank = new Rank({
      native: this.#engine(),
      engine: {} as NativeEngine,
      clock: process.clock,
      identity,
      restored: this.restored,
      advertised: (endpoint) => endpoint,
      openControl: (receive) => {
        const dealer = new Dealer(network, process, {
          routingId: `rank-${rank}-${instance}`,
          address: () => 'head',
          receive,
        });
        return { send: (frame) => dealer.send(frame), close: async () => dealer.close() };
      },
      residentBytes: () => 0,
      log: (_level, sentence, facts) => parts.log(() => `rank ${rank}: ${sentence} ${JSON.stringify(facts ?? {})}`),
    });
    void this.rank.ended.then((code) => process.run(() => parts.exit(code)));
    this.rank.start();
  }

  // ---- messages ----
  #onFrame(peer: string, frame: Uint8Array): void {
    for (const reply of native.coreMessage(this.core, peer, frame)) this.#router.send(reply.peer, reply.message);
    this.#soon();
  }
  /** The engine folds when its socket has nothing more for the moment. */
  #soon(): void {
    this.#report = null;
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    this.#p.process.after(this.#p.network.random.uniform() * 2, () => {
      this.#flushIsDue = false;
      this.#report = null;
      for (const reply of native.coreFlush(this.core)) this.#router.send(reply.peer, reply.message);
      this.#wake();
    });
  }

  // ---- checkpoints ----
  #restore(options: EngineOptions): NativeCore {
    const { disk, rank, bugs, instance } = this.#p;
    const sound: { number: number; bytes: Uint8Array }[] = [];
    for (const number of numbersOn(disk, rank)) {
      const file = disk.read(`${folderOf(rank)}/${number}`);
      const bytes = file === null ? null : unseal(file, bugs.believesTorn === true);
      if (bytes === null) this.#p.log(() => `rank ${rank}: checkpoint ${number} was passed over`);
      else sound.push({ number, bytes });
    }
    const [newest, before] = sound;
    const core = native.coreCreate(options, Number(instance));
    if (newest === undefined) return core;
    if (bugs.bitsAtReceipt) this.#received = new Set(disk.read(this.#receivedPath) ?? []);
    this.restored = newest.number;
    this.#lastCommitted = newest.number;
    const isMixed = bugs.restoresOldBits === true && before !== undefined;
    native.coreRestore(core, isMixed ? mixed(newest.bytes, before.bytes) : newest.bytes);
    return core;
  }
  /** For a planted bug: what a checkpoint says that was received. */
  get #receivedPath(): string {
    return `/study/received-${this.#p.rank}`;
  }
  async #checkpoint(number: number): Promise<CheckpointResult> {
    const { disk, process, rank } = this.#p;
    const result = { number, ok: false, reason: '', bytes: 0, seconds: 0 };
    if (this.#isWriting) return { ...result, reason: 'a checkpoint is still being written' };
    this.#isWriting = true;
    if (this.#p.bugs.bitsAtReceipt) disk.put(this.#receivedPath, Uint8Array.from(this.#received));
    const bytes = native.coreSave(this.core);
    this.#report = null;
    this.#wake();
    try {
      await disk.write(process, `${folderOf(rank)}/${number}`, seal(number, bytes));
      return { ...result, ok: true, bytes: bytes.length };
    } catch (cause) {
      return { ...result, reason: (cause as Error).message };
    } finally {
      this.#isWriting = false;
    }
  }
  #committed(number: number): void {
    const { disk, rank } = this.#p;
    for (const older of numbersOn(disk, rank))
      if (older < number && older !== this.#lastCommitted) disk.remove(`${folderOf(rank)}/${older}`);
    this.#lastCommitted = number;
  }

  /** For a planted bug. */
  #tellEarly(report: EngineReport): void {
    for (const { simulation, draw, attempt } of report.active) {
      if (!this.#received.has(simulation)) report.completed.push({ simulation, draw, attempt, state: 1 });
      this.#received.add(simulation);
    }
  }

  // ---- what Rank sees of the engine ----
  #engine(): NativeAddon {
    const { bugs, network, endpoint } = this.#p;
    const core = this.core;
    const changed = () => this.#soon();
    const engine: Partial<NativeAddon> = {
      engineStart: (_engine, wake) => {
        this.#wake = wake;
        network.bind(endpoint, this.#router);
        return endpoint;
      },
      engineTakeReport: () => {
        if (this.#report !== null) return this.#report;
        const report = native.coreTakeReport(core);
        if (bugs.tellsTooEarly) this.#tellEarly(report);
        this.#report = { ...report, completed: [], active: [], faults: [] };
        if (!bugs.bitsAtReceipt) return report;
        for (const { simulation } of report.completed) this.#received.add(simulation);
        return { ...report, completed: report.completed.map((item) => ({ ...item, state: 2 as const })) };
      },
      engineCompleteBitmap: () => {
        const bitmap = native.coreCompleteBitmap(core);
        for (const simulation of bugs.bitsAtReceipt ? this.#received : [])
          bitmap[simulation >> 3]! |= 1 << (simulation & 7);
        return bitmap;
      },
      engineSetEpoch: (_engine, epoch) => {
        if (!bugs.hasNoFence) native.coreSetEpoch(core, epoch);
      },
      engineAttempt: (_engine, simulation, draw, attempt, drop) => {
        native.coreAttempt(core, simulation, draw, attempt, drop);
        changed();
      },
      engineFold: (_engine, simulation, draw, attempt) => {
        const isFolded = native.coreFold(core, simulation, draw, attempt);
        changed();
        return Promise.resolve(isFolded);
      },
      engineCheckpoint: (_engine, number) => this.#checkpoint(number),
      engineCheckpointCommitted: (_engine, number) => this.#committed(number),
      engineReadStatistic: async (_engine, field, step, statistic, argument, begin, end) =>
        native.coreReadStatistic(core, field, step, statistic, argument, begin, end),
      engineDigests: async () => {
        this.#p.digestsRead(core);
        return native.coreDigests(core);
      },
      engineStop: async () => undefined,
    };
    const missing = {
      get: (target: object, name: string) =>
        (target as Record<string, unknown>)[name] ?? (() => assert(false, `the simulated engine knows ${name}`)),
    };
    return new Proxy(engine, missing as ProxyHandler<object>) as NativeAddon;
  }
}
