// SPDX-License-Identifier: Apache-2.0
/** What a process knows of itself and its machine, and the signals that end it. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Equal on two processes that can share memory: the host's name and the id of its boot. */
export function hostIdentity(): string {
  return `${hostname()}:${bootId()}`;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: such a host shares no memory with anybody.
    return randomBytes(8).toString('hex');
  }
}

/** A number that no other process of the study has. */
export function randomIdentity(): bigint {
  return randomBytes(8).readBigUInt64LE();
}

export function randomRoutingId(): Uint8Array {
  const id = randomBytes(16);
  // ZeroMQ keeps ids that begin with a zero byte for itself.
  id[0] = id[0]! | 1;
  return id;
}

/** Compares in a time that does not tell how much of it was right. */
export function sameSecret(given: string, wanted: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}

export function residentBytes(): number {
  return process.memoryUsage.rss();
}

/** Calls `stop` at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function onStopSignal(stop: (signal: string) => void): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(130);
      asked = true;
      stop(signal);
    });
  }
}

/** Loads a compiled addon. */
export function loadAddon(path: string): unknown {
  return createRequire(import.meta.url)(path);
}
