// SPDX-License-Identifier: Apache-2.0
/**
 * All four examples from `kubectl apply` of the very manifest that runs on one machine to the same digests: a solver in C that is started for each simulation, one that runs
 * many, one in Python, and one that never heard of Melissa. Then the same cells by MPI, with two libraries of which neither needs ssh.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { parse } from 'yaml';
import { cleanUp, root } from '../../melissa.ts';
import { digestsOnOneMachine, Lab, onOneMachine, skipWithoutImages, type Digests, type Manifest } from './lab.ts';

const examples = ['heat', 'ishigami', 'lorenz', 'unmodified'];
const solvers = [...examples, 'heat-openmpi', 'heat-mpich'];
const skip = skipWithoutImages(solvers);
const limits = { skip, timeout: 900_000 };
let lab: Lab;

before(
  async () => {
    if (skip === false) lab = await Lab.open('examples', solvers);
  },
  { timeout: 900_000 },
);
after(
  async () => {
    cleanUp();
    await lab?.close();
  },
  { timeout: 300_000 },
);

for (const name of examples)
  test(`${name}: the manifest that ran here is applied unchanged, and counts the same`, limits, async () => {
    const path = join(root, 'examples', name, 'study.yaml');
    const expected = digestsOnOneMachine(path);
    lab.kubectl(['-n', lab.namespace, 'apply', '-f', path]);
    lab.waitFor('condition=Succeeded', name, 600);
    assert.deepEqual(await lab.digests(name), expected);
    await lab.deleteStudy(name);
  });

/** Two ranks in a pod, and nothing of the image can be written. */
function withRanks(image: string, name: string, more: Record<string, unknown> = {}): Manifest {
  const manifest = parse(readFileSync(join(root, 'examples', 'heat', 'study-small.yaml'), 'utf8')) as {
    metadata: { name: string };
    spec: { client: Record<string, unknown> };
  };
  const { spec } = manifest;
  const client = {
    ...spec.client,
    image: `docker.io/example/${image}:1.0`,
    command: ['heat-mpi'],
    ranks: 2,
    template: { securityContext: { readOnlyRootFilesystem: true }, resources: { requests: { cpu: '100m' } } },
    ...more,
  };
  return { ...manifest, metadata: { name }, spec: { ...spec, client, server: { ranks: 2, memory: '1Gi' } } };
}

let serial: Digests | null = null;
const expectedOfSmall = (): Digests =>
  (serial ??= onOneMachine(
    parse(readFileSync(join(root, 'examples', 'heat', 'study-small.yaml'), 'utf8')) as Manifest,
  ));

for (const image of ['heat-openmpi', 'heat-mpich'])
  test(
    `${image}: two ranks a pod as a user without a name, a read-only root file system, no ssh: the same results`,
    limits,
    async () => {
      lab.apply(withRanks(image, image));
      lab.waitFor('condition=Succeeded', image, 400);
      assert.deepEqual(await lab.digests(image), expectedOfSmall());
      await lab.deleteStudy(image);
    },
  );

test('a user that is in no password file runs MPI all the same', limits, async () => {
  const securityContext = { readOnlyRootFilesystem: true, runAsUser: 45_678, runAsGroup: 45_678, fsGroup: 45_678 };
  lab.apply(withRanks('heat-openmpi', 'nobody', { template: { securityContext } }));
  lab.waitFor('condition=Succeeded', 'nobody', 400);
  assert.deepEqual(await lab.digests('nobody'), expectedOfSmall());
  await lab.deleteStudy('nobody');
});

test('a pod for each simulation: as many pods as simulations, and the same results', limits, async () => {
  const manifest = parse(readFileSync(join(root, 'examples', 'heat', 'study-small.yaml'), 'utf8')) as Manifest & {
    spec: { client: Record<string, unknown>; sampling: Record<string, unknown> };
  };
  const { spec } = manifest;
  const one = {
    ...manifest,
    metadata: { name: 'single' },
    spec: {
      ...spec,
      sampling: { ...spec.sampling, groups: 4 },
      client: { ...spec.client, mode: 'PodPerSimulation', parallelism: 3 },
      server: { ranks: 1, memory: '1Gi' },
    },
  };
  lab.apply(one);
  lab.waitFor('condition=Succeeded', 'single', 600);
  assert.deepEqual(await lab.digests('single'), onOneMachine(one));
  const job = lab.json<{ status: { succeeded?: number } }>('get job single-pilots');
  const total = 4 * 5;
  assert.ok((job.status.succeeded ?? 0) >= total, `${job.status.succeeded} of ${total} pods`);
  await lab.deleteStudy('single');
});
