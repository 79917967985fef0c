// SPDX-License-Identifier: Apache-2.0
/** Serves POST /authorize over TLS. Every replica serves it, leader or not: the answer comes from the API server. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transport } from 'operator-runtime';
import { authorize, questionOf } from '../authorize.ts';

const BODY_BYTES_MAX = 64 * 1024;
/** Questions answered at once; more are told to come again. */
const QUESTIONS_MAX = 64;

export type AuthorizeServer = { caCertificate: string; port: number; close(): Promise<void> };

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

export async function serveAuthorize(options: {
  port: number;
  host?: string;
  tlsFolder: string;
  transport: () => Transport | null;
}): Promise<AuthorizeServer> {
  const read = (name: string): string => readFileSync(`${options.tlsFolder}/${name}`, 'utf8');
  let asked = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reply = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const transport = options.transport();
    if (request.method !== 'POST' || request.url !== '/authorize') return reply(404, { reason: 'POST /authorize' });
    if (transport === null || asked >= QUESTIONS_MAX) return reply(503, { reason: 'not now; ask again' });
    asked += 1;
    try {
      const question = questionOf(await bodyOf(request));
      if (question === null) return reply(400, { reason: 'namespace, study and token are needed' });
      reply(200, await authorize(transport, question));
    } catch {
      // The API server does not answer: the head says so to its caller, and the study's own token still works.
      reply(503, { reason: 'the API server does not answer' });
    } finally {
      asked -= 1;
    }
  };
  const settings = { key: read('tls.key'), cert: read('tls.crt'), requestTimeout: 10_000, headersTimeout: 5000 };
  const server: Server = createServer(settings, (request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '0.0.0.0', resolve);
  });
  const address = server.address();
  return {
    caCertificate: read('ca.crt'),
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
