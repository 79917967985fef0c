// SPDX-License-Identifier: Apache-2.0
/**
 * The real Transport: Node's own HTTPS with kept connections. Credentials are asked for before each request, so that a token or
 * certificate rotated on disk is used without a restart. A connection that is half open is found by the time limit on headers
 * and by the reflector's limit on silence.
 */
import type { Agent as PlainAgent, ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { RuntimeError } from '../errors.ts';
import { describe, type ApiRequest, type ApiResponse, type Transport } from '../transport.ts';
import { Body } from './body.ts';
import { Agent as HttpAgent, request as httpRequest } from './http.ts';

export type Credentials = {
  headers: Record<string, string>;
  /** PEM; changes when the file on disk did. */
  ca?: string;
  cert?: string;
  key?: string;
};

export type ServerConfig = {
  /** https://host:port, or http:// of a proxy on loopback. */
  server: string;
  /** Asked before each request, so keep them for a moment; `isRefused` says that the last ones were: read them anew. */
  credentials: (isRefused: boolean) => Promise<Credentials> | Credentials;
  serverName?: string;
  skipTlsVerify?: boolean;
};

const SOCKETS_MAX = 32;
const KEEP_ALIVE_MS = 30_000;

export function httpsTransport(config: ServerConfig): Transport {
  const base = new URL(config.server);
  const secure = base.protocol === 'https:';
  let agent: PlainAgent | HttpsAgent | null = null;
  let agentOf = '';

  /** New certificates need new connections. The old ones finish what they carry, a watch too, and are then closed. */
  function agentFor(credentials: Credentials): PlainAgent | HttpsAgent {
    const identity = `${credentials.ca ?? ''}|${credentials.cert ?? ''}|${credentials.key ?? ''}`;
    if (agent !== null && agentOf === identity) return agent;
    if (agent !== null) retire(agent);
    const common = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: SOCKETS_MAX };
    agent = secure
      ? new HttpsAgent({
          ...common,
          ...(credentials.ca === undefined ? {} : { ca: credentials.ca }),
          ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
          ...(credentials.key === undefined ? {} : { key: credentials.key }),
          ...(config.serverName === undefined ? {} : { servername: config.serverName }),
          rejectUnauthorized: config.skipTlsVerify !== true,
        })
      : new HttpAgent(common);
    agentOf = identity;
    return agent;
  }

  async function once(request: ApiRequest, credentials: Credentials): Promise<ApiResponse> {
    const query = new URLSearchParams(request.query ?? {}).toString();
    const path = `${base.pathname.replace(/\/$/, '')}${request.path}${query === '' ? '' : `?${query}`}`;
    const headers: Record<string, string> = { accept: request.accept ?? 'application/json', ...credentials.headers };
    if (request.body !== undefined) {
      headers['content-type'] = request.contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(request.body));
    }
    const options = {
      method: request.method,
      hostname: base.hostname.replace(/^\[|\]$/g, ''), // an IPv6 address stands in brackets in a URL alone
      port: base.port === '' ? (secure ? 443 : 80) : base.port,
      path,
      headers,
      agent: agentFor(credentials),
    };
    return exchange(secure ? httpsRequest(options) : httpRequest(options), request);
  }

  return {
    /** A refusal of who we are (401, or by TLS) had no effect: read the credentials anew and try once more. */
    async send(request: ApiRequest): Promise<ApiResponse> {
      try {
        const response = await once(request, await config.credentials(false));
        if (response.status !== 401) return response;
        for await (const _ of response.body) continue; // frees the connection
      } catch (error) {
        if (!isTlsRefusal(error) || request.signal?.aborted === true) throw error;
      }
      return once(request, await config.credentials(true));
    },
    close: () => agent?.destroy(),
  };
}

function retire(agent: PlainAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

const isTlsRefusal = (error: unknown): boolean =>
  error instanceof RuntimeError &&
  /^(ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(
    String((error.cause as { code?: string } | undefined)?.code ?? ''),
  );

function exchange(outgoing: ClientRequest, request: ApiRequest): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const stopped = () =>
      outgoing.destroy(new RuntimeError('ABORTED', `${describe(request)} was stopped`, 'Nothing to do.'));
    if (request.signal?.aborted === true) stopped();
    request.signal?.addEventListener('abort', stopped, { once: true });
    const limit = setTimeout(() => {
      outgoing.destroy(
        new RuntimeError(
          'TIMEOUT',
          `${describe(request)}: no answer within ${request.timeoutMs} ms`,
          'The runtime tries again with back-off; look at the API server if it goes on.',
        ),
      );
    }, request.timeoutMs);
    const over = () => {
      clearTimeout(limit);
      request.signal?.removeEventListener('abort', stopped);
    };
    outgoing.on('error', (cause) => {
      over();
      reject(
        cause instanceof RuntimeError
          ? cause
          : new RuntimeError(
              'CONNECTION',
              `${describe(request)}: ${cause.message}`,
              'The runtime tries again with back-off; check address and network of the API server.',
              { cause },
            ),
      );
    });
    outgoing.on('response', (incoming: IncomingMessage) => {
      if (request.query?.['watch'] === 'true') clearTimeout(limit);
      incoming.on('close', over);
      const headers = Object.fromEntries(
        Object.entries(incoming.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(',') : (value ?? ''),
        ]),
      );
      resolve({ status: incoming.statusCode ?? 0, headers, body: new Body(incoming), ownsChunks: true });
    });
    outgoing.end(request.body);
  });
}
