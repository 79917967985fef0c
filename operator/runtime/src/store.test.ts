// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { KubernetesObject } from './objects.ts';
import { Store, type Change } from './store.ts';

const pod = (name: string, version: number, more: Partial<KubernetesObject['metadata']> = {}): KubernetesObject => ({
  metadata: { name, namespace: 'a', uid: `uid-${name}`, resourceVersion: String(version), ...more },
});
const versions = (store: Store<KubernetesObject>) =>
  Object.fromEntries(store.list().map(({ metadata }) => [metadata.name, metadata.resourceVersion]));

test('an older event never turns an object back, and a deleted one does not come back', () => {
  const store = new Store();
  store.replace([pod('x', 5)], '10');
  assert.equal(store.observe(pod('x', 12)), true);
  assert.equal(store.observe(pod('x', 11)), false);
  assert.equal(store.remove(pod('x', 11)), false);
  assert.equal(store.remove(pod('x', 13)), true);
  assert.equal(store.observe(pod('x', 12)), false);
  assert.equal(store.observe(pod('x', 100)), true);
  assert.deepEqual(versions(store), { x: '100' });
});

test('versions are compared as numbers of any length', () => {
  const store = new Store();
  store.observe(pod('x', 9));
  assert.equal(store.observe(pod('x', 10)), true);
  assert.equal(store.observe(pod('x', 9)), false);
});

test('a write is read before the watch brings it, and not taken for lost by an older picture', () => {
  const store = new Store();
  store.replace([], '10');
  assert.equal(store.offer(pod('mine', 15)), true);
  store.replace([pod('other', 3)], '12');
  assert.deepEqual(versions(store), { mine: '15', other: '3' });
  store.replace([pod('other', 3)], '20');
  assert.deepEqual(versions(store), { other: '3' });
});

test('the answer to a write that comes after the object is gone again makes no ghost', () => {
  const store = new Store();
  store.replace([], '10');
  store.progressed('20', undefined);
  assert.equal(store.offer(pod('ghost', 15)), false);
  assert.equal(store.size, 0);
});

test('a picture is believed over what was only inferred, and not over what is newer', () => {
  const store = new Store();
  store.replace([pod('x', 5)], '10');
  store.replace([], '20'); // lost on the way
  store.observe(pod('y', 31));
  store.replace([pod('x', 5), pod('y', 7)], '30');
  assert.deepEqual(versions(store), { x: '5', y: '31' });
});

test('when the history of the server went back, the picture is believed whatever the versions say', () => {
  const store = new Store();
  store.replace([pod('x', 500), pod('gone', 400)], '600');
  store.replace([pod('x', 50)], '60', { isRestored: true });
  assert.deepEqual(versions(store), { x: '50' });
  assert.equal(store.observe(pod('x', 61)), true);
  assert.equal(store.observe(pod('gone', 62)), true);
});

test('each namespace is replaced on its own, and all of them make the store complete', () => {
  const store = new Store(['a', 'b']);
  store.replace([pod('x', 1)], '10', { scope: 'a' });
  assert.equal(store.hasSynced, false);
  store.replace([pod('y', 2, { namespace: 'b' })], '11', { scope: 'b' });
  assert.equal(store.hasSynced, true);
  store.replace([], '20', { scope: 'a' });
  assert.deepEqual(versions(store), { y: '2' });
  assert.equal(store.offer(pod('z', 30, { namespace: 'c' })), false, 'a namespace that is not watched');
});

test('listeners hear what is there, then every change, with initial ones marked', () => {
  const store = new Store();
  store.replace([pod('x', 1)], '10');
  const heard: string[] = [];
  const stop = store.subscribe(({ type, object, initial }: Change<KubernetesObject>) =>
    heard.push(`${type} ${object.metadata.name}${initial ? ' initial' : ''}`),
  );
  store.observe(pod('y', 11));
  store.observe(pod('y', 12));
  store.remove(pod('x', 13));
  stop();
  store.observe(pod('z', 14));
  assert.deepEqual(heard, ['Added x initial', 'Added y', 'Modified y', 'Deleted x']);
});

test('indexes follow every change', () => {
  const store = new Store();
  store.addIndex('app', (object) => Object.values(object.metadata.labels ?? {}));
  store.observe(pod('x', 1, { labels: { app: 'red' } }));
  store.observe(pod('x', 2, { labels: { app: 'blue' } }));
  assert.deepEqual(store.byIndex('app', 'red'), []);
  assert.equal(store.byIndex('app', 'blue').length, 1);
  store.remove(pod('x', 3));
  assert.deepEqual(store.byIndex('app', 'blue'), []);
});
