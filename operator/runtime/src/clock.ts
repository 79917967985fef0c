// SPDX-License-Identifier: Apache-2.0
/** Time and chance as arguments, so that hours are tested in milliseconds and a seed replays a world. */
export interface Clock {
  /** Milliseconds that never go back: what back-off, leases and limits use. */
  monotonicMs(): number;
  /** Milliseconds since the epoch: what goes into objects. */
  wallMs(): number;
  after(delayMs: number, callback: () => void): { cancel(): void };
}

/** Uniform in [0, 1). */
export type Chance = () => number;

/** Waits on the clock; resolves early, with false, when the signal is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve(false);
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', stopped);
      resolve(true);
    });
    const stopped = () => {
      timer.cancel();
      resolve(false);
    };
    signal?.addEventListener('abort', stopped, { once: true });
  });
}

/** Exponential back-off with full jitter above the half: base·factorⁿ up to the maximum, times [0.5, 1). */
export class Backoff {
  readonly #options: { baseMs: number; maxMs: number; factor: number };
  readonly #chance: Chance;
  #failures = 0;

  constructor(options: { baseMs: number; maxMs: number; factor: number }, chance: Chance) {
    this.#options = options;
    this.#chance = chance;
  }
  get failures(): number {
    return this.#failures;
  }
  nextMs(): number {
    const { baseMs, maxMs, factor } = this.#options;
    const delayMs = Math.min(maxMs, baseMs * factor ** Math.min(this.#failures, 60));
    this.#failures += 1;
    return delayMs * (0.5 + this.#chance() / 2);
  }
  reset(): void {
    this.#failures = 0;
  }
}
