// SPDX-License-Identifier: Apache-2.0
/** The configuration files of one node. Each setting that is not self-evident says why it is there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import {
  apiAddress,
  cgroupName,
  containerdSocket,
  kubeconfig,
  network,
  nodeAddress,
  nodeName,
  state,
} from './layout.ts';
import { run } from './shell.ts';

const folder = (index: number, ...path: string[]): string => state('nodes', nodeName(index), ...path);

export function writeNodeConfiguration(index: number): void {
  for (const name of ['cni', 'containerd', 'kubelet', 'podlogs']) mkdirSync(folder(index, name), { recursive: true });
  writeFileSync(folder(index, 'containerd.toml'), containerdMajor() >= 2 ? containerd2(index) : containerd1(index));
  writeFileSync(folder(index, 'kubelet.json'), JSON.stringify(kubelet(index), null, 1));
  writeFileSync(folder(index, 'proxy.json'), JSON.stringify(proxy(index), null, 1));
  writeFileSync(folder(index, 'cni', '10-bridge.conflist'), JSON.stringify(cni(index), null, 1));
}

function containerdMajor(): number {
  return Number(/ v?(\d+)[.]/.exec(run('containerd', ['--version']).stdout)?.[1] ?? '1');
}

// restrict_oom_score_adj: the pause container's score fails without CAP_SYS_RESOURCE otherwise.
const containerd1 = (index: number): string => `version = 2
root = "${folder(index, 'containerd', 'root')}"
state = "${folder(index, 'containerd', 'state')}"
oom_score = 0
[grpc]
  address = "${containerdSocket(index)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder(index, 'cni')}"
`;

const containerd2 = (index: number): string => `version = 3
root = "${folder(index, 'containerd', 'root')}"
state = "${folder(index, 'containerd', 'state')}"
oom_score = 0
[grpc]
  address = "${containerdSocket(index)}"
[ttrpc]
  address = "${containerdSocket(index)}.ttrpc"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "localhost/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "${folder(index, 'cni')}"
[plugins.'io.containerd.grpc.v1.cri']
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
`;

const kubelet = (index: number): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: nodeAddress(index),
  port: 10250,
  readOnlyPort: 0,
  healthzBindAddress: '127.0.0.1',
  healthzPort: 10248,
  tlsCertFile: state('pki', `${nodeName(index)}.crt`),
  tlsPrivateKeyFile: state('pki', `${nodeName(index)}.key`),
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: state('pki', 'ca.crt') },
  },
  authorization: { mode: 'Webhook' },
  containerRuntimeEndpoint: `unix://${containerdSocket(index)}`,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${cgroupName(index)}`, // a subtree of its own, so that clean-up knows it
  failCgroupV1: false, // it would exit at once on cgroup v1
  failSwapOn: false,
  clusterDNS: [apiAddress],
  clusterDomain: 'cluster.local',
  resolvConf: state('resolv.conf'),
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '1%',
    'imagefs.available': '1%',
    'nodefs.inodesFree': '1%',
  },
  imageGCHighThresholdPercent: 100, // images are loaded once; nothing could fetch them again
  imageGCLowThresholdPercent: 99,
  podLogsDir: folder(index, 'podlogs'),
  maxPods: 110,
  syncFrequency: '5s',
  nodeStatusUpdateFrequency: '2s', // with the controllers' grace period a dead node is found in 8 s instead of 51
  nodeLeaseDurationSeconds: 8,
  shutdownGracePeriod: '0s',
});

const proxy = (index: number): object => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  bindAddress: nodeAddress(index),
  healthzBindAddress: '127.0.0.1:10256',
  metricsBindAddress: '127.0.0.1:10249',
  clientConnection: { kubeconfig: kubeconfig('proxy') },
  mode: 'nftables',
  clusterCIDR: network.podCidr,
  // It may not set these everywhere, and should leave the machine's as they are.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  nodePortAddresses: [`${nodeAddress(index)}/32`],
});

const cni = (index: number): object => ({
  cniVersion: '1.0.0',
  name: 'melissa',
  plugins: [
    {
      type: 'bridge',
      bridge: network.podBridge,
      isGateway: true,
      isDefaultGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: `${network.podPrefix}.${index}.0/24` }]],
        dataDir: folder(index, 'ipam'),
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});
