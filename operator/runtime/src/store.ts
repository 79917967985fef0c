// SPDX-License-Identifier: Apache-2.0
/**
 * What the API server last said about the objects of one kind: filled by a reflector, read by every controller that watches
 * the kind, never written by handlers. Versions decide: an event older than what is held is dropped, so that duplicated,
 * late and stale events cannot turn the cache back, and a controller reads its own writes (`offer`) before the watch
 * brings them: expectations, as Go controllers keep them, are not needed.
 */
import { compareVersions, keyOf, type KubernetesObject } from './objects.ts';

export type Change<T> = { type: 'Added' | 'Modified' | 'Deleted'; object: T; old: T | undefined; initial: boolean };
export type Listener<T> = (change: Change<T>) => void;
export type Indexer<T> = (object: T) => readonly string[];

/** Versions of deleted objects that are remembered, so that a late event does not bring one back. */
export const TOMBSTONES_MAX = 10_000;

/** A namespace, or everything. Each scope is filled by a reflector of its own. */
export type Scope = string | undefined;

export class Store<T extends KubernetesObject> {
  #objects = new Map<string, T>();
  #tombstones = new Map<string, string>();
  #listeners = new Set<Listener<T>>();
  #indexes = new Map<string, { of: Indexer<T>; keys: Map<string, Set<string>> }>();
  /** Version up to which each scope is complete; null before its first picture. */
  readonly #progress: Map<Scope, string | null>;
  #unsynced: number;

  constructor(scopes: readonly Scope[] = [undefined]) {
    this.#progress = new Map(scopes.map((scope) => [scope, null]));
    this.#unsynced = this.#progress.size;
  }

  get size(): number {
    return this.#objects.size;
  }
  /** The first picture is complete. */
  get hasSynced(): boolean {
    return this.#unsynced === 0;
  }
  /** Version of the key as it is known, also of one that was deleted. */
  versionOf(key: string): string | undefined {
    return this.#objects.get(key)?.metadata.resourceVersion ?? this.#tombstones.get(key);
  }
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }
  list(): T[] {
    return [...this.#objects.values()];
  }
  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }
  /** Objects whose indexer named `value`. */
  byIndex(index: string, value: string): T[] {
    const keys = this.#indexes.get(index)?.keys.get(value);
    return keys === undefined ? [] : [...keys].map((key) => this.#objects.get(key)!);
  }
  addIndex(name: string, of: Indexer<T>): void {
    const index = { of, keys: new Map<string, Set<string>>() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) insertKeys(index, key, object);
  }
  /** Calls back on every change from now on, after telling what is already there. */
  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    for (const object of this.#objects.values()) listener({ type: 'Added', object, old: undefined, initial: true });
    return () => void this.#listeners.delete(listener);
  }

  /** The answer to a write of ours. False when it is older than what is held, or when the object is known to be gone since. */
  offer(object: T): boolean {
    const scope = this.#scopeOf(object);
    if (scope === null) return false;
    const isAbsent = !this.#objects.has(keyOf(object));
    const order = compareVersions(object.metadata.resourceVersion, this.#progress.get(scope) ?? undefined);
    if (isAbsent && order !== null && order <= 0) return false;
    return this.observe(object);
  }
  /** An object as a watch event shows it. False when it is older than what is held. */
  observe(object: T, initial = false): boolean {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    const order = compareVersions(object.metadata.resourceVersion, this.versionOf(key));
    if (order !== null && order <= 0) return false;
    this.#tombstones.delete(key);
    this.#set(key, object, old, initial);
    return true;
  }
  /** A deletion as a watch event shows it, with the object's last version. False when a newer object is held, or none. */
  remove(object: T): boolean {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    const version = object.metadata.resourceVersion;
    const order = compareVersions(version, old?.metadata.resourceVersion);
    if (order !== null && order < 0) return false;
    this.#bury(key, version);
    if (old === undefined) return false;
    this.#delete(key, old);
    return true;
  }
  /**
   * Replaces a scope by a picture taken at `version`, without a moment in which the store is empty. `isRestored` says that the
   * server's history went back (etcd was restored from a backup): then versions that are held mean nothing any more and
   * the picture is believed whatever they say.
   */
  replace(objects: Iterable<T>, version: string, options: { scope?: Scope; isRestored?: boolean } = {}): void {
    const { scope, isRestored = false } = options;
    const initial = this.#progress.get(scope) === null;
    const seen = new Set<string>();
    if (isRestored) this.#tombstones.clear();
    for (const object of objects) {
      const key = keyOf(object);
      seen.add(key);
      // What is known to be newer than the picture stays; about everything else the picture is right, whatever was believed.
      if (!isRestored && (compareVersions(this.versionOf(key), version) ?? 0) > 0) {
        this.observe(object, initial);
        continue;
      }
      const old = this.#objects.get(key);
      if (old !== undefined && isSame(old, object)) continue;
      this.#tombstones.delete(key);
      this.#set(key, object, old, initial);
    }
    for (const [key, object] of [...this.#objects]) {
      if (seen.has(key) || this.#scopeOf(object) !== scope) continue;
      // A write of ours that is newer than the picture is not missing from it: the picture is older.
      const order = compareVersions(object.metadata.resourceVersion, version);
      if (!isRestored && order !== null && order > 0) continue;
      if (!isRestored) this.#bury(key, version);
      this.#delete(key, object);
    }
    this.progressed(version, scope, isRestored);
    if (initial) this.#unsynced -= 1;
  }
  /** Everything up to `version` has been observed. */
  progressed(version: string, scope: Scope, isRestored = false): void {
    const order = compareVersions(version, this.#progress.get(scope) ?? undefined);
    if (isRestored || order === null || order > 0) this.#progress.set(scope, version);
  }

  /** Null for an object outside what this store holds. */
  #scopeOf(object: T): Scope | null {
    if (this.#progress.has(undefined)) return undefined;
    const { namespace } = object.metadata;
    return namespace !== undefined && this.#progress.has(namespace) ? namespace : null;
  }
  #set(key: string, object: T, old: T | undefined, initial: boolean): void {
    for (const index of this.#indexes.values()) {
      if (old !== undefined) removeKeys(index, key, old);
      insertKeys(index, key, object);
    }
    this.#objects.set(key, object);
    this.#tell({ type: old === undefined ? 'Added' : 'Modified', object, old, initial });
  }
  #delete(key: string, old: T): void {
    for (const index of this.#indexes.values()) removeKeys(index, key, old);
    this.#objects.delete(key);
    this.#tell({ type: 'Deleted', object: old, old, initial: false });
  }
  #bury(key: string, version: string | undefined): void {
    if (version === undefined) return;
    this.#tombstones.delete(key);
    this.#tombstones.set(key, version);
    if (this.#tombstones.size > TOMBSTONES_MAX) this.#tombstones.delete(this.#tombstones.keys().next().value!);
  }
  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

const isSame = (a: KubernetesObject, b: KubernetesObject): boolean =>
  a.metadata.uid === b.metadata.uid &&
  a.metadata.resourceVersion !== undefined &&
  a.metadata.resourceVersion === b.metadata.resourceVersion;

type Index<T> = { of: Indexer<T>; keys: Map<string, Set<string>> };

function insertKeys<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.of(object)) {
    const keys = index.keys.get(value);
    if (keys === undefined) index.keys.set(value, new Set([key]));
    else keys.add(key);
  }
}

function removeKeys<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.of(object)) {
    const keys = index.keys.get(value);
    keys?.delete(key);
    if (keys?.size === 0) index.keys.delete(value);
  }
}
