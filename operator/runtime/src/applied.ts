// SPDX-License-Identifier: Apache-2.0
/**
 * What was applied last to each object, so that a reconcile that wants nothing new sends nothing. An apply may be left out when
 * its body is the same as last time and the object is still as that apply left it: at the same version, or, where only
 * the status moved on, of the same generation with our labels, annotations and owner. Lost at a restart, which costs one
 * apply an object that the server finds to change nothing.
 */
import { apiVersionOf, keyOf, type Kind, type KubernetesObject } from './objects.ts';

/** Objects that are remembered; the oldest is forgotten first. */
export const APPLIED_MAX = 100_000;

type Applied = { body: string; uid: string | undefined; version: string | undefined; generation: number | undefined };

export class AppliedMemory {
  #of = new Map<string, Applied>();

  get size(): number {
    return this.#of.size;
  }
  remember(kind: Kind, applied: KubernetesObject, body: string): void {
    const { uid, resourceVersion: version, generation } = applied.metadata;
    const name = nameOf(kind, applied);
    this.#of.delete(name);
    this.#of.set(name, { body: fingerprint(body), uid, version, generation });
    if (this.#of.size > APPLIED_MAX) this.#of.delete(this.#of.keys().next().value!);
  }
  /** `object` is the newest that is known, from the cache or the server. */
  isCurrent(kind: Kind, object: KubernetesObject, body: string): boolean {
    const last = this.#of.get(nameOf(kind, object));
    const { uid, resourceVersion, generation } = object.metadata;
    if (last === undefined || last.uid !== uid || last.body !== fingerprint(body)) return false;
    if (last.version === resourceVersion) return true;
    return generation !== undefined && generation === last.generation && carries(object, body);
  }
}

const nameOf = (kind: Kind, object: KubernetesObject): string => `${apiVersionOf(kind)} ${kind.kind} ${keyOf(object)}`;

/** Metadata has no generation: what was wanted there must still be there. */
function carries(object: KubernetesObject, body: string): boolean {
  const { metadata } = JSON.parse(body) as KubernetesObject;
  for (const field of ['labels', 'annotations'] as const)
    for (const [name, value] of Object.entries(metadata[field] ?? {}))
      if (object.metadata[field]?.[name] !== value) return false;
  const references = object.metadata.ownerReferences ?? [];
  const isOwned = (metadata.ownerReferences ?? []).every((wanted) => references.some((one) => one.uid === wanted.uid));
  return isOwned && (metadata.finalizers ?? []).every((one) => object.metadata.finalizers?.includes(one) === true);
}

/** Length and 64 bits of two multiplicative hashes: bodies are our own, so nobody looks for a collision. */
function fingerprint(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  return `${text.length}.${a >>> 0}.${b >>> 0}`;
}
