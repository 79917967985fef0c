// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration from a kubeconfig, with every way of authentication that @kubernetes/client-node knows. Files are looked at
 * again every few seconds and whenever the server refuses us, so that a rotated token or certificate is used without a
 * restart; tokens of exec plugins and OIDC are renewed by the library.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { RuntimeError } from '../errors.ts';
import { systemClock } from './clock.ts';
import type { Credentials, ServerConfig } from './https-transport.ts';
import { plainKubeconfig } from './plain-kubeconfig.ts';

/** So long are credentials used before files are looked at again. */
const KEEP_MS = 10_000;

export type Connection = { config: ServerConfig; namespace: string };

/** `path` may be a list as in KUBECONFIG; without it the user's own file is used. */
export async function fromKubeconfig(path?: string, context?: string): Promise<Connection> {
  const plain = path === undefined ? null : plainKubeconfig(path, context);
  if (path === undefined || plain === null) return fromLibrary(path, context);
  const { server, namespace, skipTlsVerify, serverName } = plain;
  const credentials = kept(() => plainKubeconfig(path, context)?.credentials ?? plain.credentials);
  return {
    namespace,
    config: { server, credentials, skipTlsVerify, ...(serverName === undefined ? {} : { serverName }) },
  };
}

async function fromLibrary(path: string | undefined, context: string | undefined): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  function load(): InstanceType<typeof KubeConfig> {
    const config = new KubeConfig();
    if (path === undefined) config.loadFromDefault();
    else if (path.includes(':'))
      config.loadFromDefault(); // KUBECONFIG as a list is merged by the library
    else config.loadFromFile(path);
    if (context !== undefined) config.setCurrentContext(context);
    return config;
  }
  const loaded = load();
  const cluster = loaded.getCurrentCluster();
  if (cluster === null)
    throw new RuntimeError(
      'KUBECONFIG',
      'the kubeconfig names no current cluster',
      'Set current-context, or name a context.',
    );
  // The library keeps renewed tokens of exec plugins in its own object: it is replaced only when the server refuses us.
  let current = loaded;
  const credentials = kept(async (isRefused) => {
    if (isRefused) current = load();
    const options: RequestOptions = { headers: {} };
    if (cluster.server.startsWith('https:')) await current.applyToHTTPSOptions(options);
    const headers = Object.fromEntries(
      Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    return { headers, ...pem('ca', options.ca), ...pem('cert', options.cert), ...pem('key', options.key) };
  });
  return {
    namespace: loaded.getContextObject(loaded.getCurrentContext())?.namespace ?? 'default',
    config: {
      server: cluster.server,
      credentials,
      skipTlsVerify: cluster.skipTLSVerify ?? false,
      ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
    },
  };
}

/** Reads credentials at most every KEEP_MS, and at once after a refusal. */
function kept(read: (isRefused: boolean) => Promise<Credentials> | Credentials): ServerConfig['credentials'] {
  let last: Credentials | null = null;
  let readMs = -Infinity;
  return async (isRefused) => {
    if (last !== null && !isRefused && systemClock.monotonicMs() - readMs < KEEP_MS) return last;
    last = await read(isRefused);
    readMs = systemClock.monotonicMs();
    return last;
  };
}

function pem(name: 'ca' | 'cert' | 'key', value: unknown): Partial<Record<'ca' | 'cert' | 'key', string>> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'string')
    return { [name]: value.includes('-----BEGIN') || !existsSync(value) ? value : readFileSync(value, 'utf8') };
  if (value instanceof Uint8Array) return { [name]: Buffer.from(value).toString('utf8') };
  return {};
}
