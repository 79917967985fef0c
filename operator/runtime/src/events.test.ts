// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { EventRecorder } from './events.ts';
import { kindOf, type KubernetesObject } from './objects.ts';
import { FakeApi } from './testing/fake-api.ts';
import { ManualClock } from './testing/manual-clock.ts';
import type { Transport } from './transport.ts';

const things = kindOf('sim.example/v1/things', 'Thing');
const thing = (uid: string): KubernetesObject => ({
  metadata: { name: 'one', namespace: 'n', uid, resourceVersion: '5' },
});
type Event = KubernetesObject & {
  reason: string;
  note: string;
  regarding: object;
  series?: { count: number; lastObservedTime: string };
};

function world(wrap: (api: Transport) => Transport = (api) => api) {
  const clock = new ManualClock();
  const api = new FakeApi(clock);
  const lost: string[] = [];
  const recorder = new EventRecorder({
    transport: wrap(api),
    clock,
    controller: 'tests',
    instance: 'tests-1',
    onLost: (reason) => lost.push(reason),
  });
  const events = () => [...api.objects('/apis/events.k8s.io/v1/events').values()] as unknown as Event[];
  return { clock, api, lost, recorder, events };
}

test('an event says what it is about, and in which version', async () => {
  const { recorder, events } = world();
  await recorder.record(things, thing('u'), 'Warning', 'Failed', 'It failed.');
  const [event] = events();
  assert.equal(event?.note, 'It failed.');
  assert.equal(event.metadata.namespace, 'n');
  assert.deepEqual(event.regarding, {
    apiVersion: 'sim.example/v1',
    kind: 'Thing',
    name: 'one',
    namespace: 'n',
    uid: 'u',
    resourceVersion: '5',
  });
});

test('equal events become one series that is written twice a minute, and a new event after six quiet minutes', async () => {
  const { clock, api, recorder, events } = world();
  const again = () => recorder.record(things, thing('u'), 'Normal', 'Waiting', 'It waits.');
  for (let i = 0; i < 10; i++) {
    await again();
    await clock.advance(1_000);
  }
  assert.equal(api.seen.length, 1, 'nine repetitions within thirty seconds are only counted');
  await clock.advance(30_000);
  await again();
  assert.equal(api.seen.length, 2);
  assert.equal(events().length, 1);
  assert.equal(events()[0]?.series?.count, 11);
  assert.match(events()[0]?.series?.lastObservedTime ?? '', /^2026-01-01T00:00:40.000000Z$/);
  await clock.advance(359_000);
  await again();
  assert.equal(events().length, 1, 'still the series');
  await clock.advance(361_000);
  await again();
  assert.equal(events().length, 2, 'a new event');
});

test('an object has a budget of 25 events and one more in five minutes; others have their own', async () => {
  const { clock, lost, recorder, events } = world();
  const tell = (uid: string, index: number) => recorder.record(things, thing(uid), 'Normal', 'Told', `Note ${index}.`);
  for (let i = 0; i < 40; i++) await tell('loud', i);
  assert.equal(events().length, 25);
  assert.equal(lost.length, 15);
  assert.match(lost[0] ?? '', /budget/);
  await tell('quiet', 0);
  assert.equal(events().length, 26);
  await clock.advance(300_000);
  await tell('loud', 41);
  await tell('loud', 42);
  assert.equal(events().length, 27);
});

test('an event that cannot be recorded disturbs nobody, and the next one begins anew', async () => {
  let isBroken = true;
  const { clock, api, lost, recorder, events } = world((inner) => ({
    send: (request) => (isBroken ? Promise.reject(new TypeError('no connection')) : inner.send(request)),
    close: () => {},
  }));
  const again = () => recorder.record(things, thing('u'), 'Normal', 'Told', 'A note.');
  await again();
  assert.deepEqual(lost, ['no connection']);
  isBroken = false;
  await again();
  assert.equal(events().length, 1, 'not taken for a repetition of what nobody saw');
  // The server forgets events after a while; a series goes on in a new one.
  api.remove(`/apis/events.k8s.io/v1/namespaces/n/events/${events()[0]?.metadata.name}`);
  await clock.advance(31_000);
  await again();
  await again();
  assert.equal(events().length, 1);
});

test('a note is cut to what the API takes', async () => {
  const { recorder, events } = world();
  await recorder.record(things, thing('u'), 'Normal', 'Told', 'x'.repeat(5_000));
  assert.equal(events()[0]?.note.length, 1024);
});
