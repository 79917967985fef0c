// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { curveKeyPair } from 'zeromq';
import { openControlPeer, openControlServer, type CurveClient } from './control-socket.ts';

const LIMIT_MS = 60_000;
const within = <T>(promise: Promise<T>): Promise<T> =>
  Promise.race([
    promise,
    new Promise<T>((_, reject) => {
      const timer = setTimeout(() => reject(new assert.AssertionError({ message: 'nothing came' })), LIMIT_MS);
      timer.unref();
    }),
  ]);

const server = curveKeyPair();
const [friend, stranger] = [curveKeyPair(), curveKeyPair()];
const keysOf = (pair: typeof friend, serverKey = server.publicKey): CurveClient => ({ ...pair, serverKey });

async function echo(context: TestContext, options: { curve: boolean; descriptorsMax?: number }) {
  let refused = 0;
  const socket = await openControlServer({
    endpoint: 'tcp://127.0.0.1:*',
    curve: options.curve ? { secretKey: server.secretKey, allowedKeys: [friend.publicKey] } : null,
    receive: (peer, frame) => socket.send(peer, frame),
    refused: () => void (refused += 1),
    ...(options.descriptorsMax === undefined ? {} : { descriptorsMax: options.descriptorsMax }),
  });
  context.after(() => socket.close());
  return { endpoint: socket.endpoint, refused: () => refused };
}

let peers = 0;
/** Says something; what comes first, the echo or the refusal, is the answer. */
function say(context: TestContext, endpoint: string, curve: CurveClient | null): Promise<'heard' | 'refused'> {
  peers += 1;
  const answer = Promise.withResolvers<'heard' | 'refused'>();
  const peer = openControlPeer({
    endpoint,
    routingId: Uint8Array.of(1, peers),
    curve,
    receive: () => answer.resolve('heard'),
    refused: () => answer.resolve('refused'),
  });
  context.after(() => peer.close());
  peer.send(Uint8Array.of(1, 2, 3));
  return within(answer.promise);
}

test('with keys a peer on the list is heard; an unknown key and no key are told that they are refused', async (context) => {
  const { endpoint, refused } = await echo(context, { curve: true });
  assert.equal(await say(context, endpoint, keysOf(friend)), 'heard');
  assert.equal(await say(context, endpoint, keysOf(stranger)), 'refused');
  assert.ok(refused() >= 1);
  assert.equal(await say(context, endpoint, null), 'refused');
  assert.equal(await say(context, endpoint, keysOf(friend)), 'heard');
});

test('a peer with keys is told that this side has none', async (context) => {
  const { endpoint } = await echo(context, { curve: false });
  assert.equal(await say(context, endpoint, null), 'heard');
  assert.equal(await say(context, endpoint, keysOf(friend)), 'refused');
});

test('connections never take the descriptors that the process needs for itself', async (context) => {
  const { endpoint, refused } = await echo(context, {
    curve: false,
    // Each peer of this test has descriptors of its own in this very process.
    descriptorsMax: readdirSync('/proc/self/fd').length + 60,
  });
  const answers: string[] = [];
  while (!answers.includes('refused') && answers.length < 60) answers.push(await say(context, endpoint, null));
  assert.equal(answers[0], 'heard');
  assert.equal(answers.at(-1), 'refused');
  assert.ok(refused() >= 1);
});
