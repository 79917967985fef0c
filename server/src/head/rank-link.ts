// SPDX-License-Identifier: Apache-2.0
/**
 * The head's side of one rank: what is known of it, and requests to it. A request is repeated with the same number until
 * the rank answers or its limit has passed; the rank repeats its answer. Orders (Attempt, Fold) outlive a restart of the rank;
 * readings and checkpoints fail with it, because the restarted rank is another state.
 */
import { ProjectError, type Clock } from '@melissa/kit';
import { encodeControl, type ControlBody, type ControlMessage, type ControlName } from '@melissa/protocol';
import { errors } from '../errors.ts';
import { heartbeatMs, rankRequestLimitMs, rankRequestRepeatMs, rankRequestsMax } from '../limits.ts';

export type RankTotals = {
  frames: number;
  bytes: number;
  foldedUnits: number;
  duplicates: number;
  refused: number;
  heldBytes: number;
  connections: number;
  groupsFolded: number;
  foldSeconds: number;
  rssBytes: number;
};
export const noTotals: RankTotals = {
  frames: 0,
  bytes: 0,
  foldedUnits: 0,
  duplicates: 0,
  refused: 0,
  heldBytes: 0,
  connections: 0,
  groupsFolded: 0,
  foldSeconds: 0,
  rssBytes: 0,
};

export type RankIdentity = {
  peer: string;
  instance: string;
  endpoint: string;
  serverKey: string;
  host: string;
  processId: number;
};

type Pending = {
  name: ControlName;
  frame: Uint8Array;
  sentMs: number;
  limitMs: number;
  resolve: (answer: ControlMessage) => void;
  reject: (cause: unknown) => void;
};

const survivesRestart = (name: ControlName): boolean =>
  name === 'Attempt' || name === 'Fold' || name === 'CheckpointCommitted';

export class RankLink {
  readonly rank: number;
  identity: RankIdentity | null = null;
  connected = false;
  checkpoint = 0;
  lastHeardMs = 0;
  lastSentMs = 0;
  /** Of the present process; and of those before it. */
  totals: RankTotals = noTotals;
  before: RankTotals = noTotals;
  #pending = new Map<number, Pending>();
  #clock: Clock;
  #epoch: number;
  #send: (peer: string, frame: Uint8Array) => void;
  #nextRequest = 1;

  constructor(rank: number, options: { clock: Clock; epoch: number; send: (peer: string, frame: Uint8Array) => void }) {
    this.rank = rank;
    this.#clock = options.clock;
    this.#epoch = options.epoch;
    this.#send = options.send;
  }

  /** A rank said hello: the one we knew, or another process in its place. */
  hello(identity: RankIdentity, checkpoint: number): void {
    const restarted = this.identity !== null && this.identity.instance !== identity.instance;
    if (restarted) {
      this.before = addTotals(this.before, this.totals);
      this.totals = noTotals;
    }
    this.identity = identity;
    this.checkpoint = checkpoint;
    this.connected = true;
    this.lastHeardMs = this.#clock.monotonicMs();
    for (const [request, pending] of [...this.#pending]) {
      if (restarted && !survivesRestart(pending.name)) {
        this.#pending.delete(request);
        pending.reject(unavailable(this.rank, 'it was restarted'));
      } else {
        this.#transmit(pending);
      }
    }
  }
  request<N extends ControlName>(name: N, body: ControlBody<N>, limitMs = rankRequestLimitMs): Promise<ControlMessage> {
    if (this.#pending.size >= rankRequestsMax)
      return Promise.reject(unavailable(this.rank, 'too many requests wait for it'));
    const request = this.#nextRequest++;
    const frame = encodeControl(name, body, { epoch: this.#epoch, request });
    return new Promise((resolve, reject) => {
      const nowMs = this.#clock.monotonicMs();
      const pending = { name, frame, sentMs: nowMs, limitMs: nowMs + limitMs, resolve, reject };
      this.#pending.set(request, pending);
      if (this.connected) this.#transmit(pending);
    });
  }
  /** An order that has to reach the rank, however long that takes; it is repeated until then. `denied`: the rank cannot carry it out. */
  order<N extends ControlName>(name: N, body: ControlBody<N>, denied: (code: string) => void = () => undefined): void {
    this.request(name, body, Infinity).catch((cause: unknown) => {
      // Only the end of the head's life ends it otherwise, and then it does not matter.
      if (cause instanceof ProjectError && cause.code !== 'EUNAVAILABLE') denied(cause.code);
    });
  }
  answer(message: ControlMessage): void {
    const pending = this.#pending.get(message.request);
    if (pending === undefined) return;
    this.#pending.delete(message.request);
    if (message.name === 'Refused') {
      const { code, message: text, remedy, retryAfterMs } = message.body;
      pending.reject(new ProjectError({ code, message: text, remedy, retryable: retryAfterMs > 0 }));
    } else {
      pending.resolve(message);
    }
  }
  /** Repeats what has waited long, ends what has waited too long, and beats. */
  tick(nowMs: number): void {
    for (const [request, pending] of [...this.#pending]) {
      if (nowMs > pending.limitMs) {
        this.#pending.delete(request);
        pending.reject(unavailable(this.rank, `no answer to ${pending.name}`));
      } else if (this.connected && nowMs - pending.sentMs > rankRequestRepeatMs) {
        this.#transmit(pending);
      }
    }
    if (this.identity !== null && nowMs - this.lastSentMs >= heartbeatMs) {
      this.push('HeadHeartbeat', { planFinished: 0 });
    }
  }
  push<N extends ControlName>(name: N, body: ControlBody<N>): void {
    if (this.identity === null) return;
    this.lastSentMs = this.#clock.monotonicMs();
    this.#send(this.identity.peer, encodeControl(name, body, { epoch: this.#epoch, request: 0 }));
  }
  close(): void {
    for (const pending of this.#pending.values()) pending.reject(unavailable(this.rank, 'the head ends'));
    this.#pending.clear();
  }
  #transmit(pending: Pending): void {
    if (this.identity === null) return;
    pending.sentMs = this.#clock.monotonicMs();
    this.lastSentMs = pending.sentMs;
    this.#send(this.identity.peer, pending.frame);
  }
}

export function unavailable(rank: number, detail: string): ProjectError {
  const { remedy } = errors.EUNAVAILABLE;
  return new ProjectError({ code: 'EUNAVAILABLE', message: `rank ${rank}: ${detail}`, remedy, retryable: true });
}

export function addTotals(a: RankTotals, b: RankTotals): RankTotals {
  return {
    ...b,
    frames: a.frames + b.frames,
    bytes: a.bytes + b.bytes,
    foldedUnits: a.foldedUnits + b.foldedUnits,
    duplicates: a.duplicates + b.duplicates,
    refused: a.refused + b.refused,
    foldSeconds: a.foldSeconds + b.foldSeconds,
  };
}
