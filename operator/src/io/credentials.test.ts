// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { curveKeyPair } from 'zeromq';
import { credentialsMaker } from './credentials.ts';

const make = credentialsMaker(() => Date.now());
const files = make({ name: 'heat', namespace: 'lab' });

function ask(port: number, servername: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, servername, ca, agent: false }, (answer) => {
      answer.setEncoding('utf8');
      let text = '';
      answer.on('data', (part: string) => (text += part)).on('end', () => resolve(text));
    });
    sent.on('error', reject).end();
  });
}

test('the certificate serves every name of the head, to those alone who trust the study’s authority', async () => {
  const server = createServer({ cert: files['tls.crt'], key: files['tls.key'] }, (_, answer) => void answer.end('yes'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    for (const name of [
      'heat',
      'heat.lab.svc',
      'heat.lab.svc.cluster.local',
      'heat-server-0.heat-server.lab.svc',
      'localhost',
    ])
      assert.equal(await ask(port, name, files['ca.crt']), 'yes', name);
    await assert.rejects(ask(port, 'other.lab.svc', files['ca.crt']), /altnames/);
    const other = make({ name: 'heat', namespace: 'lab' });
    await assert.rejects(ask(port, 'heat.lab.svc', other['ca.crt']));
  } finally {
    server.close();
  }
});

test('authority and certificate are what RFC 5280 asks of them, as OpenSSL reads them', () => {
  const [ca, cert] = [new X509Certificate(files['ca.crt']), new X509Certificate(files['tls.crt'])];
  assert.equal(ca.ca, true);
  assert.equal(cert.ca, false);
  assert.ok(cert.verify(ca.publicKey) && ca.verify(ca.publicKey));
  assert.ok(cert.checkIssued(ca));
  assert.equal(cert.checkIP('127.0.0.1'), '127.0.0.1');
  assert.ok(Date.parse(cert.validTo) - Date.now() > 9 * 365 * 86_400_000);
  assert.ok(Date.parse(cert.validFrom) < Date.now());
});

test('CURVE keys are 40 characters of Z85, and a pair belongs together', async () => {
  for (const file of ['server.key', 'server.pub', 'client.key', 'client.pub'] as const)
    assert.match(files[file], /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/);
  assert.equal(new Set(Object.values(files)).size, Object.keys(files).length);
  // ZeroMQ's own pair has the same form; and the public key of a secret is what X25519 says.
  assert.equal(curveKeyPair().publicKey.length, files['server.pub'].length);
  const { Router, Dealer } = await import('zeromq');
  const router = new Router({
    curveServer: true,
    curveSecretKey: files['server.key'],
    receiveTimeout: 10_000,
    linger: 0,
  });
  await router.bind('tcp://127.0.0.1:*');
  const dealer = new Dealer({
    curveServerKey: files['server.pub'],
    curvePublicKey: files['client.pub'],
    curveSecretKey: files['client.key'],
    linger: 0,
  });
  dealer.connect(router.lastEndpoint!);
  await dealer.send('hello');
  const [, text] = await router.receive();
  assert.equal(String(text), 'hello');
  dealer.close();
  router.close();
});
