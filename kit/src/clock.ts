// SPDX-License-Identifier: Apache-2.0
/**
 * Time as an argument. Everything that waits or measures takes a Clock, so that an hour of silence is tested in
 * milliseconds. `monotonicMs` never goes back and is what limits and leases use; `wallMs` is for people and files.
 */
export type TimerHandle = { cancel(): void };

export interface Clock {
  /** Milliseconds since the epoch; may jump when somebody sets the machine's clock. */
  wallMs(): number;
  /** Milliseconds since an arbitrary origin; never goes back. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`. */
  after(delayMs: number, callback: () => void): TimerHandle;
}

/** The parts of the platform that a real clock needs; handed in by `src/main.ts` or `src/io`. */
export type TimeSource = {
  wallMs: () => number;
  monotonicMs: () => number;
  setTimer: (callback: () => void, delayMs: number) => { clear: () => void };
};

/** A clock on the machine's own time. */
export function systemClockFrom(source: TimeSource): Clock {
  return {
    wallMs: source.wallMs,
    monotonicMs: source.monotonicMs,
    after(delayMs, callback) {
      const timer = source.setTimer(callback, delayMs);
      return { cancel: () => timer.clear() };
    },
  };
}

/** A clock that stands still until a test advances it. Timers fire in order of their due time, then of creation. */
export class ManualClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #nextId = 0;
  #timers = new Map<number, { dueMs: number; callback: () => void }>();

  constructor(startMs = 0, wallStartMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
    this.#wallOffsetMs = wallStartMs - startMs;
  }
  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  after(delayMs: number, callback: () => void): TimerHandle {
    const id = this.#nextId++;
    this.#timers.set(id, { dueMs: this.#nowMs + Math.max(0, delayMs), callback });
    return { cancel: () => void this.#timers.delete(id) };
  }
  /** Moves the wall clock alone, as an administrator or NTP would. */
  setWallBackBy(ms: number): void {
    this.#wallOffsetMs -= ms;
  }
  /** Moves time forward and fires what falls due on the way. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (let next = this.#earliest(end); next !== null; next = this.#earliest(end)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#timers.delete(next.id);
      next.callback();
    }
    this.#nowMs = end;
  }
  #earliest(end: number): { id: number; dueMs: number; callback: () => void } | null {
    let best: { id: number; dueMs: number; callback: () => void } | null = null;
    for (const [id, timer] of this.#timers) {
      if (timer.dueMs <= end && (best === null || timer.dueMs < best.dueMs)) best = { id, ...timer };
    }
    return best;
  }
}
