// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { config, NAMESPACE, World } from './testing.ts';

async function* once(text: string): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield Buffer.from(text);
}

const isTrue = (world: World, type: string) => () => world.condition('heat', type).startsWith('True');

async function started(changes: Parameters<World['create']>[1] = {}): Promise<World> {
  const world = new World();
  world.start();
  world.create('heat', changes);
  assert.ok(await world.until(isTrue(world, 'ServerReady'), 30), JSON.stringify(world.study('heat').status, null, 1));
  return world;
}

test('a study runs from its manifest to Succeeded, and its children are there once', async () => {
  const world = await started();
  const names = (plural: string, group = '') => [...world.objects(plural, group).keys()].sort();
  assert.deepEqual(names('secrets'), ['lab/heat-client', 'lab/heat-server']);
  assert.deepEqual(names('services'), ['lab/heat', 'lab/heat-server']);
  assert.deepEqual(names('networkpolicies', 'networking.k8s.io'), ['lab/heat-pilot', 'lab/heat-server']);
  assert.deepEqual(names('serviceaccounts'), ['lab/heat-pilot', 'lab/heat-server']);
  assert.deepEqual(names('persistentvolumeclaims'), ['lab/heat-checkpoint']);
  assert.equal(names('configmaps').length, 1);
  assert.equal(world.set('heat')?.spec?.replicas, 2);
  assert.ok(await world.until(isTrue(world, 'Succeeded')), JSON.stringify(world.study('heat').status, null, 1));
  const { status } = world.study('heat');
  assert.equal(status?.simulations?.summary, '10/10');
  assert.equal(status?.progress?.text, '100%');
  assert.equal(world.credentialsMade, 1);
  await world.pass(3);
  assert.equal(world.job('heat')?.spec?.parallelism, 0);
  await world.stop();
});

test('every condition, the selector and the generation are there from the first visit', async () => {
  const world = new World();
  world.start();
  world.create('heat');
  assert.ok(await world.until(() => world.study('heat').status !== undefined, 10));
  const { status } = world.study('heat');
  assert.deepEqual(
    status?.conditions?.map(({ type, observedGeneration }) => `${type} ${observedGeneration}`),
    [
      'Accepted',
      'ServerReady',
      'ClientsReady',
      'BackendReachable',
      'Progressing',
      'Suspended',
      'Degraded',
      'Succeeded',
      'Failed',
    ].map((type) => `${type} 1`),
  );
  assert.equal(status?.client?.selector, 'melissa.dev/study=heat,app.kubernetes.io/component=pilot');
  await world.stop();
});

test('the head hears each generation once, and again after it was started anew', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 1000 } });
  await world.pass(5);
  assert.deepEqual(
    world.head('heat').intents.map(({ generation }) => generation),
    [1],
  );
  world.change('heat', (spec) => (spec.client.parallelism = 7));
  await world.pass(5);
  assert.deepEqual(
    world.head('heat').intents.map(({ parallelism }) => parallelism),
    [4, 7],
  );
  assert.equal(world.job('heat')?.spec?.parallelism, 7);
  world.head('heat').intent = { ...world.head('heat').intent, generation: 0 };
  await world.pass(3);
  assert.equal(world.head('heat').intents.length, 3);
  await world.stop();
});

test('a silent head keeps its pilots, and loses those that the spec takes away', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 1000 } });
  await world.pass(3);
  world.head('heat').isSilent = true;
  world.change('heat', (spec) => (spec.client.parallelism = 9));
  await world.pass(10);
  assert.equal(world.job('heat')?.spec?.parallelism, 4);
  assert.equal(world.condition('heat', 'ServerReady'), 'False HeadSilent');
  world.change('heat', (spec) => (spec.client.parallelism = 2));
  await world.pass(10);
  assert.equal(world.job('heat')?.spec?.parallelism, 2);
  await world.stop();
});

test('suspend waits for the last checkpoint, then leaves no pod; resume goes on', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 100 } });
  await world.pass(3);
  const before = world.head('heat').done;
  world.change('heat', (spec) => (spec.suspend = true));
  assert.ok(await world.until(isTrue(world, 'Suspended'), 60));
  assert.equal(world.job('heat')?.spec?.suspend, true);
  assert.equal(world.set('heat')?.spec?.replicas, 0);
  assert.equal(world.objects('pods').size, 0);
  assert.equal(world.objects('persistentvolumeclaims').size, 1);
  await world.pass(60);
  world.change('heat', (spec) => (spec.suspend = false));
  assert.ok(await world.until(isTrue(world, 'Succeeded')));
  assert.ok(world.head('heat').done > before);
  assert.equal(world.condition('heat', 'Suspended'), 'False NotSuspended');
  await world.stop();
});

