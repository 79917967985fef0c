// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps a Store equal to what the API server has: one full picture (streamed by WatchList where the server offers it, else a
 * consistent list in pages), then a watch from its version on. A watch that ends is resumed at the last version seen; only
 * an expired version costs a new picture, and the store keeps the old one until the new one is complete. Behaviours follow
 * client-go's Reflector; where they differ, it says so.
 */
import { Backoff, sleep, type Chance, type Clock } from './clock.ts';
import { ApiError } from './errors.ts';
import { pathOf, type Kind, type KubernetesObject } from './objects.ts';
import { projection, type Project } from './projection.ts';
import type { Store } from './store.ts';
import { readBody, refusal, sendJson, type ApiRequest, type Transport } from './transport.ts';
import { watchEvents, type WatchEvent } from './watch-stream.ts';

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
};

export const reflectorLimits: ReflectorLimits = {
  pageObjects: 500,
  watchSeconds: 300,
  inactivityMs: 90_000,
  requestMs: 60_000,
  backoffBaseMs: 800,
  backoffMaxMs: 30_000,
};

export type ReflectorEvent =
  | { type: 'synced'; objects: number; version: string; how: 'watchList' | 'list' }
  | { type: 'watchStarted'; version: string }
  | { type: 'watchEnded'; reason: string }
  | { type: 'relist'; reason: string }
  | { type: 'failed'; error: unknown; retryMs: number };

type List = { metadata?: { resourceVersion?: string; continue?: string }; items?: Record<string, unknown>[] };

/** Why a watch ended without an error: both are ordinary. */
class Ended extends Error {}
/** The version is too old for the server: a new picture is needed. */
class Expired extends Error {}

const initialEventsEnd = 'k8s.io/initial-events-end';

export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #limits: ReflectorLimits;
  readonly #project: Project<T>;
  readonly #backoff: Backoff;
  #version: string | null = null;
  #watchListOffered = true;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#limits = { ...reflectorLimits, ...options.limits };
    this.#project = projection<T>(options.kind.keep);
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
    this.#options.store.replace(pages.objects, pages.version);
    this.#version = pages.version;
    this.#tell({ type: 'synced', objects: pages.objects.length, version: pages.version, how: 'list' });
  }

  async #pages(signal: AbortSignal, limit: number): Promise<{ objects: T[]; version: string }> {
    const objects: T[] = [];
    let next = '';
    let version = '';
    do {
      const query: Record<string, string> = limit === 0 ? {} : { limit: String(limit) };
      if (next !== '') query['continue'] = next;
      const list = await sendJson<List>(this.#options.transport, this.#request(query, signal));
      for (const item of list.items ?? []) objects.push(this.#project(item));
      version = list.metadata?.resourceVersion ?? version;
      next = list.metadata?.continue ?? '';
    } while (next !== '');
    return { objects, version };
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
    const { clock, chance, transport } = this.#options;
    const seconds = Math.round(this.#limits.watchSeconds * (1 + chance()));
    const stop = new AbortController();
    const onOuter = () => stop.abort();
    outer.addEventListener('abort', onOuter, { once: true });
    const startedMs = clock.monotonicMs();
    let timer = { cancel: () => {} };
    let isDead = false;
    const alive = () => {
      timer.cancel();
      timer = clock.after(this.#limits.inactivityMs, () => {
        isDead = true;
        stop.abort();
      });
    };
    let initial = collected;
    let events = 0;
    try {
      alive();
      const request = this.#request(
        { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds), ...query },
        stop.signal,
      );
      const response = await transport.send(request);
      if (response.status !== 200) throw refusal(request, response, await readBody(response));
      this.#tell({ type: 'watchStarted', version: this.#version ?? '' });
      for await (const chunk of watchEvents(response.body)) {
        alive();
        for (const event of chunk) {
          events += 1;
          initial = this.#apply(event, initial);
        }
        if (events > 0) this.#backoff.reset();
      }
    } catch (error) {
      if (outer.aborted || !isDead) throw error;
      this.#tell({ type: 'watchEnded', reason: `nothing came for ${this.#limits.inactivityMs} ms` });
      throw new Ended();
    } finally {
      timer.cancel();
      outer.removeEventListener('abort', onOuter);
    }
    if (outer.aborted) return;
    this.#tell({ type: 'watchEnded', reason: 'the server ended it' });
    // A watch that ends at once and empty is a fault in disguise: back off as client-go's "very short watch".
    if (events === 0 && clock.monotonicMs() - startedMs < 1000)
      throw new ApiError({
        status: 503,
        reason: 'ShortWatch',
        message: 'a watch ended within a second and brought nothing',
        retryAfterSeconds: null,
        request: 'watch',
      });
    if (initial !== null)
      throw new ApiError({
        status: 503,
        reason: 'Truncated',
        message: 'the initial events ended before their bookmark',
        retryAfterSeconds: null,
        request: 'watch',
      });
    throw new Ended();
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
      initial.set(`${metadata.namespace ?? ''}/${metadata.name}`, object);
      return initial;
    }
    if (event.type === 'DELETED') this.#options.store.remove(object);
    else this.#options.store.offer(object);
    if (version !== undefined) this.#version = version;
    return null;
  }

  #bookmark(
    version: string | undefined,
    annotations: Record<string, string> | undefined,
    initial: Map<string, T> | null,
  ): Map<string, T> | null {
    if (version === undefined) return initial;
    if (initial === null) {
      this.#version = version;
      return null;
    }
    if (annotations?.[initialEventsEnd] !== 'true') return initial;
    this.#options.store.replace(initial.values(), version);
    this.#version = version;
    this.#tell({ type: 'synced', objects: initial.size, version, how: 'watchList' });
    return null;
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
