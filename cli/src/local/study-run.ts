// SPDX-License-Identifier: Apache-2.0
/**
 * Carries a study on one machine from its first process to its end: asks the head what should run, lets the reconciler
 * decide, has the backend do it, and tells a watcher what a person should see. Called by `melissa run` and `melissa
 * try`. It ends in one of four ways: the head says that everything is written, the head left by itself, somebody
 * interrupted, or a process ends again and again. In each of them nothing is left running when `run` returns.
 */
import { formatDuration, type Backend, type Clock } from '@melissa/kit';
import type { BackendDemand, Client, StudyStatus } from '@melissa/api';
import { Reconciler, slotId, type Demand, type Exit, type Orders } from './reconcile.ts';
import * as limits from '../limits.ts';

/** DIR/head.json, written by the head when both its sockets are open. */
export type HeadFile = { pid: number; epoch: number; control: string; http: string };

/** What the watcher is told: `status` at every look, `notice` when something happened that a person should know. */
export type Watcher = { status(status: StudyStatus, http: string): void; notice(text: string): void };

export type StudyRunOptions = {
  backend: Backend & { processId(id: string): number | null; close(): Promise<void> };
  clock: Clock;
  readHeadFile: () => HeadFile | null;
  connect: (http: string) => Client;
  /** The head is up: its addresses are kept over a restart. */
  headIsUp: (head: HeadFile) => void;
  /** Last lines of a process's log, for the reason of its end. */
  lastWords: (id: string) => string;
  watcher: Watcher;
  /** Whether the head has written its last word, status.json. */
  lastWordWritten: () => boolean;
  /** How long the finished study is still served. */
  keepMs: number;
  /** Called when everything is written and the head still answers. */
  beforeEnd?: (client: Client) => Promise<void>;
};

export type Outcome = {
  kind: 'finished' | 'interrupted' | 'hopeless';
  status: StudyStatus | null;
  /** For `hopeless`: which slot, how it ended, what it said last. */
  slot: string;
  exit: Exit | null;
  lastWords: string;
};

export class StudyRun {
  #options: StudyRunOptions;
  #reconciler = new Reconciler();
  #demand: Demand | null = null;
  #status: StudyStatus | null = null;
  #http = '';
  #control = '';
  #interrupts = 0;
  #wake: () => void = () => undefined;

  constructor(options: StudyRunOptions) {
    this.#options = options;
  }

  /** The first call lets the head write a last checkpoint; the second ends everything at once. */
  interrupt(): void {
    this.#interrupts += 1;
    if (this.#interrupts === 1)
      this.#options.watcher.notice('ending: the server writes a last checkpoint (once more ends everything at once)');
    else void this.#options.backend.close();
    this.#wake();
  }

  /** Called by the backend for every process that ended. */
  onEnded(id: string, exit: Exit): void {
    const verdict = this.#reconciler.ended(id, exit, this.#options.clock.monotonicMs());
    if (verdict === 'unexpected' && this.#interrupts === 0 && this.#demand?.finished !== true) {
      const again = id.startsWith('pilot') && this.#demand?.planFinished === true ? '' : '; starting it again';
      this.#options.watcher.notice(`${describeSlot(id)} ended (${describeExit(exit)})${again}`);
    }
    this.#wake();
  }

  async run(): Promise<Outcome> {
    for (;;) {
      if (this.#interrupts > 0) return this.#interrupted();
      await this.#lookAtHead();
      if (this.#headHasLeft()) return this.#finish();
      const orders = this.#reconciler.decide(this.#demand, this.#options.clock.monotonicMs());
      if (orders.hopeless !== null) return this.#hopeless(orders.hopeless);
      this.#carryOut(orders);
      if (this.#demand?.finished === true) return this.#finish();
      await this.#pause(this.#isStarting() ? limits.POLL_STARTING_MS : limits.POLL_PERIOD_MS);
    }
  }

  /** It wrote everything and exited 0 between two looks. */
  #headHasLeft(): boolean {
    return this.#reconciler.slots.get('head')?.state === 'Done';
  }

  async #lookAtHead(): Promise<void> {
    const { backend, clock, readHeadFile, connect, watcher } = this.#options;
    const pid = backend.processId('head');
    const head = pid === null ? null : readHeadFile();
    if (head === null || head.pid !== pid) {
      this.#http = '';
      const slot = this.#reconciler.slots.get('head')!;
      if (slot.state === 'Running' && clock.monotonicMs() - slot.startedMs > limits.HEAD_START_MS_MAX) {
        watcher.notice('the study server does not come up; replacing it');
        this.#stop('head', 0);
      }
      return;
    }
    if (this.#http !== head.http || this.#control !== head.control) {
      this.#http = head.http;
      this.#control = head.control;
      this.#options.headIsUp(head);
      if (this.#demand !== null) this.#demand = { ...this.#demand, controlEndpoint: head.control };
    }
    const client = connect(head.http);
    try {
      const [demand, status] = await Promise.all([client.backend(), client.status()]);
      this.#demand = demandOf(demand, head.control, this.#demand);
      this.#status = status;
      watcher.status(status, head.http);
    } catch {
      // A head that is busy or just died: its process is watched by the backend, and the last demand stays in force.
    }
  }

  #carryOut(orders: Orders): void {
    const { backend, clock } = this.#options;
    for (const { id, scope, index, endpoint } of orders.start) {
      this.#reconciler.started(id, endpoint, clock.monotonicMs());
      void backend.start(scope, [index]);
    }
    // A stopped pilot drains: the head knows how long its simulation may go on, and the pilot keeps that limit itself.
    for (const { id } of orders.stop) this.#stop(id, id.startsWith('pilot') ? 24 * 3600 : limits.RANK_STOP_SECONDS_MAX);
  }

  #stop(id: string, graceSeconds: number): void {
    this.#reconciler.stopping(id);
    void this.#options.backend.stop([id], graceSeconds);
  }

  #isStarting(): boolean {
    return this.#http === '' || this.#reconciler.running('pilot').length === 0;
  }

