// SPDX-License-Identifier: Apache-2.0
/**
 * Speaks to a head: TLS to the pod's address, verified against the study's own authority and the name of its Service, so that neither DNS nor another pod that
 * took the address can mislead the operator.
 */
import { Agent, request } from 'node:https';
import { createClient, type FetchLike } from '@melissa/api';
import type { HeadAddress, HeadApi, OpenHead } from '../head-link.ts';
import { headRequestMs } from '../limits.ts';
import { HTTPS_PORT, restName } from '../names.ts';

/** Status of 128 failed simulations and 10,000 pilots is below this. */
const ANSWER_BYTES_MAX = 8 * 2 ** 20;

const agent = new Agent({ keepAlive: true, keepAliveMsecs: 5000, maxSockets: 2, maxFreeSockets: 1, timeout: 10_000 });

/** `relay` stands for every head, and forwards by the name that is asked for. */
export const headOpener =
  (relay: { host: string; port: number } | null): OpenHead =>
  (address) =>
    openHead(address, relay ?? { host: address.podIp, port: HTTPS_PORT });

function openHead({ study, namespace, credentials }: HeadAddress, to: { host: string; port: number }): HeadApi {
  const host = to.host.includes(':') ? `[${to.host}]` : to.host;
  const servername = restName(study, namespace);
  const fetch: FetchLike = (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const sent = request(
        url,
        { method, headers, signal, agent, servername, ca: credentials.caCertificate },
        (answer) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > ANSWER_BYTES_MAX)
              answer.destroy(new TypeError(`the answer has more than ${ANSWER_BYTES_MAX} bytes`));
            chunks.push(chunk);
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const whole = Buffer.concat(chunks);
            resolve({
              status: answer.statusCode ?? 0,
              text: () => Promise.resolve(whole.toString('utf8')),
              arrayBuffer: () => Promise.resolve(new Uint8Array(whole).buffer),
            });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  const client = createClient({
    baseUrl: `https://${host}:${to.port}`,
    token: credentials.token,
    fetch,
    timeoutMs: headRequestMs,
  });
  return {
    status: () => client.status(),
    backend: () => client.backend(),
    intent: (intent) => client.intent(intent),
    gone: (pilots) => client.gone(pilots),
  };
}