test('a suspended study whose head does not answer stops after a minute all the same', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 100 } });
  world.head('heat').isSilent = true;
  world.change('heat', (spec) => (spec.suspend = true));
  await world.pass(30);
  assert.equal(world.set('heat')?.spec?.replicas, 2);
  assert.ok(await world.until(isTrue(world, 'Suspended'), 90));
  await world.stop();
});

test('a cancelled study ends as Failed for the reason Cancelled, also from suspension', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 1000 } });
  world.change('heat', (spec) => (spec.suspend = true));
  assert.ok(await world.until(isTrue(world, 'Suspended'), 60));
  world.change('heat', (spec) => (spec.cancel = true));
  assert.ok(await world.until(isTrue(world, 'Failed'), 60));
  assert.equal(world.condition('heat', 'Failed'), 'True Cancelled');
  await world.stop();
});

test('a finished server is kept for keepSeconds, nothing is made again, and the study goes after its TTL', async () => {
  const world = await started({ server: { keepSeconds: 60 }, ttlSecondsAfterFinished: 600 });
  assert.ok(await world.until(isTrue(world, 'Succeeded')));
  await world.pass(30);
  assert.equal(world.set('heat')?.spec?.replicas, 2);
  assert.ok(await world.until(() => world.set('heat')?.spec?.replicas === 0, 60));
  world.api.remove(`/apis/batch/v1/namespaces/${NAMESPACE}/jobs/heat-pilots`);
  world.api.remove(`/api/v1/namespaces/${NAMESPACE}/services/heat`);
  await world.pass(30);
  assert.equal(world.job('heat'), undefined);
  assert.equal(world.objects('services').size, 1);
  assert.equal(world.condition('heat', 'Succeeded'), 'True Succeeded');
  assert.ok(await world.until(() => world.study('heat') === undefined, 700));
  await world.pass(2);
  assert.deepEqual([...world.objects('secrets').keys(), ...world.objects('persistentvolumeclaims').keys()], []);
  await world.stop();
});

test('a claim with retention Retain outlives its study, and another study of the name does not take it by mistake', async () => {
  const world = await started({ server: { checkpoint: { storage: { retention: 'Retain' } } } });
  world.delete('heat');
  await world.pass(3);
  assert.deepEqual([...world.objects('persistentvolumeclaims').keys()], ['lab/heat-checkpoint']);
  world.create('heat', { server: { checkpoint: { storage: { retention: 'Retain' } } } });
  assert.ok(await world.until(() => world.condition('heat', 'Accepted') === 'False NameConflict', 20));
  await world.stop();
});

test('an object of somebody else is left alone, and the study goes on when it is gone', async () => {
  const world = new World();
  const path = `/api/v1/namespaces/${NAMESPACE}/services/heat`;
  world.api.put(path, { metadata: { name: 'heat', namespace: NAMESPACE }, spec: { theirs: true } });
  world.start();
  world.create('heat');
  assert.ok(await world.until(() => world.condition('heat', 'Accepted') === 'False NameConflict', 20));
  assert.deepEqual(world.objects('services').get('lab/heat')?.['spec'], { theirs: true });
  world.api.remove(path);
  assert.ok(await world.until(isTrue(world, 'ServerReady'), 60));
  await world.stop();
});

test('a study that is not sound is refused with field and remedy, and accepted when it is mended', async () => {
  const world = new World();
  world.start();
  world.create('heat', { client: { image: '', command: ['solver'] } });
  assert.ok(await world.until(() => world.condition('heat', 'Accepted') === 'False Invalid', 10));
  assert.match(world.study('heat').status?.conditions?.[0]?.message ?? '', /spec\.client\.image/);
  assert.equal(world.objects('secrets').size, 0);
  world.change('heat', (spec) => (spec.client.image = 'solver:1'));
  assert.ok(await world.until(isTrue(world, 'ServerReady'), 30));
  await world.stop();
});

test('an image that is missing is told in the words of the cluster; another one restarts from the checkpoint', async () => {
  const world = new World();
  world.missingImages.add('solver:typo');
  world.start();
  world.create('heat', { client: { image: 'solver:typo', command: ['solver'], parallelism: 2 } });
  assert.ok(await world.until(() => world.condition('heat', 'ServerReady') === 'True Ready', 30));
  const first = world.job('heat')?.metadata.uid;
  await world.pass(20);
  assert.equal(world.condition('heat', 'ClientsReady'), 'False Starting');
  world.change('heat', (spec) => (spec.client.image = 'solver:1'));
  assert.ok(await world.until(isTrue(world, 'Succeeded'), 120));
  assert.notEqual(world.job('heat')?.metadata.uid, first);
  assert.equal(world.objects('configmaps').size, 1);
  await world.stop();
});

