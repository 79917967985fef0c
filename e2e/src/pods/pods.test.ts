// SPDX-License-Identifier: Apache-2.0
/** The study server as pods run it: mounted study and secrets, CURVE, REST with TLS, restarts, the operator's calls. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cleanUp, scratch } from '../melissa.ts';
import { certificate, exitOf, heatManifest, StudyPods, until } from './study-pods.ts';

after(cleanUp);
const spec = { generation: 3, parallelism: 2, suspend: false, cancel: false, deadlineSeconds: null };

test('a study of pods ends with the same digests when head, rank and pilot are killed on the way', async (context) => {
  const quiet = new StudyPods(join(scratch(), 'quiet'), heatManifest());
  context.after(() => quiet.end());
  await quiet.startAll();
  assert.equal(await exitOf(quiet.pilot('pilot-0')), 0, quiet.log('pilot-0'));
  await until('the results', async () => (await quiet.client().backend()).finished);
  const wanted = await quiet.client().digests();
  assert.equal((await quiet.client().status()).simulations.done, 60);

  const pods = new StudyPods(join(scratch(), 'disturbed'), heatManifest());
  context.after(() => pods.end());
  let head = await pods.startHead();
  let rank = pods.start(1);
  pods.start(2);
  let pilot = pods.pilot('pilot-0');
  await until('some simulations', async () => (await pods.client().status()).simulations.done >= 5);
  rank.kill('SIGKILL');
  await exitOf(rank);
  rank = pods.start(1);
  pilot.kill('SIGKILL');
  await exitOf(pilot);
  await pods.client().gone([{ pilot: 'pilot-0', reason: 'OOMKilled' }]);
  pilot = pods.pilot('pilot-1');
  await until('more simulations', async () => (await pods.client().status()).simulations.done >= 20);
  head.kill('SIGKILL');
  await exitOf(head);
  head = await pods.startHead();
  assert.equal(await exitOf(pilot), 0, pods.log('pilot-1'));
  await until(
    'the results',
    async () => (await pods.client().backend()).finished,
    () => pods.log('pod-0'),
  );
  assert.deepEqual(await pods.client().digests(), wanted);
  const events = await pods.client().events({ entity: 'pilot', id: 'pilot-0' });
  assert.ok(
    events.events.some(({ to, cause }) => to === 'Gone' && cause === 'OOMKilled'),
    JSON.stringify(events),
  );

  // Finished pods stay, and a head that starts again serves what it finds.
  assert.equal(rank.exitCode, null);
  head.kill('SIGTERM');
  assert.equal(await exitOf(head), 0);
  assert.equal(rank.exitCode, null);
  await pods.startHead();
  await until('the finished study again', async () => (await pods.client().status()).state === 'Succeeded');
  assert.deepEqual(await pods.client().digests(), wanted);
});

test('intent is durable and ordered by generation; suspend ends in a checkpoint from which new pods go on', async (context) => {
  const pods = new StudyPods(join(scratch(), 'intent'), heatManifest({ deadlineSeconds: 3600 }));
  context.after(() => pods.end());
  let head = await pods.startHead();
  const ranks = [pods.start(1), pods.start(2)];
  await until('the ranks', async () => (await pods.client().status()).state === 'Running');
  const client = pods.client();
  await client.intent(spec);
  await client.intent(spec);
  assert.equal((await client.status()).generation, 3);
  assert.equal((await client.backend()).desiredPilots, 2);
  await assert.rejects(client.intent({ ...spec, generation: 2, parallelism: 9 }), { code: 'EINTENT_OLD' });
  assert.equal((await client.backend()).desiredPilots, 2);
  await assert.rejects(client.suspend(), { code: 'EINTENT', remedy: /kubectl patch mst\/heat/ });

  const pilot = pods.pilot('pilot-0');
  await until('some simulations', async () => (await client.status()).simulations.done >= 5);
  await client.intent({ ...spec, generation: 4, suspend: true });
  assert.equal((await client.backend()).desiredPilots, 0);
  assert.equal((await client.status()).state, 'Suspending');
  pilot.kill('SIGTERM');
  assert.equal(await exitOf(pilot), 3);
  await until('the suspension', async () => (await client.status()).state === 'Suspended');
  const { checkpoint, simulations } = await client.status();
  assert.ok(checkpoint.number > 0);
  for (const child of [head, ...ranks]) child.kill('SIGTERM');
  for (const child of [head, ...ranks]) assert.equal(await exitOf(child), 0);

  head = await pods.startHead();
  for (const index of [1, 2]) pods.start(index);
  await until('the restored suspension', async () => (await pods.client().status()).state === 'Suspended');
  const restored = await pods.client().status();
  assert.equal(restored.generation, 4);
  assert.equal(restored.simulations.done, simulations.done);
  await pods.client().intent({ ...spec, generation: 5 });
  assert.equal(await exitOf(pods.pilot('pilot-1')), 0, pods.log('pilot-1'));
  await until('the end', async () => (await pods.client().status()).state === 'Succeeded');
});

test('pods that are all told to end at once keep everything that was counted', async (context) => {
  const pods = new StudyPods(
    join(scratch(), 'all'),
    heatManifest({ server: { ranks: 2, checkpoint: { periodSeconds: 3600 } } }),
  );
  context.after(() => pods.end());
  const head = await pods.startHead();
  const ranks = [pods.start(1), pods.start(2)];
  await until('the ranks', async () => (await pods.client().status()).state === 'Running');
  const pilot = pods.pilot('pilot-0');
  await until('some simulations', async () => (await pods.client().status()).simulations.done >= 5);
  pilot.kill('SIGTERM');
  assert.equal(await exitOf(pilot), 3);
  const { done } = (await pods.client().status()).simulations;
  // Ranks first: they are the ones that must not leave before the head has asked them.
  for (const child of [...ranks, head]) child.kill('SIGTERM');
  for (const child of [head, ...ranks]) assert.equal(await exitOf(child), 0);
  await pods.startHead();
  for (const index of [1, 2]) pods.start(index);
  await until('the ranks again', async () => (await pods.client().status()).state === 'Running');
  assert.ok((await pods.client().status()).simulations.done >= done, `${done} were done`);
});

test('a pilot of one simulation exits 0 after it, and one that came too late waits to be told to end', async (context) => {
  const sampling = { method: 'LatinHypercube', simulations: 2, seed: 1 };
  const statistics = { moments: 2, sobol: { estimator: 'None' } };
  const pods = new StudyPods(join(scratch(), 'one'), heatManifest({ sampling, statistics, server: { ranks: 1 } }));
  context.after(() => pods.end());
  await pods.startAll();
  for (const id of ['one-0', 'one-1']) {
    assert.equal(await exitOf(pods.pilot(id, ['--simulations', '1'])), 0, pods.log(id));
  }
  await until('the results', async () => (await pods.client().backend()).finished);
  assert.equal((await pods.client().status()).simulations.done, 2);
  const late = pods.pilot('one-2', ['--simulations', '1']);
  await until('the late pilot to hear it', () => Promise.resolve(pods.log('one-2').includes('the plan is finished')));
  assert.equal(late.exitCode, null);
  late.kill('SIGTERM');
  assert.equal(await exitOf(late), 0, pods.log('one-2'));
});

test('Kubernetes tokens are checked by the operator, may look and not change; without it only the study token works', async (context) => {
  const folder = scratch();
  const authority = certificate(folder, 'operator');
  const asked: unknown[] = [];
  const operator = createServer({ key: readFileSync(authority.key), cert: readFileSync(authority.certificate) });
  operator.on('request', (question, answer) => {
    let text = '';
    question.on('data', (part) => (text += String(part)));
    question.on('end', () => {
      const body = JSON.parse(text) as { token: string };
      asked.push(body);
      answer.end(JSON.stringify({ allowed: body.token === 'good.token.x', reason: '', user: 'somebody' }));
    });
  });
  await new Promise<void>((done) => operator.listen(0, '127.0.0.1', done));
  const { port } = operator.address() as AddressInfo;
  const more = ['--authorize', `https://127.0.0.1:${port}/authorize`, '--authorize-ca', authority.certificate];
  const pods = new StudyPods(join(folder, 'study'), heatManifest({ server: { ranks: 1 } }), more);
  context.after(() => pods.end());
  await pods.startAll();

  assert.equal((await pods.client('good.token.x').status()).name, 'heat');
  assert.equal((await pods.client('good.token.x').status()).name, 'heat');
  assert.deepEqual(asked, [{ namespace: 'default', study: 'heat', token: 'good.token.x' }]);
  await assert.rejects(pods.client('good.token.x').intent(spec), { code: 'EREADER', facts: { status: 403 } });
  await assert.rejects(pods.client('good.token.x').gone([]), { code: 'EREADER' });
  await assert.rejects(pods.client('bad.token.x').status(), { code: 'ETOKEN', facts: { status: 401 } });
  await assert.rejects(pods.client('not-even-a-token').status(), { code: 'ETOKEN' });
  assert.equal(asked.length, 2);

  operator.closeAllConnections();
  await new Promise((done) => operator.close(done));
  await assert.rejects(pods.client('new.token.x').status(), { code: 'EAUTHORIZE', facts: { status: 503 } });
  assert.equal((await pods.client().status()).name, 'heat');
  // In clear the same server is on the loopback interface alone, for `kubectl port-forward`.
  const { http } = pods.headFile();
  assert.match(http, /^http:\/\/127\.0\.0\.1:/);
  assert.equal((await fetch(`${http}/v1/status`)).status, 401);
});
