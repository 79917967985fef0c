// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { Client, isEqual, NotOursError } from './client.ts';
import { ApiError } from './errors.ts';
import type { Kind, KubernetesObject } from './objects.ts';
import { Store } from './store.ts';
import { FakeApi } from './testing/fake-api.ts';
import { ManualClock } from './testing/manual-clock.ts';

type Card = KubernetesObject & { data?: Record<string, string> };
const cards: Kind<Card> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const boxes: Kind = { group: 'x', version: 'v1', plural: 'boxes', kind: 'Box', namespaced: true };
const owner = (name: string): KubernetesObject => ({
  apiVersion: 'x/v1',
  kind: 'Box',
  metadata: { name, namespace: 'n', uid: `uid-of-${name}` },
});
const wanted = (data: Record<string, string>) => ({ metadata: { name: 'card', namespace: 'n' }, data });

function world() {
  const api = new FakeApi(new ManualClock());
  const store = new Store<Card>();
  store.replace([], '1');
  const client = new Client({
    transport: api,
    fieldManager: 'me',
    storeOf: (kind) => (kind.plural === 'configmaps' ? (store as unknown as Store<KubernetesObject>) : undefined),
  });
  const writes = () => api.seen.filter(({ method }) => method !== 'GET').length;
  const card = () => api.objects('/api/v1/configmaps').get('n/card') as Card | undefined;
  return { api, client, store, writes, card };
}

test('an apply creates, changes, and gives up the fields that it no longer names', async () => {
  const { client, card } = world();
  await client.apply(cards, wanted({ a: '1', b: '2' }), owner('box'));
  await client.apply(cards, wanted({ b: '3' }), owner('box'));
  assert.deepEqual(card()?.data, { b: '3' });
});

test('the same apply again sends nothing, until somebody changed the object', async () => {
  const { api, client, store, writes, card } = world();
  await client.apply(cards, wanted({ a: '1' }), owner('box'));
  await client.apply(cards, wanted({ a: '1' }), owner('box'));
  assert.equal(writes(), 1);
  const changed = api.put('/api/v1/namespaces/n/configmaps/card', { ...card()!, data: { a: 'other' } });
  store.observe(changed as Card);
  await client.apply(cards, wanted({ a: '1' }), owner('box'));
  assert.deepEqual(card()?.data, { a: '1' });
});

test('a create that comes late, when the name is taken, changes nothing', async () => {
  const { api, client, card } = world();
  api.put('/api/v1/namespaces/n/configmaps/card', {
    metadata: { name: 'card', namespace: 'n' },
    data: { a: 'theirs' },
  });
  await assert.rejects(client.apply(cards, wanted({ a: 'mine' }), owner('box')), NotOursError);
  assert.deepEqual(card()?.data, { a: 'theirs' });
});

test('an apply that was read from another state is refused, looked at anew and sent again', async () => {
  const { api, client, store, card } = world();
  await client.apply(cards, wanted({ a: '1' }), owner('box'));
  api.put('/api/v1/namespaces/n/configmaps/card', { ...card()!, data: { a: '1', theirs: 'x' } });
  assert.notEqual(store.get('n/card')?.metadata.resourceVersion, card()?.metadata.resourceVersion);
  await client.apply(cards, wanted({ a: '2' }), owner('box'));
  assert.deepEqual(card()?.data, { a: '2', theirs: 'x' });
  assert.equal(api.seen.filter(({ status }) => status === 409).length, 1);
});

test('an object of another owner is not touched', async () => {
  const { client, card } = world();
  await client.apply(cards, wanted({ a: '1' }), owner('box'));
  await assert.rejects(client.apply(cards, wanted({ a: '2' }), owner('other')), /belongs to Box box/);
  assert.deepEqual(card()?.data, { a: '1' });
});

test('writes are read from the cache at once, a deletion too', async () => {
  const { client, store } = world();
  const made = await client.apply(cards, wanted({ a: '1' }), owner('box'));
  assert.deepEqual(store.get('n/card')?.data, { a: '1' });
  await client.delete(cards, made);
  assert.equal(store.get('n/card'), undefined);
});

test('a deletion meant for one object does not hit its successor', async () => {
  const { api, client, card } = world();
  const first = await client.apply(cards, wanted({ a: '1' }), owner('box'));
  api.remove('/api/v1/namespaces/n/configmaps/card');
  api.put('/api/v1/namespaces/n/configmaps/card', { metadata: { name: 'card', namespace: 'n' }, data: { a: 'new' } });
  await client.delete(cards, first);
  assert.deepEqual(card()?.data, { a: 'new' });
});

test('a status is written when it differs, and refused when the object changed since it was read', async () => {
  const { api, client, writes } = world();
  const path = '/apis/x/v1/namespaces/n/boxes/box';
  const read = api.put(path, { metadata: { name: 'box', namespace: 'n' }, spec: { size: 1 } });
  const written = await client.applyStatus(boxes, read, { ready: true });
  assert.equal(await client.applyStatus(boxes, written, { ready: true }), written);
  assert.equal(writes(), 1);
  api.put(path, { metadata: { name: 'box', namespace: 'n' }, spec: { size: 2 } });
  await assert.rejects(
    client.applyStatus(boxes, written, { ready: false }),
    (error) => error instanceof ApiError && error.isConflict,
  );
});

test('a finalizer holds the object until it is taken away', async () => {
  const { api, client } = world();
  const read = api.put('/apis/x/v1/namespaces/n/boxes/box', { metadata: { name: 'box', namespace: 'n' }, spec: {} });
  const held = await client.addFinalizer(boxes, read, 'x/hold');
  await client.delete(boxes, held);
  const leaving = api.objects('/apis/x/v1/boxes').get('n/box')!;
  assert.ok(leaving.metadata.deletionTimestamp !== undefined);
  await client.removeFinalizer(boxes, leaving, 'x/hold');
  assert.equal(api.objects('/apis/x/v1/boxes').size, 0);
});

test('equality is that of JSON', () => {
  assert.ok(isEqual({ a: [1, { b: null }], c: undefined }, { a: [1, { b: null }] }));
  assert.ok(!isEqual({ a: [1, 2] }, { a: [2, 1] }));
  assert.ok(!isEqual({ a: {} }, { a: [] }));
});
