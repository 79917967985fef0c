// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { aStatus } from '../testing.ts';
import { renderBar, renderPlain, renderProgress } from './render.ts';

const HTTP = 'http://127.0.0.1:8888';
const plain = { unicode: true, color: false };

test('a wide terminal shows everything on two lines', () => {
  assert.deepEqual(renderProgress(aStatus(), HTTP, { columns: 140, ...plain }), [
    'heat  ━━━━━━━━━━━━━━━━╸───   81 %   8,123 / 10,000   40 running   2 failed   11.3 /s   ETA 2 min 46 s',
    "      received 65 GB (900 MB/s)   widest Sobol' interval 0.08 (goal 0.05)   http://127.0.0.1:8888",
  ]);
});

test('without Unicode the bar is made of plain characters', () => {
  assert.equal(
    renderProgress(aStatus(), HTTP, { columns: 140, unicode: false, color: false })[0]!.slice(0, 26),
    'heat  ################>---',
  );
});

test('a narrow terminal loses segments from the right, the count last; no line is ever wider', () => {
  assert.deepEqual(renderProgress(aStatus(), HTTP, { columns: 60, ...plain }), [
    'heat  ━━━━━━━━━━━━━━━━╸───   81 %   8,123 / 10,000',
    '      received 65 GB (900 MB/s)',
  ]);
  for (let columns = 20; columns < 160; columns++) {
    for (const line of renderProgress(aStatus({ name: 'a-rather-long-name-of-a-study' }), HTTP, {
      columns,
      ...plain,
    })) {
      assert.ok(line.length <= Math.max(columns, 40), `${line.length} characters at ${columns} columns: ${line}`);
    }
  }
});

test('100 % and a full bar are for a study that is complete', () => {
  const simulations = { ...aStatus().simulations, done: 9_999, running: 1 };
  assert.match(renderPlain(aStatus({ progress: 0.9999, simulations })), /, 99 %, 9,999 \/ 10,000,/);
  assert.match(renderPlain(aStatus({ progress: 1 })), /, 100 %,/);
  assert.equal(renderBar(1, 5, plain), '━━━━━');
  assert.equal(renderBar(0, 5, plain), '─────');
  assert.equal(renderBar(0.5, 5, plain), '━━╸──');
});

test('a rank that restarts and a state other than running are shown', () => {
  const ranks = [0, 1].map((rank) => ({
    rank,
    state: rank === 1 ? 'Starting' : 'Ready',
    endpoint: '',
    checkpoint: 0,
    rssBytes: 0,
  }));
  const [first, second] = renderProgress(aStatus({ state: 'Suspended', ranks }), '', { columns: 160, ...plain });
  assert.match(first!, /10,000   suspended   40 running/);
  assert.match(second!, /rank 1 starting/);
});

test('a study without data shows no bytes and no interval', () => {
  const convergence = { groups: 0, widestInterval: null, medianInterval: null, goal: null };
  const [, second] = renderProgress(aStatus({ bytesReceived: 0, convergence }), HTTP, { columns: 100, ...plain });
  assert.equal(second, '      http://127.0.0.1:8888');
});
