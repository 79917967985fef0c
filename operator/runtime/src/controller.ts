// SPDX-License-Identifier: Apache-2.0
/**
 * A controller: what it owns, what it watches, and one function that makes the world match an object. The function gets the
 * newest object from the cache and says when it wants to look again. It is called for one key at a time, after every
 * change of the object or of anything it watches, and again after an error: it must be idempotent and should write only what
 * differs.
 */
import type { Client } from './client.ts';
import type { Clock } from './clock.ts';
import { ApiError, NotLeaderError, PermanentError, TemporaryError } from './errors.ts';
import { controllerOf, keyOf, type Kind, type KubernetesObject } from './objects.ts';
import type { ReconcileQueue } from './queue.ts';
import type { Change, Indexer, Store } from './store.ts';

export type Logger = {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
};

export type Result = { done: true } | { done: false; afterSeconds: number };
/** Nothing more to do before something changes. */
export const done: Result = { done: true };
/** Look again after this many seconds even if nothing changes. */
export const after = (seconds: number): Result => ({ done: false, afterSeconds: seconds });

export type Context<T extends KubernetesObject> = {
  /** Null when the object is gone: what it owned goes by its owner references. */
  object: T | null;
  key: string;
  reconcileId: string;
  client: Client;
  clock: Clock;
  log: Logger;
  /** The cache of a kind that a controller owns or watches. */
  store<S extends KubernetesObject>(kind: Kind<S>): Store<S>;
  /** Objects of the kind whose controller is this object. */
  owned<S extends KubernetesObject>(kind: Kind<S>): S[];
  event(type: 'Normal' | 'Warning', reason: string, note: string): Promise<void>;
  /** Aborted when the runtime stops: long waits should end. */
  signal: AbortSignal;
};

export type Watch = {
  kind: Kind;
  /** Keys of the controller's kind that a changed object concerns. */
  concerns: (object: KubernetesObject, store: Store<KubernetesObject>) => readonly string[];
  labelSelector?: string;
  fieldSelector?: string;
};

/** Looks at every object at an interval, whatever changes. It runs beside the object's reconcile, never twice for one object. */
export type Timer<T extends KubernetesObject> = {
  name: string;
  everySeconds: number;
  firstAfterSeconds?: number;
  run: (context: Context<T>) => Promise<void>;
};

export type ControllerDeclaration<T extends KubernetesObject> = {
  name: string;
  kind: Kind<T>;
  /** Kinds that this controller creates: a change of one concerns its controller owner. */
  owns?: readonly Kind[];
  watches?: readonly Watch[];
  indexes?: Record<string, Indexer<T>>;
  labelSelector?: string;
  reconcile: (context: Context<T>) => Promise<Result>;
  timers?: readonly Timer<T>[];
  /** Each object is looked at again at least this often; 0 never. */
  resyncSeconds?: number;
  /** Keys in work at once. */
  concurrency?: number;
};

/** Checks the declaration's types; returns it as it is. */
export const controller = <T extends KubernetesObject>(
  declaration: ControllerDeclaration<T>,
): ControllerDeclaration<T> => declaration;

export const OWNER_INDEX = 'controller-uid';
export const ownerIndexer: Indexer<KubernetesObject> = (object) => {
  const owner = controllerOf(object);
  return owner === undefined ? [] : [owner.uid];
};

export type Outcome = 'success' | 'requeue_after' | 'error' | 'terminal_error' | 'not_leader';

/** What the reconcile of one key came to, and when it comes back; the queue is told here and nowhere else. */
export function settle(
  queue: ReconcileQueue,
  key: string,
  ended: { result: Result } | { error: unknown },
): { outcome: Outcome; retryMs: number | null } {
  if ('result' in ended) {
    queue.forget(key);
    if (ended.result.done) return { outcome: 'success', retryMs: null };
    const retryMs = ended.result.afterSeconds * 1000;
    queue.addAfter(key, retryMs, 'background');
    return { outcome: 'requeue_after', retryMs };
  }
  const { error } = ended;
  if (error instanceof NotLeaderError) return { outcome: 'not_leader', retryMs: null };
  if (error instanceof PermanentError) {
    queue.forget(key);
    return { outcome: 'terminal_error', retryMs: null };
  }
  const namedMs = namedDelayMs(error);
  if (namedMs === null) return { outcome: 'error', retryMs: queue.addFailed(key) };
  queue.addAfter(key, namedMs, 'background');
  return { outcome: 'error', retryMs: namedMs };
}

function namedDelayMs(error: unknown): number | null {
  if (error instanceof TemporaryError) return error.afterSeconds * 1000;
  if (error instanceof ApiError && error.retryAfterSeconds !== null) return error.retryAfterSeconds * 1000;
  return null;
}

/** Sends changes of a store to the queue of a controller. */
export function feed<T extends KubernetesObject>(
  store: Store<T>,
  queue: ReconcileQueue,
  concerns: (object: T) => readonly string[],
): () => void {
  return store.subscribe((change: Change<T>) => {
    const priority = change.initial ? 'background' : 'live';
    for (const key of concerns(change.object)) queue.add(key, priority);
    // An object that moved to another owner concerns the old one too.
    if (change.old !== undefined && change.old !== change.object)
      for (const key of concerns(change.old)) queue.add(key, priority);
  });
}

/** Keys of the owner's kind: the controller reference names it, the owned object's namespace holds it. */
export const ownerKeys =
  (owner: Kind) =>
  (object: KubernetesObject): readonly string[] => {
    const reference = controllerOf(object);
    if (
      reference === undefined ||
      reference.kind !== owner.kind ||
      reference.apiVersion.split('/')[0] !== (owner.group === '' ? owner.version : owner.group)
    )
      return [];
    return [
      owner.namespaced && object.metadata.namespace !== undefined
        ? `${object.metadata.namespace}/${reference.name}`
        : reference.name,
    ];
  };

export const ownKey = (object: KubernetesObject): readonly string[] => [keyOf(object)];
