// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration of a pod, read directly from what the kubelet mounts. @kubernetes/client-node is never loaded here: it costs
 * more than 100 MB of memory.
 */
import { existsSync, readFileSync } from 'node:fs';
import { RuntimeError } from '../errors.ts';
import type { Clock } from '../clock.ts';
import type { Credentials, ServerConfig } from './https-transport.ts';

const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet renews the token long before it expires; reading once a minute is soon enough and cheap. */
const REREAD_MS = 60_000;

export type InCluster = { config: ServerConfig; namespace: string };

export const runsInCluster = (environment: Record<string, string | undefined>): boolean =>
  environment['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${folder}/token`);

export function inCluster(
  environment: Record<string, string | undefined>,
  clock: Clock,
  from: string = folder,
): InCluster {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined)
    throw new RuntimeError(
      'NO_CLUSTER',
      'KUBERNETES_SERVICE_HOST is not set',
      'Run in a pod with a service account, or give a kubeconfig.',
    );
  let read: Credentials | null = null;
  let readMs = -Infinity;
  const credentials = (isRefused: boolean): Credentials => {
    if (read === null || isRefused || clock.monotonicMs() - readMs > REREAD_MS) {
      read = {
        headers: { authorization: `Bearer ${readFileSync(`${from}/token`, 'utf8').trim()}` },
        ca: readFileSync(`${from}/ca.crt`, 'utf8'),
      };
      readMs = clock.monotonicMs();
    }
    return read;
  };
  const namespace = existsSync(`${from}/namespace`) ? readFileSync(`${from}/namespace`, 'utf8').trim() : 'default';
  return { config: { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, credentials }, namespace };
}
