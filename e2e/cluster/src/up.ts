// SPDX-License-Identifier: Apache-2.0
/** Starts the cluster: everything that can go on at the same time does, because the whole should take seconds. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { takeBaseline } from './baseline.ts';
import { distributionPackages, missingPackages, obstacles } from './check.ts';
import {
  apiReady,
  kubectl,
  startApiServer,
  startControllers,
  startDns,
  startEtcd,
  startProvisioner,
  startScheduler,
  writeResolvConf,
} from './control-plane.ts';
import { startFakeNodes } from './fake-nodes.ts';
import { baseImages } from './images.ts';
import { apiAddress, limits, network, nodeName, state, storageClassName } from './layout.ts';
import { containerdReady, importImage, prepareNode, startNode } from './nodes.ts';
import { makeAuthority } from './pki.ts';
import { buildTools } from './tools.ts';
import { ClusterError, must, progress, run, waitFor } from './shell.ts';

export type UpOptions = { nodes: number; fakeNodes: number };

/** What `up` needs before it changes the machine. */
export function prepare(): Record<string, number> {
  installPackages();
  const took = buildTools();
  baseImages();
  return took;
}

export function installPackages(): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0)
    throw new ClusterError(
      `distribution packages are missing: ${missing.join(', ')}`,
      `sudo apt-get install ${distributionPackages.join(' ')}`,
    );
  progress('installing distribution packages');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const patient = ['-qq', '-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=300'];
  must('apt-get', [...patient, 'update'], { env, timeoutMs: 300_000 });
  must('apt-get', [...patient, '-y', '--no-install-recommends', 'install', ...distributionPackages], {
    env,
    timeoutMs: 600_000,
  });
}

/** Starts everything and waits until it is ready. The caller holds the lock, and cleans up when this fails. */
export async function up(options: UpOptions): Promise<void> {
  mkdirSync(state(), { recursive: true });
  writeWhole(state('baseline.json'), JSON.stringify(takeBaseline()));
  makeBridge();
  writeResolvConf();
  makeAuthority();
  startEtcd();
  startApiServer(); // it waits for etcd by itself
  const indexes = Array.from({ length: options.nodes }, (_, i) => i + 1);
  for (const index of indexes) prepareNode(index);
  for (const index of indexes) await containerdReady(index);
  for (const index of indexes) for (const archive of baseImages()) importImage(index, archive);
  await apiReady();
  startControllers();
  startScheduler();
  for (const index of indexes) startNode(index);
  startDns();
  startProvisioner();
  if (options.fakeNodes > 0) await startFakeNodes(options.fakeNodes);
  for (const index of indexes) await nodeReady(nodeName(index));
  await waitFor('the default service account', limits.nodeReadyMs, () =>
    kubectl(['get', 'serviceaccount', 'default']).status === 0 ? true : null,
  );
  await waitFor('the default StorageClass', limits.nodeReadyMs, () =>
    kubectl(['get', 'storageclass', storageClassName]).status === 0 ? true : null,
  );
  writeFileSync(state('ready'), '');
}

/** A file that is there is complete, whenever we are killed. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Fails with everything that stands in the way, before anything is changed. */
export async function mustBeReady(): Promise<void> {
  const found = await obstacles();
  if (found.length > 0)
    throw new ClusterError(
      `the machine is not ready:\n  ${found.join('\n  ')}`,
      'Mend what is named, then run `npm run cluster:up` again.',
    );
}

function makeBridge(): void {
  must('ip', ['link', 'add', network.bridge, 'type', 'bridge']);
  must('ip', ['addr', 'add', `${apiAddress}/24`, 'dev', network.bridge]);
  must('ip', ['link', 'set', network.bridge, 'up']);
  must('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  run('modprobe', ['br_netfilter']);
  run('sysctl', ['-qw', 'net.bridge.bridge-nf-call-iptables=1']);
}

export async function nodeReady(name: string): Promise<void> {
  await waitFor(`node ${name}`, limits.nodeReadyMs, () => {
    const status = kubectl(['get', 'node', name, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']);
    return status.stdout === 'True' ? true : null;
  });
}
