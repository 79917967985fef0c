// SPDX-License-Identifier: Apache-2.0
/** The few requests that the cluster's own programs send to its API server, with a certificate of the cluster's authority. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { apiAddress, apiPort, state } from './layout.ts';
import { ClusterError } from './shell.ts';

const REQUEST_MS = 15_000;
/** Watches end by themselves after 300 s; one that says nothing for longer is dead. */
const WATCH_SILENCE_MS = 330_000;

export type ApiClient = {
  /** Sends JSON, returns JSON. Fails with ClusterError unless the answer is 2xx or one of `accepted`. */
  send(method: string, path: string, body?: object, accepted?: readonly number[]): Promise<unknown>;
  /** Calls `onEvent` for each piece that arrives; resolves when the stream ends for whatever reason. */
  watch(path: string, onEvent: () => void): Promise<void>;
};

export function apiClient(user: string): ApiClient {
  const agent = new Agent({
    keepAlive: true,
    ca: readFileSync(state('pki', 'ca.crt')),
    cert: readFileSync(state('pki', `${user}.crt`)),
    key: readFileSync(state('pki', `${user}.key`)),
  });
  const base = { host: apiAddress, port: apiPort, agent };
  return {
    send: (method, path, body, accepted = []) =>
      new Promise((resolve, reject) => {
        const fail = (why: string) =>
          reject(new ClusterError(`${method} ${path}: ${why}`, 'Look at the log of the API server.'));
        const text = body === undefined ? '' : JSON.stringify(body);
        // Without the length Node would send a body of DELETE that nobody can delimit.
        const length = Buffer.byteLength(text);
        const headers = { accept: 'application/json', 'content-type': 'application/json', 'content-length': length };
        const sent = request({ ...base, method, path, headers, timeout: REQUEST_MS }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', (error) => fail(error.message));
          response.on('end', () => {
            const answer = Buffer.concat(parts).toString('utf8');
            const code = response.statusCode ?? 0;
            if (code >= 300 && !accepted.includes(code)) fail(`${code} ${answer.slice(0, 500)}`);
            else resolve(answer === '' ? null : JSON.parse(answer));
          });
        });
        sent.on('error', (error) => fail(error.message));
        sent.on('timeout', () => sent.destroy(new ClusterError('no answer', 'Is the API server running?')));
        sent.end(text);
      }),
    watch: (path, onEvent) =>
      new Promise((resolve) => {
        const sent = request({ ...base, path, timeout: WATCH_SILENCE_MS }, (response) => {
          response.on('data', onEvent).on('error', () => resolve());
          response.on('close', () => resolve());
        });
        sent.on('error', () => resolve()).on('timeout', () => sent.destroy());
        sent.end();
      }),
  };
}
