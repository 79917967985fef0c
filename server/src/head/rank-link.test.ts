// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, type ProjectError } from '@melissa/kit';
import { decodeControl, type ControlMessage } from '@melissa/protocol';
import { mergeLooks } from './convergence-check.ts';
import { RankLink } from './rank-link.ts';

function aLink() {
  const clock = new ManualClock();
  const sent: ControlMessage[] = [];
  const link = new RankLink(0, { clock, epoch: 2, send: (_, frame) => sent.push(decodeControl(frame)) });
  const hello = (instance: string) =>
    link.hello({ peer: 'p', instance, endpoint: 'e', serverKey: '', host: 'h', processId: 1 }, 0);
  const tick = (ms: number) => {
    clock.advance(ms);
    link.tick(clock.monotonicMs());
  };
  return { clock, sent, link, hello, tick };
}
const ok = (request: number): ControlMessage => ({ name: 'Ok', epoch: 2, request, body: {} });

test('a request is repeated with the same number until it is answered', async () => {
  const { sent, link, hello, tick } = aLink();
  hello('first');
  const answer = link.request('Checkpoint', { number: 1 });
  tick(3500);
  tick(3500);
  const requests = sent.filter((message) => message.name === 'Checkpoint').map((message) => message.request);
  assert.deepEqual(requests, [1, 1, 1]);
  link.answer(ok(1));
  link.answer(ok(1));
  assert.equal((await answer).name, 'Ok');
});

test('orders wait for a rank that is away and survive its restart; readings do not', async () => {
  const { sent, link, hello } = aLink();
  link.order('Fold', { simulation: 3, draw: 0, attempt: 1 });
  assert.equal(sent.length, 0);
  hello('first');
  const reading = link.request('ReadDigest', {});
  hello('second');
  await assert.rejects(reading, (cause: ProjectError) => cause.code === 'EUNAVAILABLE' && cause.retryable);
  assert.deepEqual(
    sent.map((message) => message.name),
    ['Fold', 'ReadDigest', 'Fold'],
  );
});

test('a rank that never answers does not keep a reading waiting for ever', async () => {
  const { link, hello, tick } = aLink();
  hello('first');
  const reading = link.request('ReadDigest', {}, 5000);
  tick(5001);
  await assert.rejects(reading, (cause: ProjectError) => cause.code === 'EUNAVAILABLE');
});

test('what a rank had counted before its restart is not forgotten', () => {
  const { link, hello } = aLink();
  hello('first');
  link.totals = { ...link.totals, bytes: 10, frames: 1 };
  hello('second');
  assert.deepEqual([link.before.bytes, link.totals.bytes], [10, 0]);
});

test('looks of several ranks: the widest of all, cells added, ranks without eligible cells left out', () => {
  const merged = mergeLooks([
    { groups: 10, widest: 0.2, medianWidth: 0.1, cells: 30 },
    { groups: 9, widest: 0.5, medianWidth: 0.2, cells: 10 },
    { groups: 12, widest: NaN, medianWidth: NaN, cells: 0 },
  ]);
  assert.deepEqual([merged.groups, merged.widest, merged.cells], [9, 0.5, 40]);
  assert.ok(Math.abs(merged.medianWidth - 0.125) < 1e-15);
  assert.ok(Number.isNaN(mergeLooks([{ groups: 1, widest: 0, medianWidth: 0, cells: 0 }]).widest));
});
