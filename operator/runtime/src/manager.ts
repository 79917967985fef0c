// SPDX-License-Identifier: Apache-2.0
/**
 * Runs controllers: one cache a kind shared by all of them, one queue a controller, election, and an orderly end. The order at the start is
 * caches, then leadership, then work; at the end no new work, what runs is finished, then the lease is given back.
 */
import { Client } from './client.ts';
import type { Chance, Clock } from './clock.ts';
import { sleep } from './clock.ts';
import {
  feed,
  OWNER_INDEX,
  ownerIndexer,
  ownerKeys,
  ownKey,
  settle,
  type Context,
  type ControllerDeclaration,
  type Logger,
} from './controller.ts';
import { Election } from './election.ts';
import { RuntimeError } from './errors.ts';
import { EventRecorder } from './events.ts';
import { onlyAsLeader } from './gate.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { Kind, KubernetesObject } from './objects.ts';
import { ReconcileQueue } from './queue.ts';
import { Reflector, type ReflectorEvent, type ReflectorLimits } from './reflector.ts';
import { Store } from './store.ts';
import type { Transport } from './transport.ts';

export type ManagerOptions = {
  transport: Transport;
  clock: Clock;
  chance: Chance;
  log: Logger;
  metrics: RuntimeMetrics;
  fieldManager: string;
  /** Who we are, in events and leases. */
  identity: string;
  /** Namespaces to watch; empty = all. */
  namespaces?: readonly string[];
  election?: { namespace: string; name: string; leaseMs?: number; retryMs?: number };
  reflectorLimits?: Partial<ReflectorLimits>;
  /** Longest time that a running reconcile gets at the end. */
  stopSeconds?: number;
};

type AnyController = ControllerDeclaration<KubernetesObject>;
type Running = { declaration: AnyController; queue: ReconcileQueue };

const RESYNC_SECONDS = 36_000; // as controller-runtime: ten hours, only against what nobody foresaw

