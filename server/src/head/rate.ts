// SPDX-License-Identifier: Apache-2.0
/** How fast something grows, over the last half minute: what people see as a rate, and what the time to go is estimated from. */
const windowMs = 30_000;
const samplesMax = 64;

export class Rate {
  #samples: { nowMs: number; total: number }[] = [];

  /** Called about once a second with the total so far. */
  note(nowMs: number, total: number): void {
    const last = this.#samples.at(-1);
    // A total that falls (a rank lost data) starts the window anew.
    if (last !== undefined && total < last.total) this.#samples = [];
    this.#samples.push({ nowMs, total });
    while (this.#samples.length > samplesMax || nowMs - this.#samples[0]!.nowMs > windowMs) this.#samples.shift();
  }
  perSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.nowMs <= first.nowMs) return 0;
    return (1000 * (last.total - first.total)) / (last.nowMs - first.nowMs);
  }
}
