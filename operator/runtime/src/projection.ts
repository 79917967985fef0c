// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps of an object what its kind declares. A pod is 6 kB of JSON and a controller reads ten fields of it: keeping those
 * alone is a factor of ten in memory. Of `metadata` the runtime needs names, uid, versions, labels, finalizers and owners;
 * annotations and creationTimestamp are kept when whole objects are, or when `keep` names them. managedFields and the
 * annotation that kubectl leaves, often half of the object, never are.
 */
import type { KubernetesObject, ObjectMeta, OwnerReference } from './objects.ts';
import type { Tree } from './skim.ts';

type Json = Record<string, unknown>;
export type Project<T extends KubernetesObject> = (object: Json) => T;

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
/** `paths` such as `spec.nodeName` or `status`; a path keeps all below it; through a list it applies to every item. */
export function projection<T extends KubernetesObject>(paths: readonly string[] | undefined): Project<T> {
  const shared = new Shared();
  const extra = extraOf(paths);
  const metadata = (object: Json) => metadataOf(object['metadata'] as Json, extra, shared);
  if (paths === undefined) return (object) => ({ ...object, metadata: metadata(object) }) as unknown as T;
  const tree = treeOf(paths);
  return (object) => {
    const kept: Json = { metadata: metadata(object) };
    for (const [name, below] of tree) {
      const value = object[name];
      if (value !== undefined) kept[name] = below === null ? shared.value(value) : pick(value, below, shared);
    }
    return kept as unknown as T;
  };
}

/** What `projection` reads of an object, so that nothing else need be parsed; null: everything. */
export function readBy(paths: readonly string[] | undefined): Tree | null {
  if (paths === undefined) return null;
  const extra = extraOf(paths);
  const fields: string[] = [...METADATA, ...OPTIONAL_METADATA];
  if (extra.annotations) fields.push('annotations');
  if (extra.creationTimestamp) fields.push('creationTimestamp');
  return treeOf(paths).set('metadata', new Map(fields.map((field) => [field, null])));
}

function extraOf(paths: readonly string[] | undefined): Extra {
  const asked = (field: string) =>
    paths === undefined || paths.includes('metadata') || paths.includes(`metadata.${field}`);
  return { annotations: asked('annotations'), creationTimestamp: asked('creationTimestamp') };
}

/** Without metadata, of which a part is always kept. */
function treeOf(paths: readonly string[]): Tree {
  const tree: Tree = new Map();
  for (const path of paths) insert(tree, path.split('.'));
  tree.delete('metadata');
  return tree;
}

function insert(tree: Tree, path: string[]): void {
  const [head, ...rest] = path;
  const existing = tree.get(head!);
  if (rest.length === 0 || existing === null) return void tree.set(head!, null);
  const below = existing ?? new Map<string, Tree | null>();
  tree.set(head!, below);
  insert(below, rest);
}

function pick(value: unknown, tree: Tree, shared: Shared): unknown {
  if (Array.isArray(value)) return value.map((item) => pick(item, tree, shared));
  if (typeof value !== 'object' || value === null) return value;
  const kept: Json = {};
  for (const [name, below] of tree) {
    const item = (value as Json)[name];
    if (item !== undefined) kept[name] = below === null ? shared.value(item) : pick(item, below, shared);
  }
  return kept;
}

const METADATA = ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'labels', 'ownerReferences'] as const;
const OPTIONAL_METADATA = ['deletionTimestamp', 'finalizers'] as const;
/** Fields of metadata that are kept only when they are asked for. */
type Extra = { annotations: boolean; creationTimestamp: boolean };

function metadataOf(metadata: Json, extra: Extra, shared: Shared): ObjectMeta {
  const { name, namespace, uid, resourceVersion, generation } = metadata;
  // Written as one literal: an object that grows field by field takes twice the memory.
  const kept: Json = {
    name,
    namespace: shared.value(namespace),
    uid,
    resourceVersion,
    generation,
    labels: shared.labels(metadata['labels'] as Json | undefined),
    ownerReferences: shared.owners(metadata['ownerReferences'] as OwnerReference[] | undefined),
  };
  for (const field of OPTIONAL_METADATA) if (metadata[field] !== undefined) kept[field] = metadata[field];
  if (extra.creationTimestamp && metadata['creationTimestamp'] !== undefined)
    kept['creationTimestamp'] = metadata['creationTimestamp'];
  const annotations = metadata['annotations'] as Record<string, string> | undefined;
  if (extra.annotations && annotations !== undefined) {
    const { [lastApplied]: _dropped, ...others } = annotations;
    if (Object.keys(others).length > 0) kept['annotations'] = others;
  }
  return kept as unknown as ObjectMeta;
}

/** Values that many objects have are held once: namespaces, label values, owner references, phases. */
const SHARED_MAX = 10_000;
const SHARED_LENGTH_MAX = 512;

class Shared {
  #known = new Map<string, unknown>();

  value(value: unknown): unknown {
    return typeof value === 'string' ? this.#once(value, () => value) : value;
  }
  labels(labels: Json | undefined): Json | undefined {
    if (labels !== undefined) for (const name in labels) labels[name] = this.value(labels[name]);
    return labels;
  }
  /** Objects of one owner have equal references; they never change but for these two flags. */
  owners(references: OwnerReference[] | undefined): OwnerReference[] | undefined {
    if (references?.length !== 1) return references;
    const { uid, controller, blockOwnerDeletion } = references[0]!;
    return this.#once(`${uid} ${controller} ${blockOwnerDeletion}`, () => references) as OwnerReference[];
  }
  #once(text: string, make: () => unknown): unknown {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (text.length > SHARED_LENGTH_MAX) return make();
    if (this.#known.size >= SHARED_MAX) this.#known.clear();
    const made = make();
    this.#known.set(text, made);
    return made;
  }
}
