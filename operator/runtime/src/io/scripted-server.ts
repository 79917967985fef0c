// SPDX-License-Identifier: Apache-2.0
/**
 * Any Transport, usually a FakeApi perhaps with faults around it, as an API server that speaks HTTP on loopback. `script` may
 * answer, break or hold each request first: what only a real connection can show is tested with it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ApiRequest, Method, Transport } from '../transport.ts';
import { createServer } from './http.ts';

export type Served = {
  url: string;
  requests: { method: string; url: string; authorization: string | undefined }[];
  /** Cuts every connection, as a network does. */
  cut(): void;
  /** New certificates from now on. */
  useCertificate(tls: { key: string; cert: string }): void;
  close(): Promise<void>;
};

/** True when the script has dealt with the request. */
export type Script = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

export async function servedOverHttp(
  transport: Transport,
  options: { script?: Script; tls?: { key: string; cert: string }; port?: number } = {},
): Promise<Served> {
  const requests: Served['requests'] = [];
  const sockets = new Set<Socket>();
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    requests.push({
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      authorization: incoming.headers.authorization,
    });
    answer(transport, incoming, outgoing, options.script).catch(() => outgoing.destroy());
  };
  const secure = options.tls === undefined ? null : createTlsServer(options.tls, handle);
  const server = secure ?? createServer(handle);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => resolve());
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${secure === null ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    cut,
    useCertificate: (tls) => secure?.setSecureContext(tls),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

async function answer(
  transport: Transport,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  script: Script | undefined,
): Promise<void> {
  if (script !== undefined && (await script(incoming, outgoing))) return;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://loopback');
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  const request: ApiRequest = {
    method: (incoming.method ?? 'GET') as Method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    timeoutMs: 60_000,
    signal: gone.signal,
    ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks).toString('utf8') }),
    ...(incoming.headers['content-type'] === undefined ? {} : { contentType: incoming.headers['content-type'] }),
    ...(incoming.headers.accept === undefined ? {} : { accept: incoming.headers.accept }),
  };
  const response = await transport.send(request);
  outgoing.writeHead(response.status, { 'content-type': 'application/json', ...response.headers });
  outgoing.flushHeaders();
  for await (const chunk of response.body) if (!outgoing.write(chunk)) await drained(outgoing);
  outgoing.end();
}

const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go).off('close', go);
      resolve();
    };
    outgoing.on('drain', go).on('close', go);
  });
