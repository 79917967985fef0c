// SPDX-License-Identifier: Apache-2.0
/**
 * The head's buffer before the event log: bounded, sent in batches, one batch under way at a time. A batch that fails or
 * is lost with a dying worker is sent again; sequences are given here, so that nothing is written twice. What does not fit
 * is left out, counted, and told in the log as a gap once there is room.
 */
import { itemBytes, type Attempt, type LogItem } from '../events/log-items.ts';
import type { EventLog, StudyEvent } from '../head/service.ts';

/**
 * `flush` resolves when all is written, or when a try to write has failed: `degraded` then says so, and it is tried
 * again. `isFull` asks the head to hold back: half of the buffer is full.
 */
export interface BoundedEventLog extends EventLog {
  readonly isFull: boolean;
}
export type LogLimits = { logItemsMax: number; logBytesMax: number; batchItemsMax: number; retryMs: number };
export type LogParts = {
  limits: LogLimits;
  /** Sends a batch to the worker; rejects when it was not written. Null while there is no worker. */
  send: (items: LogItem[]) => Promise<unknown> | null;
  after: (delayMs: number, callback: () => void) => void;
  wallMs: () => number;
  /** A sentence for the study's status; null ends it. */
  trouble: (kind: 'log' | 'dropped', sentence: string | null) => void;
};

export class LogBuffer implements BoundedEventLog {
  #parts: LogParts;
  #sequence = 0;
  #items: LogItem[] = [];
  #bytes = 0;
  #batch: LogItem[] | null = null;
  #isSent = false;
  #accepted = 0;
  #written = 0;
  #dropped = 0;
  #flushes: { items: number; resolve: () => void }[] = [];

  constructor(parts: LogParts) {
    this.#parts = parts;
  }
  get isFull(): boolean {
    const { logItemsMax, logBytesMax } = this.#parts.limits;
    return this.#items.length * 2 > logItemsMax || this.#bytes * 2 > logBytesMax;
  }
  append(event: StudyEvent): void {
    this.#sequence += 1;
    if (!this.#offer({ kind: 'event', sequence: this.#sequence, event })) this.#sequence -= 1;
  }
  appendAttempt(attempt: Attempt): void {
    this.#offer({ kind: 'attempt', attempt });
  }
  async flush(): Promise<void> {
    const items = this.#accepted;
    if (items <= this.#written) return;
    await new Promise<void>((resolve) => this.#flushes.push({ items, resolve }));
  }
  /** The worker is there and has this last sequence. */
  opened(lastSequence: number): void {
    this.#sequence = Math.max(this.#sequence, lastSequence);
    this.pump();
  }
  pump(): void {
    if (this.#isSent) return;
    if (this.#batch === null) {
      if (this.#items.length === 0) return;
      this.#batch = this.#items.splice(0, this.#parts.limits.batchItemsMax);
      for (const item of this.#batch) this.#bytes -= itemBytes(item);
    }
    const batch = this.#batch;
    const sent = this.#parts.send(batch);
    if (sent === null) return;
    this.#isSent = true;
    sent.then(
      () => this.#wrote(batch.length),
      (cause: unknown) => this.#failed(cause),
    );
  }
  #offer(item: LogItem): boolean {
    const bytes = itemBytes(item);
    const { logItemsMax, logBytesMax } = this.#parts.limits;
    if (this.#items.length >= logItemsMax || this.#bytes + bytes > logBytesMax) {
      this.#dropped += 1;
      this.#parts.trouble(
        'dropped',
        'The event log cannot keep up or cannot be written; events are left out of it. Free space or repair the folder of the study.',
      );
      return false;
    }
    this.#items.push(item);
    this.#bytes += bytes;
    this.#accepted += 1;
    // Everything that one turn of the event loop appends goes in one batch.
    if (this.#items.length === 1) queueMicrotask(() => this.pump());
    return true;
  }
  #wrote(items: number): void {
    this.#batch = null;
    this.#isSent = false;
    this.#written += items;
    this.#parts.trouble('log', null);
    const isDone = (flush: { items: number }): boolean => flush.items <= this.#written;
    for (const flush of this.#flushes.filter(isDone)) flush.resolve();
    this.#flushes = this.#flushes.filter((flush) => !isDone(flush));
    this.pump(); // makes room, in which the gap can be told
    if (this.#dropped > 0) this.#tellGap();
  }
  #tellGap(): void {
    const data = { dropped: this.#dropped };
    this.#dropped = 0;
    const timeMs = this.#parts.wallMs();
    this.append({
      timeMs,
      entity: 'head',
      id: 'log',
      from: 'complete',
      to: 'gap',
      cause: 'events were left out',
      data,
    });
    this.#parts.trouble('dropped', null);
  }
  /** Nobody waits for a disk that is full: the study goes on, and the status says what is the matter. */
  #failed(cause: unknown): void {
    this.#isSent = false;
    for (const flush of this.#flushes.splice(0)) flush.resolve();
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#parts.trouble('log', `The event log cannot be written: ${reason}. Free space; it is tried again.`);
    this.#parts.after(this.#parts.limits.retryMs, () => this.pump());
  }
}
