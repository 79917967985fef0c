// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogItem } from '../../events/log-items.ts';
import { EventStore } from './event-store.ts';

const items = (first: number, count: number): LogItem[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: 'event',
    sequence: first + i,
    event: { timeMs: 1, entity: 'pilot', id: 'p', from: 'a', to: 'b', cause: 'x'.repeat(500), data: {} },
  }));

test('a full disk refuses a batch as a whole, keeps what was there, and takes it when there is room', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-log-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'events.sqlite');
  const small = new EventStore(path, 20);
  small.append(items(1, 10));
  assert.throws(() => small.append(items(11, 500)), /full/);
  assert.equal(small.lastSequence(), 10);
  small.append(items(11, 1));
  small.append(items(11, 1)); // a repeated batch adds nothing
  assert.equal(small.events({}).events.length, 11);
  small.close();
  const roomy = new EventStore(path);
  roomy.append(items(12, 500));
  assert.equal(roomy.lastSequence(), 511);
  roomy.close();
});

test('an item that cannot be written does not keep the others from the log', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-log-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const store = new EventStore(join(directory, 'events.sqlite'));
  const [first, second, third] = items(1, 3) as [LogItem, LogItem, LogItem];
  const broken = {
    ...second,
    event: { ...(second as Extract<LogItem, { kind: 'event' }>).event, cause: undefined },
  } as unknown as LogItem;
  const attempt = {
    kind: 'attempt',
    attempt: { simulation: 0, draw: 0, attempt: 0, stdout: '', stderr: '', exitCode: 1.5, peakRssBytes: null },
  } as unknown as LogItem;
  store.append([first, broken, attempt, third]);
  assert.deepEqual(store.events({}).events.map(({ sequence, to }) => [sequence, to]), [[1, 'b'], [2, 'gap'], [3, 'b']]); // prettier-ignore
  assert.deepEqual(store.attempts(0), []);
  store.close();
});
