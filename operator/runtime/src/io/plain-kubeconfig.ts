// SPDX-License-Identifier: Apache-2.0
/**
 * A kubeconfig written as JSON whose user needs no program and no login service: token, certificates or nothing. Read directly,
 * because loading @kubernetes/client-node takes a second and 100 MB; everything else is left to it (null).
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Credentials } from './https-transport.ts';

type Named<K extends string, T> = { name: string } & Partial<Record<K, T>>;
type Cluster = {
  server: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
};
type User = {
  token?: string;
  tokenFile?: string;
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
};
type File = {
  'current-context'?: string;
  contexts?: Named<'context', { cluster: string; user: string; namespace?: string }>[];
  clusters?: Named<'cluster', Cluster>[];
  users?: Named<'user', User>[];
};

const known = new Set([
  'token',
  'tokenFile',
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
]);

export type PlainKubeconfig = {
  server: string;
  namespace: string;
  skipTlsVerify: boolean;
  serverName?: string;
  credentials: Credentials;
};

export function plainKubeconfig(path: string, contextName?: string): PlainKubeconfig | null {
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'utf8');
  if (!text.trimStart().startsWith('{')) return null;
  const file = JSON.parse(text) as File;
  const context = file.contexts?.find((one) => one.name === (contextName ?? file['current-context']))?.context;
  const cluster = file.clusters?.find((one) => one.name === context?.cluster)?.cluster;
  const user = file.users?.find((one) => one.name === context?.user)?.user ?? {};
  if (context === undefined || cluster === undefined || Object.keys(user).some((field) => !known.has(field)))
    return null;
  // Paths in a kubeconfig are relative to it.
  const pem = (name: 'ca' | 'cert' | 'key', data: string | undefined, at: string | undefined): Partial<Credentials> => {
    if (data !== undefined) return { [name]: Buffer.from(data, 'base64').toString('utf8') };
    return at === undefined ? {} : { [name]: readFileSync(resolve(dirname(path), at), 'utf8') };
  };
  const token =
    user.tokenFile === undefined ? user.token : readFileSync(resolve(dirname(path), user.tokenFile), 'utf8').trim();
  return {
    server: cluster.server,
    namespace: context.namespace ?? 'default',
    skipTlsVerify: cluster['insecure-skip-tls-verify'] ?? false,
    ...(cluster['tls-server-name'] === undefined ? {} : { serverName: cluster['tls-server-name'] }),
    credentials: {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...pem('ca', cluster['certificate-authority-data'], cluster['certificate-authority']),
      ...pem('cert', user['client-certificate-data'], user['client-certificate']),
      ...pem('key', user['client-key-data'], user['client-key']),
    },
  };
}
