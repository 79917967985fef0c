// SPDX-License-Identifier: Apache-2.0
/**
 * The CURVE keys of a study server, read from a folder that is mounted or written beforehand: `server.key` (secret),
 * `server.pub`, and `client.pub`, the allow-list: one public key a line. All are Z85, 40 characters. Head and ranks share the
 * pair; a rank speaks to the head as a client with that same pair, so `server.pub` is always allowed. Called by run-head.ts
 * and run-rank.ts with --curve-dir. Keys that cannot work are refused here: a pair of two halves that do not belong together
 * would otherwise show as connections that never come about.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { decodeZ85, encodeZ85, ProjectError } from '@melissa/kit';
import { errors } from '../errors.ts';
import { readIfThere } from './files.ts';

export type ServerKeys = {
  secretKey: string;
  publicKey: string;
  /** Public keys of those who may connect, the server's own among them. */
  allowedKeys: string[];
};

export const keyCharacters = 40;
/** Lines of client.pub: more is surely not an allow-list. */
const allowedKeysMax = 10_000;
/** What precedes the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** The 32 bytes of a key; null when the text is none. */
export const decodeKey = (text: string): Uint8Array | null => (text.length === keyCharacters ? decodeZ85(text) : null);

/** The public key that belongs to a secret one: CURVE's pairs are those of X25519. */
export function publicKeyOf(secretKey: Uint8Array): string {
  const secret = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, secretKey]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return encodeZ85(spki.subarray(spki.length - 32));
}

function refused(detail: string): ProjectError {
  return new ProjectError({
    code: 'EKEYS',
    message: `${errors.EKEYS.message}: ${detail}`,
    remedy: errors.EKEYS.remedy,
  });
}

/** null without a folder: then nothing is encrypted. */
export async function readServerKeys(folder: string | null): Promise<ServerKeys | null> {
  if (folder === null) return null;
  const read = async (name: string): Promise<string> => {
    const bytes = await readIfThere(`${folder}/${name}`);
    if (bytes === null) throw refused(`${folder}/${name} is missing`);
    return new TextDecoder().decode(bytes).trim();
  };
  const [secretKey, publicKey, list] = await Promise.all([read('server.key'), read('server.pub'), read('client.pub')]);
  const secret = decodeKey(secretKey);
  if (secret === null) throw refused(`${folder}/server.key is not ${keyCharacters} characters of Z85`);
  if (publicKeyOf(secret) !== publicKey)
    throw refused(`${folder}/server.pub does not belong to the secret key in server.key`);
  const clients = list
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const bad = clients.findIndex((key) => decodeKey(key) === null);
  if (bad >= 0) throw refused(`line ${bad + 1} of ${folder}/client.pub is not ${keyCharacters} characters of Z85`);
  if (clients.length === 0 || clients.length > allowedKeysMax)
    throw refused(`${folder}/client.pub holds ${clients.length} keys, not 1 to ${allowedKeysMax}`);
  return { secretKey, publicKey, allowedKeys: [...new Set([publicKey, ...clients])] };
}
