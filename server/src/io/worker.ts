// SPDX-License-Identifier: Apache-2.0
/**
 * The head's side of the I/O worker: one thread that owns SQLite, pictures and result files, so that the head's event
 * loop never waits for a disk. The log is buffered here within a bound and sent in batches, one batch under way at a
 * time; a batch that fails (full disk) or is lost with a dying worker is sent again and adds nothing twice. Other
 * requests are refused when too many wait.
 */
import { Worker } from 'node:worker_threads';
import type { AttemptRecord, EventPage, EventQuery } from '@melissa/api';
import type { Attempt } from '../events/log-items.ts';
import { problem } from '../http/errors.ts';
import type { MapSummary } from '../results/map-summary.ts';
import type { Picture } from '../results/picture.ts';
import {
  writeResults,
  type ResultsFacts,
  type ResultsReport,
  type ResultsSink,
  type ResultsSource,
} from '../results/writer.ts';
import { LogBuffer, type BoundedEventLog, type LogLimits } from './worker-log.ts';
import type { Kind, Message, Reply, Requests, WorkerData } from './worker/messages.ts';

/** The log's: events and attempts that wait to be written, their rough size, a batch, the pause before a retry. */
export type IoWorkerLimits = LogLimits & {
  /** Requests other than the log that may wait for the worker. */
  requestsMax: number;
  /** Longest wait for the worker's start and for its orderly end. */
  startMs: number;
  closeMs: number;
};
export const ioWorkerLimits: IoWorkerLimits = {
  requestsMax: 64,
  logItemsMax: 16_384, // some 5 MB: seconds of the fastest study, while the disk recovers
  logBytesMax: 32 * 2 ** 20,
  batchItemsMax: 1024, // a transaction of some 10 ms
  retryMs: 1000,
  startMs: 30_000,
  closeMs: 10_000,
};
/** Between two tries of the results writer to read from busy ranks. */
const PAUSE_MS = 100;

export type IoWorkerOptions = {
  /** The study's directory; it exists. The log is `events.sqlite` in it, the results `results/`. */
  directory: string;
  limits?: Partial<IoWorkerLimits>;
  /** Called with a sentence when something goes wrong, and again with its end. */
  log?: (sentence: string) => void;
};

export interface IoWorker {
  readonly events: BoundedEventLog;
  recordAttempt(attempt: Attempt): void;
  queryEvents(query: EventQuery): Promise<EventPage>;
  attempts(simulation: number): Promise<AttemptRecord[]>;
  /** Takes the array: it is empty afterwards. */
  summarise(values: Float64Array): Promise<MapSummary>;
  /** Takes the values: they are empty afterwards. */
  renderPng(picture: Picture): Promise<Uint8Array>;
  /** Writes all results into a new folder and swaps it in; one at a time. */
  writeResults(source: ResultsSource, facts: ResultsFacts): Promise<ResultsReport>;
  /** Sentences for the study's status; empty when all is well. */
  degraded(): string[];
  close(): Promise<void>;
}

export async function createIoWorker(options: IoWorkerOptions): Promise<IoThread> {
  const thread = new IoThread(options);
  await thread.start();
  return thread;
}

type Pending = { kind: Kind; resolve: (answer: never) => void; reject: (cause: unknown) => void };

export class IoThread implements IoWorker, ResultsSink {
  readonly events: BoundedEventLog;
  #options: IoWorkerOptions;
  #limits: IoWorkerLimits;
  #worker: Worker | null = null;
  #isReady = false;
  #isClosing = false;
  #nextId = 1;
  #pending = new Map<number, Pending>();
  #log: LogBuffer;
  #timers = new Set<NodeJS.Timeout>();
  #troubles = new Map<string, string>();
  #restarts = 0;
  #writing: Promise<unknown> | null = null;

  constructor(options: IoWorkerOptions) {
    this.#options = options;
    this.#limits = { ...ioWorkerLimits, ...options.limits };
    this.#log = new LogBuffer({
      limits: this.#limits,
      send: (items) => (this.#isReady && !this.#isClosing ? this.#post('log', { items }) : null),
      after: (delayMs, callback) => this.#after(delayMs, callback),
      wallMs: () => Date.now(),
      trouble: (kind, sentence) => (sentence === null ? this.#clearTrouble(kind) : this.#trouble(kind, sentence)),
    });
    this.events = this.#log;
  }

  // ---- life of the thread ----

