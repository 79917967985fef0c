// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps of an object what its kind declares. A pod is 6 kB of JSON and a controller reads ten fields of it: keeping those
 * alone is a factor of twenty in memory. `metadata` is always kept but for managedFields and the annotation that kubectl
 * leaves, which nobody reads and which are often half of the object.
 */
import type { KubernetesObject, ObjectMeta } from './objects.ts';

type Tree = Map<string, Tree | null>;
type Json = Record<string, unknown>;
export type Project<T extends KubernetesObject> = (object: Json) => T;

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const metadataFields = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'labels',
  'finalizers',
  'ownerReferences',
] as const;

/** `paths` such as `spec.nodeName` or `status`; a path keeps all below it; through a list it applies to every item. */
export function projection<T extends KubernetesObject>(paths: readonly string[] | undefined): Project<T> {
  if (paths === undefined)
    return (object) => ({ ...object, metadata: metadataOf(object['metadata'] as Json) }) as unknown as T;
  const tree: Tree = new Map();
  for (const path of paths) insert(tree, path.split('.'));
  tree.delete('metadata');
  return (object) => {
    const kept: Json = { metadata: metadataOf(object['metadata'] as Json) };
    for (const [name, below] of tree) {
      const value = object[name];
      if (value !== undefined) kept[name] = below === null ? value : pick(value, below);
    }
    return kept as unknown as T;
  };
}

function insert(tree: Tree, path: string[]): void {
  const [head, ...rest] = path;
  const existing = tree.get(head!);
  if (rest.length === 0 || existing === null) return void tree.set(head!, null);
  const below = existing ?? new Map<string, Tree | null>();
  tree.set(head!, below);
  insert(below, rest);
}

function pick(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return value.map((item) => pick(item, tree));
  if (typeof value !== 'object' || value === null) return value;
  const kept: Json = {};
  for (const [name, below] of tree) {
    const item = (value as Json)[name];
    if (item !== undefined) kept[name] = below === null ? item : pick(item, below);
  }
  return kept;
}

function metadataOf(metadata: Json): ObjectMeta {
  const kept: Json = {};
  for (const name of metadataFields) if (metadata[name] !== undefined) kept[name] = metadata[name];
  const annotations = metadata['annotations'] as Record<string, string> | undefined;
  if (annotations !== undefined) {
    const { [lastApplied]: _dropped, ...others } = annotations;
    if (Object.keys(others).length > 0) kept['annotations'] = others;
  }
  return kept as ObjectMeta;
}
