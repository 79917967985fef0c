// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
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

/** Local ports of attempts to connect to `port` that nobody has answered yet. */
const unanswered = (port: number): string[] =>
  readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => state === '02' && Number.parseInt(remote?.split(':')[1] ?? '', 16) === port)
    .map(([, local]) => local!);

test('an attempt to connect that nobody answers is given up after seconds, and made anew', async (context) => {
  // A listener that accepts nothing: when its queue is full the kernel drops who comes next, as the address of a pod that is gone does.
  const program =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))";
  const listener = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => listener.kill('SIGKILL'));
  const [text] = (await within(once(listener.stdout, 'data'))) as [Buffer];
  const port = Number(text.toString());
  listener.kill('SIGSTOP');
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  context.after(() => fillers.forEach((socket) => socket.destroy()));
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((wake) => setTimeout(wake, 50));
  };
  await within(until(() => unanswered(port).length > 0));
  const before = new Set(unanswered(port));
  const peer = openControlPeer({ endpoint: `tcp://127.0.0.1:${port}`, routingId: Uint8Array.of(1, 9), curve: null, receive: () => undefined }); // prettier-ignore
  context.after(() => peer.close());
  const seen = new Set<string>();
  await within(
    until(() => {
      for (const local of unanswered(port)) if (!before.has(local)) seen.add(local);
      return seen.size > 2;
    }),
  );
});
