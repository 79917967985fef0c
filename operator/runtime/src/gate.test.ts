// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { NotLeaderError } from './errors.ts';
import { onlyAsLeader, rateLimited } from './gate.ts';
import { ManualClock } from './testing/manual-clock.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

const get: ApiRequest = { method: 'GET', path: '/x', timeoutMs: 1_000 };
const post: ApiRequest = { ...get, method: 'POST' };
async function* nothing(): AsyncGenerator<Uint8Array> {}
const wire = (statuses: number[], headers: Record<string, string> = {}) => {
  const sent: ApiRequest[] = [];
  const transport: Transport = {
    send(request): Promise<ApiResponse> {
      sent.push(request);
      return Promise.resolve({ status: statuses.shift() ?? 200, headers, body: nothing() });
    },
    close: () => {},
  };
  return { sent, transport };
};

test('who does not lead reads and does not write', async () => {
  const { sent, transport } = wire([]);
  const gate = onlyAsLeader(transport, () => false);
  await gate.send(get);
  await assert.rejects(gate.send(post), NotLeaderError);
  assert.equal(sent.length, 1);
});

test('a write that an overloaded server sent back is checked again before it goes out again', async () => {
  const clock = new ManualClock();
  const { sent, transport } = wire([429], { 'retry-after': '5' });
  let isLeader = true;
  const gate = rateLimited(
    onlyAsLeader(transport, () => isLeader),
    clock,
    () => 0,
  );
  const answer = gate.send(post);
  const refused = assert.rejects(answer, NotLeaderError);
  await clock.advance(1_000);
  isLeader = false;
  await clock.advance(5_000);
  await refused;
  assert.equal(sent.length, 1);
});

test('Retry-After holds everybody back, and the number of tries is bounded', async () => {
  const clock = new ManualClock();
  const { sent, transport } = wire([429, 429, 429, 429, 429, 429, 429], { 'retry-after': '2' });
  const gate = rateLimited(transport, clock, () => 0, { triesMax: 3 });
  const first = gate.send(get);
  await clock.advance(10);
  const second = gate.send(get);
  await clock.advance(1_900);
  assert.equal(sent.length, 1, 'the second waits too');
  await clock.advance(20_000);
  assert.equal((await first).status, 429);
  assert.equal((await second).status, 429);
  assert.equal(sent.length, 6);
});

test('the rate is limited after the burst, in order', async () => {
  const clock = new ManualClock();
  const { sent, transport } = wire([]);
  const gate = rateLimited(transport, clock, () => 0, { requestsPerSecond: 10, burst: 5 });
  const all = Array.from({ length: 25 }, () => gate.send(get));
  await clock.advance(0);
  assert.equal(sent.length, 5);
  await clock.advance(1_000);
  assert.equal(sent.length, 15);
  await clock.advance(1_000);
  await Promise.all(all);
});
