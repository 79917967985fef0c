// SPDX-License-Identifier: Apache-2.0
/**
 * What the plan remembers of each simulation, in typed arrays: 13 bytes and two bits a rank, whatever happens to it. Read by
 * every policy, written by PlanState alone. Counts by state are kept as states change, so that a status costs nothing.
 */
import { assert } from '@melissa/kit';
import { states } from './types.ts';

export class SimulationTable {
  readonly simulations: number;
  readonly ranks: number;
  readonly state: Uint8Array;
  readonly draw: Uint16Array;
  /** Number of the last attempt given out for this draw; 0 = none yet. */
  readonly attempt: Uint16Array;
  /** Failed executions of this draw. */
  readonly failures: Uint16Array;
  /** Attempts lost with their pilot, all draws. */
  readonly lost: Uint16Array;
  /** Times it was given to a pilot, all draws. */
  readonly executions: Uint16Array;
  /** Client ranks with which samples of this draw were counted; 0 = none yet. */
  readonly communicator: Uint16Array;
  /** Per rank, a bit a simulation: all of it is there, some of it held. */
  readonly received: Uint8Array[];
  /** Per rank, a bit a simulation: folded by every consumer. */
  readonly complete: Uint8Array[];
  readonly counts = new Uint32Array(states.length);

  constructor(simulations: number, ranks: number) {
    this.simulations = simulations;
    this.ranks = ranks;
    this.state = new Uint8Array(simulations);
    this.draw = new Uint16Array(simulations);
    this.attempt = new Uint16Array(simulations);
    this.failures = new Uint16Array(simulations);
    this.lost = new Uint16Array(simulations);
    this.executions = new Uint16Array(simulations);
    this.communicator = new Uint16Array(simulations);
    this.received = Array.from({ length: ranks }, () => new Uint8Array(Math.ceil(simulations / 8)));
    this.complete = Array.from({ length: ranks }, () => new Uint8Array(Math.ceil(simulations / 8)));
    this.counts[0] = simulations;
  }
  setState(simulation: number, to: number): void {
    const from = this.state[simulation]!;
    this.counts[from]! -= 1;
    this.counts[to]! += 1;
    this.state[simulation] = to;
  }
  /** After the arrays were filled from a checkpoint. */
  recount(): void {
    this.counts.fill(0);
    for (const state of this.state) {
      assert(state < states.length, 'a state of the table is a known one');
      this.counts[state]! += 1;
    }
  }
  isReceivedEverywhere(simulation: number): boolean {
    return this.ranks > 0 && this.received.every((bits) => bit(bits, simulation));
  }
  isCompleteEverywhere(simulation: number): boolean {
    return this.ranks > 0 && this.complete.every((bits) => bit(bits, simulation));
  }
  /** Ranks that lack something of it, for the reason of a failure. */
  ranksLacking(simulation: number): number[] {
    return this.received.flatMap((bits, rank) => (bit(bits, simulation) ? [] : [rank]));
  }
  forget(simulation: number): void {
    for (const bits of [...this.received, ...this.complete]) setBit(bits, simulation, false);
  }
}

export function bit(bits: Uint8Array, index: number): boolean {
  return ((bits[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

export function setBit(bits: Uint8Array, index: number, value: boolean): void {
  const mask = 1 << (index & 7);
  if (value) bits[index >>> 3]! |= mask;
  else bits[index >>> 3]! &= ~mask;
}
