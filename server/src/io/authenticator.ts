// SPDX-License-Identifier: Apache-2.0
/**
 * Decides who may connect to the control socket: ZeroMQ asks for each connection (ZAP 1.0, rfc.zeromq.org/spec/27), with
 * keys and without, and gets its answer here. With keys only those on the allow-list come in. Always the process keeps some
 * file descriptors for itself: a head that cannot open its checkpoint because somebody opened ten thousand connections
 * would lose the study. Called by control-socket.ts; it lives as long as the socket does.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { Reply, type Context } from 'zeromq';
import { controlConnectionsMax, descriptorsReserved } from '../limits.ts';
import { decodeKey } from './keys.ts';

const zapEndpoint = 'inproc://zeromq.zap.01';
/** Named by the socket, so that ZeroMQ asks without keys too. */
export const zapDomain = 'melissa';

/** What ZeroMQ asks; `key` is the peer's public key, 32 bytes, empty without CURVE. */
export type Knock = { mechanism: string; key: Uint8Array };

export type Authenticator = { close(): void };

/** How many descriptors connections may take: what the system allows, less what the process keeps for itself. */
export function connectionDescriptorsMax(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return Math.min(controlConnectionsMax, Number(soft ?? controlConnectionsMax) - descriptorsReserved);
  } catch {
    return controlConnectionsMax; // not Linux: the system's own limit is all there is
  }
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

export async function openAuthenticator(options: {
  context: Context;
  /** Public keys in Z85; null: no keys, everybody who speaks plainly comes in. */
  allowedKeys: string[] | null;
  descriptorsMax: number;
  refused: () => void;
}): Promise<Authenticator> {
  const { context, allowedKeys, descriptorsMax } = options;
  const allowed = allowedKeys === null ? null : new Set(allowedKeys.map((key) => hexOf(decodeKey(key)!)));
  const isAllowed = ({ mechanism, key }: Knock): boolean =>
    openDescriptors() <= descriptorsMax &&
    (allowed === null ? mechanism === 'NULL' : mechanism === 'CURVE' && allowed.has(hexOf(key)));
  const socket = new Reply({ context, linger: 0, sendTimeout: 0 });
  await socket.bind(zapEndpoint);
  void (async () => {
    // Closing the socket ends the loop.
    for await (const [version, request, , , , mechanism, key] of socket) {
      const isGood =
        version?.toString() === '1.0' &&
        mechanism !== undefined &&
        isAllowed({ mechanism: mechanism.toString(), key: key ?? new Uint8Array(0) });
      if (!isGood) options.refused();
      const words = isGood ? ['200', 'OK'] : ['400', 'refused'];
      try {
        await socket.send(['1.0', request ?? '', ...words, '', '']);
      } catch {
        // Who asked has gone.
      }
    }
  })();
  return { close: () => socket.close() };
}

const hexOf = (key: Uint8Array): string => Buffer.from(key).toString('hex');
