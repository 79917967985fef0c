// SPDX-License-Identifier: Apache-2.0
/**
 * An API server in memory, as a Transport: objects with versions and uids, lists in pages, watches with history, bookmarks and
 * initial events, server-side apply, merge patch, preconditions, finalizers. It has what controllers depend on and
 * nothing else: no schemas, no admission, no authorization. Served over real HTTP by `servedOverHttp`; that it answers as a
 * real API server does is checked by running the same operators on both.
 */
import type { Clock } from '../clock.ts';
import { RuntimeError } from '../errors.ts';
import { isEqual } from '../client.ts';
import type { KubernetesObject } from '../objects.ts';
import type { ApiRequest, ApiResponse, Transport } from '../transport.ts';
import { once } from './bodies.ts';
import { applyFields, leaves, mergePatch, type Json, type Owners } from './fake-fields.ts';

type Stored = { object: KubernetesObject & Json; owners: Owners };
type Event = { version: number; type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubernetesObject & Json };
type Target = {
  collection: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  apiVersion: string;
};
type Watcher = { target: Target; push: (line: string) => void; end: () => void };
export type Seen = { method: string; path: string; query: Record<string, string>; status: number; atMs: number };

export class Refused extends RuntimeError {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super('REFUSED', message, 'See the message.');
    this.status = status;
    this.reason = reason;
  }
}

export class FakeApi implements Transport {
  readonly #clock: Clock;
  #version = 1;
  #uids = 0;
  /** Below this a watch gets 410. */
  #compacted = 0;
  #collections = new Map<string, Map<string, Stored>>();
  #history = new Map<string, Event[]>();
  #watchers = new Set<Watcher>();
  #pages = new Map<string, { items: Json[]; version: number }>();
  readonly seen: Seen[] = [];
  /** Servers before 1.34 refuse the parameters of WatchList. */
  offersWatchList = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get version(): number {
    return this.#version;
  }
  close(): void {}

