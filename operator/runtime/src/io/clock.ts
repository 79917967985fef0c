// SPDX-License-Identifier: Apache-2.0
/** The machine's own time and chance. */
import type { Chance, Clock } from '../clock.ts';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    // Node takes delays up to 2³¹ − 1 ms; longer ones are cut, and who asked looks again.
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return { cancel: () => clearTimeout(timer) };
  },
};

export const systemChance: Chance = () => Math.random();
