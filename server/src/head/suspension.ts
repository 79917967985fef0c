// SPDX-License-Identifier: Apache-2.0
/**
 * When a suspended study may be taken away: no pilot is at work or waits for work, and a checkpoint made after that is durable.
 * Only then is the study said to be Suspended, so that whoever suspended it may end head and ranks and lose nothing. Looked at
 * once a second by head.ts; a checkpoint that failed is tried again then.
 */
import type { PlanState } from '../plan/plan-state.ts';

export type SuspensionParts = {
  plan: PlanState;
  isCheckpointUnderWay: () => boolean;
  takeCheckpoint: () => Promise<boolean>;
};

export class Suspension {
  #p: SuspensionParts;
  #isSafe = false;

  constructor(parts: SuspensionParts) {
    this.#p = parts;
  }
  get isSafe(): boolean {
    return this.#isSafe && this.#isQuiet();
  }
  look(): void {
    if (!this.#isQuiet()) {
      this.#isSafe = false;
      return;
    }
    if (this.#isSafe || !this.#p.plan.ranksReady || this.#p.isCheckpointUnderWay()) return;
    void this.#p.takeCheckpoint().then((ok) => (this.#isSafe = ok && this.#isQuiet()));
  }
  #isQuiet(): boolean {
    const { suspended, finished, leaseOf, pilots } = this.#p.plan;
    if (!suspended || finished || leaseOf.size > 0) return false;
    // One that drains and holds nothing has left, or is about to: it does not say goodbye.
    return [...pilots.values()].every(({ draining, leases }) => draining && leases.size === 0);
  }
}
