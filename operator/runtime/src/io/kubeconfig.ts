// SPDX-License-Identifier: Apache-2.0
/** Configuration from a kubeconfig, with every way of authentication that @kubernetes/client-node knows; loaded only here. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { Credentials, ServerConfig } from './https-transport.ts';
import { RuntimeError } from '../errors.ts';

export async function fromKubeconfig(
  path?: string,
  context?: string,
): Promise<{ config: ServerConfig; namespace: string }> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  let loaded = load();
  let stamp = path === undefined ? 0 : modified(path);

  function load(): InstanceType<typeof KubeConfig> {
    const config = new KubeConfig();
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
    if (context !== undefined) config.setCurrentContext(context);
    return config;
  }
  const cluster = loaded.getCurrentCluster();
  if (cluster === null)
    throw new RuntimeError(
      'KUBECONFIG',
      'the kubeconfig names no current cluster',
      'Set current-context, or name a context.',
    );

  /** Certificates by file are read anew when the file changed; exec and OIDC tokens are renewed by the library. */
  async function credentials(): Promise<Credentials> {
    if (path !== undefined && modified(path) !== stamp) {
      stamp = modified(path);
      loaded = load();
    }
    const options: RequestOptions = { headers: {} };
    await loaded.applyToHTTPSOptions(options);
    const headers = Object.fromEntries(
      Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    return { headers, ...pem('ca', options.ca), ...pem('cert', options.cert), ...pem('key', options.key) };
  }
  const namespace = loaded.getContextObject(loaded.getCurrentContext())?.namespace ?? 'default';
  return {
    namespace,
    config: {
      server: cluster.server,
      credentials,
      skipTlsVerify: cluster.skipTLSVerify ?? false,
      ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
    },
  };
}

const modified = (path: string): number => (existsSync(path) ? statSync(path).mtimeMs : 0);

function pem(name: 'ca' | 'cert' | 'key', value: unknown): Partial<Record<'ca' | 'cert' | 'key', string>> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'string')
    return { [name]: value.includes('-----BEGIN') || !existsSync(value) ? value : readFileSync(value, 'utf8') };
  if (value instanceof Uint8Array) return { [name]: Buffer.from(value).toString('utf8') };
  return {};
}
