// SPDX-License-Identifier: Apache-2.0
/**
 * A study's keys, tokens and certificates: two immutable Secrets, made once, the client's from what stands in the server's, so that an operator killed
 * between the two goes on with the same keys. Called by reconcile.ts before anything that mounts them.
 */
import type { Client } from 'operator-runtime';
import { controllerOf, NotOursError } from 'operator-runtime';
import { secrets, type Secret, type Study } from './kinds.ts';
import { clientSecret, CREDENTIALS_ANNOTATION, labelsOf, ROTATE_ANNOTATION, serverSecret } from './names.ts';
import type { KnownCredentials } from './memory.ts';

/** File names are the Secret's keys; see CONTRACT.md. */
export type CredentialFiles = Record<(typeof serverFiles)[number], string>;
export const serverFiles = [
  'server.key',
  'server.pub',
  'client.pub',
  'client.key',
  'token',
  'lease-token',
  'tls.crt',
  'tls.key',
  'ca.crt',
] as const;
const clientFiles = ['server.pub', 'client.pub', 'client.key', 'lease-token'] as const;

export type MakeCredentials = (study: { name: string; namespace: string }) => CredentialFiles;

export type Credentials = { state: 'Present'; known: KnownCredentials } | { state: 'Lost'; message: string };

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();

export async function ensureCredentials(parts: {
  study: Study;
  client: Client;
  make: MakeCredentials;
  /** Something was already started with the study's keys. */
  hasStarted: boolean;
  nowMs: number;
}): Promise<Credentials> {
  const { study, client, make, hasStarted, nowMs } = parts;
  const { name, namespace = '' } = study.metadata;
  const revision = study.metadata.annotations?.[ROTATE_ANNOTATION] ?? '';
  let server = await read(client, study, serverSecret(name));
  const isOld = server !== null && revisionOf(server) !== revision;
  if (server !== null && isOld) {
    // The client's goes first: an operator killed in between finds the server's, still old, and comes by here again.
    const old = await read(client, study, clientSecret(name));
    if (old !== null) await client.delete(secrets, old);
    await client.delete(secrets, server);
    server = null;
  }
  if (server === null) {
    if (hasStarted && !isOld && revision === '') return { state: 'Lost', message: lost(name, serverSecret(name)) };
    server = await create(client, study, serverSecret(name), make({ name, namespace }), serverFiles, revision);
  }
  const files = Object.fromEntries(serverFiles.map((file) => [file, decode(server.data?.[file])])) as CredentialFiles;
  if ((await read(client, study, clientSecret(name))) === null)
    await create(client, study, clientSecret(name), files, clientFiles, revision);
  return { state: 'Present', known: knownOf(server, nowMs) };
}

/** Of a study that has ended: nothing is made, and null says that the keys are gone. */
export async function readCredentials(study: Study, client: Client, nowMs: number): Promise<KnownCredentials | null> {
  const server = await read(client, study, serverSecret(study.metadata.name));
  return server === null ? null : knownOf(server, nowMs);
}

const knownOf = (server: Secret, nowMs: number): KnownCredentials => ({
  revision: revisionOf(server),
  caCertificate: decode(server.data?.['ca.crt']),
  token: decode(server.data?.['token']),
  readAtMs: nowMs,
});

const lost = (study: string, secret: string): string =>
  `Secret ${secret} is gone, and pods cannot start without it. Run "kubectl annotate mst/${study} ${ROTATE_ANNOTATION}=$(date +%s) --overwrite": new keys are made and the study continues from its checkpoint.`;

const revisionOf = (secret: Secret): string => secret.metadata.annotations?.[CREDENTIALS_ANNOTATION] ?? '';

async function read(client: Client, study: Study, name: string): Promise<Secret | null> {
  const { namespace } = study.metadata;
  const secret = await client.get(secrets, namespace, name);
  const owner = secret === null ? undefined : controllerOf(secret);
  if (secret !== null && owner?.uid !== study.metadata.uid)
    throw new NotOursError(
      secrets,
      `${namespace}/${name}`,
      owner === undefined ? 'nobody' : `${owner.kind} ${owner.name}`,
    );
  return secret?.metadata.deletionTimestamp === undefined ? secret : null;
}

async function create(
  client: Client,
  study: Study,
  name: string,
  files: CredentialFiles,
  wanted: readonly (keyof CredentialFiles)[],
  revision: string,
): Promise<Secret> {
  const { name: of, namespace } = study.metadata;
  const annotations = revision === '' ? {} : { [CREDENTIALS_ANNOTATION]: revision };
  return client.apply(
    secrets,
    {
      metadata: { name, namespace, labels: labelsOf(of, 'study'), annotations },
      type: 'Opaque',
      immutable: true,
      data: Object.fromEntries(wanted.map((file) => [file, encode(files[file])])),
    },
    study,
  );
}