  /** Everything is written: pilots leave by themselves, then ranks and head are told to. */
  async #finish(): Promise<Outcome> {
    await this.#lastLook();
    if (!this.#headHasLeft()) await this.#waitFor('pilot', limits.FINISH_SECONDS_MAX);
    await this.#stopAll('pilot', limits.PILOT_STOP_SECONDS_MAX);
    await this.#stopAll('head', limits.HEAD_STOP_SECONDS_MAX);
    await this.#stopAll('rank', limits.RANK_STOP_SECONDS_MAX);
    await this.#options.backend.close();
    return this.#outcome(this.#interrupts > 1 ? 'interrupted' : 'finished');
  }

  async #lastLook(): Promise<void> {
    const { clock, connect, beforeEnd, keepMs, lastWordWritten, watcher } = this.#options;
    const isHere = (): boolean =>
      this.#http !== '' && this.#reconciler.running('head').length > 0 && this.#interrupts === 0;
    const waitWhile = async (condition: () => boolean, limitMs: number): Promise<void> => {
      const endMs = clock.monotonicMs() + limitMs;
      while (isHere() && condition() && clock.monotonicMs() < endMs) await this.#pause(limits.POLL_STARTING_MS);
    };
    await waitWhile(() => !lastWordWritten(), limits.LAST_WORD_MS_MAX);
    if (!isHere()) return;
    try {
      this.#status = await connect(this.#http).status();
      watcher.status(this.#status, this.#http);
      await beforeEnd?.(connect(this.#http));
    } catch {
      // A head that has nothing left to do may leave at any moment; what it wrote stays.
    }
    if (keepMs === 0) return;
    watcher.notice(
      `the study has ended; its results are served at ${this.#http} for ${formatDuration(keepMs / 1000)} (^C ends it)`,
    );
    await waitWhile(() => true, keepMs);
  }

  /** Pilots first: they give back what they were running, uncharged, so that the last checkpoint owes nothing to anybody. */
  async #interrupted(): Promise<Outcome> {
    await this.#stopAll('pilot', limits.PILOT_STOP_SECONDS_MAX);
    await this.#stopAll('head', limits.HEAD_STOP_SECONDS_MAX);
    await this.#stopAll('rank', limits.RANK_STOP_SECONDS_MAX);
    await this.#options.backend.close();
    return this.#outcome('interrupted');
  }

  async #hopeless({ id, exit }: { id: string; exit: Exit }): Promise<Outcome> {
    const lastWords = this.#options.lastWords(id);
    await this.#interrupted();
    return { ...this.#outcome('hopeless'), slot: id, exit, lastWords };
  }

  #outcome(kind: Outcome['kind']): Outcome {
    return { kind, status: this.#status, slot: '', exit: null, lastWords: '' };
  }

  async #stopAll(scope: 'head' | 'rank' | 'pilot', graceSeconds: number): Promise<void> {
    const ids = this.#reconciler.running(scope).map((slot) => slot.id);
    for (const id of ids) this.#reconciler.stopping(id);
    await this.#options.backend.stop(ids, graceSeconds);
  }

  async #waitFor(scope: 'pilot', seconds: number): Promise<void> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + seconds * 1000;
    while (this.#reconciler.running(scope).length > 0 && clock.monotonicMs() < endMs && this.#interrupts === 0) {
      await this.#pause(endMs - clock.monotonicMs());
    }
  }

  /** Waits until the time is over, a process ended, or somebody interrupted. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** A head that has just restarted may not know yet that the plan was finished; it never becomes unfinished again. */
function demandOf(demand: BackendDemand, controlEndpoint: string, before: Demand | null): Demand {
  return {
    desiredPilots: demand.desiredPilots,
    desiredRanks: demand.desiredRanks,
    controlEndpoint,
    planFinished: demand.planFinished,
    finished: demand.finished || before?.finished === true,
    active: new Map(demand.pilots.map(({ pilot, active }) => [pilot, active])),
  };
}

export function describeSlot(id: string): string {
  if (id === slotId('head', 0)) return 'the study server (head)';
  return id.replace('-', ' ');
}

export function describeExit(exit: Exit): string {
  if (exit.signal !== null) return exit.code === 127 ? exit.signal : `signal ${exit.signal}`;
  return `exit code ${exit.code}`;
}
