// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { ReconcileQueue } from './queue.ts';
import { ManualClock } from './testing/manual-clock.ts';

const made = () => {
  const clock = new ManualClock();
  return { clock, queue: new ReconcileQueue({ clock }) };
};

test('a key waits once, however often it is added', () => {
  const { queue } = made();
  for (let i = 0; i < 5; i++) queue.add('a');
  assert.equal(queue.takeNow(), 'a');
  assert.equal(queue.takeNow(), null);
});

test('a key in work is in one hand, and comes again when it was added meanwhile', () => {
  const { queue } = made();
  queue.add('a');
  assert.equal(queue.takeNow(), 'a');
  queue.add('a');
  assert.equal(queue.takeNow(), null);
  queue.done('a');
  assert.equal(queue.takeNow(), 'a');
  queue.done('a');
  assert.equal(queue.takeNow(), null);
});

test('live changes go first, but one key in eight is from the background', () => {
  const { queue } = made();
  queue.add('old', 'background');
  for (let i = 0; i < 10; i++) queue.add(`new${i}`);
  const order = Array.from({ length: 11 }, () => queue.takeNow());
  assert.equal(order.indexOf('old'), 7);
  assert.equal(order[0], 'new0');
});

test('a background key that changes becomes live', () => {
  const { queue } = made();
  queue.add('a', 'background');
  queue.add('b', 'background');
  queue.add('b', 'live');
  assert.equal(queue.takeNow(), 'b');
});

test('a failing key backs off by itself up to the maximum and delays no other', async () => {
  const { clock, queue } = made();
  const delays = Array.from({ length: 20 }, () => queue.addFailed('bad'));
  assert.deepEqual(delays.slice(0, 4), [5, 10, 20, 40]);
  assert.equal(delays.at(-1), 300_000);
  queue.add('good');
  assert.equal(queue.takeNow(), 'good');
  await clock.advance(5);
  assert.equal(queue.takeNow(), 'bad', 'the earliest of several delays counts');
  queue.forget('bad');
  assert.equal(queue.addFailed('bad'), 5);
});

test('closing ends the takers, and nothing comes after', async () => {
  const { clock, queue } = made();
  const taken = queue.take();
  queue.addAfter('a', 10);
  queue.close();
  assert.equal(await taken, null);
  await clock.advance(100);
  queue.add('b');
  assert.equal(await queue.take(), null);
});
