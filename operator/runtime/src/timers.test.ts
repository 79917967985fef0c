// SPDX-License-Identifier: Apache-2.0
/** Timers, and managers that watch a list of namespaces: whole managers on an API server in memory, with time that is moved. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { sleep } from './clock.ts';
import { controller, done, type ControllerDeclaration, type Logger } from './controller.ts';
import { TemporaryError } from './errors.ts';
import { Manager, type ManagerOptions } from './manager.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { kindOf, type KubernetesObject } from './objects.ts';
import { FakeApi } from './testing/fake-api.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { seeded } from './testing/random.ts';

const things = kindOf('sim.example/v1/things', 'Thing');
const zones = kindOf('sim.example/v1/zones', 'Zone', { clusterWide: true });
const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const meter = { inc: () => {}, dec: () => {}, set: () => {}, observe: () => {} };
const unmetered = new Proxy({}, { get: () => meter }) as RuntimeMetrics;
const pathOf = (namespace: string, name: string) => `/apis/sim.example/v1/namespaces/${namespace}/things/${name}`;

function world(
  t: TestContext,
  declaration: (clock: ManualClock) => ControllerDeclaration<KubernetesObject>,
  options: Partial<ManagerOptions> = {},
) {
  const clock = new ManualClock();
  const api = new FakeApi(clock);
  const manager = new Manager({
    transport: api,
    clock,
    chance: seeded(1),
    log: silent,
    metrics: unmetered,
    fieldManager: 'tests',
    identity: 'tests-1',
    ...options,
  }).add(declaration(clock));
  const stop = new AbortController();
  const put = (name: string, spec: object, namespace = 'n') =>
    api.put(pathOf(namespace, name), { metadata: { name, namespace }, spec } as never);
  const start = () => {
    const ended = manager.run(stop.signal);
    t.after(async () => {
      stop.abort();
      await clock.advance(60_000);
      await ended;
    });
    return clock.advance(1_000);
  };
  return { clock, api, manager, put, start };
}

const timed =
  (run: (key: string, atSeconds: number) => Promise<void>, more: object = {}) =>
  (clock: ManualClock) =>
    controller({
      name: 'things',
      kind: things,
      reconcile: () => Promise.resolve(done),
      timers: [
        {
          name: 'poll',
          everySeconds: 60,
          run: ({ key }) => run(key, Math.round(clock.monotonicMs() / 1000)),
          ...more,
        },
      ],
    });

test('a timer runs for every object at its interval, whatever changes, until the object is gone', async (t) => {
  const runs: string[] = [];
  const { clock, api, put, start } = world(
    t,
    timed(async (key, at) => void runs.push(`${key} ${at}`), { firstAfterSeconds: 10 }),
  );
  put('a', { color: 'red' });
  await start();
  put('b', { color: 'red' });
  await clock.advance(29_000); // 30 s
  for (let i = 0; i < 5; i++) put('a', { color: i });
  await clock.advance(45_000); // 75 s
  assert.deepEqual(runs, ['n/a 10', 'n/b 11', 'n/a 70', 'n/b 71']);
  api.remove(pathOf('n', 'a'));
  await clock.advance(120_000);
  assert.deepEqual(
    runs.filter((run) => run.startsWith('n/a')),
    ['n/a 10', 'n/a 70'],
  );
});

test('a timer is never twice at work for one object, and its interval counts from its end', async (t) => {
  let atWork = 0;
  const began: number[] = [];
  const { clock, put, start } = world(t, (own) =>
    timed(async (_key, at) => {
      assert.equal(++atWork, 1);
      began.push(at);
      await sleep(own, 90_000);
      atWork -= 1;
    })(own),
  );
  put('a', {});
  await start();
  await clock.advance(400_000);
  assert.deepEqual(began, [0, 150, 300]);
});

test('a timer that fails comes back when its error says, or with back-off, and then at its interval', async (t) => {
  const began: number[] = [];
  const { clock, put, start } = world(
    t,
    timed(async (_key, at) => {
      began.push(at);
      if (began.length === 1) throw new TemporaryError('not yet', { afterSeconds: 7 });
      if (began.length === 2) throw new TypeError('broken'); // again after 5 ms
    }),
  );
  put('a', {});
  await start();
  await clock.advance(70_000);
  assert.deepEqual(began, [0, 7, 7, 67]);
});

test('a replica that does not lead runs no timer, and all of them once it leads', async (t) => {
  const began: string[] = [];
  const { clock, api, put, start } = world(
    t,
    timed(async (key) => void began.push(key)),
    { election: { namespace: 'n', name: 'lead', leaseMs: 15_000 } },
  );
  const lease = '/apis/coordination.k8s.io/v1/namespaces/n/leases/lead';
  api.put(lease, {
    metadata: { name: 'lead', namespace: 'n' },
    spec: { holderIdentity: 'another', leaseDurationSeconds: 15 },
  } as never);
  put('a', {});
  put('b', {});
  await start();
  await clock.advance(10_000);
  assert.deepEqual(began, []);
  await clock.advance(10_000);
  assert.deepEqual(began.sort(), ['n/a', 'n/b']);
});

test('with a list of namespaces each is watched by itself, nothing else is asked for, and all must be there to be ready', async (t) => {
  const seen = new Set<string>();
  const { clock, api, manager, put, start } = world(
    t,
    () =>
      controller({
        name: 'things',
        kind: things,
        watches: [{ kind: zones, concerns: () => [] }],
        reconcile: ({ key }) => {
          seen.add(key);
          return Promise.resolve(done);
        },
      }),
    { namespaces: ['a', 'b', 'a'] },
  );
  for (const namespace of ['a', 'b', 'c']) put('one', {}, namespace);
  api.put('/apis/sim.example/v1/zones/z', { metadata: { name: 'z' } });
  await start();
  assert.equal(manager.isReady, true);
  assert.deepEqual([...seen].sort(), ['a/one', 'b/one']);
  assert.deepEqual([...new Set(api.seen.map(({ path }) => path))].sort(), [
    '/apis/sim.example/v1/namespaces/a/things',
    '/apis/sim.example/v1/namespaces/b/things',
    '/apis/sim.example/v1/zones',
  ]);
  const store = manager.storeFor(things);
  api.remove(pathOf('a', 'one'));
  put('two', {}, 'b');
  put('two', {}, 'c');
  await clock.advance(1_000);
  assert.deepEqual([...store.keys()].sort(), ['b/one', 'b/two']);
  // One namespace is taken anew: what the other has stays.
  api.compact();
  api.endWatches();
  put('three', {}, 'a');
  await clock.advance(5_000);
  assert.deepEqual([...store.keys()].sort(), ['a/three', 'b/one', 'b/two']);
});

test('a namespace that may not be read keeps the manager from being ready, and from working', async (t) => {
  const seen: string[] = [];
  const { clock, api, manager, put, start } = world(
    t,
    () =>
      controller({
        name: 'things',
        kind: things,
        reconcile: ({ key }) => {
          seen.push(key);
          return Promise.resolve(done);
        },
      }),
    { namespaces: ['a', 'b'] },
  );
  let isForbidden = true;
  const send = api.send.bind(api);
  api.send = (request) =>
    isForbidden && request.path.includes('/namespaces/b/')
      ? Promise.resolve({ status: 403, headers: {}, body: (async function* () {})() })
      : send(request);
  put('one', {}, 'a');
  await start();
  await clock.advance(30_000);
  assert.equal(manager.isReady, false);
  assert.deepEqual(seen, [], 'a half picture is no picture');
  isForbidden = false;
  await clock.advance(60_000);
  assert.equal(manager.isReady, true);
  assert.deepEqual(seen, ['a/one']);
});
