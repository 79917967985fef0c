// SPDX-License-Identifier: Apache-2.0
/**
 * Virtual time and the processes that live in it. Nothing waits: the world takes the earliest event, moves the clock there and
 * runs it. A process that is killed never runs again; one that is frozen runs nothing until it wakes, and then everything that
 * fell due meanwhile, in order. Events of one moment run in the order in which they were made, so one seed replays one world.
 */
import type { Clock, TimerHandle } from '@melissa/kit';

type Entry = { timeMs: number; order: number; action: (() => void) | null };

export class Scheduler {
  nowMs = 0;
  events = 0;
  /** A process with promises has run since this was last set to false. */
  hasPromises = false;
  #heap: Entry[] = [];
  #order = 0;

  after(delayMs: number, action: () => void): Entry {
    const entry = { timeMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, action };
    this.#push(entry);
    return entry;
  }
  /** Runs the earliest event. False when there is none. */
  step(): boolean {
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      if (entry.action === null) continue;
      this.nowMs = entry.timeMs;
      this.events += 1;
      entry.action();
      return true;
    }
    return false;
  }
  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, entry)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }
  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
const isBefore = (a: Entry, b: Entry): boolean => a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);

/** Milliseconds since the epoch at which every world begins. */
const wallStartMs = 1_767_225_600_000;

/** One process: its clock, and whether it runs. Whatever is to happen in it goes through `run`. */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  state: 'running' | 'frozen' | 'dead' = 'running';
  /** Called once when it ends, killed or not. */
  readonly onEnd: (() => void)[] = [];
  /** Whether what it runs goes on in promises. */
  readonly isAsynchronous: boolean;
  #backlog: (() => void)[] = [];
  #scheduler: Scheduler;
  #crashed: (name: string, cause: unknown) => void;

  constructor(
    scheduler: Scheduler,
    options: { name: string; isAsynchronous: boolean; crashed: (name: string, cause: unknown) => void },
  ) {
    const { name, isAsynchronous, crashed } = options;
    this.name = name;
    this.isAsynchronous = isAsynchronous;
    this.#scheduler = scheduler;
    this.#crashed = crashed;
    this.clock = {
      wallMs: () => wallStartMs + scheduler.nowMs,
      monotonicMs: () => scheduler.nowMs,
      after: (delayMs, callback) => this.after(delayMs, callback),
    };
  }
  get isAlive(): boolean {
    return this.state !== 'dead';
  }
  after(delayMs: number, callback: () => void): TimerHandle {
    const entry = this.#scheduler.after(delayMs, () => this.run(guarded));
    // A timer that a frozen process had queued can still be cancelled when it wakes.
    const guarded = () => {
      if (!isCancelled) callback();
    };
    let isCancelled = false;
    return {
      cancel: () => {
        isCancelled = true;
        entry.action = null;
      },
    };
  }
  run(action: () => void): void {
    if (this.state === 'dead') return;
    if (this.state === 'frozen') {
      this.#backlog.push(action);
      return;
    }
    if (this.isAsynchronous) this.#scheduler.hasPromises = true;
    try {
      action();
    } catch (cause) {
      this.#crashed(this.name, cause);
      this.end();
    }
  }
  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }
  wake(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    const due = this.#backlog;
    this.#backlog = [];
    for (const action of due) this.run(action);
  }
  /** Killed, or left by itself: from now on nothing of it happens. */
  end(): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.#backlog = [];
    for (const callback of this.onEnd) callback();
  }
}
