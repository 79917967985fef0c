// SPDX-License-Identifier: Apache-2.0
/** kwok's nodes for scale: they accept pods and report them running without a kubelet. The only thing here that is not real. */
import { join } from 'node:path';
import { kubectl } from './control-plane.ts';
import { here, kubeconfig, limits, network, tool } from './layout.ts';
import { start } from './processes.ts';
import { ClusterError, waitFor } from './shell.ts';

const TAINT = 'kwok.x-k8s.io/node';
/** Pods that should land on fake nodes need this; nothing else ever lands there. */
export const fakeNodeToleration = { key: TAINT, operator: 'Exists', effect: 'NoSchedule' } as const;
export const fakeNodeSelector = { type: 'kwok' } as const;

export function startKwok(): void {
  start('kwok', tool('kwok'), [
    `--kubeconfig=${kubeconfig('kwok')}`,
    `--config=${join(here, 'kwok', 'stages.yaml')}`,
    '--manage-all-nodes=false',
    `--manage-nodes-with-annotation-selector=${TAINT}=fake`,
    // Renewed every quarter of it, well within the controllers' grace period of 8 s; shorter would cost a core at 100 nodes.
    '--node-lease-duration-seconds=16',
    `--cidr=${network.fakePodCidr}`, // its default has addresses for 254 pods
    '-v=WARN',
    '--server-address=127.0.0.1:10247',
  ]);
}

const fakeNode = (index: number): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `fake-${index}`,
    annotations: { [TAINT]: 'fake' },
    labels: { ...fakeNodeSelector, 'kubernetes.io/hostname': `fake-${index}` },
  },
  spec: { taints: [{ key: TAINT, value: 'fake', effect: 'NoSchedule' }] },
  status: {
    allocatable: { cpu: '64', memory: '256Gi', pods: '500' },
    capacity: { cpu: '64', memory: '256Gi', pods: '500' },
  },
});

export async function startFakeNodes(count: number): Promise<void> {
  startKwok();
  const items = Array.from({ length: count }, (_, index) => fakeNode(index));
  const made = kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  if (made.status !== 0) throw new ClusterError(`fake nodes: ${made.stderr}`, 'Look at the log of the API server.');
  const ready = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  await waitFor(`${count} fake nodes`, limits.nodeReadyMs, () => {
    const answer = kubectl(['get', 'nodes', '-l', 'type=kwok', '-o', `jsonpath=${ready}`]).stdout;
    return answer.split('\n').filter((one) => one === 'True').length === count ? true : null;
  });
}
