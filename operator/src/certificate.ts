// SPDX-License-Identifier: Apache-2.0
/**
 * The X.509 certificates (RFC 5280) of a study: an authority of its own, whose key is thrown away after it has signed one server certificate, so that nobody
 * can ever make another. Keys and the signature are made by io/credentials.ts; here is what is signed.
 */
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';

const COMMON_NAME = '2.5.4.3';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';

export type CertificateFields = {
  /** 16 random bytes. */
  serial: Uint8Array;
  issuer: string;
  subject: string;
  notBeforeMs: number;
  notAfterMs: number;
  /** SubjectPublicKeyInfo in DER. */
  publicKey: Uint8Array;
  /** Null: an authority. */
  names: { dns: string[]; ips: string[] } | null;
};

const nameOf = (commonName: string): x509.Name => {
  const value = new x509.AttributeValue({ utf8String: commonName });
  const attribute = new x509.AttributeTypeAndValue({ type: COMMON_NAME, value });
  return new x509.Name([new x509.RelativeDistinguishedName([attribute])]);
};

function extensions({ names }: CertificateFields): x509.Extensions {
  const extension = (extnID: string, critical: boolean, value: unknown): x509.Extension =>
    new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
  const { keyCertSign, digitalSignature } = x509.KeyUsageFlags;
  const always = [
    extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: names === null })),
    extension(x509.id_ce_keyUsage, true, new x509.KeyUsage(names === null ? keyCertSign : digitalSignature)),
  ];
  if (names === null) return new x509.Extensions(always);
  const alternatives = [
    ...names.dns.map((dNSName) => new x509.GeneralName({ dNSName })),
    ...names.ips.map((iPAddress) => new x509.GeneralName({ iPAddress })),
  ];
  return new x509.Extensions([
    ...always,
    extension(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage([x509.id_kp_serverAuth])),
    extension(x509.id_ce_subjectAltName, false, new x509.SubjectAlternativeName(alternatives)),
  ]);
}

/** A certificate in PEM; `sign` is the issuer's ECDSA signature with SHA-256, in DER, of the bytes it is given. */
export function certificatePem(fields: CertificateFields, sign: (bytes: Uint8Array) => Uint8Array): string {
  // A serial number is positive (RFC 5280 §4.1.2.2), and one that begins with zeros would be written shorter.
  const serial = Uint8Array.from(fields.serial);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const signatureAlgorithm = new x509.AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: serial.buffer,
    signature: signatureAlgorithm,
    issuer: nameOf(fields.issuer),
    validity: new x509.Validity({ notBefore: new Date(fields.notBeforeMs), notAfter: new Date(fields.notAfterMs) }),
    subject: nameOf(fields.subject),
    subjectPublicKeyInfo: AsnConvert.parse(fields.publicKey, x509.SubjectPublicKeyInfo),
    extensions: extensions(fields),
  });
  const signature = sign(new Uint8Array(AsnConvert.serialize(tbsCertificate)));
  const certificate = new x509.Certificate({
    tbsCertificate,
    signatureAlgorithm,
    signatureValue: Uint8Array.from(signature).buffer,
  });
  const base64 = Buffer.from(AsnConvert.serialize(certificate)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`;
}
