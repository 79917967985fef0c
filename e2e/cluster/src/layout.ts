// SPDX-License-Identifier: Apache-2.0
/**
 * Where the test cluster keeps what, and the names and addresses it uses. All names begin with `mel` so that clean-up can
 * tell ours from anybody else's. The state folder is short because a UNIX socket's path has at most 107 characters.
 */
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(dirname(fileURLToPath(import.meta.url)));

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
/** Built tools: kept between clusters. */
export const toolsDirectory = process.env['MELISSA_CLUSTER_TOOLS'] ?? join(cache, 'melissa', 'cluster-tools');
/** Everything that one cluster writes; removed by `cluster:down`. */
export const stateDirectory = process.env['MELISSA_CLUSTER_STATE'] ?? join(cache, 'melissa', 'cluster');

export const tool = (name: string): string => join(toolsDirectory, 'bin', name);
export const state = (...path: string[]): string => join(stateDirectory, ...path);

/** Set in the environment of every process that we start, so that clean-up finds those whose pid was never written down. */
export const marker = `MELISSA_CLUSTER=${stateDirectory}`;

export const network = {
  bridge: 'mel0',
  podBridge: 'melcni0',
  /** Node i has .i, its pods 10.244.i.0/24. */
  nodePrefix: '10.250.0',
  podPrefix: '10.244',
  podCidr: '10.244.0.0/16',
  /** Addresses that kwok gives to pods of fake nodes; nothing answers there. */
  fakePodCidr: '10.245.0.0/16',
  serviceCidr: '10.96.0.0/16',
  apiService: '10.96.0.1',
  nodePorts: '30000-30100',
} as const;

export const apiAddress = `${network.nodePrefix}.1`;
export const apiPort = 6443;
export const nodeAddress = (index: number): string => `${network.nodePrefix}.${index}`;
export const nodeName = (index: number): string => `n${index}`;
export const linkName = (index: number): string => `mel-n${index}`;
export const namespaceName = (index: number): string => `mel-n${index}`;
/** Own cgroup subtree per node; kubelet puts its pods below it. */
export const cgroupName = (index: number): string => `melissa-n${index}`;
export const kubeconfig = (user: string): string => state('pki', `${user}.kubeconfig`);
export const containerdSocket = (index: number): string => state('nodes', nodeName(index), 'containerd', 'c.sock');

export const provisionerName = 'melissa.dev/local';
export const storageClassName = 'local';

export const kubernetesVersion = 'v1.36.2';

/** Every wait of the tool has one of these limits. */
export const limits = {
  apiReadyMs: 120_000,
  nodeReadyMs: 120_000,
  containerdReadyMs: 30_000,
  stopMs: 10_000,
  fakeNodesMax: 2_000,
  nodesMax: 2,
} as const;
