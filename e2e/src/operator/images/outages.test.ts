// SPDX-License-Identifier: Apache-2.0
/**
 * The cluster fails beneath a study of real pods: its API server and etcd, a node's kubelet and containerd are killed and started again, the link to a node is cut and
 * healed, or never healed and the node deleted; its keys are replaced. Each time the study ends by itself with the digests of one machine and leaves nothing.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { skipWithoutPrivateNode } from '../../../cluster/src/cluster.ts';
import { heatManifest } from '../../pods/study-pods.ts';
import { heatClient, laboratory, onOneMachine, skipWithoutImages, until, type Digests, type Lab, type Manifest } from './lab.ts'; // prettier-ignore

const skip = skipWithoutImages(['heat']) || skipWithoutPrivateNode();
const limits = { skip, timeout: 900_000 };
/** How long a part stays away: longer than a missed heartbeat, shorter than what makes a node's pods be taken away. */
const AWAY_MS = 15_000;
let lab: Lab;
laboratory('outages', ['heat'], skip, (opened) => (lab = opened), { nodes: 2 });

const requests = { cpu: '50m' };
const onNode = (name: string) => ({ nodeSelector: { 'kubernetes.io/hostname': name }, resources: { requests } });
/** Its server beside the API server, its pilots where `pilots` says. */
function manifestOf(name: string, pilots: Record<string, unknown> = { resources: { requests } }): Manifest {
  const client = heatClient({ drainSeconds: 5, preprocessing: ['busybox', 'sleep', '0.5'], template: pilots });
  const server = { ranks: 2, memory: '512Mi', checkpoint: { periodSeconds: 3 }, template: onNode('n1') };
  const sampling = { method: 'PickFreeze', groups: 24, seed: 7 };
  return { ...heatManifest({ sampling, client, server, faultPolicy: { retryLimit: 5 } }), metadata: { name } };
}
let here: Digests | null = null;
function expected(): Digests {
  const sampling = { method: 'PickFreeze', groups: 24, seed: 7 };
  here ??= onOneMachine({ ...heatManifest({ sampling, client: heatClient() }), metadata: { name: 'here' } });
  return here;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** To the end, with the right results and no simulation given up, and away. */
async function endsRight(name: string): Promise<void> {
  lab.waitFor('Succeeded', name, 600);
  assert.deepEqual(await lab.digests(name), expected(), lab.k(`get mst ${name} -o jsonpath={.status}`));
  await lab.deleteStudy(name);
}
async function started(name: string, pilots?: Record<string, unknown>): Promise<void> {
  lab.apply(manifestOf(name, pilots));
  await lab.untilProgress(name, 0.1);
}
/** Killed, away for a while, and started again. */
async function away(part: string): Promise<void> {
  await lab.cluster.stop(part, 'SIGKILL');
  await sleep(AWAY_MS);
  lab.cluster.start(part);
}
const answers = () => until('the API server', () => lab.try(['get', '--raw', '/readyz']).status === 0, 120_000);

for (const part of ['apiserver', 'etcd', 'n2-kubelet', 'n2-containerd', 'n1-kubelet'])
  test(`${part} is killed and comes back`, limits, async () => {
    const name = `without-${part}`;
    await started(name, part.startsWith('n2') ? onNode('n2') : undefined);
    await away(part);
    await answers();
    for (const node of ['n1', 'n2']) await lab.cluster.nodeReady(node);
    await endsRight(name);
  });

test('the link to the pilots’ node is cut for a while and heals', limits, async () => {
  await started('cut', onNode('n2'));
  const before = lab.progress('cut');
  lab.cluster.cutLink('n2');
  await sleep(AWAY_MS);
  lab.cluster.healLink('n2');
  await lab.cluster.nodeReady('n2');
  assert.ok(before < 1);
  await endsRight('cut');
});

test('the link never heals: the study says what to do, and goes on when the node is deleted', limits, async () => {
  await started('lost');
  await until('pilots on both nodes', () => {
    const nodes = lab.pods('lost', 'pilot').map(({ spec }) => spec?.nodeName);
    return nodes.includes('n2');
  });
  lab.cluster.cutLink('n2');
  try {
    const ready = ['get', 'node', 'n2', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'];
    await until('the node to be found lost', () => lab.kubectl(ready) !== 'True', 300_000);
    lab.kubectl(['delete', 'node', 'n2']);
    await endsRight('lost');
  } finally {
    lab.cluster.healLink('n2');
    // A kubelet registers its node when it starts.
    await lab.cluster.stop('n2-kubelet', 'SIGTERM');
    lab.cluster.start('n2-kubelet');
    await lab.cluster.nodeReady('n2');
  }
});

test('new keys for a study that runs: it continues from its checkpoint with them', limits, async () => {
  await started('rotated');
  const old = lab.secret('rotated', 'token');
  lab.k('annotate mst rotated melissa.dev/rotate=1');
  await until('another token', () => {
    const asked = ['-n', lab.namespace, 'get', 'secret', 'rotated-server', '-o', 'jsonpath={.data.token}'];
    const token = Buffer.from(lab.try(asked).stdout, 'base64').toString();
    return token !== '' && token !== old;
  });
  lab.waitFor('Succeeded', 'rotated', 600);
  assert.equal((await lab.ask('rotated', '/v1/status', old)).status, 401, 'the old token');
  assert.deepEqual(await lab.digests('rotated'), expected());
  await lab.deleteStudy('rotated');
});
