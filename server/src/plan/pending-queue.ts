// SPDX-License-Identifier: Apache-2.0
/**
 * Which simulation is leased next: first what open groups still need, oldest first, because only they can free held
 * memory; then returned ones and fresh ones, by number. Entries are dropped when they are met and no longer Pending, so
 * that nothing has to be removed from the middle. Fresh simulations cost no memory: a cursor walks over them.
 */
import { Code } from './types.ts';
import type { SimulationTable } from './simulation-table.ts';

export class PendingQueue {
  #table: SimulationTable;
  #cursor = 0;
  #urgent = new MinHeap();
  #returned = new MinHeap();

  constructor(table: SimulationTable) {
    this.#table = table;
  }
  /** A simulation that is Pending again. `urgent`: its group is open. */
  put(simulation: number, urgent: boolean): void {
    if (urgent) this.#urgent.push(simulation);
    else if (simulation < this.#cursor) this.#returned.push(simulation);
  }
  /** The next simulation of an open group, or −1. */
  peekUrgent(): number {
    return this.#top(this.#urgent);
  }
  /** The next simulation of any other group, or −1. */
  peek(): number {
    const { state, simulations } = this.#table;
    while (this.#cursor < simulations && state[this.#cursor] !== Code.Pending) this.#cursor += 1;
    const returned = this.#top(this.#returned);
    const fresh = this.#cursor < simulations ? this.#cursor : -1;
    if (returned < 0) return fresh;
    return fresh < 0 ? returned : Math.min(returned, fresh);
  }
  #top(heap: MinHeap): number {
    while (heap.size > 0 && this.#table.state[heap.top] !== Code.Pending) heap.pop();
    return heap.size > 0 ? heap.top : -1;
  }
}

class MinHeap {
  #items: number[] = [];
  get size(): number {
    return this.#items.length;
  }
  get top(): number {
    return this.#items[0]!;
  }
  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]! <= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }
  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (items.length === 0 || last === undefined) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! < items[child]!) child += 1;
      if (items[child]! >= last) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
  }
}
