// SPDX-License-Identifier: Apache-2.0
/** /healthz, /readyz and /metrics over plain HTTP, for the kubelet and Prometheus. */
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { createServer } from './http.ts';

export type HealthServer = { port: number; close(): Promise<void> };

export function healthServer(options: {
  host: string;
  port: number;
  registry: Registry;
  isHealthy: () => boolean;
  isReady: () => boolean;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (isOk: boolean) =>
      response.writeHead(isOk ? 200 : 503, { 'content-type': 'text/plain' }).end(isOk ? 'ok\n' : 'not yet\n');
    if (request.url === '/healthz') return answer(options.isHealthy());
    if (request.url === '/readyz') return answer(options.isReady());
    if (request.url !== '/metrics') return response.writeHead(404).end();
    options.registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': options.registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 64;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      const close = () =>
        new Promise<void>((closed) => {
          server.close(() => closed());
          server.closeAllConnections();
        });
      resolve({ port: (server.address() as AddressInfo).port, close });
    });
  });
}
