// SPDX-License-Identifier: Apache-2.0
/** Makes the keys, tokens and certificates of a study from the machine's randomness. Called once a study, and at each rotation. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { encodeZ85 } from '@melissa/kit';
import { certificatePem } from '../certificate.ts';
import type { CredentialFiles } from '../credentials.ts';
import { serverName } from '../names.ts';

/** Longer than any study; keys are replaced by rotation, not by running out in the middle of one. */
const VALID_YEARS = 10;
/** Clocks of nodes differ. */
const SKEW_MS = 3_600_000;
const YEAR_MS = 365.25 * 86_400_000;

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** CURVE's keys are Curve25519's, as X25519's are. */
function curvePair(): { secret: string; publicKey: string } {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const raw = (text: string | undefined): string => encodeZ85(Buffer.from(text ?? '', 'base64url'));
  return { secret: raw(d), publicKey: raw(x) };
}

const ecPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
type EcPair = ReturnType<typeof ecPair>;

export function serverNames(name: string, namespace: string): string[] {
  const hosts = [name, `*.${serverName(name)}`];
  return [
    ...hosts.flatMap((host) =>
      ['', `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`].map((end) => host + end),
    ),
    'localhost',
  ];
}

/** A certificate for `dns`, by an authority whose key nobody keeps. */
export function makeCertificates(
  commonName: string,
  dns: string[],
  nowMs: number,
): { ca: string; cert: string; key: string } {
  const authority = ecPair();
  const server = ecPair();
  const issuer = `${commonName} authority`;
  const issue = (subject: string, pair: EcPair, names: { dns: string[]; ips: string[] } | null): string =>
    certificatePem(
      {
        serial: randomBytes(16),
        issuer,
        subject,
        notBeforeMs: nowMs - SKEW_MS,
        notAfterMs: nowMs + VALID_YEARS * YEAR_MS,
        publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }),
        names,
      },
      (bytes) => sign('sha256', bytes, authority.privateKey),
    );
  return {
    ca: issue(issuer, authority, null),
    cert: issue(commonName, server, { dns, ips: ['127.0.0.1'] }),
    key: server.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

export const credentialsMaker =
  (wallMs: () => number) =>
  ({ name, namespace }: { name: string; namespace: string }): CredentialFiles => {
    const server = curvePair();
    const client = curvePair();
    const { ca, cert, key } = makeCertificates(name, serverNames(name, namespace), wallMs());
    return {
      'server.key': server.secret,
      'server.pub': server.publicKey,
      'client.key': client.secret,
      'client.pub': client.publicKey,
      token: hex(32),
      'lease-token': hex(32),
      'tls.crt': cert,
      'tls.key': key,
      'ca.crt': ca,
    };
  };
