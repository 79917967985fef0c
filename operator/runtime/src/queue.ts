// SPDX-License-Identifier: Apache-2.0
/**
 * Keys that wait to be reconciled. A key waits at most once however often it is added; while it is in work it does not wait
 * again until `done`, so one key is never in two hands. Live changes go before the initial list and before resyncs, but
 * every eighth key comes from those, so that a stream of changes starves nobody. Keys of one priority leave in the order in
 * which they came. A failing key comes back after its own exponential back-off and delays no other.
 */
import type { Clock } from './clock.ts';

export type Priority = 'live' | 'background';
export type QueueOptions = {
  clock: Clock;
  baseBackoffMs?: number;
  maxBackoffMs?: number;
  onAdd?: () => void;
  onDepth?: (depth: number) => void;
  onWait?: (seconds: number) => void;
};

/** Of so many keys in a row one is a background key, if one waits. */
const BACKGROUND_SHARE = 8;

type Waiting = { key: string; sinceMs: number };

export class ReconcileQueue {
  readonly #clock: Clock;
  readonly #baseBackoffMs: number;
  readonly #maxBackoffMs: number;
  readonly #options: QueueOptions;
  /** A Map keeps the order of insertion, and deletes in the middle. */
  #live = new Map<string, Waiting>();
  #background = new Map<string, Waiting>();
  #inWork = new Set<string>();
  /** Added again while in work. */
  #again = new Map<string, Priority>();
  #delayed = new Map<string, { dueMs: number; timer: { cancel(): void } }>();
  #failures = new Map<string, number>();
  #takers: ((key: string | null) => void)[] = [];
  #liveInRow = 0;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#clock = options.clock;
    this.#options = options;
    this.#baseBackoffMs = options.baseBackoffMs ?? 5; // as client-go: a conflict is worth an immediate second look
    this.#maxBackoffMs = options.maxBackoffMs ?? 300_000;
  }

  get depth(): number {
    return this.#live.size + this.#background.size;
  }
  get inWork(): number {
    return this.#inWork.size;
  }
  get isIdle(): boolean {
    return this.depth === 0 && this.#inWork.size === 0;
  }

  add(key: string, priority: Priority = 'live'): void {
    if (this.#closed) return;
    if (this.#inWork.has(key)) {
      if (this.#again.get(key) !== 'live') this.#again.set(key, priority);
      return;
    }
    if (this.#live.has(key)) return;
    const earlier = this.#background.get(key);
    if (priority === 'background') {
      if (earlier === undefined) this.#background.set(key, { key, sinceMs: this.#clock.monotonicMs() });
    } else {
      this.#background.delete(key);
      this.#live.set(key, earlier ?? { key, sinceMs: this.#clock.monotonicMs() });
    }
    this.#options.onAdd?.();
    this.#options.onDepth?.(this.depth);
    this.#serve();
  }
  /** Adds the key after a delay; the earliest of several delays counts. */
  addAfter(key: string, delayMs: number, priority: Priority = 'live'): void {
    if (this.#closed) return;
    if (delayMs <= 0) return this.add(key, priority);
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier !== undefined && earlier.dueMs <= dueMs) return;
    earlier?.timer.cancel();
    const timer = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key, priority);
    });
    this.#delayed.set(key, { dueMs, timer });
  }
  /** The key failed: it comes back after base·2ⁿ. Returns the delay. */
  addFailed(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delayMs = Math.min(this.#maxBackoffMs, this.#baseBackoffMs * 2 ** Math.min(failures, 40));
    this.addAfter(key, delayMs);
    return delayMs;
  }
  /** The key succeeded, or is gone: its next failure starts from the base again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }
  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }
  /** The next key, when there is one; null when the queue is closed. Pair every key with `done`. */
  take(): Promise<string | null> {
    const key = this.#next();
    if (key !== null || this.#closed) return Promise.resolve(key);
    return new Promise((resolve) => this.#takers.push(resolve));
  }
  /** As `take`, without waiting: null when nothing waits. */
  takeNow(): string | null {
    return this.#next();
  }
  done(key: string): void {
    this.#inWork.delete(key);
    const again = this.#again.get(key);
    if (again !== undefined) {
      this.#again.delete(key);
      this.add(key, again);
    }
  }
  /** Takes nothing in any more; waiting takers get null. What is in work may still be reported done. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#live.clear();
    this.#background.clear();
    for (const taker of this.#takers.splice(0)) taker(null);
  }

  #next(): string | null {
    const isBackgroundsTurn = this.#liveInRow >= BACKGROUND_SHARE - 1 && this.#background.size > 0;
    const from = this.#live.size > 0 && !isBackgroundsTurn ? this.#live : this.#background;
    this.#liveInRow = from === this.#live ? this.#liveInRow + 1 : 0;
    const first = from.values().next();
    if (first.done === true) return null;
    const { key, sinceMs } = first.value;
    from.delete(key);
    this.#inWork.add(key);
    this.#options.onDepth?.(this.depth);
    this.#options.onWait?.((this.#clock.monotonicMs() - sinceMs) / 1000);
    return key;
  }
  #serve(): void {
    while (this.#takers.length > 0) {
      const key = this.#next();
      if (key === null) return;
      this.#takers.shift()!(key);
    }
  }
}
