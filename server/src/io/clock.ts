// SPDX-License-Identifier: Apache-2.0
/** The machine's own time, and the end of an event-loop turn; made here once and handed down. */
import { systemClockFrom, type Clock } from '@melissa/kit';

export const systemClock: Clock = systemClockFrom({
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    return { clear: () => clearTimeout(timer) };
  },
});

/** Runs `callback` after everything that this turn of the event loop still brings. */
export function atEndOfTurn(callback: () => void): void {
  setImmediate(callback);
}
