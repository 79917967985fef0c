// SPDX-License-Identifier: Apache-2.0
/** `spec.ttlSecondsAfterFinished`: the study, and with it all that belongs to it, is deleted so long after its end. */

/** Milliseconds until then; null: never. */
export function expiresInMs(ttlSeconds: number | undefined, completionTime: string, nowMs: number): number | null {
  return ttlSeconds === undefined ? null : Date.parse(completionTime) + ttlSeconds * 1000 - nowMs;
}
