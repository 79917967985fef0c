// SPDX-License-Identifier: Apache-2.0
/**
 * Writes of a controller. Server-side apply under the controller's field manager, never onto an object that is not ours; status
 * by apply on the subresource. Every write carries what makes a late one harmless: the uid and resourceVersion that were
 * read, or, for a name that was free, a version that lets the server create but never change. Answers go into the cache,
 * so that the next reconcile reads its own writes.
 */
import { ApiError, RuntimeError, TemporaryError } from './errors.ts';
import { AppliedMemory } from './applied.ts';
import {
  apiVersionOf,
  controllerOf,
  keyOf,
  pathOf,
  type Kind,
  type KubernetesObject,
  type OwnerReference,
} from './objects.ts';
import { projection } from './projection.ts';
import type { Store } from './store.ts';
import { sendJson, type Transport } from './transport.ts';

export type ClientOptions = {
  transport: Transport;
  fieldManager: string;
  /** The cache of a kind, if there is one. */
  storeOf?: (kind: Kind) => Store<KubernetesObject> | undefined;
  requestMs?: number;
  /** Shared by the clients of one process. */
  applied?: AppliedMemory;
};

const applyPatch = 'application/apply-patch+yaml';
/** Tries of one apply whose object keeps changing under it; then the reconcile comes back with back-off. */
const APPLY_TRIES_MAX = 4;

/** An object that is wanted; its kind says apiVersion and kind. */
export type Wanted = {
  metadata: {
    name: string;
    namespace?: string | undefined;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  };
} & Record<string, unknown>;

/** The name exists and belongs to somebody else: looked at again after a minute, should the other one go. */
export class NotOursError extends TemporaryError {
  readonly owner: string;
  constructor(kind: Kind, key: string, owner: string) {
    super(`${kind.kind} ${key} exists and belongs to ${owner}; it was not touched. Rename or delete one of the two.`);
    this.name = 'NotOursError';
    this.owner = owner;
  }
}

