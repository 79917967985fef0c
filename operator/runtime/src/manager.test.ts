// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import Registry from 'prom-client/lib/registry.js';
import { controller, done } from './controller.ts';
import { Manager } from './manager.ts';
import { ownGauges, runtimeMetrics } from './metrics.ts';
import type { Kind, KubernetesObject } from './objects.ts';
import { FakeApi } from './testing/fake-api.ts';
import { ManualClock } from './testing/manual-clock.ts';

const boxes: Kind = { group: 'x', version: 'v1', plural: 'boxes', kind: 'Box', namespaced: true };
const pods = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true } as const;
const ours: Kind = { ...pods, labelSelector: 'of=box' };
const failed: Kind = { ...pods, labelSelector: 'of=box', fieldSelector: 'status.phase=Failed' };

test('kinds with different selectors have caches of their own, each filled by its own watch', async () => {
  const clock = new ManualClock();
  const api = new FakeApi(clock);
  api.put('/apis/x/v1/namespaces/n/boxes/one', { metadata: { name: 'one', namespace: 'n' } });
  const seen: boolean[] = [];
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const manager = new Manager({
    transport: api,
    clock,
    chance: () => 0.5,
    log: quiet,
    metrics: runtimeMetrics(new Registry()),
    fieldManager: 'me',
    identity: 'me',
  }).add(
    controller<KubernetesObject>({
      name: 'boxes',
      kind: boxes,
      owns: [ours],
      watches: [{ kind: failed, concerns: () => [] }],
      async reconcile({ store }) {
        seen.push((store(ours) as unknown) !== store(failed));
        return done;
      },
    }),
  );
  const stop = new AbortController();
  const ended = manager.run(stop.signal);
  assert.ok(await clock.until(() => seen.length > 0, 60_000), 'the box is reconciled');
  stop.abort();
  await clock.advance(60_000);
  await ended;
  assert.deepEqual(seen, [true]);
  const asked = new Set(
    api.seen
      .filter(({ path }) => path === '/api/v1/pods')
      .map(({ query }) => `${query['labelSelector']} ${query['fieldSelector']}`),
  );
  assert.deepEqual([...asked].sort(), ['of=box status.phase=Failed', 'of=box undefined']);
});

test('an operator’s own gauge is read when it is asked for, forgets what is gone, and is the leader’s alone', async () => {
  const registry = new Registry();
  const manager = { isLeader: true, storeFor: () => assert.fail('not asked for') };
  let boxesNow = ['one', 'two'];
  const read = () => boxesNow.map((box) => ({ labels: { box }, value: box.length }));
  ownGauges(registry, [{ name: 'boxes', help: 'Boxes', labelNames: ['box'], read }], manager);
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('boxes'));
  assert.deepEqual(await lines(), ['boxes{box="one"} 3', 'boxes{box="two"} 3']);
  boxesNow = ['three'];
  assert.deepEqual(await lines(), ['boxes{box="three"} 5']);
  manager.isLeader = false;
  assert.deepEqual(await lines(), []);
});
