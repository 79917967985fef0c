// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Reconciler, type Demand, type Orders } from './reconcile.ts';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, FAILURES_MAX, HEALTHY_LIFE_MS } from '../limits.ts';

const ENDPOINT = 'tcp://127.0.0.1:5001';

function aDemand(part: Partial<Demand> = {}): Demand {
  return {
    desiredPilots: 2,
    desiredRanks: 1,
    controlEndpoint: ENDPOINT,
    planFinished: false,
    finished: false,
    active: new Map(),
    ...part,
  };
}

/** Carries the orders out at once, as a machine would. */
function carryOut(reconciler: Reconciler, orders: Orders, nowMs: number): string[] {
  for (const { id } of orders.stop) reconciler.stopping(id);
  for (const { id, endpoint } of orders.start) reconciler.started(id, endpoint, nowMs);
  return [...orders.start.map(({ id }) => `+${id}`), ...orders.stop.map(({ id }) => `-${id}`)];
}
const turn = (reconciler: Reconciler, demand: Demand | null, nowMs: number): string[] =>
  carryOut(reconciler, reconciler.decide(demand, nowMs), nowMs);

test('the head comes first, and what the head demands follows', () => {
  const reconciler = new Reconciler();
  assert.deepEqual(turn(reconciler, null, 0), ['+head']);
  assert.deepEqual(turn(reconciler, null, 1), []);
  assert.deepEqual(turn(reconciler, aDemand(), 2), ['+rank-0', '+pilot-0', '+pilot-1']);
  assert.deepEqual(turn(reconciler, aDemand(), 3), [], 'a demand that is met starts nothing');
});

test('scaling down stops the idlest pilots, scaling up fills the free slots', () => {
  const reconciler = new Reconciler();
  turn(reconciler, null, 0);
  turn(reconciler, aDemand({ desiredPilots: 4 }), 1);
  const active = new Map([
    ['pilot-0', 0],
    ['pilot-1', 1],
    ['pilot-2', 1],
    ['pilot-3', 1],
  ]);
  assert.deepEqual(turn(reconciler, aDemand({ desiredPilots: 2, active }), 2), ['-pilot-0', '-pilot-3']);
  assert.deepEqual(
    turn(reconciler, aDemand({ desiredPilots: 2, active }), 3),
    [],
    'draining pilots are not stopped twice',
  );
  reconciler.ended('pilot-0', { code: 0, signal: null }, 4);
  assert.deepEqual(
    turn(reconciler, aDemand({ desiredPilots: 3 }), 5),
    ['+pilot-0'],
    'pilot-3 still drains; slot 0 is free',
  );
});

test('a rank that dies is started again, later each time it dies young', () => {
  const reconciler = new Reconciler();
  turn(reconciler, null, 0);
  turn(reconciler, aDemand({ desiredPilots: 0 }), 0);
  let nowMs = 0;
  const waits: number[] = [];
  for (let i = 0; i < FAILURES_MAX - 1; i++) {
    assert.equal(reconciler.ended('rank-0', { code: 1, signal: null }, nowMs), 'unexpected');
    const slot = reconciler.slots.get('rank-0')!;
    waits.push(slot.notBeforeMs - nowMs);
    assert.deepEqual(turn(reconciler, aDemand({ desiredPilots: 0 }), slot.notBeforeMs - 1), []);
    nowMs = slot.notBeforeMs;
    assert.deepEqual(turn(reconciler, aDemand({ desiredPilots: 0 }), nowMs), ['+rank-0']);
  }
  assert.equal(waits[0], BACKOFF_FIRST_MS);
  assert.equal(waits[1], 2 * BACKOFF_FIRST_MS);
  assert.ok(waits.every((wait) => wait <= BACKOFF_MAX_MS));
  reconciler.ended('rank-0', { code: 1, signal: null }, nowMs);
  assert.equal(reconciler.decide(aDemand(), nowMs + 60_000).hopeless?.id, 'rank-0');
});

test('an end after a healthy life starts the count anew, and SIGKILL from outside is never hopeless', () => {
  const reconciler = new Reconciler();
  turn(reconciler, null, 0);
  let nowMs = 0;
  for (let i = 0; i < FAILURES_MAX + 3; i++) {
    reconciler.ended('head', { code: null, signal: 'SIGKILL' }, nowMs);
    nowMs = reconciler.slots.get('head')!.notBeforeMs;
    assert.deepEqual(turn(reconciler, aDemand({ desiredRanks: 0, desiredPilots: 0 }), nowMs), ['+head']);
  }
  nowMs += HEALTHY_LIFE_MS;
  reconciler.ended('head', { code: 1, signal: null }, nowMs);
  assert.equal(reconciler.slots.get('head')!.failures, 1);
});

test('a head that restarts is marked as such, so that it is given --resume', () => {
  const reconciler = new Reconciler();
  assert.equal(reconciler.decide(null, 0).start[0]!.again, false);
  turn(reconciler, null, 0);
  reconciler.ended('head', { code: null, signal: 'SIGSEGV' }, 1);
  assert.equal(reconciler.decide(null, 1 + BACKOFF_FIRST_MS).start[0]!.again, true);
});

test('ranks and pilots of a head that moved to another port are replaced', () => {
  const reconciler = new Reconciler();
  turn(reconciler, null, 0);
  turn(reconciler, aDemand(), 1);
  const moved = aDemand({ controlEndpoint: 'tcp://127.0.0.1:5002' });
  assert.deepEqual(
    turn(reconciler, moved, 2).sort(),
    ['-pilot-0', '-pilot-1', '-rank-0', '+pilot-2', '+pilot-3'].sort(),
  );
  reconciler.ended('rank-0', { code: 0, signal: null }, 3);
  assert.deepEqual(turn(reconciler, moved, 3), ['+rank-0']);
  assert.equal(reconciler.slots.get('rank-0')!.endpoint, 'tcp://127.0.0.1:5002');
});

test('a finished plan starts no pilot and stops none; a finished study starts nothing at all', () => {
  const reconciler = new Reconciler();
  turn(reconciler, null, 0);
  turn(reconciler, aDemand(), 1);
  reconciler.ended('pilot-0', { code: 0, signal: null }, 2);
  assert.deepEqual(turn(reconciler, aDemand({ planFinished: true }), 3), []);
  for (const id of ['head', 'rank-0', 'pilot-1']) reconciler.ended(id, { code: 0, signal: null }, 4);
  assert.deepEqual(turn(reconciler, aDemand({ planFinished: true, finished: true }), 5_000), []);
});

test('a pilot that was dismissed or lost its head is no failure', () => {
  const reconciler = new Reconciler();
  turn(reconciler, null, 0);
  turn(reconciler, aDemand(), 1);
  assert.equal(reconciler.ended('pilot-0', { code: 3, signal: null }, 2), 'expected');
  assert.equal(reconciler.ended('pilot-1', { code: 4, signal: null }, 2), 'expected');
  assert.deepEqual(turn(reconciler, aDemand({ desiredPilots: 0 }), 3), []);
  assert.deepEqual(turn(reconciler, aDemand({ desiredPilots: 1 }), 4), ['+pilot-0']);
});

test('a server that says that starting it again cannot help is not started again', () => {
  const reconciler = new Reconciler();
  turn(reconciler, null, 0);
  assert.equal(reconciler.ended('head', { code: 6, signal: null }, 1), 'unexpected');
  const orders = reconciler.decide(null, 60_000);
  assert.deepEqual(orders.start, []);
  assert.deepEqual(orders.hopeless, { id: 'head', scope: 'head', exit: { code: 6, signal: null } });
});
