// SPDX-License-Identifier: Apache-2.0
/** Kubernetes objects and kinds as the runtime sees them. */
export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

export type ObjectMeta = {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
};

export type KubernetesObject = { apiVersion?: string; kind?: string; metadata: ObjectMeta };

/**
 * A kind as the API serves it. `keep` names what the cache keeps of each object besides the parts of metadata that the runtime needs; without it
 * whole objects are kept. The type parameter is the shape that handlers see.
 */
export type Kind<T extends KubernetesObject = KubernetesObject> = {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  keep?: readonly string[];
  /** The cache holds only objects with these labels and fields. A Kind with other selectors has another cache. */
  labelSelector?: string;
  fieldSelector?: string;
  /** Never set; carries the type. */
  readonly type?: T;
};

export const apiVersionOf = (kind: Kind): string =>
  kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;

/** `namespace/name`, or `name` for a cluster-wide object. */
export const keyOf = (object: KubernetesObject): string =>
  object.metadata.namespace === undefined
    ? object.metadata.name
    : `${object.metadata.namespace}/${object.metadata.name}`;

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Path of a kind's collection, or of one object and its subresource. */
export function pathOf(kind: Kind, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const place = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${root}${place}/${kind.plural}${object}${subresource === undefined ? '' : `/${subresource}`}`;
}

export const controllerOf = (object: KubernetesObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((reference) => reference.controller === true);

/**
 * Order of resource versions. Kubernetes states since 1.35 that they are decimal numbers which rise within a resource; where
 * a server uses others, null says that nothing can be concluded.
 */
export function compareVersions(a: string | undefined, b: string | undefined): number | null {
  if (a !== undefined && a === b) return 0;
  if (a === undefined || b === undefined || !isDecimal(a) || !isDecimal(b)) return null;
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : 1;
}

const isDecimal = (text: string): boolean => {
  if (text.length === 0 || (text.length > 1 && text.charCodeAt(0) === 48)) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return true;
};
