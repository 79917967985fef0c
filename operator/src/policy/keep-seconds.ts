// SPDX-License-Identifier: Apache-2.0
/** `spec.server.keepSeconds`: how long a finished head goes on serving results. The claim outlives it. */

const KEEP_SECONDS = 3600;

/** Milliseconds until the server stops; 0 and below: now. */
export function keptForMs(keepSeconds: number | undefined, completionTime: string, nowMs: number): number {
  return Date.parse(completionTime) + (keepSeconds ?? KEEP_SECONDS) * 1000 - nowMs;
}
