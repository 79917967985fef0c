// SPDX-License-Identifier: Apache-2.0
/**
 * Runs controllers: one cache a kind shared by all of them, one queue a controller, election, and an orderly end. The order at the start is
 * caches, then leadership, then work; at the end no new work, what runs is finished, then the lease is given back.
 */
import { AppliedMemory } from './applied.ts';
import { Client } from './client.ts';
import type { Chance, Clock } from './clock.ts';
import { sleep } from './clock.ts';
import {
  after,
  done,
  feed,
  OWNER_INDEX,
  ownerIndexer,
  ownerKeys,
  ownKey,
  settle,
  type Context,
  type ControllerDeclaration,
  type Logger,
  type Result,
} from './controller.ts';
import { Election } from './election.ts';
import { ApiError, RuntimeError } from './errors.ts';
import { EventRecorder } from './events.ts';
import { onlyAsLeader, rateLimited, type RateLimits } from './gate.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { apiVersionOf, keyOf, type Kind, type KubernetesObject } from './objects.ts';
import { ReconcileQueue } from './queue.ts';
import { Reflector, type ReflectorEvent, type ReflectorLimits } from './reflector.ts';
import { Store } from './store.ts';
import type { Transport } from './transport.ts';

export type ManagerOptions = {
  /** The wire itself: limits and the leader's gate are put before it here. */
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
  rate?: Partial<RateLimits>;
  reflectorLimits?: Partial<ReflectorLimits>;
  /** Longest time that a running reconcile gets at the end. */
  stopSeconds?: number;
};

type AnyController = ControllerDeclaration<KubernetesObject>;
/** One queue and what is done with its keys: a controller's reconcile, or one of its timers. */
type Running = {
  name: string;
  declaration: AnyController;
  queue: ReconcileQueue;
  /** Keys that came while the caches were incomplete or another replica led. */
  parked: Set<string>;
  handle: (context: Context<KubernetesObject>) => Promise<Result>;
};

const RESYNC_SECONDS = 36_000; // as controller-runtime: ten hours, only against what nobody foresaw

export class Manager {
  readonly #options: ManagerOptions;
  readonly #declarations: AnyController[] = [];
  readonly #stores = new Map<string, Store<KubernetesObject>>();
  readonly #reflectors: Promise<void>[] = [];
  readonly #running: Running[] = [];
  readonly #stop = new AbortController();
  readonly #transport: Transport;
  readonly #recorder: EventRecorder;
  readonly #client: Client;
  #election: Election | null = null;
  #reconciles = 0;

