// SPDX-License-Identifier: Apache-2.0
/** Makes a CURVE key pair without ZeroMQ: it is one of X25519, each half 32 bytes written in Z85 (rfc.zeromq.org/spec/32). */
import { generateKeyPairSync } from 'node:crypto';
import { encodeZ85 } from '@melissa/kit';

export function keyPair(): { publicKey: string; secretKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  // The key is what stands last in either encoding (RFC 8410).
  return {
    publicKey: encodeZ85(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    secretKey: encodeZ85(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)),
  };
}
