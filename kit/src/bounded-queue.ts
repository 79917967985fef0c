// SPDX-License-Identifier: Apache-2.0
/** A first-in-first-out queue with a stated bound. A full queue refuses; its owner decides what that means. */
export class BoundedQueue<T> {
  readonly name: string;
  readonly itemsMax: number;
  #items: (T | undefined)[] = [];
  #head = 0;

  constructor(options: { name: string; itemsMax: number }) {
    this.name = options.name;
    this.itemsMax = options.itemsMax;
  }
  get size(): number {
    return this.#items.length - this.#head;
  }
  get isFull(): boolean {
    return this.size >= this.itemsMax;
  }
  /** Appends and returns true, or returns false when the queue is full. */
  offer(item: T): boolean {
    if (this.isFull) return false;
    this.#items.push(item);
    return true;
  }
  /** Removes and returns the oldest item, or undefined when empty. */
  poll(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
  /** Removes everything, oldest first. */
  drain(): T[] {
    const items = this.#items.slice(this.#head) as T[];
    this.#items = [];
    this.#head = 0;
    return items;
  }
}
