// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps a Store equal to what the API server has: one full picture (streamed by WatchList where the server offers it, else a
 * consistent list in pages), then a watch from its version on. A watch that ends is resumed at the last version seen; only
 * an expired version costs a new picture, and the store keeps the old one until the new one is complete. Behaviours follow
 * client-go's Reflector; where they differ, it says so.
 */
import { Backoff, sleep, type Chance, type Clock } from './clock.ts';
import { ApiError } from './errors.ts';
import { compareVersions, keyOf, pathOf, type Kind, type KubernetesObject } from './objects.ts';
import { projection, readBy, type Project } from './projection.ts';
import type { Store } from './store.ts';
import { readBody, refusal, sendJson, type ApiRequest, type Transport } from './transport.ts';
import { differences, type Version } from './verification.ts';
import { keptEvents, watchEvents, wholeEvents, type ReadEvent, type WatchEvent } from './watch-stream.ts';

export type ReflectorOptions<T extends KubernetesObject> = {
  transport: Transport;
  store: Store<T>;
  kind: Kind<T>;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  clock: Clock;
  chance: Chance;
  limits?: Partial<ReflectorLimits>;
  onEvent?: (event: ReflectorEvent) => void;
};

export type ReflectorLimits = {
  /** Objects a page of a list. */
  pageObjects: number;
  /** Least time that a watch is asked to last; a random share of as much again is added, so that watches do not all end together. */
  watchSeconds: number;
  /** A watch that brings not even a bookmark for this long is dead, whatever TCP thinks. The server sends one a minute. */
  inactivityMs: number;
  requestMs: number;
  backoffBaseMs: number;
  backoffMaxMs: number;
  /** How often the cache is compared with a list of metadata; 0 never. */
  verifySeconds: number;
  /** How long a difference must last to count: the watch may lag behind the list. */
  verifyGraceMs: number;
};

export const reflectorLimits: ReflectorLimits = {
  pageObjects: 500,
  watchSeconds: 300,
  inactivityMs: 90_000,
  requestMs: 60_000,
  backoffBaseMs: 800,
  backoffMaxMs: 30_000,
  verifySeconds: 1_800,
  verifyGraceMs: 10_000,
};

export type ReflectorEvent =
  | { type: 'synced'; objects: number; version: string; how: 'watchList' | 'list'; isRestored: boolean }
  | { type: 'watchStarted'; version: string }
  | { type: 'watchEnded'; reason: string }
  | { type: 'relist'; reason: string }
  | { type: 'verified'; objects: number }
  | { type: 'unverified'; error: unknown }
  | { type: 'failed'; error: unknown; retryMs: number };

type List = { metadata?: { resourceVersion?: string; continue?: string }; items?: Record<string, unknown>[] };

/** Why a watch ended without an error: both are ordinary. */
class Ended extends Error {}
/** The reason given to a stream that is stopped; without one, every stop would make an exception with its stack. */
const stopped = 'stopped';
/** The version is too old for the server: a new picture is needed. */
class Expired extends Error {}

const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const initialEventsEnd = 'k8s.io/initial-events-end';

