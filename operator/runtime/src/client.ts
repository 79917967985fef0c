// SPDX-License-Identifier: Apache-2.0
/**
 * Writes of a controller. Server-side apply under the controller's field manager, never onto an object that is not ours; status
 * by apply on the subresource; every write carries what makes a late duplicate harmless: an update its resourceVersion, an apply the uid
 * that was read, a create a name that can exist once. Answers go into the cache, so that the next reconcile reads its own
 * writes.
 */
import { ApiError, PermanentError, RuntimeError } from './errors.ts';
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
};

/** An object that is wanted; its kind says apiVersion and kind. */
export type Wanted = {
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
} & Record<string, unknown>;

/** The name exists and belongs to somebody else. */
export class NotOursError extends PermanentError {
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
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#requestMs = options.requestMs ?? 30_000;
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

  /**
   * Makes the object so: creates it, or sets the fields that are given and gives up those that no longer are. `owner` becomes its
   * controller; an object of the name with another controller, or with none, is left alone (NotOursError).
   */
  async apply<T extends KubernetesObject>(kind: Kind<T>, wanted: Wanted, owner: KubernetesObject | null): Promise<T> {
    const { name, namespace } = wanted.metadata;
    const existing = await this.#existing(kind, namespace, name);
    if (existing !== null && owner !== null) this.#mustBeOurs(kind, existing, owner);
    const reference = owner === null ? {} : { ownerReferences: [ownerReference(owner)] };
    const body = {
      ...wanted,
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      // With the uid a write meant for a deleted object cannot land on its successor.
      metadata: { ...wanted.metadata, ...reference, ...(existing === null ? {} : { uid: existing.metadata.uid }) },
    };
    if (existing === null) return this.#create(kind, body, owner);
    return this.#applyPatch(kind, namespace, name, body);
  }

  /** Creates under the field manager, so that a later apply owns the same fields. A name that exists is looked at again. */
  async #create<T extends KubernetesObject>(kind: Kind<T>, body: Wanted, owner: KubernetesObject | null): Promise<T> {
    const { name, namespace } = body.metadata;
    try {
      // An apply without uid would also take over an object that somebody made since we looked; resourceVersion "" is not accepted, so the first write is a POST.
      const created = await this.#send<T>('POST', pathOf(kind, namespace), body, {
        fieldManager: this.#options.fieldManager,
      });
      return this.#remember(kind, created);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
      const existing = await this.get(kind, namespace, name);
      if (existing === null) throw error;
      if (owner !== null) this.#mustBeOurs(kind, existing, owner);
      return this.#applyPatch(kind, namespace, name, {
        ...body,
        metadata: { ...body.metadata, uid: existing.metadata.uid },
      } as Wanted);
    }
  }

  async #applyPatch<T extends KubernetesObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    body: unknown,
    subresource?: string,
  ): Promise<T> {
    const query = { fieldManager: this.#options.fieldManager, force: 'true' };
    const applied = await this.#send<T>(
      'PATCH',
      pathOf(kind, namespace, name, subresource),
      body,
      query,
      'application/apply-patch+yaml',
    );
    return this.#remember(kind, applied);
  }

  /** Sets the status, of which this controller is the only writer. The version makes a late one fail. */
  async applyStatus<T extends KubernetesObject>(kind: Kind<T>, object: T, status: unknown): Promise<T> {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion };
    return this.#applyPatch(
      kind,
      namespace,
      name,
      { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, status },
      'status',
    );
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
      await this.#send('DELETE', pathOf(kind, namespace, name), {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: { uid },
        propagationPolicy: propagation,
      });
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
    return store?.get(key) ?? (await this.get(kind, namespace, name));
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