export class Client {
  readonly #options: ClientOptions;
  readonly #requestMs: number;
  readonly #applied: AppliedMemory;
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#requestMs = options.requestMs ?? 30_000;
    this.#applied = options.applied ?? new AppliedMemory();
  }

  /** Reads from the server, not from the cache. Null when it does not exist. */
  async get<T extends KubernetesObject>(kind: Kind<T>, namespace: string | undefined, name: string): Promise<T | null> {
    try {
      return await this.#send<T>('GET', pathOf(kind, namespace, name));
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return null;
      throw error;
    }
  }

  /** Reads at most `limit` objects from the server, not from the cache; for what is looked at rarely. */
  async list<T extends KubernetesObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    { labelSelector, fieldSelector, limit }: { labelSelector?: string; fieldSelector?: string; limit: number },
  ): Promise<T[]> {
    const query = {
      limit: String(limit),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    const { items } = await this.#send<{ items: T[] }>('GET', pathOf(kind, namespace), undefined, query);
    return items;
  }

  /**
   * Makes the object so: creates it, or sets the fields that are given and gives up those that no longer are. `owner` becomes its
   * controller; an object of the name with another controller, or with none, is left alone (NotOursError). Nothing is sent
   * when the same was applied before and the cache shows the object as that left it.
   */
  async apply<T extends KubernetesObject>(kind: Kind<T>, wanted: Wanted, owner: KubernetesObject | null): Promise<T> {
    const { name, namespace } = wanted.metadata;
    const reference = owner === null ? {} : { ownerReferences: [ownerReference(owner)] };
    const body: Wanted = {
      ...wanted,
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { ...wanted.metadata, ...reference },
    };
    const text = JSON.stringify(body);
    let existing = await this.#existing(kind, namespace, name);
    for (let tries = 1; ; tries++) {
      if (existing !== null && owner !== null) this.#mustBeOurs(kind, existing, owner);
      if (existing !== null && this.#applied.isCurrent(kind, existing, text)) return existing;
      try {
        const applied = await this.#send<T>(
          'PATCH',
          pathOf(kind, namespace, name),
          { ...body, metadata: { ...body.metadata, ...preconditions(existing) } },
          { fieldManager: this.#options.fieldManager, force: 'true' },
          applyPatch,
        );
        this.#applied.remember(kind, applied, text);
        return this.#remember(kind, applied);
      } catch (error) {
        // It changed, came or went since it was read: look at the server itself and decide anew. Each try passes the leader's gate.
        if (!(error instanceof ApiError) || !error.isConflict || tries >= APPLY_TRIES_MAX) throw error;
        existing = await this.get(kind, namespace, name);
      }
    }
  }

  /** Sets the status, of which this controller is the only writer; nothing is sent when it is so already. The version makes a late one fail. */
  async applyStatus<T extends KubernetesObject>(kind: Kind<T>, object: T, status: unknown): Promise<T> {
    if (isEqual((object as { status?: unknown }).status, status)) return object;
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion };
    const applied = await this.#send<T>(
      'PATCH',
      pathOf(kind, namespace, name, 'status'),
      { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, status },
      { fieldManager: this.#options.fieldManager, force: 'true' },
      applyPatch,
    );
    return this.#remember(kind, applied);
  }

  /** A merge patch that the server refuses unless the object is still at the version that was read. */
  async patch<T extends KubernetesObject>(
    kind: Kind<T>,
    object: T,
    change: Record<string, unknown>,
    subresource?: string,
  ): Promise<T> {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const metadata = { ...(change['metadata'] as Record<string, unknown> | undefined), uid, resourceVersion };
    const query = { fieldManager: this.#options.fieldManager };
    const patched = await this.#send<T>(
      'PATCH',
      pathOf(kind, namespace, name, subresource),
      { ...change, metadata },
      query,
      'application/merge-patch+json',
    );
    return this.#remember(kind, patched);
  }

  addFinalizer<T extends KubernetesObject>(kind: Kind<T>, object: T, finalizer: string): Promise<T> {
    const finalizers = object.metadata.finalizers ?? [];
    return finalizers.includes(finalizer)
      ? Promise.resolve(object)
      : this.patch(kind, object, { metadata: { finalizers: [...finalizers, finalizer] } });
  }
  removeFinalizer<T extends KubernetesObject>(kind: Kind<T>, object: T, finalizer: string): Promise<T> {
    const finalizers = object.metadata.finalizers ?? [];
    return finalizers.includes(finalizer)
      ? this.patch(kind, object, { metadata: { finalizers: finalizers.filter((one) => one !== finalizer) } })
      : Promise.resolve(object);
  }

  /** Deletes exactly this object: a successor of the same name has another uid. Already gone is fine. */
  async delete(
    kind: Kind,
    object: KubernetesObject,
    propagation: 'Background' | 'Foreground' | 'Orphan' = 'Background',
  ): Promise<void> {
    const { name, namespace, uid } = object.metadata;
    try {
      const answer = await this.#send<KubernetesObject>('DELETE', pathOf(kind, namespace, name), {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: { uid },
        propagationPolicy: propagation,
      });
      // The object with a deletionTimestamp while something holds it, else a Status: it is gone.
      if (answer.metadata?.uid === uid && answer.kind === kind.kind) this.#remember(kind, answer);
      else this.#options.storeOf?.(kind)?.remove(object);
    } catch (error) {
      if (!(error instanceof ApiError) || !(error.isNotFound || error.isConflict)) throw error;
    }
  }

  async #existing<T extends KubernetesObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
  ): Promise<T | null> {
    const store = this.#options.storeOf?.(kind) as Store<T> | undefined;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    // A complete cache is believed also when it has nothing: should it be behind, the server refuses to create and is asked then.
    return store?.get(key) ?? (store?.hasSynced === true ? null : await this.get(kind, namespace, name));
  }

  #mustBeOurs(kind: Kind, existing: KubernetesObject, owner: KubernetesObject): void {
    const controller = controllerOf(existing);
    if (controller?.uid === owner.metadata.uid) return;
    throw new NotOursError(
      kind,
      keyOf(existing),
      controller === undefined ? 'nobody' : `${controller.kind} ${controller.name} (${controller.uid})`,
    );
  }

  #remember<T extends KubernetesObject>(kind: Kind<T>, object: T): T {
    const project = projection<T>(kind.keep);
    this.#options.storeOf?.(kind)?.offer(project(object as unknown as Record<string, unknown>));
    return object;
  }

  #send<T>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    query?: Record<string, string>,
    contentType?: string,
  ): Promise<T> {
    return sendJson<T>(this.#options.transport, {
      method,
      path,
      timeoutMs: this.#requestMs,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(query === undefined ? {} : { query }),
      ...(contentType === undefined ? {} : { contentType }),
    });
  }
}

/**
 * What makes an apply that comes late harmless. The object that was read must still be there, unchanged. For a name that was
 * free, version 1 says "create, never change": no object ever has it, since a store's first revision is not an object's,
 * so the server answers 409 when somebody took the name in between. A create by POST could not say this to a later
 * apply, because the fields of a POST belong to another kind of manager and an apply would never give them up.
 */
function preconditions(existing: KubernetesObject | null): { uid?: string; resourceVersion: string } {
  if (existing === null) return { resourceVersion: '1' };
  const { uid, resourceVersion } = existing.metadata;
  return { ...(uid === undefined ? {} : { uid }), resourceVersion: resourceVersion ?? '1' };
}

/** Equal as JSON: the order of keys does not matter, a key that is undefined is absent. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined));
  return left.length === right.size && left.every(([key, value]) => right.has(key) && isEqual(value, right.get(key)));
}

export function ownerReference(owner: KubernetesObject): OwnerReference {
  const { apiVersion, kind } = owner;
  const { name, uid } = owner.metadata;
  if (apiVersion === undefined || kind === undefined || uid === undefined) {
    throw new RuntimeError(
      'OWNER',
      `the owner ${name} has no ${uid === undefined ? 'uid' : 'kind'}`,
      'Pass an object that was read from the API server.',
    );
  }
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}
