// SPDX-License-Identifier: Apache-2.0
/** A clock that stands until it is moved: hours pass in milliseconds, and always in the same order. */
import type { Clock } from '../clock.ts';

type Timer = { dueMs: number; order: number; callback: () => void };

export class ManualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #timers = new Set<Timer>();
  readonly #epochMs: number;

  constructor(epochMs: number = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#epochMs + this.#nowMs;
  }
  after(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }
  /** When the next timer is due; null without timers. */
  nextDueMs(): number | null {
    return this.#next()?.dueMs ?? null;
  }
  /** Moves on, running what falls due; promises that a timer resolved run before the next timer. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settled();
    for (let next = this.#next(); next !== undefined && next.dueMs <= untilMs; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs); // a timer may be late after a jump
      this.#timers.delete(next);
      next.callback();
      await settled();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
  /** Moves on without running anything, as a process that was stopped and goes on: timers are late. */
  jump(byMs: number): void {
    this.#nowMs += byMs;
  }
  /** Moves on from timer to timer until `isDone`. False when `limitMs` passed first. */
  async until(isDone: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.#nowMs + limitMs;
    await settled();
    while (!isDone()) {
      const next = this.#next();
      if (next === undefined || next.dueMs > endMs) return false;
      await this.advance(Math.max(0, next.dueMs - this.#nowMs));
    }
    return true;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      )
        first = timer;
    return first;
  }
}

/** Turns of the microtask queue that let chains of awaits run dry: the longest in the runtime is far shorter. */
const TURNS = 60;
export async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await null;
}
