// SPDX-License-Identifier: Apache-2.0
/** The parts of a cluster by name, each a process that can be stopped and started while the others go on. */
import {
  startApiServer,
  startControllers,
  startDns,
  startEtcd,
  startProvisioner,
  startScheduler,
} from './control-plane.ts';
import { startKwok } from './fake-nodes.ts';
import { startContainerd, startKubelet, startProxy } from './nodes.ts';
import { ClusterError } from './shell.ts';

const central: Record<string, () => void> = {
  etcd: startEtcd,
  apiserver: startApiServer,
  controllers: startControllers,
  scheduler: startScheduler,
  dns: startDns,
  provisioner: startProvisioner,
  kwok: startKwok,
};
const ofNodes: Record<string, (index: number) => void> = {
  containerd: startContainerd,
  kubelet: startKubelet,
  proxy: startProxy,
};

/** `etcd`, `apiserver`, `controllers`, `scheduler`, `dns`, `provisioner`, `kwok`, `n1-containerd`, `n1-kubelet`, `n1-proxy`, `n2-…`. */
export function startComponent(name: string): void {
  const one = central[name];
  if (one !== undefined) return one();
  const [, index, part] = /^n(\d)-(\w+)$/.exec(name) ?? [];
  const starter = ofNodes[part ?? ''];
  if (starter === undefined)
    throw new ClusterError(
      `no part is called ${name}`,
      `Parts: ${Object.keys(central).join(', ')}, and n1- or n2- with ${Object.keys(ofNodes).join(', ')}.`,
    );
  starter(Number(index));
}
