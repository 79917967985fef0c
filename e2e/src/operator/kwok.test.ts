// SPDX-License-Identifier: Apache-2.0
/**
 * The operator on a real API server, scheduler and controllers, with nodes that pretend and heads that play: every kind of change of a study's life, and troubles that
 * a cluster has. The namespaces refuse whatever is not of the restricted Pod Security standard.
 */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { skipWithoutCluster } from '../../cluster/src/cluster.ts';
import { Bench } from './bench.ts';
import { until, type OperatorProcess } from './operator-process.ts';
import { ScriptedHead } from './scripted-heads.ts';

const skip = skipWithoutCluster();
const limits = { skip, timeout: 400_000 };
let bench: Bench;
let operator: OperatorProcess | null = null;
const namespaces = ['life', 'troubles'];

before(
  async () => {
    if (skip !== false) return;
    bench = await Bench.open();
    for (const name of namespaces) bench.namespace(name);
    operator = await bench.operator('life', { environment: { MELISSA_NAMESPACES: namespaces.join(',') } });
  },
  { timeout: 1_200_000 },
);
after(
  async () => {
    if (skip !== false) return;
    await operator?.close();
    await bench.close();
  },
  { timeout: 300_000 },
);

test('a study is created, scaled, suspended, resumed, finished and deleted', limits, async () => {
  const head = new ScriptedHead(400, 1, 0);
  bench.play(head, 'life');
  bench.apply('life', 400);
  await until('the server', bench.is('life', 'ServerReady'));
  await until('the pilots', bench.is('life', 'ClientsReady'));
  bench.kubectl(['-n', 'life', 'scale', 'mst/small', '--replicas=9']);
  await until('nine pilots', async () => (await bench.study('life'))?.status?.client?.ready === 9);
  assert.equal(head.intent.parallelism, 9);
  head.play(150);
  await until('progress', async () => (await bench.study('life'))?.status?.simulations?.summary === '150/400');
  const scale = JSON.parse(
    bench.kubectl(['get', '--raw', '/apis/melissa.dev/v1alpha1/namespaces/life/melissastudies/small/scale']),
  ) as { spec: { replicas: number }; status: { selector: string } };
  assert.equal(scale.spec.replicas, 9);
  assert.equal(
    bench.kubectl(['-n', 'life', 'get', 'pods', '-l', scale.status.selector, '-o', 'name']).trim().split('\n').length,
    9,
  );
  bench.patch('life', { suspend: true });
  await until('suspension', bench.is('life', 'Suspended'));
  assert.equal(bench.kubectl(['-n', 'life', 'get', 'pods', '-o', 'name']), '');
  assert.match(bench.kubectl(['-n', 'life', 'get', 'pvc', '-o', 'name']), /small-checkpoint/);
  bench.patch('life', { suspend: false });
  await until('the server again', bench.is('life', 'ServerReady'));
  head.play(250);
  await until('success', bench.is('life', 'Succeeded'));
  bench.kubectl(['-n', 'life', 'wait', '--for=condition=Succeeded', 'mst/small', '--timeout=10s']);
  assert.match(bench.kubectl(['-n', 'life', 'get', 'mst']), /small +True +Kubernetes +400\/400 +0 +0 +100%/);
  bench.kubectl(['-n', 'life', 'delete', 'mst', 'small']);
  await bench.nothingIsLeft('life');
  bench.heads.mustBeSound();
});

test('the same manifest applied twice changes nothing, and diff is empty', limits, async () => {
  bench.apply('life', 1_000_000, {}, 'twice');
  await until('the server', bench.is('life', 'ServerReady', 'twice'));
  await until('the pilots', bench.is('life', 'ClientsReady', 'twice'));
  const generation = (await bench.study('life', 'twice'))?.metadata.generation;
  bench.apply('life', 1_000_000, {}, 'twice');
  assert.equal((await bench.study('life', 'twice'))?.metadata.generation, generation);
  // What the operator wrote is what it would write: a second visit of everything sends nothing but the status.
  const before = operator!.requests.length;
  const head = bench.heads.of.get('twice.life')!;
  const asked = head.requests;
  await until('some visits', () => head.requests > asked + 12);
  const writes = operator!.requests
    .slice(before)
    .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/status') && !path.includes('/events'));
  assert.deepEqual(
    writes.map(({ method, path }) => `${method} ${path}`),
    [],
  );
  bench.kubectl(['-n', 'life', 'delete', 'mst', 'twice']);
  await bench.nothingIsLeft('life');
});