test('pilots step aside for a pod of the server that finds no node, and come when it has one', async () => {
  const world = new World();
  world.isCrowded = true;
  world.start();
  world.create('heat', { client: { image: 'solver:1', command: ['solver'], parallelism: 2 } });
  assert.ok(await world.until(() => world.condition('heat', 'ClientsReady') === 'False MakingRoom', 30));
  assert.ok(await world.until(() => world.condition('heat', 'ServerReady') === 'True Ready', 30));
  assert.ok(await world.until(isTrue(world, 'Succeeded'), 120));
  await world.stop();
});

test('pilots that run simulations step aside only for a pod that has found no node for minutes', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 100_000 } });
  assert.ok(await world.until(() => (world.study('heat').status?.simulations?.running ?? 0) > 0, 60));
  const pilots = world.job('heat')?.spec?.parallelism;
  assert.ok(pilots! > 0);
  world.isCrowded = true;
  world.api.remove(`/api/v1/namespaces/${NAMESPACE}/pods/heat-server-1`);
  await world.pass(240);
  assert.equal(world.job('heat')?.spec?.parallelism, pilots);
  assert.ok(await world.until(() => world.condition('heat', 'ClientsReady') === 'False MakingRoom', 120));
  assert.ok(await world.until(() => world.job('heat')?.spec?.parallelism === pilots, 120), 'and come back');
  await world.stop();
});

test('another operator with other images changes nothing of a study that runs', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 1000 } });
  await world.pass(3);
  const before = JSON.stringify([world.set('heat')?.spec, world.job('heat')?.spec]);
  await world.stop();
  const { serverImage } = config;
  config.serverImage = 'registry.example/melissa/server@sha256:9999';
  world.start();
  await world.pass(10);
  config.serverImage = serverImage;
  assert.equal(JSON.stringify([world.set('heat')?.spec, world.job('heat')?.spec]), before);
  await world.stop();
});

test('an operator that starts when the server has left finds nothing degraded, and remembers what the head had said', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 100 }, server: { keepSeconds: 5 } });
  const restarted = async () => {
    await world.stop();
    world.start();
    await world.pass(20);
    return world.condition('heat', 'Degraded');
  };
  world.change('heat', (spec) => (spec.suspend = true));
  assert.ok(await world.until(isTrue(world, 'Suspended'), 60));
  assert.equal(await restarted(), 'False AsExpected');
  world.change('heat', (spec) => (spec.suspend = false));
  assert.ok(await world.until(isTrue(world, 'ServerReady'), 60));
  world.head('heat').degraded = ['A checkpoint could not be written.'];
  assert.ok(await world.until(isTrue(world, 'Succeeded')));
  assert.ok(await world.until(() => world.condition('heat', 'ServerReady') === 'False Finished', 60));
  assert.equal(await restarted(), 'True HeadReports');
  await world.stop();
});

test('an operator that starts while a finished server still serves goes on asking it', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 4 }, server: { keepSeconds: 3600 } });
  assert.ok(await world.until(isTrue(world, 'Succeeded')));
  await world.stop();
  world.start();
  const replaceHead = async () => {
    world.api.remove(`/api/v1/namespaces/${NAMESPACE}/pods/heat-server-0`);
    await world.pass(15);
  };
  world.missingImages.add(config.serverImage);
  await replaceHead();
  await replaceHead();
  assert.ok(!isTrue(world, 'ServerReady')());
  world.missingImages.clear();
  await replaceHead();
  assert.equal(world.condition('heat', 'ServerReady'), 'True Ready');
  assert.equal(world.credentialsMade, 1);
  await world.stop();
});

test('lost credentials are told, and rotation makes new ones and starts every pod again', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 1000 } });
  world.api.remove(`/api/v1/namespaces/${NAMESPACE}/secrets/heat-server`);
  world.head('heat').isSilent = true;
  assert.ok(await world.until(() => world.condition('heat', 'Degraded') === 'True CredentialsLost', 120));
  assert.equal(world.credentialsMade, 1);
  const pods = () => [...world.objects('pods').values()].map(({ metadata }) => metadata.uid);
  const [job, before] = [world.job('heat')?.metadata.uid, pods()];
  world.head('heat').isSilent = false;
  world.annotate('heat', { 'melissa.dev/rotate': '1' });
  assert.ok(await world.until(() => world.credentialsMade === 2 && isTrue(world, 'ServerReady')(), 60));
  await world.pass(5);
  assert.notEqual(world.job('heat')?.metadata.uid, job);
  assert.ok(pods().every((uid) => !before.includes(uid)));
  assert.equal(world.credentialsMade, 2);
  await world.stop();
});

