// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import type { KubernetesObject } from '../objects.ts';
import { Reflector } from '../reflector.ts';
import { Store } from '../store.ts';
import { FakeApi } from '../testing/fake-api.ts';
import { seeded } from '../testing/random.ts';
import type { Transport } from '../transport.ts';
import { systemClock } from './clock.ts';
import { httpsTransport } from './https-transport.ts';
import { servedOverHttp } from './scripted-server.ts';

async function withServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  use: (transport: Transport) => Promise<void>,
): Promise<void> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = httpsTransport({ server: url, credentials: () => ({ headers: {} }) });
  try {
    await use(transport);
  } finally {
    transport.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
const get = (transport: Transport) => transport.send({ method: 'GET', path: '/', timeoutMs: 60_000 });
const limits = { timeout: 120_000 };

test('megabytes arrive whole when the reader is slower than the socket', limits, async () => {
  const bytes = Buffer.alloc(8 * 2 ** 20, 'abcdefg');
  await withServer(
    (_, response) => response.end(bytes),
    async (transport) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of (await get(transport)).body) {
        chunks.push(chunk);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(Buffer.concat(chunks).equals(bytes));
    },
  );
});

test('an answer that breaks off is an error, after what came of it', limits, async () => {
  await withServer(
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('some', () => response.destroy());
    },
    async (transport) => {
      let text = '';
      const { body } = await get(transport);
      await assert.rejects(async () => {
        for await (const chunk of body) text += Buffer.from(chunk).toString();
      });
      assert.equal(text, 'some');
    },
  );
});

test('an answer that nobody reads may break off too', limits, async () => {
  let broken: Promise<unknown> = Promise.resolve();
  await withServer(
    (_, response) => {
      broken = new Promise((resolve) => response.once('close', resolve));
      response.writeHead(200, { 'content-length': '100' });
      response.write('some', () => response.destroy());
    },
    async (transport) => {
      const { body } = await get(transport);
      await broken;
      await new Promise((resolve) => setImmediate(resolve));
      await assert.rejects(async () => {
        for await (const _ of body) continue;
      });
    },
  );
});

test('a reader that leaves ends the connection, and one that reads to the end keeps it', limits, async () => {
  const sockets = new Set<unknown>();
  let closed = 0;
  await withServer(
    ({ socket, url }, response) => {
      if (!sockets.has(socket)) socket.once('close', () => (closed += 1));
      sockets.add(socket);
      if (url === '/endless') response.write('a');
      else response.end('all');
    },
    async (transport) => {
      for (let i = 0; i < 3; i++) for await (const _ of (await get(transport)).body) continue;
      assert.equal(sockets.size, 1);
      const endless = await transport.send({ method: 'GET', path: '/endless', timeoutMs: 60_000 });
      for await (const _ of endless.body) break;
      while (closed === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(closed, 1);
    },
  );
});

test('a watch arrives whole through a transport that passes its chunks on and writes them later', limits, async () => {
  const kind = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
  const api = new FakeApi(systemClock);
  const data = { text: 'x'.repeat(20_000) };
  const post = (index: number) => {
    const body = JSON.stringify({ metadata: { name: `made-${index}`, namespace: 'default' }, data });
    return api.send({ method: 'POST', path: '/api/v1/namespaces/default/configmaps', body, timeoutMs: 60_000 });
  };
  for (let index = 0; index < 50; index++) await post(index);
  const origin = await servedOverHttp(api);
  const toOrigin = httpsTransport({ server: origin.url, credentials: () => ({ headers: {} }) });
  const proxy = await servedOverHttp(toOrigin);
  const transport = httpsTransport({ server: proxy.url, credentials: () => ({ headers: {} }) });
  const store = new Store<KubernetesObject & { data?: typeof data }>();
  const failures: unknown[] = [];
  const stop = new AbortController();
  const reflector = new Reflector({
    transport,
    store,
    kind,
    clock: systemClock,
    chance: seeded(1),
    onEvent: (event) => event.type === 'failed' && failures.push(event.error),
  });
  const ended = reflector.run(stop.signal);
  try {
    const endMs = performance.now() + 60_000;
    const all = async (count: number): Promise<void> => {
      while (store.size < count) {
        assert.ok(performance.now() < endMs && failures.length === 0, `${store.size} came; ${String(failures[0])}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await all(50);
    await Promise.all(Array.from({ length: 50 }, (_, index) => post(50 + index)));
    await all(100);
    assert.ok(store.list().every((object) => object.data?.text === data.text));
  } finally {
    stop.abort();
    await ended;
    transport.close();
    toOrigin.close();
    await proxy.close();
    await origin.close();
  }
});
