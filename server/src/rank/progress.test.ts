// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineReport } from '@melissa/native';
import { Progress } from './progress.ts';

const report = (changes: Partial<EngineReport> = {}): EngineReport => ({
  completed: [],
  active: [],
  faults: [],
  framesTotal: 0,
  bytesTotal: 0,
  foldedUnitsTotal: 0,
  duplicatesTotal: 0,
  refusedTotal: 0,
  heldBytes: 0,
  connections: 0,
  groupsFolded: 0,
  foldSeconds: 0,
  ...changes,
});
const received = { simulation: 4, draw: 0, attempt: 1, state: 1 as const };

test('reports that pile up are merged into one, each completion once', () => {
  const progress = new Progress();
  progress.add(report({ completed: [received], active: [{ simulation: 9, draw: 0, attempt: 1, firstStep: 1 }] }));
  progress.add(report({ active: [{ simulation: 9, draw: 0, attempt: 1, firstStep: 3 }], framesTotal: 8 }));
  const body = progress.next(1)!;
  assert.deepEqual(body.completed, [received]);
  assert.deepEqual(
    body.active.map((item) => item.firstStep),
    [3],
  );
  assert.equal(body.framesTotal, 8);
  assert.equal(progress.next(1), null, 'nothing new');
});

test('a new head is told again what is received and not yet folded', () => {
  const progress = new Progress();
  progress.add(report({ completed: [received, { ...received, simulation: 5 }] }));
  progress.next(1);
  progress.add(report({ completed: [{ ...received, simulation: 5, state: 2 }] }));
  progress.next(1);
  progress.repeatReceived();
  assert.deepEqual(progress.next(1)!.completed, [received]);
  progress.dropped(4, received.draw, received.attempt);
  progress.repeatReceived();
  assert.deepEqual(
    progress.next(1)!.completed,
    [received],
    'an order that was overtaken by the data of its own attempt',
  );
  progress.dropped(4, received.draw, received.attempt + 1);
  progress.repeatReceived();
  assert.deepEqual(progress.next(1)!.completed, []);
});

test('received by an attempt that a later one has replaced is not told to the next head', () => {
  const progress = new Progress();
  progress.add(report({ completed: [received] }));
  progress.next(1);
  progress.add(report({ active: [{ simulation: 4, draw: 0, attempt: received.attempt + 1, firstStep: 0 }] }));
  progress.next(1);
  progress.repeatReceived();
  assert.deepEqual(progress.next(1)?.completed ?? [], []);
});
