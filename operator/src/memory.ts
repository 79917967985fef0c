// SPDX-License-Identifier: Apache-2.0
/**
 * What the operator remembers of studies between two visits: only what can be asked again (answers of heads, keys that were read) or is about pace. Lost at
 * a restart without harm. Bounded by the number of studies; the one visited longest ago is forgotten first.
 */
import { looksPerSecondMax, studiesMax } from './limits.ts';
import type { Acceptance, HeadView, Trouble } from './types.ts';

export type KnownCredentials = { revision: string; caCertificate: string; token: string; readAtMs: number };

export type Remembered = {
  uid: string;
  acceptance: { generation: number; verdict: Acceptance } | null;
  credentials: KnownCredentials | null;
  head: HeadView | null;
  /** Since the last answer, or since this operator first saw the study. */
  headSilentSinceMs: number | null;
  nextLookMs: number;
  /** Pods fewer than wanted since then; null while all are there. */
  missingSinceMs: number | null;
  troubles: Trouble[];
  nextTroubleMs: number;
  statusWrittenMs: number | null;
  /** Failed pods that the head was told of. */
  toldPods: Set<string>;
};

export class Memory {
  #of = new Map<string, Remembered>();
  #looks: { tokens: number; atMs: number } | null = null;

  /** A study of the same name that was made anew is another one. */
  of(key: string, uid: string, nowMs: number): Remembered {
    let known = this.#of.get(key);
    if (known?.uid !== uid) known = fresh(uid, nowMs);
    this.#of.delete(key);
    this.#of.set(key, known);
    if (this.#of.size > studiesMax) this.#of.delete(this.#of.keys().next().value!);
    return known;
  }
  forget(key: string): void {
    this.#of.delete(key);
  }
  get size(): number {
    return this.#of.size;
  }

  /** One of the looks that all studies share; false when this second's are used up. */
  takeLook(nowMs: number): boolean {
    const last = this.#looks ?? { tokens: looksPerSecondMax, atMs: nowMs };
    const tokens = Math.min(looksPerSecondMax, last.tokens + ((nowMs - last.atMs) * looksPerSecondMax) / 1000);
    const mayLook = tokens >= 1;
    this.#looks = { tokens: mayLook ? tokens - 1 : tokens, atMs: nowMs };
    return mayLook;
  }
}

const fresh = (uid: string, nowMs: number): Remembered => ({
  uid,
  acceptance: null,
  credentials: null,
  head: null,
  headSilentSinceMs: nowMs,
  nextLookMs: 0,
  missingSinceMs: null,
  troubles: [],
  nextTroubleMs: 0,
  statusWrittenMs: null,
  toldPods: new Set(),
});