  async start(): Promise<void> {
    const url = new URL(`./worker/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
    const data: WorkerData = { directory: this.#options.directory };
    const worker = new Worker(url, { workerData: data, name: 'melissa-io' });
    this.#worker = worker;
    let reason = 'it ended by itself';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => void worker.terminate(), this.#limits.startMs);
      worker.on('message', (reply: Reply) => {
        if ('lastSequence' in reply) (clearTimeout(timer), this.#opened(reply.lastSequence), resolve());
        else this.#answered(reply);
      });
      worker.on('error', (cause) => (reason = cause instanceof Error ? cause.message : String(cause)));
      worker.on('exit', () => {
        clearTimeout(timer);
        reject(problem('EIOWORKER', reason));
        this.#ended(worker, reason);
      });
    });
  }
  #opened(lastSequence: number): void {
    this.#isReady = true;
    this.#clearTrouble('worker');
    this.#log.opened(lastSequence);
  }
  #ended(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    const wasReady = this.#isReady;
    this.#worker = null;
    this.#isReady = false;
    const cause = problem('EIOWORKER', reason, { retryable: true });
    for (const pending of this.#pending.values()) pending.reject(cause);
    this.#pending.clear();
    // A first start that fails is its caller's to report; only a worker that once lived is started again by itself.
    if (this.#isClosing || (!wasReady && this.#restarts === 0)) return;
    this.#trouble(
      'worker',
      `The I/O worker ended (${reason}); it is being started again. Event log, pictures and results wait for it.`,
    );
    this.#restarts += 1;
    const delayMs = Math.min(30_000, this.#limits.retryMs * 2 ** Math.min(5, this.#restarts - 1));
    this.#after(delayMs, () => void this.start().catch(() => undefined)); // `exit` has scheduled the next try
  }
  /** Ends the thread as a crash would; for tests. */
  crash(): void {
    void this.#worker?.terminate();
  }
  async close(): Promise<void> {
    if (this.#isClosing) return;
    await withLimit(this.#writing, this.#limits.closeMs);
    await withLimit(this.#log.flush(), this.#limits.closeMs);
    this.#isClosing = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    void this.request('close', null).catch(() => undefined);
    const isEnded = await withLimit(ended, this.#limits.closeMs);
    if (!isEnded) await worker.terminate();
  }

  // ---- requests ----

  /** Used by the results writer too, which keeps one request under way. */
  async request<K extends Kind>(
    kind: K,
    ask: Requests[K]['ask'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Requests[K]['answer']> {
    if (this.#worker === null || !this.#isReady) throw problem('EIOWORKER', 'it is being started', { retryable: true });
    if (this.#pending.size >= this.#limits.requestsMax && kind !== 'close')
      throw problem('EIOBUSY', '', { retryable: true });
    return await this.#post(kind, ask, transfer);
  }
  #post<K extends Kind>(
    kind: K,
    ask: Requests[K]['ask'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Requests[K]['answer']> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { kind, resolve, reject });
      this.#worker!.postMessage({ id, kind, ask } as Message, transfer);
    });
  }
  #answered(reply: Exclude<Reply, { lastSequence: number }>): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    this.#pending.delete(reply.id);
    if (reply.ok) pending.resolve(reply.answer as never);
    else
      pending.reject(
        problem(
          pending.kind === 'log' ? 'EEVENTLOG' : pending.kind.startsWith('results') ? 'ERESULTS' : 'EINTERNAL',
          reply.reason,
        ),
      );
  }

  // ---- what the others ask ----

  recordAttempt(attempt: Attempt): void {
    this.#log.appendAttempt(attempt);
  }
  async queryEvents(query: EventQuery): Promise<EventPage> {
    await this.#log.flush(); // what cannot be written now cannot be read either
    return await this.request('events', { query });
  }
  async attempts(simulation: number): Promise<AttemptRecord[]> {
    await this.#log.flush();
    return await this.request('attempts', { simulation });
  }
  async summarise(values: Float64Array): Promise<MapSummary> {
    const own = ownBuffer(values);
    return await this.request('summarise', { values: own }, [own.buffer as ArrayBuffer]);
  }
  async renderPng(picture: Picture): Promise<Uint8Array> {
    const own = ownBuffer(picture.values);
    return await this.request('picture', { picture: { ...picture, values: own } }, [own.buffer as ArrayBuffer]);
  }
  pause(): Promise<void> {
    return new Promise((resolve) => this.#after(PAUSE_MS, resolve));
  }
  async writeResults(source: ResultsSource, facts: ResultsFacts): Promise<ResultsReport> {
    while (this.#writing !== null) await this.#writing.catch(() => undefined);
    const work = writeResults(source, facts, this);
    this.#writing = work;
    try {
      const report = await work;
      this.#clearTrouble('results');
      return report;
    } catch (cause) {
      this.#trouble(
        'results',
        `The results were not written: ${cause instanceof Error ? cause.message : String(cause)}. Earlier results are kept.`,
      );
      throw cause;
    } finally {
      this.#writing = null;
    }
  }
  degraded(): string[] {
    return [...this.#troubles.values()];
  }
  #trouble(kind: string, sentence: string): void {
    if (this.#troubles.get(kind) === sentence) return;
    this.#troubles.set(kind, sentence);
    this.#options.log?.(sentence);
  }
  #clearTrouble(kind: string): void {
    if (this.#troubles.delete(kind)) this.#options.log?.(`The I/O worker's trouble is over (${kind}).`);
  }
  #after(delayMs: number, callback: () => void): void {
    const timer = setTimeout(() => (this.#timers.delete(timer), callback()), delayMs);
    this.#timers.add(timer);
  }
}

/** A buffer is handed over whole, so a view into a larger one is copied first. */
function ownBuffer(values: Float64Array): Float64Array {
  return values.byteLength === values.buffer.byteLength ? values : values.slice();
}

/** True when the work ended, well or not, within the limit. */
async function withLimit(work: Promise<unknown> | null, limitMs: number): Promise<boolean> {
  if (work === null) return true;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), limitMs)));
  const done = work.then(
    () => true,
    () => true,
  );
  const isDone = await Promise.race([done, limit]);
  clearTimeout(timer);
  return isDone;
}