test('a cancelled study ends, its server leaves after keepSeconds, and the study after its TTL', limits, async () => {
  bench.apply('life', 100_000, { server: { keepSeconds: 3 }, spec: { ttlSecondsAfterFinished: 15 } }, 'brief');
  await until('the server', bench.is('life', 'ServerReady', 'brief'));
  bench.patch('life', { cancel: true }, 'brief');
  await until('its end', async () => (await bench.condition('life', 'Failed', 'brief')) === 'True Cancelled');
  await until('no pod', () => bench.kubectl(['-n', 'life', 'get', 'pods', '-o', 'name']) === '');
  await until('its deletion', async () => (await bench.study('life', 'brief')) === null);
  await bench.nothingIsLeft('life');
});

test('a quota that refuses pods is told, and the study goes on when it is raised', limits, async () => {
  const quota = (pods: number) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'small', namespace: 'troubles' },
      spec: { hard: { pods: String(pods) } },
    });
  bench.kubectl(['apply', '-f', '-'], quota(3));
  bench.apply('troubles', 100_000, {}, 'quota');
  await until(
    'the reason',
    async () => (await bench.condition('troubles', 'ClientsReady', 'quota')) === 'False QuotaExceeded',
  );
  assert.match(await bench.message('troubles', 'ClientsReady', 'quota'), /exceeded quota: small/);
  bench.kubectl(['apply', '-f', '-'], quota(50));
  await until('the pilots', bench.is('troubles', 'ClientsReady', 'quota'));
  bench.kubectl(['-n', 'troubles', 'delete', 'mst', 'quota']);
  await bench.nothingIsLeft('troubles');
});

test('a Service of somebody else is left alone', limits, async () => {
  bench.kubectl(['-n', 'troubles', 'create', 'service', 'clusterip', 'taken', '--tcp=80']);
  const before = bench.kubectl(['-n', 'troubles', 'get', 'svc', 'taken', '-o', 'json']);
  bench.apply('troubles', 100, {}, 'taken');
  await until(
    'the conflict',
    async () => (await bench.condition('troubles', 'Accepted', 'taken')) === 'False NameConflict',
  );
  assert.equal(bench.kubectl(['-n', 'troubles', 'get', 'svc', 'taken', '-o', 'json']), before);
  bench.kubectl(['-n', 'troubles', 'delete', 'svc', 'taken']);
  await until('the server', bench.is('troubles', 'ServerReady', 'taken'));
  bench.kubectl(['-n', 'troubles', 'delete', 'mst', 'taken']);
  await bench.nothingIsLeft('troubles');
});

test('an image that lacks the program, on a real node: told in its words, and mended', limits, async () => {
  // The pilot's image of these tests holds nothing but a program that waits.
  const template = { nodeSelector: { 'kubernetes.io/os': 'linux' } };
  bench.apply('troubles', 100_000, { client: { parallelism: 1, template } }, 'image');
  await until(
    'the reason',
    async () => (await bench.condition('troubles', 'ClientsReady', 'image')) === 'False StartError',
  );
  assert.match(await bench.message('troubles', 'ClientsReady', 'image'), /melissa-pilot/);
  // The head hears of the pods that failed.
  await until('the losses', () => bench.heads.of.get('image.troubles')!.gone.length > 0);
  bench.apply('troubles', 100_000, {}, 'image');
  await until('the pilots', bench.is('troubles', 'ClientsReady', 'image'));
  bench.kubectl(['-n', 'troubles', 'delete', 'mst', 'image']);
  await bench.nothingIsLeft('troubles');
});

test('the operator is killed without warning, and the next one changes nothing that runs', limits, async () => {
  bench.apply('life', 100_000, {}, 'steady');
  await until('the server', bench.is('life', 'ServerReady', 'steady'));
  await until('the pilots', bench.is('life', 'ClientsReady', 'steady'));
  const pods = () => bench.kubectl(['-n', 'life', 'get', 'pods', '-o', 'jsonpath={.items[*].metadata.uid}']);
  const before = pods();
  await operator!.close();
  operator = await bench.operator('life', {
    environment: { MELISSA_NAMESPACES: namespaces.join(','), MELISSA_SERVER_IMAGE: 'localhost/other:2' },
  });
  const head = bench.heads.of.get('steady.life')!;
  const { requests } = head;
  await until('the next one to look', () => head.requests > requests + 6);
  assert.equal(pods(), before);
  assert.equal(await bench.condition('life', 'ServerReady', 'steady'), 'True Ready');
  bench.kubectl(['-n', 'life', 'delete', 'mst', 'steady']);
  await bench.nothingIsLeft('life');
});
