// SPDX-License-Identifier: Apache-2.0
/**
 * What the rank still has to tell the head. Reports of the engine are merged until one is sent, one is under way at a time,
 * and it is repeated until the head confirms it: no completion is lost with a connection or a head. What is received
 * but not folded is remembered, so that a restarted head can be told again. Pure.
 */
import type { Completion, EngineReport } from '@melissa/native';
import type { ControlBody } from '@melissa/protocol';

type Body = ControlBody<'RankProgress'>;

export class Progress {
  #completed: Completion[] = [];
  #active = new Map<number, EngineReport['active'][number]>();
  #faults: EngineReport['faults'] = [];
  #counters: EngineReport | null = null;
  #countersSent = -1;
  #sequence = 0;
  #received = new Map<number, Completion>();

  add(report: EngineReport): void {
    for (const item of report.completed) {
      this.#completed.push(item);
      if (item.state === 1) this.#received.set(item.simulation, item);
      else this.#received.delete(item.simulation);
    }
    for (const item of report.active) {
      this.#active.set(item.simulation, item);
      // A later attempt has opened: what an earlier one sent is either folded or gone.
      this.dropped(item.simulation, item.draw, item.attempt);
    }
    this.#faults.push(...report.faults);
    this.#counters = report;
  }
  /** Held blocks of attempts before this one were dropped. The order may come after the data of the attempt itself. */
  dropped(simulation: number, draw: number, attempt: number): void {
    const known = this.#received.get(simulation);
    if (known !== undefined && (known.draw < draw || (known.draw === draw && known.attempt < attempt)))
      this.#received.delete(simulation);
  }
  /** A head that has just started knows the folded ones from the hello; it is told the received ones again. */
  repeatReceived(): void {
    this.#completed.push(...this.#received.values());
    this.#countersSent = -1;
  }
  /** The next report, or null when there is nothing to say. */
  next(rssBytes: number): Body | null {
    const counters = this.#counters;
    if (counters === null) return null;
    const isNews = this.#completed.length + this.#active.size + this.#faults.length > 0;
    const total = counters.framesTotal + counters.foldedUnitsTotal + counters.connections;
    if (!isNews && total === this.#countersSent) return null;
    this.#sequence += 1;
    this.#countersSent = total;
    const body = {
      sequence: this.#sequence,
      completed: this.#completed,
      active: [...this.#active.values()],
      faults: this.#faults,
      framesTotal: counters.framesTotal,
      bytesTotal: counters.bytesTotal,
      foldedUnitsTotal: counters.foldedUnitsTotal,
      duplicatesTotal: counters.duplicatesTotal,
      refusedTotal: counters.refusedTotal,
      heldBytes: counters.heldBytes,
      connections: counters.connections,
      groupsFolded: counters.groupsFolded,
      foldSeconds: counters.foldSeconds,
      rssBytes,
    };
    this.#completed = [];
    this.#active = new Map();
    this.#faults = [];
    return body;
  }
}