  async send(request: ApiRequest): Promise<ApiResponse> {
    const note = (status: number) =>
      void this.seen.push({
        method: request.method,
        path: request.path,
        query: request.query ?? {},
        status,
        atMs: this.#clock.monotonicMs(),
      });
    try {
      const target = parse(request.path);
      if (request.query?.['watch'] === 'true') {
        const response = this.#watch(target, request);
        note(response.status);
        return response;
      }
      const { status, body } = this.#answer(target, request);
      note(status);
      return { status, headers: {}, body: once(JSON.stringify(body)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      note(error.status);
      const { status: code, reason, message } = error;
      const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
      return { status: code, headers: {}, body: once(JSON.stringify(body)) };
    }
  }

  #answer(target: Target, request: ApiRequest): { status: number; body: unknown } {
    const body = request.body === undefined ? {} : (JSON.parse(request.body) as KubernetesObject & Json);
    switch (request.method) {
      case 'GET':
        return {
          status: 200,
          body: target.name === undefined ? this.#list(target, request) : this.#need(target).object,
        };
      case 'POST':
        return { status: 201, body: this.#create(target, body as KubernetesObject & Json, new Map()) };
      case 'PUT':
        return { status: 200, body: this.#put(target, body as KubernetesObject & Json) };
      case 'PATCH':
        return this.#patch(target, request, body as KubernetesObject & Json);
      case 'DELETE':
        return { status: 200, body: this.#delete(target, body) };
    }
  }

  /** As another client would: no field manager, no precondition. */
  put(path: string, object: KubernetesObject & Json): KubernetesObject & Json {
    const target = parse(path);
    const stored = this.#of(target).get(keyIn(target));
    if (stored === undefined) return this.#create({ ...target, name: undefined }, object, new Map());
    const { uid, resourceVersion: _version, ...rest } = stored.object.metadata;
    return this.#store(target, { ...object, metadata: { ...rest, ...object.metadata, uid: uid! } }, stored.owners);
  }
  remove(path: string): void {
    this.#delete(parse(path), {});
  }
  /** Objects of a collection, such as `/api/v1/pods`, by key. */
  objects(collection: string): Map<string, KubernetesObject & Json> {
    return new Map([...(this.#collections.get(collection) ?? [])].map(([key, { object }]) => [key, object]));
  }
  /** One object of a collection. */
  object(collection: string, key: string): (KubernetesObject & Json) | undefined {
    return this.#collections.get(collection)?.get(key)?.object;
  }
  /** Forgets history: watches from before get 410, pages too. */
  compact(): void {
    this.#compacted = this.#version;
    this.#pages.clear();
    for (const events of this.#history.values()) events.length = 0;
  }
  /** As etcd restored from a backup taken at `earlier`: versions go back, watches end. */
  snapshot(): () => void {
    const version = this.#version;
    const kept = structuredClone([...this.#collections].map(([name, all]) => [name, [...all]] as const));
    return () => {
      this.#version = version;
      this.#collections = new Map(kept.map(([name, all]) => [name, new Map(all)]));
      this.#history.clear();
      this.#compacted = version;
      this.endWatches();
    };
  }
  endWatches(): void {
    for (const watcher of this.#watchers) watcher.end();
  }
  /** Sends a bookmark to every watch. */
  bookmark(): void {
    for (const watcher of this.#watchers) watcher.push(bookmarkLine(this.#version, false));
  }
  get watches(): number {
    return this.#watchers.size;
  }

  #of(target: Target): Map<string, Stored> {
    let all = this.#collections.get(target.collection);
    if (all === undefined) this.#collections.set(target.collection, (all = new Map()));
    return all;
  }
  #need(target: Target): Stored {
    const stored = this.#of(target).get(keyIn(target));
    if (stored === undefined) throw new Refused(404, 'NotFound', `${target.collection} "${target.name}" not found`);
    return stored;
  }
  #selected(target: Target): (KubernetesObject & Json)[] {
    return [...this.#of(target).values()]
      .map(({ object }) => object)
      .filter((object) => target.namespace === undefined || object.metadata.namespace === target.namespace);
  }

  #list(target: Target, request: ApiRequest): Json {
    const token = request.query?.['continue'];
    const limit = Number(request.query?.['limit'] ?? 0);
    let from = { items: this.#selected(target) as Json[], version: this.#version };
    if (token !== undefined) {
      const page = this.#pages.get(token);
      if (page === undefined) throw new Refused(410, 'Expired', 'the continue token is too old');
      from = page;
    }
    const isCut = limit > 0 && from.items.length > limit;
    const rest = isCut ? `${from.version}-${this.#pages.size}` : undefined;
    if (rest !== undefined) this.#pages.set(rest, { items: from.items.slice(limit), version: from.version });
    const items = isCut ? from.items.slice(0, limit) : from.items;
    const metadata = { resourceVersion: String(from.version), ...(rest === undefined ? {} : { continue: rest }) };
    const isPartial = request.accept?.includes('PartialObjectMetadataList') === true;
    return {
      kind: 'List',
      apiVersion: target.apiVersion,
      metadata,
      items: isPartial ? items.map((item) => ({ metadata: item['metadata'] })) : items,
    };
  }

  #create(target: Target, object: KubernetesObject & Json, owners: Owners): KubernetesObject & Json {
    const namespace = target.namespace ?? object.metadata.namespace;
    const within = { ...target, namespace, name: object.metadata.name };
    if (this.#of(target).has(keyIn(within)))
      throw new Refused(409, 'AlreadyExists', `"${object.metadata.name}" already exists`);
    const { status: _status, ...rest } = object;
    const metadata = {
      ...object.metadata,
      ...(namespace === undefined ? {} : { namespace }),
      uid: `uid-${++this.#uids}`,
      creationTimestamp: new Date(this.#clock.wallMs()).toISOString(),
      generation: 1,
    };
    return this.#store(within, { ...rest, metadata } as KubernetesObject & Json, owners);
  }

  /** Writes the object and tells the watches; an object that nothing changed in keeps its version. */
  #store(target: Target, object: KubernetesObject & Json, owners: Owners): KubernetesObject & Json {
    const key = keyIn(target);
    const old = this.#of(target).get(key);
    if (old !== undefined && isEqual(withoutVersion(old.object), withoutVersion(object))) {
      old.owners = owners;
      return old.object;
    }
    // As of custom resources: everything but metadata and status counts.
    const isChanged = old !== undefined && !isEqual(contentOf(old.object), contentOf(object));
    const generation = (old?.object.metadata.generation ?? 1) + (isChanged ? 1 : 0);
    this.#version += 1;
    const metadata = { ...object.metadata, generation, resourceVersion: String(this.#version) };
    const next = { ...object, metadata } as KubernetesObject & Json;
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) {
      this.#of(target).delete(key);
      this.#tell(target, 'DELETED', next);
      return next;
    }
    this.#of(target).set(key, { object: next, owners });
    this.#tell(target, old === undefined ? 'ADDED' : 'MODIFIED', next);
    return next;
  }

  #put(target: Target, object: KubernetesObject & Json): KubernetesObject & Json {
    const { object: old, owners } = this.#need(target);
    check(old, object.metadata);
    return this.#store(
      target,
      this.#through(target, old, { ...object, metadata: { ...object.metadata, uid: old.metadata.uid! } }),
      owners,
    );
  }

  #patch(target: Target, request: ApiRequest, body: KubernetesObject & Json): { status: number; body: unknown } {
    if (request.contentType === 'application/merge-patch+json') {
      const { object: old, owners } = this.#need(target);
      check(old, body.metadata ?? {});
      const merged = mergePatch(old, body) as KubernetesObject & Json;
      return { status: 200, body: this.#store(target, this.#through(target, old, merged), owners) };
    }
    if (request.contentType !== 'application/apply-patch+yaml')
      throw new Refused(415, 'UnsupportedMediaType', 'merge or apply');
    const manager = `${request.query?.['fieldManager']}/${target.subresource ?? ''}`;
    const { name, namespace: _namespace, uid, resourceVersion: _version, ...metadata } = body.metadata;
    const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...fields } = body;
    const applied: Json = { ...fields, ...(Object.keys(metadata).length === 0 ? {} : { metadata }) };
    const stored = this.#of(target).get(keyIn(target));
    if (stored === undefined) {
      if (target.subresource !== undefined) throw new Refused(404, 'NotFound', `"${name}" not found`);
      if (uid !== undefined) throw new Refused(409, 'Conflict', `uid mismatch: no existing object was found`);
      return {
        status: 201,
        body: this.#create(target, withoutVersion(body), new Map([[manager, new Set(leaves(applied))]])),
      };
    }
    check(stored.object, body.metadata);
    const owners = new Map(stored.owners);
    const next = applyFields(stored.object, applied, manager, owners) as KubernetesObject & Json;
    return { status: 200, body: this.#store(target, this.#through(target, stored.object, next), owners) };
  }

  /** A subresource changes its part alone, and the object itself never its status. */
  #through(target: Target, old: Json, next: KubernetesObject & Json): KubernetesObject & Json {
    if (target.subresource === 'status')
      return { ...old, status: next['status'] } as unknown as KubernetesObject & Json;
    const { status: _status, ...rest } = next;
    return { ...rest, ...(old['status'] === undefined ? {} : { status: old['status'] }) } as KubernetesObject & Json;
  }

  #delete(target: Target, options: Json): unknown {
    const { object, owners } = this.#need(target);
    check(object, (options['preconditions'] as { uid?: string } | undefined) ?? {});
    if (object.metadata.deletionTimestamp !== undefined) return object;
    const metadata = { ...object.metadata, deletionTimestamp: new Date(this.#clock.wallMs()).toISOString() };
    const deleted = this.#store(target, { ...object, metadata }, owners);
    if ((metadata.finalizers ?? []).length > 0) return deleted;
    this.#collectOrphans(object.metadata.uid!);
    return { kind: 'Status', apiVersion: 'v1', status: 'Success', metadata: {} };
  }
  #collectOrphans(uid: string): void {
    for (const [collection, all] of this.#collections)
      for (const [key, { object }] of [...all])
        if (object.metadata.ownerReferences?.some((reference) => reference.uid === uid) === true)
          this.#delete({ ...splitIn(key), collection, subresource: undefined, apiVersion: '' }, {});
  }

  /** As the garbage collector does: objects go whose owners are all gone, also those that came after their owner went. */
  collectGarbage(): void {
    const living = new Set<string>();
    for (const all of this.#collections.values())
      for (const { object } of all.values()) living.add(object.metadata.uid!);
    for (const all of this.#collections.values())
      for (const { object } of [...all.values()]) {
        const owners = object.metadata.ownerReferences ?? [];
        const gone = owners.find((owner) => !living.has(owner.uid));
        if (gone !== undefined && owners.every((owner) => !living.has(owner.uid))) this.#collectOrphans(gone.uid);
      }
  }

  #tell(target: Target, type: Event['type'], object: KubernetesObject & Json): void {
    const events = this.#history.get(target.collection) ?? [];
    this.#history.set(target.collection, events);
    events.push({ version: this.#version, type, object });
    let text: string | null = null;
    for (const watcher of this.#watchers)
      if (concerns(watcher.target, target.collection, object)) watcher.push((text ??= line(type, object)));
  }

  #watch(target: Target, request: ApiRequest): ApiResponse {
    const { query = {} } = request;
    const isInitial = query['sendInitialEvents'] === 'true';
    if (isInitial && !this.offersWatchList)
      throw new Refused(422, 'Invalid', 'sendInitialEvents is forbidden for watch');
    const from = Number(query['resourceVersion'] ?? 0);
    if (!isInitial && from < this.#compacted) throw new Refused(410, 'Expired', `too old resource version: ${from}`);
    const stream = pushStream(request.signal);
    const watcher: Watcher = { target, push: stream.push, end: stream.end };
    if (isInitial) {
      for (const object of this.#selected(target)) stream.push(line('ADDED', object));
      stream.push(bookmarkLine(this.#version, true));
    } else {
      for (const event of this.#history.get(target.collection) ?? [])
        if (event.version > from && concerns(target, target.collection, event.object))
          stream.push(line(event.type, event.object));
    }
    this.#watchers.add(watcher);
    const timeout = this.#clock.after(Number(query['timeoutSeconds'] ?? 1800) * 1000, stream.end);
    const every = () => {
      stream.push(bookmarkLine(this.#version, false));
      bookmarks = this.#clock.after(60_000, every);
    };
    let bookmarks = this.#clock.after(60_000, every);
    stream.onEnd(() => {
      this.#watchers.delete(watcher);
      timeout.cancel();
      bookmarks.cancel();
    });
    return { status: 200, headers: {}, body: stream.body };
  }
}

const parsed = new Map<string, Target>();
function parse(path: string): Target {
  const known = parsed.get(path);
  if (known !== undefined) return known;
  const target = parsePath(path);
  if (parsed.size < 10_000) parsed.set(path, target);
  return target;
}
function parsePath(path: string): Target {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const isCore = parts[0] === 'api';
  const apiVersion = isCore ? parts[1]! : `${parts[1]}/${parts[2]}`;
  const rest = parts.slice(isCore ? 2 : 3);
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest[1] : undefined;
  const [plural, name, subresource] = namespace === undefined ? rest : rest.slice(2);
  if (plural === undefined) throw new Refused(404, 'NotFound', path);
  return {
    collection: `/${isCore ? 'api' : 'apis'}/${apiVersion}/${plural}`,
    namespace,
    name,
    subresource,
    apiVersion,
  };
}

const keyIn = ({ namespace, name }: { namespace: string | undefined; name: string | undefined }): string =>
  namespace === undefined ? name! : `${namespace}/${name}`;
const splitIn = (key: string): { namespace: string | undefined; name: string } => {
  const [namespace, name] = key.split('/');
  return name === undefined ? { namespace: undefined, name: namespace! } : { namespace, name };
};
const concerns = (target: Target, collection: string, object: KubernetesObject): boolean =>
  target.collection === collection &&
  (target.namespace === undefined || target.namespace === object.metadata.namespace);

/** Preconditions in metadata, as an update, a patch and a delete may carry them. */
function check(old: KubernetesObject, given: { uid?: string; resourceVersion?: string }): void {
  if (given.uid !== undefined && given.uid !== old.metadata.uid) throw new Refused(409, 'Conflict', 'uid mismatch');
  if (given.resourceVersion !== undefined && given.resourceVersion !== old.metadata.resourceVersion)
    throw new Refused(409, 'Conflict', 'the object has been modified');
}

function withoutVersion(object: KubernetesObject & Json): KubernetesObject & Json {
  const { resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
  return { ...object, metadata } as KubernetesObject & Json;
}

function contentOf(object: KubernetesObject & Json): Json {
  const { metadata: _metadata, status: _status, ...content } = object;
  return content;
}

const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const bookmarkLine = (version: number, isInitialEnd: boolean): string =>
  line('BOOKMARK', {
    metadata: {
      resourceVersion: String(version),
      ...(isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  });

/** A body that is pushed into; it ends, or breaks when the signal is aborted. */
function pushStream(signal: AbortSignal | undefined) {
  let queued = '';
  let wake: (() => void) | null = null;
  let isEnded = false;
  let onEnd = (): void => {};
  const woken = () => {
    wake?.();
    wake = null;
  };
  const end = () => {
    if (isEnded) return;
    isEnded = true;
    onEnd();
    woken();
    signal?.removeEventListener('abort', end);
  };
  if (signal?.aborted === true) isEnded = true;
  else signal?.addEventListener('abort', end, { once: true });
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    if (queued === '' && !isEnded) await new Promise<void>((resolve) => (wake = resolve));
    if (signal?.aborted === true) throw new RuntimeError('ABORTED', 'the watch was stopped', 'Nothing to do.');
    if (queued === '') return { done: true, value: undefined };
    const value = Buffer.from(queued);
    queued = '';
    return { done: false, value };
  };
  const leave = () => {
    end();
    return Promise.resolve({ done: true as const, value: undefined });
  };
  return {
    body: { [Symbol.asyncIterator]: () => ({ next, return: leave }) },
    push: (text: string) => {
      if (isEnded) return;
      queued += text;
      woken();
    },
    end,
    onEnd: (callback: () => void) => {
      onEnd = callback;
      if (isEnded) callback();
    },
  };
}