export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #limits: ReflectorLimits;
  readonly #project: Project<T>;
  readonly #readEvent: ReadEvent;
  readonly #backoff: Backoff;
  #version: string | null = null;
  /** The highest version ever read, also before a relist. */
  #highest: string | null = null;
  #watchListOffered = true;
  /** Set from outside the watch: why a new picture is needed. */
  #doubt: string | null = null;
  #endStream: (() => void) | null = null;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#limits = { ...reflectorLimits, ...options.limits };
    this.#project = projection<T>(options.kind.keep);
    const kept = readBy(options.kind.keep);
    this.#readEvent = kept === null ? wholeEvents : keptEvents(kept);
    this.#backoff = new Backoff(
      { baseMs: this.#limits.backoffBaseMs, maxMs: this.#limits.backoffMaxMs, factor: 2 },
      options.chance,
    );
  }

  /** The version up to which the store is complete; null before the first picture. */
  get version(): string | null {
    return this.#version;
  }

  /** Runs until the signal is aborted. Never throws: every failure is told to onEvent and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#follow(signal), this.#verify(signal)]);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === null) await this.#picture(signal);
        else await this.#watch(signal);
        this.#backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        await this.#afterFailure(error, signal);
      }
    }
  }

  async #afterFailure(error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof Ended) return; // resume at once: the server or a limit of ours ended a healthy watch
    if (error instanceof Expired || (error instanceof ApiError && error.isExpired)) {
      this.#tell({ type: 'relist', reason: error.message });
      this.#version = null;
      // The first relist goes at once; a server that answers 410 again and again is not hammered.
      if (this.#backoff.failures === 0) return void this.#backoff.nextMs();
    }
    const named = error instanceof ApiError && error.retryAfterSeconds !== null ? error.retryAfterSeconds * 1000 : 0;
    const retryMs = Math.max(this.#backoff.nextMs(), named);
    this.#tell({ type: 'failed', error, retryMs });
    await sleep(this.#options.clock, retryMs, signal);
  }

  async #picture(signal: AbortSignal): Promise<void> {
    if (this.#watchListOffered) {
      try {
        return await this.#watchList(signal);
      } catch (error) {
        // Servers before 1.34, and some proxies, refuse the parameters; then it is never tried again.
        if (!(error instanceof ApiError) || (error.status !== 400 && error.status !== 422)) throw error;
        this.#watchListOffered = false;
      }
    }
    await this.#list(signal);
  }

  /** A consistent list in pages. When the continue token expires on the way, the list is taken again in one piece. */
  async #list(signal: AbortSignal): Promise<void> {
    let pages: { objects: T[]; version: string };
    try {
      pages = await this.#pages(signal, this.#limits.pageObjects);
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isExpired) throw error;
      pages = await this.#pages(signal, 0);
    }
    this.#pictured(pages.objects, pages.objects.length, pages.version, 'list');
  }

  /**
   * A consistent picture is never older than what was read before it was asked for, unless the server's history went back:
   * then etcd was restored from a backup, and what the cache held may never have happened.
   */
  #pictured(objects: Iterable<T>, count: number, version: string, how: 'watchList' | 'list'): void {
    const order = compareVersions(version, this.#highest ?? undefined);
    const isRestored = order !== null && order < 0;
    this.#options.store.replace(objects, version, { scope: this.#options.namespace, isRestored });
    this.#version = this.#highest = version;
    this.#tell({ type: 'synced', objects: count, version, how, isRestored });
  }

  async #verify(signal: AbortSignal): Promise<void> {
    const { clock, chance } = this.#options;
    const { verifySeconds } = this.#limits;
    if (verifySeconds === 0) return;
    while (await sleep(clock, verifySeconds * 1000 * (0.75 + chance() / 2), signal)) {
      if (this.#version === null) continue;
      try {
        await this.#verifyOnce(signal);
      } catch (error) {
        if (!signal.aborted) this.#tell({ type: 'unverified', error });
      }
    }
  }

  async #verifyOnce(signal: AbortSignal): Promise<void> {
    const { store, namespace, clock } = this.#options;
    const before = this.#version;
    const listed: Version[] = [];
    const each = (item: Record<string, unknown>) => {
      const object = item as unknown as KubernetesObject;
      const { namespace: within, resourceVersion } = object.metadata;
      listed.push({ key: keyOf(object), namespace: within, version: resourceVersion });
    };
    const version = await this.#eachPage(signal, this.#limits.pageObjects, each, metadataOnly);
    const order = compareVersions(version, before ?? undefined);
    if (order !== null && order < 0) return this.#relist(`the server is at ${version}, behind ${before}`);
    const find = () => differences(store as unknown as Store<KubernetesObject>, listed, version, namespace);
    const suspects = find();
    if (suspects.size > 0) {
      if (!(await sleep(clock, this.#limits.verifyGraceMs, signal))) return;
      const left = [...find()].filter((key) => suspects.has(key));
      if (left.length > 0) return this.#relist(`${left.length} objects differ from the server, such as ${left[0]}`);
    }
    this.#tell({ type: 'verified', objects: listed.length });
  }

  #relist(reason: string): void {
    this.#doubt = reason;
    this.#endStream?.();
  }

  async #pages(signal: AbortSignal, limit: number): Promise<{ objects: T[]; version: string }> {
    const objects: T[] = [];
    const version = await this.#eachPage(signal, limit, (item) => objects.push(this.#project(item)));
    return { objects, version };
  }

  /** Returns the version of the list. */
  async #eachPage(
    signal: AbortSignal,
    limit: number,
    each: (item: Record<string, unknown>) => void,
    accept?: string,
  ): Promise<string> {
    let next = '';
    let version = '';
    do {
      const query: Record<string, string> = limit === 0 ? {} : { limit: String(limit) };
      if (next !== '') query['continue'] = next;
      const request = this.#request(query, signal);
      const list = await sendJson<List>(
        this.#options.transport,
        accept === undefined ? request : { ...request, accept },
      );
      for (const item of list.items ?? []) each(item);
      version = list.metadata?.resourceVersion ?? version;
      next = list.metadata?.continue ?? '';
    } while (next !== '');
    return version;
  }

  /** The picture and the watch in one request: the objects come as events, a bookmark says that they were all. */
  async #watchList(signal: AbortSignal): Promise<void> {
    const collected = new Map<string, T>();
    await this.#stream({ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }, signal, collected);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    await this.#stream({ resourceVersion: this.#version! }, signal, null);
  }

  async #stream(query: Record<string, string>, outer: AbortSignal, collected: Map<string, T> | null): Promise<void> {
    const { clock, chance } = this.#options;
    const seconds = Math.round(this.#limits.watchSeconds * (1 + chance()));
    const stop = new AbortController();
    const end = () => stop.abort(stopped);
    outer.addEventListener('abort', end, { once: true });
    this.#endStream = end;
    let isSilent = false;
    let heardMs = clock.monotonicMs();
    const alive = () => void (heardMs = clock.monotonicMs());
    // One timer that looks again costs less than one that begins anew with each of thousands of chunks a second.
    const listen = (delayMs: number): { cancel: () => void } =>
      clock.after(delayMs, () => {
        const leftMs = heardMs + this.#limits.inactivityMs - clock.monotonicMs();
        if (leftMs > 0) return void (timer = listen(leftMs));
        isSilent = true;
        stop.abort(stopped);
      });
    let timer = listen(this.#limits.inactivityMs);
    const startedMs = clock.monotonicMs();
    try {
      const parameters = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds), ...query };
      const read = await this.#read(this.#request(parameters, stop.signal), collected, alive);
      if (outer.aborted) return;
      if (this.#doubt === null) this.#judgeEnd(read, clock.monotonicMs() - startedMs);
    } catch (error) {
      if (outer.aborted || (!isSilent && this.#doubt === null)) throw error;
    } finally {
      timer.cancel();
      this.#endStream = null;
      outer.removeEventListener('abort', end);
    }
    const doubt = this.#doubt;
    this.#doubt = null;
    if (doubt !== null) throw new Expired(doubt);
    const reason = isSilent ? `nothing came for ${this.#limits.inactivityMs} ms` : 'the server ended it';
    this.#tell({ type: 'watchEnded', reason });
    throw new Ended();
  }

  /** Sends the watch and applies what it brings, until it ends. */
  async #read(
    request: ApiRequest,
    collected: Map<string, T> | null,
    alive: () => void,
  ): Promise<{ events: number; isInitial: boolean }> {
    let initial = collected;
    let events = 0;
    alive();
    const response = await this.#options.transport.send(request);
    if (response.status !== 200) throw refusal(request, response, await readBody(response));
    this.#tell({ type: 'watchStarted', version: this.#version ?? '' });
    for await (const chunk of watchEvents(response.body, this.#readEvent, response.ownsChunks === true)) {
      alive();
      for (const event of chunk) {
        if (this.#doubt !== null) break;
        events += 1;
        initial = this.#apply(event, initial);
      }
      if (events > 0) this.#backoff.reset();
    }
    return { events, isInitial: initial !== null };
  }

  /** A watch that ends at once and empty is a fault in disguise: back off, as client-go does at a "very short watch". */
  #judgeEnd({ events, isInitial }: { events: number; isInitial: boolean }, lastedMs: number): void {
    const failed = (reason: string, message: string) =>
      new ApiError({ status: 503, reason, message, retryAfterSeconds: null, request: 'watch' });
    if (isInitial) throw failed('Truncated', 'the initial events ended before their bookmark');
    if (events === 0 && lastedMs < 1000)
      throw failed('ShortWatch', 'a watch ended within a second and brought nothing');
  }

  /** Returns the collection of initial events while they last, null afterwards. */
  #apply(event: WatchEvent, initial: Map<string, T> | null): Map<string, T> | null {
    if (event.type === 'ERROR') throw this.#errorOf(event.object);
    const metadata = event.object['metadata'] as
      { resourceVersion?: string; name?: string; namespace?: string; annotations?: Record<string, string> } | undefined;
    const version = metadata?.resourceVersion;
    if (event.type === 'BOOKMARK') return this.#bookmark(version, metadata?.annotations, initial);
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED' && event.type !== 'DELETED') return initial;
    if (metadata?.name === undefined) return initial;
    const object = this.#project(event.object);
    if (initial !== null) {
      // Changes during the picture come as events too: a deletion then takes away what an earlier event brought.
      const held = initial.get(keyOf(object))?.metadata.resourceVersion;
      if ((compareVersions(version, held) ?? 1) < 0) return initial;
      if (event.type === 'DELETED') initial.delete(keyOf(object));
      else initial.set(keyOf(object), object);
      return initial;
    }
    if (event.type === 'DELETED') this.#options.store.remove(object);
    else this.#options.store.observe(object);
    if (version !== undefined) this.#progress(version);
    return null;
  }

  #bookmark(
    version: string | undefined,
    annotations: Record<string, string> | undefined,
    initial: Map<string, T> | null,
  ): Map<string, T> | null {
    if (version === undefined) return initial;
    if (initial === null) {
      this.#progress(version);
      return null;
    }
    if (annotations?.[initialEventsEnd] !== 'true') return initial;
    this.#pictured(initial.values(), initial.size, version, 'watchList');
    initial.clear(); // those who wait for the end of the watch hold it too
    return null;
  }

  /** Never back: an event that came twice, late or out of order must not make the watch begin again before it. */
  #progress(version: string): void {
    const order = compareVersions(version, this.#version ?? undefined);
    if (order !== null && order <= 0) return;
    this.#version = this.#highest = version;
    this.#options.store.progressed(version, this.#options.namespace);
  }

  #errorOf(status: Record<string, unknown>): Error {
    const code = Number(status['code']);
    const message = String(status['message'] ?? 'the watch reported an error');
    if (code === 410) return new Expired(message);
    const retryAfterSeconds = Number(
      (status['details'] as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds ?? NaN,
    );
    return new ApiError({
      status: code,
      reason: String(status['reason'] ?? ''),
      message,
      retryAfterSeconds: Number.isFinite(retryAfterSeconds) ? retryAfterSeconds : null,
      request: 'watch',
    });
  }

  #request(query: Record<string, string>, signal: AbortSignal): ApiRequest {
    const { kind, namespace, labelSelector, fieldSelector } = this.#options;
    const selectors: Record<string, string> = {};
    if (labelSelector !== undefined) selectors['labelSelector'] = labelSelector;
    if (fieldSelector !== undefined) selectors['fieldSelector'] = fieldSelector;
    return {
      method: 'GET',
      path: pathOf(kind, namespace),
      query: { ...selectors, ...query },
      timeoutMs: this.#limits.requestMs,
      signal,
    };
  }
  #tell(event: ReflectorEvent): void {
    this.#options.onEvent?.(event);
  }
}
