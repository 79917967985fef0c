// SPDX-License-Identifier: Apache-2.0
/** The configuration of a pod, on a server with a certificate of its own CA that asks for the token. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { FakeApi } from '../testing/fake-api.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { sendJson } from '../transport.ts';
import { httpsTransport } from './https-transport.ts';
import { inCluster, runsInCluster } from './in-cluster.ts';
import { servedOverHttp } from './scripted-server.ts';

function mounted(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pod-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const args =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=api -addext subjectAltName=IP:127.0.0.1';
  execFileSync('openssl', [...args.split(' '), '-keyout', 'key', '-out', 'ca.crt'], { cwd: folder, stdio: 'ignore' });
  writeFileSync(join(folder, 'token'), 'first\n');
  writeFileSync(join(folder, 'namespace'), 'science');
  return folder;
}

test('a pod talks to the API server with its token and CA, and follows a token that is renewed', async (t) => {
  const folder = mounted(t);
  const tls = { key: readFileSync(join(folder, 'key'), 'utf8'), cert: readFileSync(join(folder, 'ca.crt'), 'utf8') };
  const api = new FakeApi(new ManualClock());
  api.put('/api/v1/namespaces/science', { metadata: { name: 'science' } });
  let accepted = 'first';
  const served = await servedOverHttp(api, {
    tls,
    script: (request, response) => {
      if (request.headers.authorization === `Bearer ${accepted}`) return false;
      response.writeHead(401).end('{"kind":"Status","code":401,"reason":"Unauthorized"}');
      return true;
    },
  });
  const clock = new ManualClock();
  const { hostname, port } = new URL(served.url);
  const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const { config, namespace } = inCluster(environment, clock, folder);
  assert.equal(namespace, 'science');
  const transport = httpsTransport(config);
  t.after(async () => {
    transport.close();
    await served.close();
  });
  const ask = async () => {
    const path = '/api/v1/namespaces/science';
    const { metadata } = await sendJson<{ metadata: { name: string } }>(transport, {
      method: 'GET',
      path,
      timeoutMs: 20_000,
    });
    return metadata.name;
  };
  assert.equal(await ask(), 'science');

  writeFileSync(join(folder, 'token'), 'second');
  await ask();
  assert.equal(served.requests.at(-1)?.authorization, 'Bearer first', 'the file is not read for every request');
  await clock.advance(61_000);
  accepted = 'second';
  await ask();
  assert.equal(served.requests.at(-1)?.authorization, 'Bearer second', 'but once a minute');

  writeFileSync(join(folder, 'token'), 'third');
  accepted = 'third';
  const before = served.requests.length;
  assert.equal(await ask(), 'science');
  assert.deepEqual(
    served.requests.slice(before).map(({ authorization }) => authorization),
    ['Bearer second', 'Bearer third'],
    'and at once when the server refuses it',
  );
});

test('an API server that the CA did not sign is not talked to', async (t) => {
  const [ours, theirs] = [mounted(t), mounted(t)];
  const tls = { key: readFileSync(join(theirs, 'key'), 'utf8'), cert: readFileSync(join(theirs, 'ca.crt'), 'utf8') };
  const served = await servedOverHttp(new FakeApi(new ManualClock()), { tls });
  const { hostname, port } = new URL(served.url);
  const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const transport = httpsTransport(inCluster(environment, new ManualClock(), ours).config);
  t.after(async () => {
    transport.close();
    await served.close();
  });
  await assert.rejects(
    sendJson(transport, { method: 'GET', path: '/api/v1/pods', timeoutMs: 20_000 }),
    /self-signed certificate/,
  );
  assert.equal(served.requests.length, 0, 'no token was sent');
});

test('addresses of both families, the default port and the default namespace', (t) => {
  const folder = mounted(t);
  rmSync(join(folder, 'namespace'));
  const at = (host: string, port?: string) =>
    inCluster(
      { KUBERNETES_SERVICE_HOST: host, ...(port === undefined ? {} : { KUBERNETES_SERVICE_PORT: port }) },
      new ManualClock(),
      folder,
    );
  assert.equal(at('10.96.0.1').config.server, 'https://10.96.0.1:443');
  assert.equal(at('fd00::1', '6443').config.server, 'https://[fd00::1]:6443');
  assert.equal(at('10.96.0.1').namespace, 'default');
});

test('outside a pod it says so', () => {
  assert.equal(runsInCluster({}), false);
  assert.throws(() => inCluster({}, new ManualClock()), { code: 'NO_CLUSTER', remedy: /kubeconfig/ });
});