export class Manager {
  readonly #options: ManagerOptions;
  readonly #declarations: AnyController[] = [];
  readonly #stores = new Map<string, Store<KubernetesObject>>();
  readonly #reflectors: Promise<void>[] = [];
  readonly #running: Running[] = [];
  readonly #stop = new AbortController();
  readonly #writes: Transport;
  readonly #recorder: EventRecorder;
  #election: Election | null = null;
  #reconciles = 0;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#writes = onlyAsLeader(options.transport, () => this.isLeader);
    this.#recorder = new EventRecorder({
      transport: this.#writes,
      clock: options.clock,
      controller: options.fieldManager,
      instance: options.identity,
      onLost: (reason) => options.log.debug({ reason }, 'an event was not recorded'),
    });
  }

  /** Without election every replica leads. */
  get isLeader(): boolean {
    return this.#options.election === undefined || (this.#election?.holds() ?? false);
  }
  get isReady(): boolean {
    return this.#stores.size > 0 && [...this.#stores.values()].every((store) => store.hasSynced);
  }

  add<T extends KubernetesObject>(declaration: ControllerDeclaration<T>): this {
    if (this.#running.length > 0)
      throw new RuntimeError(
        'STARTED',
        `${declaration.name} was added after the start`,
        'Add every controller before run().',
      );
    this.#declarations.push(declaration as unknown as AnyController);
    return this;
  }

  /** Runs until the signal is aborted and everything has ended in order. */
  async run(signal: AbortSignal): Promise<void> {
    const electionStop = new AbortController();
    for (const declaration of this.#declarations) this.#wire(declaration);
    const election = this.#elect(electionStop.signal);
    const workers = this.#running.flatMap((one) =>
      Array.from({ length: one.declaration.concurrency ?? 4 }, () => this.#work(one)),
    );
    const resyncs = this.#running.map((one) => this.#resync(one));
    await untilAborted(signal);
    this.#stop.abort();
    for (const { queue } of this.#running) queue.close();
    const limit = new AbortController();
    await Promise.race([
      Promise.all(workers),
      sleep(this.#options.clock, (this.#options.stopSeconds ?? 30) * 1000, limit.signal),
    ]);
    limit.abort();
    electionStop.abort();
    await Promise.all([election, ...resyncs, ...this.#reflectors]);
  }

  #elect(signal: AbortSignal): Promise<void> {
    const { election, transport, clock, chance, identity, log, metrics, fieldManager } = this.#options;
    if (election === undefined) return Promise.resolve();
    this.#election = new Election({
      ...election,
      transport,
      clock,
      chance,
      identity,
      onChange: (isLeader, reason) => {
        metrics.leader.set({ name: fieldManager }, isLeader ? 1 : 0);
        log.info({ isLeader, reason }, isLeader ? 'this replica leads' : 'this replica does not lead');
        if (isLeader) for (const one of this.#running) this.#addAll(one);
      },
    });
    return this.#election.run(signal);
  }

  #wire(declaration: AnyController): void {
    const { clock, metrics } = this.#options;
    const name = declaration.name;
    const queue = new ReconcileQueue({
      clock,
      onDepth: (depth) => metrics.queueDepth.set({ name }, depth),
      onWait: (seconds) => {
        metrics.queueAdds.inc({ name });
        metrics.queueSeconds.observe({ name }, seconds);
      },
    });
    metrics.maxWorkers.set({ controller: name }, declaration.concurrency ?? 4);
    const primary = this.storeFor(declaration.kind, declaration.labelSelector);
    for (const [index, of] of Object.entries(declaration.indexes ?? {})) primary.addIndex(index, of);
    feed(primary, queue, ownKey);
    for (const kind of declaration.owns ?? []) feed(this.storeFor(kind), queue, ownerKeys(declaration.kind));
    for (const watch of declaration.watches ?? []) {
      feed(this.storeFor(watch.kind, watch.labelSelector, watch.fieldSelector), queue, (object) =>
        watch.concerns(object, primary),
      );
    }
    this.#running.push({ declaration, queue });
  }

  /** The shared cache of a kind; made, and filled from now on, when it is first asked for. */
  storeFor<T extends KubernetesObject>(kind: Kind<T>, labelSelector?: string, fieldSelector?: string): Store<T> {
    const name = `${kind.plural}.${kind.group}`;
    const key = `${name}|${labelSelector ?? ''}|${fieldSelector ?? ''}`;
    const existing = this.#stores.get(key);
    if (existing !== undefined) return existing as unknown as Store<T>;
    const store = new Store<T>();
    store.addIndex(OWNER_INDEX, ownerIndexer);
    this.#stores.set(key, store as unknown as Store<KubernetesObject>);
    const namespaces = this.#options.namespaces?.length === 1 ? this.#options.namespaces : [undefined];
    for (const namespace of namespaces) {
      const reflector = new Reflector<T>({
        transport: this.#options.transport,
        store,
        kind,
        clock: this.#options.clock,
        chance: this.#options.chance,
        ...(namespace === undefined ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
        ...(this.#options.reflectorLimits === undefined ? {} : { limits: this.#options.reflectorLimits }),
        onEvent: (event) => this.#observe(name, store.size, event),
      });
      this.#reflectors.push(reflector.run(this.#stop.signal));
    }
    return store;
  }

  #observe(name: string, objects: number, event: ReflectorEvent): void {
    const { log, metrics } = this.#options;
    metrics.cacheObjects.set({ name }, objects);
    if (event.type === 'synced') {
      metrics.relists.inc({ name });
      // Keys that came before the last cache was complete have been dropped.
      if (this.#workable()) for (const one of this.#running) this.#addAll(one);
    }
    if (event.type === 'watchStarted') metrics.watches.inc({ name });
    if (event.type === 'failed')
      log.warn(
        { resource: name, error: String(event.error), retryMs: Math.round(event.retryMs) },
        'list or watch failed',
      );
    else log.debug({ resource: name, ...event }, 'reflector');
  }

  async #work(one: Running): Promise<void> {
    for (let key = await one.queue.take(); key !== null; key = await one.queue.take()) {
      if (this.#workable()) await this.#reconcile(one, key);
      one.queue.done(key);
    }
  }
  /** Before the caches are complete, and on replicas that do not lead, keys are dropped: becoming leader adds them all. */
  #workable(): boolean {
    return this.isReady && this.isLeader;
  }

  async #reconcile({ declaration, queue }: Running, key: string): Promise<void> {
    const { clock, metrics } = this.#options;
    const labels = { controller: declaration.name };
    const context = this.#context(declaration, key);
    const startedMs = clock.monotonicMs();
    metrics.activeWorkers.inc(labels);
    let ended: Parameters<typeof settle>[2];
    try {
      ended = { result: await declaration.reconcile(context) };
    } catch (error) {
      ended = { error };
    }
    metrics.activeWorkers.dec(labels);
    metrics.reconcileSeconds.observe(labels, (clock.monotonicMs() - startedMs) / 1000);
    const { outcome, retryMs } = settle(queue, key, ended);
    metrics.reconciles.inc({ ...labels, result: outcome });
    if (outcome === 'error') metrics.queueRetries.inc({ name: declaration.name });
    if (outcome === 'error' || outcome === 'terminal_error') {
      metrics.reconcileErrors.inc(labels);
      if (outcome === 'terminal_error') metrics.terminalErrors.inc(labels);
      const error = 'error' in ended ? ended.error : null;
      context.log.error(
        { error: error instanceof Error ? (error.stack ?? error.message) : String(error), retryMs },
        'reconcile failed',
      );
    }
  }

  #context(declaration: AnyController, key: string): Context<KubernetesObject> {
    const { clock, log, identity } = this.#options;
    this.#reconciles += 1;
    const reconcileId = `${identity}-${this.#reconciles}`;
    const facts = { controller: declaration.name, object: key, reconcileId };
    const object = this.storeFor(declaration.kind, declaration.labelSelector).get(key) ?? null;
    const withKind =
      object === null
        ? null
        : {
            ...object,
            apiVersion: `${declaration.kind.group === '' ? '' : `${declaration.kind.group}/`}${declaration.kind.version}`,
            kind: declaration.kind.kind,
          };
    const child = (level: keyof Logger) => (more: object, message: string) =>
      log[level]({ ...facts, ...more }, message);
    return {
      object: withKind,
      key,
      reconcileId,
      client: new Client({
        transport: this.#writes,
        fieldManager: this.#options.fieldManager,
        storeOf: (kind) => this.#stores.get(`${kind.plural}.${kind.group}||`),
      }),
      clock,
      log: { debug: child('debug'), info: child('info'), warn: child('warn'), error: child('error') },
      store: (kind) => this.storeFor(kind),
      owned: (kind) =>
        object?.metadata.uid === undefined ? [] : this.storeFor(kind).byIndex(OWNER_INDEX, object.metadata.uid),
      event: async (type, reason, note) =>
        withKind === null ? undefined : this.#recorder.record(declaration.kind, withKind, type, reason, note),
      signal: this.#stop.signal,
    };
  }

  #addAll({ declaration, queue }: Running): void {
    for (const key of this.storeFor(declaration.kind, declaration.labelSelector).keys()) queue.add(key, 'background');
  }
  async #resync(one: Running): Promise<void> {
    const seconds = one.declaration.resyncSeconds ?? RESYNC_SECONDS;
    if (seconds === 0) return;
    while (await sleep(this.#options.clock, seconds * 1000, this.#stop.signal)) this.#addAll(one);
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
