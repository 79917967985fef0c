// SPDX-License-Identifier: Apache-2.0
/**
 * The whole path as a platform engineer and a scientist walk it: the chart installed with the images as they are built, a real heat study applied, watched, read
 * through a forwarded port by those who may and nobody else, taken home, and deleted; its fold digests are those of the same study on one machine.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { scratch } from '../../melissa.ts';
import { heatManifest } from '../../pods/study-pods.ts';
import {
  get,
  heatClient,
  laboratory,
  onOneMachine,
  skipWithoutImages,
  sorted,
  until,
  type Digests,
  type Lab,
  type Manifest,
} from './lab.ts';

const skip = skipWithoutImages(['heat']);
const limits = { skip, timeout: 600_000 };
let lab: Lab;

laboratory('heat', ['heat'], skip, (opened) => (lab = opened));

function manifestOf(name: string, spec: Record<string, unknown> = {}): Manifest {
  const client = heatClient();
  return { ...heatManifest({ client, server: { ranks: 2, memory: '1Gi' }, ...spec }), metadata: { name } };
}
let here: Digests | null = null;
const expected = (): Digests => (here ??= onOneMachine(manifestOf('heat')));

test('a heat study from kubectl apply to the same digests as on one machine', limits, async () => {
  lab.apply(manifestOf('heat'));
  lab.waitFor('Succeeded', 'heat');
  assert.match(lab.k('get mst'), /heat +True +Kubernetes +60\/60 +0 +\d+ +100%/);
  const token = lab.secret('heat', 'token');
  await lab.forwarded('heat', 8888, async (local) => {
    const ask = (path: string) => get(`http://127.0.0.1:${local}${path}`, token);
    const { digests } = JSON.parse((await ask('/v1/digests')).text) as { digests: Digests };
    assert.deepEqual(sorted(digests), expected());
    assert.match((await ask('/v1/status')).text, /"state":"Succeeded"/);
    const png = await ask('/v1/statistics/temperature/5/mean?format=png');
    assert.deepEqual([...png.bytes.subarray(1, 4)], [...Buffer.from('PNG')]);
  });
});

test('kubectl explains every field of the spec', limits, () => {
  const text = lab.k('explain melissastudy.spec');
  for (const field of ['parameters', 'sampling', 'fields', 'statistics', 'client', 'server', 'faultPolicy', 'suspend'])
    assert.match(text, new RegExp(`^  ${field}\\b.*\\n    \\S`, 'm'), `${field} has no sentence in\n${text}`);
});

test('applying a manifest twice changes nothing, and there is no difference to it', limits, () => {
  const manifest = JSON.stringify(manifestOf('heat'));
  const apply = (): string => {
    lab.k('apply --server-side --field-manager=gitops --force-conflicts -f -', manifest);
    return lab.k('get mst heat -o jsonpath={.metadata.generation}/{.metadata.resourceVersion}');
  };
  const once = apply();
  assert.equal(apply(), once);
  const difference = lab.try(['-n', lab.namespace, 'diff', '--server-side', '--field-manager=gitops', '-f', '-'], manifest); // prettier-ignore
  assert.deepEqual([difference.status, difference.stdout], [0, '']);
});

test(
  'REST opens to the study’s token and to a Kubernetes token with audience and rights, and to no other',
  limits,
  async () => {
    const other = manifestOf('other', { suspend: true });
    lab.apply(other);
    for (const who of ['reader', 'stranger']) lab.k(`create serviceaccount ${who}`);
    lab.k('create role read-studies --verb=get --resource=melissastudies.melissa.dev');
    lab.k(`create rolebinding read-studies --role=read-studies --serviceaccount=${lab.namespace}:reader`);
    await until(
      'the other study’s keys',
      () => lab.try(['-n', lab.namespace, 'get', 'secret', 'other-server']).status === 0,
    );
    const tokenOf = (who: string, more = ''): string => lab.k(`create token ${who}${more}`).trim();
    const audience = ' --audience=melissa.dev';
    await lab.forwarded('heat', 8443, async (local) => {
      const ask = async (token: string | null) => (await lab.secureGet('heat', local, '/v1/status', token)).status;
      assert.equal(await ask(null), 401, 'without a token');
      assert.equal(await ask('wrong'), 401, 'with a wrong token');
      assert.equal(await ask(lab.secret('other', 'token')), 401, 'with another study’s token');
      assert.equal(await ask(tokenOf('reader')), 401, 'without the audience');
      assert.equal(await ask(tokenOf('stranger', audience)), 401, 'of somebody without rights');
      assert.equal(await ask(tokenOf('reader', audience)), 200, 'of somebody who may get the study');
      assert.equal(await ask(lab.secret('heat', 'token')), 200, 'with the study’s own');
      const intent = await lab.secureGet('heat', local, '/v1/intent', tokenOf('reader', audience), 'PUT');
      assert.equal(intent.status, 403, 'who may look may not steer');
      // Nobody can ask the API server's opinion now; the study's own token needs none.
      lab.kubectl(['-n', lab.system, 'scale', 'deployment', '--all', '--replicas=0']);
      lab.kubectl(['-n', lab.system, 'wait', '--for=delete', 'pod', '--all', '--timeout=60s']);
      assert.equal(await ask(tokenOf('reader', audience)), 503, 'while the operator is away');
      assert.equal(await ask(lab.secret('heat', 'token')), 200, 'the study’s own, while the operator is away');
      lab.kubectl(['-n', lab.system, 'scale', 'deployment', '--all', '--replicas=1']);
      lab.kubectl(['-n', lab.system, 'rollout', 'status', 'deployment', '--timeout=120s']);
    });
    await lab.deleteStudy('other');
  },
);

test('a study’s own account can do nothing', limits, () => {
  for (const account of ['heat-server', 'heat-pilot']) {
    const who = `system:serviceaccount:${lab.namespace}:${account}`;
    for (const what of [
      'get pods',
      'get secrets',
      'create pods',
      'get melissastudies.melissa.dev',
      'patch jobs.batch',
    ]) {
      const words = ['-n', lab.namespace, 'auth', 'can-i', ...what.split(' '), `--as=${who}`];
      assert.equal(lab.try(words).stdout.trim(), 'no', `${account} may ${what}`);
    }
  }
});

test('the results come home while the server runs, and from the claim when it is gone', limits, async () => {
  const folder = scratch();
  const place = ['--namespace', lab.namespace, '--study', 'heat', '--on', 'kubernetes'];
  const status = lab.melissa('status', ...place);
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, /60/);
  const summary = (where: string): unknown =>
    (JSON.parse(readFileSync(join(folder, where, 'results', 'summary.json'), 'utf8')) as { digests: unknown }).digests;
  const served = lab.melissa('results', ...place, '--directory', join(folder, 'served'));
  assert.equal(served.code, 0, served.stderr);
  lab.k('patch mst heat --type=merge -p {"spec":{"server":{"keepSeconds":0}}}');
  await until('the server to be gone', () => lab.pods('heat', 'server').length === 0);
  const kept = lab.melissa('results', ...place, '--directory', join(folder, 'kept'));
  assert.equal(kept.code, 0, kept.stderr);
  assert.deepEqual(summary('served'), summary('kept'));
  assert.deepEqual(sorted(summary('kept') as Digests), expected());
});

test('a deleted study leaves nothing, and with Retain its claim only', limits, async () => {
  await lab.deleteStudy('heat');
  const storage = { size: '1Gi', retention: 'Retain' };
  lab.apply(manifestOf('kept', { server: { ranks: 1, memory: '1Gi', checkpoint: { storage } } }));
  lab.waitFor('Succeeded', 'kept');
  lab.k('delete mst kept --timeout=120s');
  await until('only the claim to be left', () => lab.left('kept') === 'persistentvolumeclaim/kept-checkpoint');
  lab.k('delete pvc kept-checkpoint');
});

test('melissa run --on kubernetes and kubectl melissa: the words of one machine on a cluster', limits, async () => {
  const folder = scratch();
  const path = join(folder, 'study.yaml');
  writeFileSync(path, JSON.stringify(manifestOf('line')));
  const place = ['--namespace', lab.namespace];
  const run = lab.melissa('run', path, '--on', 'kubernetes', ...place, '--directory', join(folder, 'here'));
  assert.equal(run.code, 0, `${run.stdout}\n${run.stderr}\n${lab.diagnosis('line')}`);
  assert.match(run.stdout, /line succeeded/);
  const summary = JSON.parse(readFileSync(join(folder, 'here', 'results', 'summary.json'), 'utf8')) as {
    digests: Digests;
  };
  assert.deepEqual(sorted(summary.digests), expected());
  assert.ok(existsSync(join(folder, 'here', 'results', 'results.zarr')));
  const plugin = lab.plugin('melissa', 'simulations', ...place, '--study', 'line');
  assert.equal(plugin.code, 0, plugin.stderr);
  assert.match(plugin.stdout, /59/);
  const log = lab.plugin('melissa', 'logs', 'head', ...place, '--study', 'line');
  assert.equal(log.code, 0, log.stderr);
  await lab.deleteStudy('line');
});
