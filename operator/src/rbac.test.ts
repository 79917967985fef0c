// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { accessOf, authorizeRules, clusterRules, isAllowed, namespacedRules } from './rbac.ts';
import { World } from './testing.ts';

test('everything that the operator asks of the API server in a study’s life is in its rules', async () => {
  const world = new World();
  world.start();
  world.create('heat', {
    sampling: { method: 'Random', simulations: 1000 },
    ttlSecondsAfterFinished: 60,
    server: { keepSeconds: 10 },
  });
  assert.ok(await world.until(() => world.condition('heat', 'ServerReady') === 'True Ready', 30));
  world.change('heat', (spec) => (spec.client.image = 'solver:2'));
  await world.pass(3);
  world.annotate('heat', { 'melissa.dev/rotate': '1' });
  await world.pass(12);
  world.change('heat', (spec) => (spec.cancel = true));
  assert.ok(await world.until(() => world.study('heat') === undefined, 300));
  await world.stop();
  const asked = world.api.seen.filter(({ path }) => path.split('/').length > 3);
  assert.ok(asked.length > 30, `${asked.length} requests`);
  const missing = asked.map(accessOf).filter((access) => !isAllowed(clusterRules, access));
  assert.deepEqual(missing, []);
  // A right that nothing needs is a right too many. Lists stand in for watches where a server cannot stream them.
  const used = new Set(asked.map((one) => JSON.stringify(accessOf(one))));
  const unused = clusterRules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs
      .filter((verb) => ['watch', 'patch', 'delete'].includes(verb))
      .filter((verb) => !used.has(JSON.stringify({ verb, group: apiGroups[0], resource: resources[0] })))
      .map((verb) => `${verb} ${resources[0]}`),
  );
  // Series of equal events are patched after half a minute.
  assert.deepEqual(unused, ['patch events']);
});

test('secrets can be neither listed nor watched, and nothing is granted by a star', () => {
  const all = [...clusterRules, ...authorizeRules, ...namespacedRules];
  assert.ok(all.every(({ apiGroups, resources, verbs }) => ![...apiGroups, ...resources, ...verbs].includes('*')));
  for (const verb of ['list', 'watch', 'update'])
    assert.equal(isAllowed(all, { verb, group: '', resource: 'secrets' }), false);
  assert.equal(isAllowed(all, { verb: 'create', group: '', resource: 'pods' }), false);
});

test('the chart’s file says what the table says', () => {
  const file = JSON.parse(readFileSync(new URL('../rbac.json', import.meta.url), 'utf8')) as unknown;
  assert.deepEqual(file, { cluster: clusterRules, authorize: authorizeRules, namespaced: namespacedRules });
});