test('an idle minute costs no write but the heartbeat', async () => {
  const world = await started({
    sampling: { method: 'Random', simulations: 1000 },
    client: { image: 'solver:1', command: ['solver'], parallelism: 0 },
  });
  await world.pass(5);
  const writes = () => world.api.seen.filter(({ method }) => method !== 'GET').length;
  const before = writes();
  await world.pass(50);
  assert.ok(writes() - before <= 1, `${writes() - before} writes`);
  await world.stop();
});

test('studies of another controller are left alone', async () => {
  const world = new World();
  world.start();
  world.create('heat', { managedBy: 'example.com/other' });
  await world.pass(10);
  assert.equal(world.study('heat').status, undefined);
  assert.equal(world.objects('secrets').size, 0);
  await world.stop();
});

test('a study that no ConfigMap can hold is refused with what is large, and looked at no more', async () => {
  const world = new World();
  world.start();
  world.create('heat', { time: { steps: 1_000_000 } });
  assert.ok(await world.until(() => world.condition('heat', 'Accepted') === 'False TooLarge', 10));
  const { message } = world.study('heat').status!.conditions!.find(({ type }) => type === 'Accepted')!;
  assert.match(
    message,
    /^spec\.time, spec\.fields: the study takes \d+ kB as its pods read it, .*ConfigMap\. Make it smaller/,
  );
  const asked = world.api.seen.filter(({ query }) => query['watch'] !== 'true').length;
  await world.pass(120);
  assert.equal(world.api.seen.filter(({ query }) => query['watch'] !== 'true').length, asked);
  assert.deepEqual(world.errors, []);
  await world.stop();
});

test('what the API server refuses before anything runs is told in its words, and tried again', async () => {
  const world = new World();
  let isRefused = true;
  const forbidden = { reason: 'Forbidden', message: 'configmaps "heat" is forbidden: exceeded quota: few' };
  world.start((api) => ({
    close: () => api.close(),
    send: (request) =>
      isRefused && request.method === 'PATCH' && request.path.includes('/configmaps/')
        ? Promise.resolve({ status: 403, headers: {}, body: once(JSON.stringify(forbidden)) })
        : api.send(request),
  }));
  world.create('heat');
  assert.ok(await world.until(() => world.condition('heat', 'Accepted') === 'False QuotaExceeded', 10));
  assert.match(JSON.stringify(world.study('heat').status), /exceeded quota: few/);
  isRefused = false;
  assert.ok(await world.until(isTrue(world, 'ServerReady'), 30));
  assert.equal(world.condition('heat', 'Accepted'), 'True Valid');
  assert.deepEqual(world.errors, []);
  await world.stop();
});

test('in a namespace that is being deleted the Job goes, so that its pods can, and is not made again', async () => {
  const world = await started({ sampling: { method: 'Random', simulations: 1000 } });
  await world.pass(3);
  world.missingImages.add('registry.example/solver:1'); // none of its pods runs
  await world.pass(15);
  assert.ok(world.job('heat') !== undefined, 'pods that are missing are no reason by themselves');
  const path = `/api/v1/namespaces/${NAMESPACE}`;
  const namespace = { metadata: { name: NAMESPACE, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  await world.stop();
  world.start((api) => ({
    close: () => api.close(),
    send: (request) =>
      request.path === path
        ? Promise.resolve({ status: 200, headers: {}, body: once(JSON.stringify(namespace)) })
        : api.send(request),
  }));
  assert.ok(await world.until(() => world.job('heat') === undefined, 60));
  await world.pass(3);
  assert.equal(world.job('heat'), undefined);
  await world.stop();
});

test('a study that is deleted in the middle of a visit is no error', async () => {
  const world = new World();
  const gone = { reason: 'NotFound', message: 'melissastudies.melissa.dev "heat" not found' };
  let tries = 0;
  world.start((api) => ({
    close: () => api.close(),
    send: (request) => {
      if (!request.path.endsWith('/status')) return api.send(request);
      tries += 1;
      return Promise.resolve({ status: 404, headers: {}, body: once(JSON.stringify(gone)) });
    },
  }));
  world.create('heat');
  assert.ok(await world.until(() => tries > 0, 10));
  world.delete('heat');
  await world.pass(5);
  assert.deepEqual(world.errors, []);
  await world.stop();
});