  constructor(options: ManagerOptions) {
    this.#options = options;
    // The leader's gate is the last thing before the wire: a write that waited for its turn, or that an overloaded server sent
    // back, is checked again. The election passes both by: a renewal must not stand in a queue.
    const gated = onlyAsLeader(options.transport, () => this.isLeader);
    this.#transport = rateLimited(gated, options.clock, options.chance, options.rate);
    this.#recorder = new EventRecorder({
      transport: this.#transport,
      clock: options.clock,
      controller: options.fieldManager,
      instance: options.identity,
      onLost: (reason) => options.log.debug({ reason }, 'an event was not recorded'),
    });
    this.#client = new Client({
      transport: this.#transport,
      fieldManager: options.fieldManager,
      storeOf: (kind) => this.#stores.get(nameOfStore(kind)),
      applied: new AppliedMemory(),
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
      Array.from({ length: one.handle === one.declaration.reconcile ? (one.declaration.concurrency ?? 4) : 1 }, () =>
        this.#work(one),
      ),
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
      },
      // After every renewal: a lease that lapsed for a moment may have parked a key without anybody noticing a change.
      onRenewed: () => this.#unpark(),
    });
    return this.#election.run(signal);
  }

  #wire(declaration: AnyController): void {
    const { metrics } = this.#options;
    const { name, kind, reconcile } = declaration;
    metrics.maxWorkers.set({ controller: name }, declaration.concurrency ?? 4);
    const queue = this.#queue(name);
    const primary = this.storeFor(kind, declaration.labelSelector);
    for (const [index, of] of Object.entries(declaration.indexes ?? {})) primary.addIndex(index, this.#safe(name, of));
    feed(primary, queue, ownKey);
    for (const owned of declaration.owns ?? []) feed(this.storeFor(owned), queue, ownerKeys(kind));
    for (const watch of declaration.watches ?? []) {
      const concerns = this.#safe(name, (object: KubernetesObject) => watch.concerns(object, primary));
      feed(this.storeFor(watch.kind, watch.labelSelector, watch.fieldSelector), queue, concerns);
    }
    this.#running.push({ name, declaration, queue, parked: new Set(), handle: reconcile });
    for (const timer of declaration.timers ?? []) {
      const own = this.#queue(`${name}/${timer.name}`);
      // Changes do not hurry a timer: only an object that is new to the cache starts one.
      primary.subscribe(({ type, object, initial }) => {
        if (type === 'Added')
          own.addAfter(keyOf(object), (timer.firstAfterSeconds ?? 0) * 1000, initial ? 'background' : 'live');
      });
      const handle = async (context: Context<KubernetesObject>) => {
        if (context.object === null) return done;
        await timer.run(context);
        return after(timer.everySeconds);
      };
      this.#running.push({ name: `${name}/${timer.name}`, declaration, queue: own, parked: new Set(), handle });
    }
  }

  #queue(name: string): ReconcileQueue {
    const { clock, metrics } = this.#options;
    return new ReconcileQueue({
      clock,
      onAdd: () => metrics.queueAdds.inc({ name }),
      onDepth: (depth) => metrics.queueDepth.set({ name }, depth),
      onWait: (seconds) => metrics.queueSeconds.observe({ name }, seconds),
    });
  }

  /** A function of the user's that throws concerns nothing, and does not stop the cache. */
  #safe<A extends unknown[]>(controller: string, of: (...args: A) => readonly string[]) {
    return (...args: A): readonly string[] => {
      try {
        return of(...args);
      } catch (error) {
        this.#options.log.error({ controller, error: String(error) }, 'an index or watch function failed');
        return [];
      }
    };
  }

  /** The shared cache of a kind; made, and filled from now on, when it is first asked for. */
  storeFor<T extends KubernetesObject>(
    kind: Kind<T>,
    labelSelector: string | undefined = kind.labelSelector,
    fieldSelector: string | undefined = kind.fieldSelector,
  ): Store<T> {
    const key = nameOfStore(kind, labelSelector, fieldSelector);
    const name = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
    const existing = this.#stores.get(key);
    if (existing !== undefined) return existing as unknown as Store<T>;
    const { namespaces = [] } = this.#options;
    const scopes = namespaces.length > 0 && kind.namespaced ? [...new Set(namespaces)] : [undefined];
    const store = new Store<T>(scopes);
    store.addIndex(OWNER_INDEX, ownerIndexer);
    this.#stores.set(key, store as unknown as Store<KubernetesObject>);
    for (const namespace of scopes) {
      const reflector = new Reflector<T>({
        transport: this.#transport,
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
      this.#unpark();
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
      else one.parked.add(key);
      one.queue.done(key);
    }
  }
  /** Caches first, then leadership, then work. */
  #workable(): boolean {
    return this.isReady && this.isLeader;
  }
  #unpark(): void {
    if (!this.#workable()) return;
    for (const { queue, parked } of this.#running) {
      for (const key of parked) queue.add(key, 'background');
      parked.clear();
    }
  }

  async #reconcile({ name, declaration, queue, parked, handle }: Running, key: string): Promise<void> {
    const { clock, metrics } = this.#options;
    const labels = { controller: name };
    const context = this.#context(name, declaration, key);
    const startedMs = clock.monotonicMs();
    metrics.activeWorkers.inc(labels);
    let ended: Parameters<typeof settle>[2];
    try {
      ended = { result: await handle(context) };
    } catch (error) {
      ended = { error };
    }
    metrics.activeWorkers.dec(labels);
    metrics.reconcileSeconds.observe(labels, (clock.monotonicMs() - startedMs) / 1000);
    const { outcome, retryMs } = settle(queue, key, ended);
    metrics.reconciles.inc({ ...labels, result: outcome });
    if (outcome === 'not_leader') parked.add(key);
    if (outcome === 'error') metrics.queueRetries.inc({ name });
    if (outcome === 'error' || outcome === 'terminal_error') {
      metrics.reconcileErrors.inc(labels);
      if (outcome === 'terminal_error') metrics.terminalErrors.inc(labels);
      const error = 'error' in ended ? ended.error : null;
      // A conflict is the ordinary way to learn that somebody else wrote.
      context.log[error instanceof ApiError && error.isConflict ? 'debug' : 'error'](
        { error: error instanceof Error ? (error.stack ?? error.message) : String(error), retryMs },
        'reconcile failed',
      );
    }
  }

  #context(name: string, declaration: AnyController, key: string): Context<KubernetesObject> {
    const { clock, log, identity } = this.#options;
    this.#reconciles += 1;
    const reconcileId = `${identity}-${this.#reconciles}`;
    const facts = { controller: name, object: key, reconcileId };
    const object = this.storeFor(declaration.kind, declaration.labelSelector).get(key) ?? null;
    const { kind } = declaration;
    // Objects of a list carry neither; owner references and events need both.
    const withKind = object === null ? null : { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
    const child = (level: keyof Logger) => (more: object, message: string) =>
      log[level]({ ...facts, ...more }, message);
    return {
      object: withKind,
      key,
      reconcileId,
      client: this.#client,
      clock,
      log: { debug: child('debug'), info: child('info'), warn: child('warn'), error: child('error') },
      store: (of) => this.#declared(of),
      owned: (of) =>
        object?.metadata.uid === undefined ? [] : this.#declared(of).byIndex(OWNER_INDEX, object.metadata.uid),
      event: async (type, reason, note) =>
        withKind === null ? undefined : this.#recorder.record(kind, withKind, type, reason, note),
      signal: this.#stop.signal,
    };
  }

  /** A cache that a handler asks for must have been declared: filling one in the middle of a reconcile would show it empty. */
  #declared<T extends KubernetesObject>(kind: Kind<T>): Store<T> {
    const store = this.#stores.get(nameOfStore(kind));
    if (store !== undefined) return store as unknown as Store<T>;
    throw new RuntimeError(
      'UNDECLARED',
      `no controller owns or watches ${kind.plural}`,
      'Name the kind under owns or watches, without a selector.',
    );
  }
  #addAll({ declaration, queue }: Running): void {
    for (const key of this.storeFor(declaration.kind, declaration.labelSelector).keys()) queue.add(key, 'background');
  }
  async #resync(one: Running): Promise<void> {
    const seconds = one.declaration.resyncSeconds ?? RESYNC_SECONDS;
    if (seconds === 0 || one.handle !== one.declaration.reconcile) return;
    while (await sleep(this.#options.clock, seconds * 1000, this.#stop.signal)) this.#addAll(one);
  }
}

const nameOfStore = (
  kind: Kind,
  labelSelector = kind.labelSelector ?? '',
  fieldSelector = kind.fieldSelector ?? '',
): string => `${apiVersionOf(kind)}/${kind.plural}|${labelSelector}|${fieldSelector}`;

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
