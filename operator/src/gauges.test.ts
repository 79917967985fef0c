// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { pendingOf } from './gauges.ts';
import type { Study } from './kinds.ts';

const study = (name: string, status: object): Study =>
  ({ metadata: { name, namespace: 'lab' }, spec: {}, status }) as unknown as Study;

test('a study says how many simulations wait, as soon as it has counters', () => {
  const store = {
    list: () => [
      study('new', {}),
      study('heat', { simulations: { pending: 12 } }),
      study('done', { simulations: { pending: 0 } }),
    ],
  };
  assert.deepEqual(
    [...pendingOf(store)],
    [
      { labels: { namespace: 'lab', study: 'heat' }, value: 12 },
      { labels: { namespace: 'lab', study: 'done' }, value: 0 },
    ],
  );
});
