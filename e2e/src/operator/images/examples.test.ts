// SPDX-License-Identifier: Apache-2.0
/**
 * All four examples from `kubectl apply` of the very manifest that runs on one machine to the same digests: a solver in C that is started for each simulation, one that runs
 * many, one in Python, and one that never heard of Melissa. Then the same cells by MPI, with two libraries of which neither needs ssh.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parse } from 'yaml';
import { root } from '../../melissa.ts';
import {
  digestsOnOneMachine,
  laboratory,
  onOneMachine,
  skipWithoutImages,
  type Digests,
  type Lab,
  type Manifest,
} from './lab.ts';

const examples = ['heat', 'ishigami', 'lorenz', 'unmodified'];
const solvers = [...examples, 'heat-openmpi', 'heat-mpich'];
const skip = skipWithoutImages(solvers);
const limits = { skip, timeout: 900_000 };
let lab: Lab;

laboratory('examples', solvers, skip, (opened) => (lab = opened));

for (const name of examples)
  test(`${name}: the manifest that ran here is applied unchanged, and counts the same`, limits, async () => {
    const path = join(root, 'examples', name, 'study.yaml');
    const expected = digestsOnOneMachine(path);
    lab.kubectl(['-n', lab.namespace, 'apply', '-f', path]);
    lab.waitFor('Succeeded', name, 600);
    assert.deepEqual(await lab.digests(name), expected);
    await lab.deleteStudy(name);
  });

type Part = Record<string, unknown>;
type Small = Manifest & { spec: { client: Part; sampling: Part; server?: Part } };
const requests = { cpu: '50m' };
/** The small study, on two ranks of the server wherever it runs: what a rank counts depends on its share of the cells. */
function small(name: string, client: Record<string, unknown> = {}): Small {
  const path = join(root, 'examples', 'heat', 'study-small.yaml');
  const manifest = parse(readFileSync(path, 'utf8')) as Small;
  const { spec } = manifest;
  return {
    ...manifest,
    metadata: { name },
    spec: {
      ...spec,
      sampling: { ...spec.sampling, groups: 4 },
      client: { ...spec.client, template: { resources: { requests } }, ...client },
      server: { ranks: 2, memory: '512Mi', template: { resources: { requests } } },
    },
  };
}
let here: Digests | null = null;
const expectedOfSmall = (): Digests => (here ??= onOneMachine(small('here')));

/** Two MPI ranks in a pod, of which nothing can be written but its emptyDirs. */
const withRanks = (image: string, name: string, user: Record<string, number> = {}): Manifest =>
  small(name, {
    image: `docker.io/example/${image}:1.0`,
    command: ['heat-mpi'],
    ranks: 2,
    template: { securityContext: { readOnlyRootFilesystem: true, ...user }, resources: { requests } },
  });

for (const image of ['heat-openmpi', 'heat-mpich'])
  test(`${image}: two ranks a pod, a read-only root file system, no ssh: the same results`, limits, async () => {
    lab.apply(withRanks(image, image));
    lab.waitFor('Succeeded', image, 400);
    assert.deepEqual(await lab.digests(image), expectedOfSmall());
    await lab.deleteStudy(image);
  });

for (const image of ['heat-openmpi', 'heat-mpich'])
  test(`${image}: a user that is in no password file`, limits, async () => {
    lab.apply(withRanks(image, 'nobody', { runAsUser: 45_678, runAsGroup: 45_678, fsGroup: 45_678 }));
    lab.waitFor('Succeeded', 'nobody', 400);
    assert.deepEqual(await lab.digests('nobody'), expectedOfSmall());
    await lab.deleteStudy('nobody');
  });

test('a pod for each simulation: as many pods as simulations, and the same results', limits, async () => {
  lab.apply(small('single', { mode: 'PodPerSimulation', parallelism: 3 }));
  lab.waitFor('Succeeded', 'single', 600);
  assert.deepEqual(await lab.digests('single'), expectedOfSmall());
  const { simulations } = JSON.parse((await lab.ask('single', '/v1/simulations?limit=1000')).text) as {
    simulations: { pilot: string; state: string; attempts: number }[];
  };
  assert.deepEqual(
    new Set(simulations.map(({ state, attempts }) => `${state} after ${attempts}`)),
    new Set(['Done after 1']),
  );
  assert.equal(new Set(simulations.map(({ pilot }) => pilot)).size, 4 * 5, JSON.stringify(simulations));
  await lab.deleteStudy('single');
});
