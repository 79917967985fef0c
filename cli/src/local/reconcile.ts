// SPDX-License-Identifier: Apache-2.0
/**
 * Decides which processes of a study on one machine to start and to stop. Pure: the state of the slots, the head's
 * demand and the time go in, orders come out; `local/study-run.ts` carries them out and reports back what ended.
 *
 * A slot is one place for a process (`head`, `rank-2`, `pilot-0`) and outlives the processes in it. Invariants: never
 * two processes in a slot; a slot that fails waits exponentially longer; nothing is started without a head's demand
 * but the head itself; a rank or pilot never runs with an endpoint other than the present head's.
 */
import type { BackendScope } from '@melissa/kit';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, FAILURES_MAX, HEALTHY_LIFE_MS, STARTS_PER_TURN_MAX } from '../limits.ts';

export type Exit = { code: number | null; signal: string | null };

export type Slot = {
  id: string;
  scope: BackendScope;
  index: number;
  /** `Done`: ended as it should; started again only if the demand asks for it. */
  state: 'Idle' | 'Running' | 'Stopping' | 'Done';
  startedMs: number;
  /** Not started before this time. */
  notBeforeMs: number;
  /** Quick ends in a row. */
  failures: number;
  /** Starts so far. */
  starts: number;
  exit: Exit | null;
  /** The control endpoint that its process was started with; empty for the head. */
  endpoint: string;
};

/** What the head asks for, and where its control socket is now. */
export type Demand = {
  desiredPilots: number;
  desiredRanks: number;
  controlEndpoint: string;
  planFinished: boolean;
  finished: boolean;
  /** Simulations that each pilot is running: the idlest is stopped first. */
  active: ReadonlyMap<string, number>;
};

export type Orders = {
  start: { id: string; scope: BackendScope; index: number; endpoint: string; again: boolean }[];
  stop: { id: string; cause: string }[];
  /** A slot whose process ends again and again; the study cannot go on here. */
  hopeless: { id: string; scope: BackendScope; exit: Exit } | null;
};

export const slotId = (scope: BackendScope, index: number): string => (scope === 'head' ? 'head' : `${scope}-${index}`);

/** Codes with which a pilot ends in good order: 3 dismissed by the head. */
const PILOT_DISMISSED = 3;
/** The server's: to start it again cannot help. */
const SERVER_LASTING = 6;
/** The pilot lost the head; it did nothing wrong. */
const PILOT_LOST_HEAD = 4;

export class Reconciler {
  readonly slots = new Map<string, Slot>();

  constructor() {
    this.#slot('head', 0);
  }

  /** Orders for this moment. The caller carries out every one and says so with `started` and `stopping`. */
  decide(demand: Demand | null, nowMs: number): Orders {
    const orders: Orders = { start: [], stop: [], hopeless: this.#hopeless() };
    if (orders.hopeless !== null) return orders;
    if (demand?.finished !== true) this.#want(orders, this.#slot('head', 0), '', nowMs);
    if (demand === null) return orders;
    this.#stopStale(orders, demand);
    if (!demand.finished) {
      for (let rank = 0; rank < demand.desiredRanks; rank++) {
        this.#want(orders, this.#slot('rank', rank), demand.controlEndpoint, nowMs);
      }
    }
    this.#pilots(orders, demand, nowMs);
    return orders;
  }

  started(id: string, endpoint: string, nowMs: number): void {
    const slot = this.slots.get(id)!;
    slot.state = 'Running';
    slot.startedMs = nowMs;
    slot.starts += 1;
    slot.exit = null;
    slot.endpoint = endpoint;
  }

  stopping(id: string): void {
    const slot = this.slots.get(id)!;
    if (slot.state === 'Running') slot.state = 'Stopping';
  }

  /** A process ended. Returns whether that was unexpected, so that it is shown to the user. */
  ended(id: string, exit: Exit, nowMs: number): 'expected' | 'unexpected' {
    const slot = this.slots.get(id)!;
    const asked = slot.state === 'Stopping';
    slot.exit = exit;
    if (asked || isGoodEnd(slot, exit)) {
      slot.state = asked ? 'Idle' : 'Done';
      slot.failures = 0;
      slot.notBeforeMs = nowMs;
      return 'expected';
    }
    slot.state = 'Idle';
    slot.failures = nowMs - slot.startedMs >= HEALTHY_LIFE_MS ? 1 : slot.failures + 1;
    slot.notBeforeMs = nowMs + Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (slot.failures - 1));
    return 'unexpected';
  }

