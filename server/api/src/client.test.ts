// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProjectError } from '@melissa/kit';
import { createClient, type FetchLike } from './client.ts';

const answering = (status: number, body: string, seen: string[] = []): FetchLike => {
  return async (url, init) => {
    seen.push(`${init.method} ${url} ${init.headers['authorization']} ${init.body ?? ''}`);
    return { status, text: async () => body, arrayBuffer: async () => new Uint8Array(Buffer.from(body)).buffer };
  };
};
const clientOn = (fetch: FetchLike, timeoutMs = 1000) =>
  createClient({ baseUrl: 'http://study:8888/', token: 'secret', fetch, timeoutMs });
const failing = async (work: Promise<unknown>): Promise<ProjectError> => {
  const error = await work.then(
    () => null,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof ProjectError);
  return error;
};

test('a call fills path, query, body and token', async () => {
  const seen: string[] = [];
  const client = clientOn(answering(200, '{}', seen));
  await client.simulations({ state: 'Failed,Done', limit: 5 });
  await client.statisticNpy({ field: 'a:b', step: 3, statistic: 'covariance' });
  await client.parallelism(4);
  await client.suspend();
  assert.deepEqual(seen, [
    'GET http://study:8888/v1/simulations?state=Failed%2CDone&limit=5 Bearer secret ',
    'GET http://study:8888/v1/statistics/a%3Ab/3/covariance?format=npy Bearer secret ',
    'PUT http://study:8888/v1/parallelism Bearer secret {"parallelism":4}',
    'POST http://study:8888/v1/suspend Bearer secret ',
  ]);
});

test("the server's error keeps its code, message and remedy", async () => {
  const error = await failing(
    clientOn(answering(409, '{"code":"EINTENT","message":"m","remedy":"kubectl …"}')).suspend(),
  );
  assert.equal(error.code, 'EINTENT');
  assert.equal(error.remedy, 'kubectl …');
  assert.equal(error.retryable, false);
});

test('another server, no server and a silent server are told apart', async () => {
  assert.equal((await failing(clientOn(answering(502, '<html>')).status())).code, 'EHTTPANSWER');
  assert.equal((await failing(clientOn(answering(200, '<html>')).status())).code, 'EHTTPANSWER');
  const refused: FetchLike = async () => {
    throw new TypeError('fetch failed', { cause: new TypeError('connect ECONNREFUSED 127.0.0.1:8888') });
  };
  const unreachable = await failing(clientOn(refused).status());
  assert.equal(unreachable.code, 'EHTTPUNREACHABLE');
  assert.match(unreachable.message, /ECONNREFUSED/);
  // Node lets the process end while only AbortSignal.timeout waits, so a timer holds it until the rejection is seen.
  const silent: FetchLike = (_url, { signal }) =>
    new Promise((_resolve, reject) => {
      const hold = setInterval(() => undefined, 1000);
      signal.addEventListener('abort', () => (clearInterval(hold), reject(signal.reason as unknown)));
    });
  assert.equal((await failing(clientOn(silent, 20).status())).code, 'EHTTPTIMEOUT');
});
