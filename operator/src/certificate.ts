// SPDX-License-Identifier: Apache-2.0
/**
 * The X.509 certificates (RFC 5280) of a study: an authority of its own, whose key is thrown away after it has signed one server certificate, so that nobody
 * can ever make another. Keys and the signature are made by io/credentials.ts; here is what is signed.
 */
import { bits, context, integer, isTrue, objectId, octets, sequence, set, time, utf8 } from './der.ts';

const ECDSA_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

export type CertificateFields = {
  /** 8 to 20 random bytes. */
  serial: Uint8Array;
  issuer: string;
  subject: string;
  notBeforeMs: number;
  notAfterMs: number;
  /** SubjectPublicKeyInfo in DER. */
  publicKey: Uint8Array;
  /** Null: an authority. */
  names: { dns: string[]; ips: number[][] } | null;
};

const nameOf = (commonName: string): Uint8Array => sequence(set(sequence(objectId('2.5.4.3'), utf8(commonName))));
const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  sequence(objectId(id), ...(critical ? [isTrue] : []), octets(value));

function extensions({ names }: CertificateFields): Uint8Array {
  if (names === null)
    return sequence(
      extension('2.5.29.19', true, sequence(isTrue)),
      // keyCertSign
      extension('2.5.29.15', true, bits(Uint8Array.of(0x04), 2)),
    );
  const alternatives = [
    ...names.dns.map((dns) => context(2, false, new TextEncoder().encode(dns))),
    ...names.ips.map((ip) => context(7, false, Uint8Array.from(ip))),
  ];
  return sequence(
    extension('2.5.29.19', true, sequence()),
    // digitalSignature
    extension('2.5.29.15', true, bits(Uint8Array.of(0x80), 7)),
    // serverAuth
    extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', false, sequence(...alternatives)),
  );
}

/** What the issuer signs. */
export function toBeSigned(fields: CertificateFields): Uint8Array {
  return sequence(
    context(0, true, integer(Uint8Array.of(2))), // version 3
    integer(fields.serial),
    ECDSA_SHA256,
    nameOf(fields.issuer),
    sequence(time(fields.notBeforeMs), time(fields.notAfterMs)),
    nameOf(fields.subject),
    fields.publicKey,
    context(3, true, extensions(fields)),
  );
}

/** `signature` in DER over `signed`. */
export function certificatePem(signed: Uint8Array, signature: Uint8Array): string {
  const der = sequence(signed, ECDSA_SHA256, bits(signature));
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