  running(scope: BackendScope): Slot[] {
    return [...this.slots.values()].filter((slot) => slot.scope === scope && isAlive(slot));
  }

  #slot(scope: BackendScope, index: number): Slot {
    const id = slotId(scope, index);
    let slot = this.slots.get(id);
    if (slot === undefined) {
      slot = {
        id,
        scope,
        index,
        state: 'Idle',
        startedMs: 0,
        notBeforeMs: 0,
        failures: 0,
        starts: 0,
        exit: null,
        endpoint: '',
      };
      this.slots.set(id, slot);
    }
    return slot;
  }

  #want(orders: Orders, slot: Slot, endpoint: string, nowMs: number): void {
    if (isAlive(slot) || nowMs < slot.notBeforeMs || orders.start.length >= STARTS_PER_TURN_MAX) return;
    if (slot.scope !== 'pilot' && slot.state === 'Done') return;
    orders.start.push({ id: slot.id, scope: slot.scope, index: slot.index, endpoint, again: slot.starts > 0 });
  }

  /** Processes that speak to a control endpoint that no longer is: a head that could not get its old port back. */
  #stopStale(orders: Orders, demand: Demand): void {
    for (const slot of this.slots.values()) {
      if (slot.scope === 'head' || slot.state !== 'Running' || slot.endpoint === demand.controlEndpoint) continue;
      orders.stop.push({ id: slot.id, cause: 'the study server has moved to another port' });
    }
  }

  #pilots(orders: Orders, demand: Demand, nowMs: number): void {
    const wanted = demand.planFinished || demand.finished ? 0 : demand.desiredPilots;
    const useful = (slot: Slot): boolean => slot.state === 'Running' && slot.endpoint === demand.controlEndpoint;
    const alive = this.running('pilot').filter(useful);
    // Pilots leave a finished plan by themselves (they deliver their last reports first).
    if (demand.planFinished) return;
    const surplus = alive.length - wanted;
    if (surplus > 0) {
      const idlest = alive.toSorted(
        (a, b) => (demand.active.get(a.id) ?? 0) - (demand.active.get(b.id) ?? 0) || b.index - a.index,
      );
      for (const slot of idlest.slice(0, surplus)) orders.stop.push({ id: slot.id, cause: 'fewer pilots are wanted' });
      return;
    }
    // A draining pilot still occupies its slot; the next free index takes its place.
    let missing = -surplus;
    for (let index = 0; missing > 0; index++) {
      const slot = this.#slot('pilot', index);
      if (isAlive(slot)) continue;
      this.#want(orders, slot, demand.controlEndpoint, nowMs);
      missing -= 1;
    }
  }

  #hopeless(): Orders['hopeless'] {
    for (const slot of this.slots.values()) {
      if (slot.exit?.code === SERVER_LASTING && slot.scope !== 'pilot' && slot.state === 'Idle') {
        return { id: slot.id, scope: slot.scope, exit: slot.exit };
      }
      // Whoever sends SIGKILL from outside (a person, the kernel short of memory) is not the program's own fault.
      if (slot.failures >= FAILURES_MAX && slot.exit !== null && slot.exit.signal !== 'SIGKILL') {
        return { id: slot.id, scope: slot.scope, exit: slot.exit };
      }
    }
    return null;
  }
}

const isAlive = (slot: Slot): boolean => slot.state === 'Running' || slot.state === 'Stopping';

function isGoodEnd(slot: Slot, exit: Exit): boolean {
  if (exit.code === 0) return slot.scope !== 'rank';
  return slot.scope === 'pilot' && (exit.code === PILOT_DISMISSED || exit.code === PILOT_LOST_HEAD);
}
