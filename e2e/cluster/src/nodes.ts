// SPDX-License-Identifier: Apache-2.0
/** One node: containerd, kubelet, kube-proxy. The second and further ones live in a network namespace whose link can be cut. */
import { existsSync } from 'node:fs';
import { makeCgroups } from './cgroups.ts';
import { writeNodeConfiguration } from './configuration.ts';
import {
  apiAddress,
  containerdSocket,
  kubeconfig,
  limits,
  linkName,
  namespaceName,
  network,
  nodeAddress,
  nodeName,
  state,
  tool,
} from './layout.ts';
import { makeNodeCertificate } from './pki.ts';
import { start } from './processes.ts';
import { ClusterError, must, run, waitFor } from './shell.ts';

/** Words that run a command inside the node's network. Not `ip netns exec`: that remounts /sys and hides the cgroups. */
const inside = (index: number): string[] =>
  index === 1 ? [] : ['nsenter', `--net=/run/netns/${namespaceName(index)}`];

function startInside(index: number, name: string, command: string, args: string[]): void {
  const [first, ...rest] = [...inside(index), command, ...args];
  start(name, first!, rest);
}

/** Everything before the API server is needed. */
export function prepareNode(index: number): void {
  if (index > 1) makeNetwork(index);
  makeCgroups(index);
  makeNodeCertificate(index);
  writeNodeConfiguration(index);
  startContainerd(index);
}

export function startContainerd(index: number): void {
  startInside(index, `${nodeName(index)}-containerd`, 'containerd', [
    '-c',
    state('nodes', nodeName(index), 'containerd.toml'),
  ]);
}

function makeNetwork(index: number): void {
  const namespace = namespaceName(index);
  const link = linkName(index);
  const address = nodeAddress(index);
  if (existsSync(`/run/netns/${namespace}`)) return;
  must('ip', ['netns', 'add', namespace]);
  must('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
  must('ip', ['link', 'set', link, 'master', network.bridge, 'up']);
  must('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  must('ip', ['-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
  must('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
  must('ip', ['-n', namespace, 'route', 'add', 'default', 'via', apiAddress]);
  must('ip', ['route', 'add', `${network.podPrefix}.${index}.0/24`, 'via', address]);
  must('nsenter', [`--net=/run/netns/${namespace}`, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  run('nsenter', [`--net=/run/netns/${namespace}`, 'sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1']);
}

export async function containerdReady(index: number): Promise<void> {
  await waitFor(`containerd of ${nodeName(index)}`, limits.containerdReadyMs, () =>
    ctr(index, ['version']).status === 0 ? true : null,
  );
}

export const ctr = (index: number, args: string[]): ReturnType<typeof run> =>
  run('ctr', ['--address', containerdSocket(index), '--namespace', 'k8s.io', ...args]);

export function importImage(index: number, archive: string): void {
  must('ctr', ['--address', containerdSocket(index), '--namespace', 'k8s.io', 'images', 'import', archive]);
}

/** The parts that talk to the API server. */
export function startNode(index: number): void {
  startKubelet(index);
  startProxy(index);
}

export function startProxy(index: number): void {
  startInside(index, `${nodeName(index)}-proxy`, tool('kube-proxy'), [
    `--config=${state('nodes', nodeName(index), 'proxy.json')}`,
    `--hostname-override=${nodeName(index)}`,
  ]);
}

export function startKubelet(index: number): void {
  const name = nodeName(index);
  startInside(index, `${name}-kubelet`, tool('kubelet'), [
    `--config=${state('nodes', name, 'kubelet.json')}`,
    `--kubeconfig=${kubeconfig(name)}`,
    `--hostname-override=${name}`,
    `--node-ip=${nodeAddress(index)}`,
    `--root-dir=${state('nodes', name, 'kubelet')}`,
    `--cert-dir=${state('nodes', name, 'kubelet', 'pki')}`,
  ]);
}

/** Cuts or heals the node's link to the rest of the cluster. The first node lives where the API server lives and has none. */
export function setLink(index: number, up: boolean): void {
  if (index === 1 || !existsSync(`/run/netns/${namespaceName(index)}`))
    throw new ClusterError(
      `node ${nodeName(index)} has no link to cut`,
      'Start the cluster with --nodes 2 and name n2.',
    );
  must('ip', ['link', 'set', linkName(index), up ? 'up' : 'down']);
}
