// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { curveKeyPair } from 'zeromq';
import { decodeKey, publicKeyOf, readServerKeys } from './keys.ts';

function folderOf(context: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mel-keys-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
const [server, one, other] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];

test('a public key is computed from its secret as ZeroMQ does', () => {
  for (const { secretKey, publicKey } of [server, one, other])
    assert.equal(publicKeyOf(decodeKey(secretKey)!), publicKey);
});

test('keys are read, blank lines and the line at the end aside, and the server itself is always allowed', async (context) => {
  const folder = folderOf(context, {
    'server.key': `${server.secretKey}\n`,
    'server.pub': server.publicKey,
    'client.pub': `${one.publicKey}\n\n${other.publicKey}\n`,
  });
  assert.deepEqual(await readServerKeys(folder), {
    secretKey: server.secretKey,
    publicKey: server.publicKey,
    allowedKeys: [server.publicKey, one.publicKey, other.publicKey],
  });
  assert.equal(await readServerKeys(null), null);
});

test('keys that cannot work are refused with what is wrong', async (context) => {
  const good = {
    'server.key': server.secretKey,
    'server.pub': server.publicKey,
    'client.pub': one.publicKey,
  };
  const bad: [Record<string, string>, RegExp][] = [
    [{ ...good, 'server.key': 'short' }, /server\.key is not 40 characters of Z85/],
    [{ ...good, 'server.key': '~'.repeat(40) }, /server\.key is not 40 characters of Z85/],
    [{ ...good, 'server.pub': other.publicKey }, /server\.pub does not belong to the secret key in server\.key/],
    [{ ...good, 'client.pub': `${one.publicKey}\nnobody` }, /line 2 of .*clients\.pub is not 40 characters of Z85/],
    [{ ...good, 'client.pub': '\n' }, /clients\.pub holds 0 keys, not 1 to 10000/],
    [{ 'server.key': server.secretKey, 'server.pub': server.publicKey }, /clients\.pub is missing/],
  ];
  for (const [files, message] of bad)
    await assert.rejects(readServerKeys(folderOf(context, files)), { code: 'EKEYS', message });
});
