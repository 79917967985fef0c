// SPDX-License-Identifier: Apache-2.0
/**
 * One client rank's session with one server rank: sequence numbers, credit, acknowledgement, resend. The rules are those of PROTOCOL.md,
 * "Life of a client", written again without looking after memory or time-outs of sockets: events in, the next action out.
 */
export type Frame = { payloadBytes: number; make: (epoch: number, sequence: number) => Uint8Array };
export type Action =
  | { type: 'nothing'; wakeMs: number }
  | { type: 'open' }
  | { type: 'send'; first: number; last: number }
  | { type: 'needEpoch' }
  | { type: 'timedOut' };

const backoffFirstMs = 20;
const backoffMaxMs = 2000;
const openRetryMs = 1000;
const probeMs = 1000;

export class Session {
  state: 'new' | 'opening' | 'open' | 'waitEpoch' | 'failed' = 'new';
  readonly frames: Frame[] = [];
  acknowledged = 0;
  #sent = 0;
  #sentEver = 0;
  #payloadSent = 0;
  #creditLimit = 0;
  #instance: bigint | null = null;
  #isConnected = false;
  #openMs = 0;
  #openMarker = 0;
  #heardMs = 0;
  #progressMs = 0;
  #notBeforeMs = 0;
  #backoffMs = backoffFirstMs;
  #timeoutMs: number;
  /** A planted bug: what was sent counts as received, and is never sent again. */
  #forgetsUnacknowledged: boolean;

  constructor(timeoutMs: number, forgetsUnacknowledged: boolean) {
    this.#timeoutMs = timeoutMs;
    this.#forgetsUnacknowledged = forgetsUnacknowledged;
  }
  get isIdle(): boolean {
    return this.acknowledged >= this.frames.length;
  }
  append(frame: Frame, nowMs: number): void {
    if (this.isIdle) this.#progressMs = this.#heardMs = nowMs;
    this.frames.push(frame);
  }
  next(nowMs: number): Action {
    if (this.state === 'failed' || this.isIdle) return { type: 'nothing', wakeMs: Infinity };
    const failsMs = this.#progressMs + this.#timeoutMs;
    if (nowMs >= failsMs) {
      this.state = 'failed';
      return { type: 'timedOut' };
    }
    if (this.state === 'waitEpoch') return { type: 'needEpoch' };
    if (!this.#isConnected) return { type: 'nothing', wakeMs: failsMs };
    if (this.state === 'new') return this.#openFrom(this.#notBeforeMs, nowMs, failsMs);
    if (this.state === 'opening') return this.#openFrom(this.#openMs + openRetryMs, nowMs, failsMs);
    return this.#nextFrames(nowMs, failsMs);
  }
  #openFrom(timeMs: number, nowMs: number, failsMs: number): Action {
    return nowMs < timeMs ? { type: 'nothing', wakeMs: Math.min(timeMs, failsMs) } : { type: 'open' };
  }
  #nextFrames(nowMs: number, failsMs: number): Action {
    let payload = this.#payloadSent;
    let last = this.#sent;
    while (last < this.frames.length && payload + this.frames[last]!.payloadBytes <= this.#creditLimit)
      payload += this.frames[last++]!.payloadBytes;
    if (last > this.#sent) return { type: 'send', first: this.#sent + 1, last };
    const dueMs = Math.max(this.#heardMs, this.#openMs) + probeMs;
    if (nowMs < dueMs) return { type: 'nothing', wakeMs: Math.min(dueMs, failsMs) };
    const nothingUnderWay = this.#sent === this.acknowledged && this.#openMarker === this.#sent;
    if (nothingUnderWay && this.#sent < this.frames.length && this.#openMs > this.#progressMs)
      return { type: 'send', first: this.#sent + 1, last: this.#sent + 1 };
    return { type: 'open' };
  }
  sent(last: number, nowMs: number): void {
    while (this.#sent < last) this.#payloadSent += this.frames[this.#sent++]!.payloadBytes;
    this.#sentEver = Math.max(this.#sentEver, this.#sent);
    if (this.#payloadSent > this.#creditLimit) this.#heardMs = nowMs;
  }
  sentOpen(nowMs: number): void {
    if (this.state === 'new') this.state = 'opening';
    this.#openMs = nowMs;
    this.#openMarker = this.#sent;
  }
  connected(nowMs: number): void {
    this.disconnected();
    this.#isConnected = true;
    this.#heardMs = nowMs;
    this.#notBeforeMs = 0;
  }
  disconnected(): void {
    this.#isConnected = false;
    if (this.state === 'open' || this.state === 'opening') this.state = 'new';
    this.#rewind();
  }
  #rewind(): void {
    if (this.#forgetsUnacknowledged) this.acknowledged = this.#sent;
    this.#sent = this.acknowledged;
    this.#payloadSent = 0;
  }
  #acknowledge(held: number, nowMs: number): void {
    if (held <= this.acknowledged) return;
    this.acknowledged = held;
    this.#sent = Math.max(this.#sent, held);
    this.#progressMs = nowMs;
    this.#backoffMs = backoffFirstMs;
  }
  /** False when the rank acknowledges what it was never sent. */
  opened(instance: bigint, held: number, creditLimit: number, nowMs: number): boolean {
    if (this.state === 'failed' || this.state === 'waitEpoch') return true;
    if (held > this.#sentEver) return this.#isImpossible();
    this.#acknowledge(held, nowMs);
    this.#heardMs = nowMs;
    const isNew = this.#instance !== instance;
    this.#instance = instance;
    if (isNew) this.#progressMs = nowMs;
    if (isNew || this.state !== 'open' || held < this.#openMarker) this.#rewind();
    this.#payloadSent = 0;
    for (let i = Math.max(this.acknowledged, this.#openMarker); i < this.#sent; i++)
      this.#payloadSent += this.frames[i]!.payloadBytes;
    this.#creditLimit = creditLimit;
    if (this.state === 'opening') this.state = 'open';
    this.#openMarker = this.#sent;
    return true;
  }
  acknowledge(held: number, creditLimit: number, nowMs: number): boolean {
    if (this.state !== 'open') return true;
    if (held > this.#sentEver) return this.#isImpossible();
    this.#acknowledge(held, nowMs);
    this.#heardMs = nowMs;
    if (creditLimit > this.#creditLimit) {
      this.#creditLimit = creditLimit;
      this.#progressMs = nowMs;
    }
    return true;
  }
  #isImpossible(): boolean {
    this.state = 'failed';
    return false;
  }
  refused(retry: number, nowMs: number): void {
    if (this.state === 'failed' || (retry === 2 && this.state !== 'open')) return;
    this.#rewind();
    if (retry === 0) this.state = 'failed';
    if (retry === 1) this.state = 'waitEpoch';
    if (retry !== 2) return;
    this.state = 'new';
    this.#notBeforeMs = nowMs + this.#backoffMs;
    this.#backoffMs = Math.min(2 * this.#backoffMs, backoffMaxMs);
  }
  epochRenewed(): void {
    if (this.state === 'waitEpoch') this.state = 'new';
  }
}
