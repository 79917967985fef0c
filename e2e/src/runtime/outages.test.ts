// SPDX-License-Identifier: Apache-2.0
/** A cache while the API server is killed, etcd restarted, and the network cut: nothing is missed, and nobody storms. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import {
  httpsTransport,
  Reflector,
  Store,
  systemChance,
  systemClock,
  type Kind,
  type KubernetesObject,
  type ReflectorEvent,
  type Transport,
} from 'operator-runtime';
import { servedOverHttp, type Served } from 'operator-runtime/testing';
import { clusterSkip, json, openCluster, until, type Cluster } from './operators.ts';

const configMaps: Kind = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
  keep: [],
};
const CUT_MS = Number(process.env['CUT_MS'] ?? 60_000);
const path = '/api/v1/namespaces/default/configmaps';

describe('a cache through outages', { skip: clusterSkip, concurrency: false }, () => {
  let cluster: Cluster;
  let served: Served;
  let isCut = false;
  let requests = 0;
  let made = 0;
  const store = new Store<KubernetesObject>();
  const events: ReflectorEvent[] = [];
  const over = new AbortController();
  let ended: Promise<void>;
  let transport: Transport;

  before(async () => {
    cluster = await openCluster();
    served = await servedOverHttp({
      send: (request) => {
        requests += 1;
        if (isCut) served.cut();
        return cluster.api.send(request);
      },
      close: () => {},
    });
    transport = httpsTransport({ server: served.url, credentials: () => ({ headers: {} }) });
    const onEvent = (event: ReflectorEvent) => void events.push(event);
    const reflector = new Reflector({
      transport,
      store,
      kind: configMaps,
      clock: systemClock,
      chance: systemChance,
      onEvent,
    });
    ended = reflector.run(over.signal);
    await until('the first picture', () => store.hasSynced);
  });
  after(async () => {
    over.abort();
    await ended;
    transport.close();
    await served.close();
    await cluster.close();
  });

  const make = async (): Promise<void> => {
    await json(cluster, 'POST', path, { metadata: { name: `made-${made++}`, namespace: 'default' } });
  };
  const remove = (index: number) => json(cluster, 'DELETE', `${path}/made-${index}`);
  async function isTrue(): Promise<boolean> {
    const { items } = await json<{ items: KubernetesObject[] }>(cluster, 'GET', '/api/v1/configmaps');
    return (
      items.length === store.size &&
      items.every(
        ({ metadata }) =>
          store.get(`${metadata.namespace}/${metadata.name}`)?.metadata.resourceVersion === metadata.resourceVersion,
      )
    );
  }
  const served200 = async () => (await json(cluster, 'GET', '/api/v1/namespaces/default').catch(() => null)) !== null;
  function told(test: string, before: { requests: number; events: number }, fromMs: number) {
    const since = events.slice(before.events);
    const of = (type: ReflectorEvent['type']) => since.filter((event) => event.type === type).length;
    const facts = {
      test,
      requests: requests - before.requests,
      pictures: of('synced'),
      failures: of('failed'),
      seconds: Math.round((performance.now() - fromMs) / 1000),
    };
    process.stderr.write(`${JSON.stringify(facts)}\n`);
    return facts;
  }

  test('the API server is killed and started again', async (t) => {
    const { own } = cluster;
    if (own === null) return t.skip('a foreign cluster: its API server is not ours to kill');
    const [before, fromMs] = [{ requests, events: events.length }, performance.now()];
    await make();
    await own.stop('apiserver', 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    own.start('apiserver');
    await until('the API server', served200);
    await make();
    await remove(0);
    await until('the cache to be true', isTrue);
    assert.ok(told('API server killed', before, fromMs).requests <= 20);
  });

  test('etcd is restarted', async (t) => {
    const { own } = cluster;
    if (own === null) return t.skip('a foreign cluster: its etcd is not ours to stop');
    const [before, fromMs] = [{ requests, events: events.length }, performance.now()];
    await own.stop('etcd');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    own.start('etcd');
    await until('the API server', served200);
    await make();
    await until('the cache to be true', isTrue);
    assert.ok(told('etcd restarted', before, fromMs).requests <= 20);
  });

  test(`the network is cut for ${CUT_MS / 1000} s`, async () => {
    const [before, fromMs] = [{ requests, events: events.length }, performance.now()];
    isCut = true;
    served.cut();
    await make();
    await make();
    await remove(1);
    await new Promise((resolve) => setTimeout(resolve, CUT_MS));
    isCut = false;
    await until('the cache to be true', isTrue);
    const facts = told('network cut', before, fromMs);
    assert.ok(facts.requests <= 20, `${facts.requests} requests`);
    assert.equal(facts.pictures, 0, 'the watch was resumed, not taken anew');
  });
});
