// SPDX-License-Identifier: Apache-2.0
/** etcd, API server, controller manager, scheduler and DNS, each one process that can be stopped and started by name. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiAddress, apiPort, here, kubeconfig, limits, network, state, tool } from './layout.ts';
import { auditFlags } from './audit.ts';
import { start } from './processes.ts';
import { run, waitFor } from './shell.ts';

const pki = (name: string): string => state('pki', name);
const ETCD_PORT = 12379;

export function startEtcd(): void {
  const url = (port: number) => `http://127.0.0.1:${port}`;
  start('etcd', tool('etcd'), [
    `--data-dir=${state('etcd')}`,
    '--unsafe-no-fsync', // a test cluster's data need not survive a power cut
    `--listen-client-urls=${url(ETCD_PORT)}`,
    `--advertise-client-urls=${url(ETCD_PORT)}`,
    `--listen-peer-urls=${url(ETCD_PORT + 1)}`,
    `--initial-advertise-peer-urls=${url(ETCD_PORT + 1)}`,
    `--initial-cluster=default=${url(ETCD_PORT + 1)}`,
  ]);
}

export function startApiServer(): void {
  start('apiserver', tool('kube-apiserver'), [
    `--etcd-servers=http://127.0.0.1:${ETCD_PORT}`,
    `--bind-address=${apiAddress}`,
    `--advertise-address=${apiAddress}`,
    `--secure-port=${apiPort}`,
    `--service-cluster-ip-range=${network.serviceCidr}`,
    `--service-node-port-range=${network.nodePorts}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--kubelet-client-certificate=${pki('apiserver-kubelet.crt')}`,
    `--kubelet-client-key=${pki('apiserver-kubelet.key')}`,
    `--kubelet-certificate-authority=${pki('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('sa.pub')}`,
    `--service-account-signing-key-file=${pki('sa.key')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--endpoint-reconciler-type=lease',
    '--profiling=false',
    // The aggregation layer: other API servers behind this one.
    `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${pki('front-proxy.crt')}`,
    `--proxy-client-key-file=${pki('front-proxy.key')}`,
    '--enable-aggregator-routing=true',
    ...auditFlags(),
  ]);
}

const as = (user: string): string[] => [
  `--kubeconfig=${kubeconfig(user)}`,
  `--authentication-kubeconfig=${kubeconfig(user)}`,
  `--authorization-kubeconfig=${kubeconfig(user)}`,
];

export function startControllers(): void {
  start('controllers', tool('kube-controller-manager'), [
    ...as('controllers'),
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--use-service-account-credentials',
    `--service-account-private-key-file=${pki('sa.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    `--cluster-signing-cert-file=${pki('ca.crt')}`,
    `--cluster-signing-key-file=${pki('ca.key')}`,
    `--service-cluster-ip-range=${network.serviceCidr}`,
    '--allocate-node-cidrs=false',
    '--profiling=false',
    '--node-monitor-grace-period=8s', // see nodeLeaseDurationSeconds of the kubelet
    '--node-monitor-period=1s',
    '--kube-api-qps=300',
    '--kube-api-burst=400',
  ]);
}

export function startScheduler(): void {
  start('scheduler', tool('kube-scheduler'), [
    ...as('scheduler'),
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--profiling=false',
    '--kube-api-qps=300',
    '--kube-api-burst=400',
  ]);
}

/** DNS as one more process on the bridge's address; names outside the cluster go to the machine's own servers if it has any. */
export function startDns(): void {
  const upstream = resolvers();
  writeFileSync(
    state('Corefile'),
    `.:53 {
  bind ${apiAddress}
  errors
  health 127.0.0.1:10280
  cache 10
  kubernetes cluster.local ${network.podPrefix}.in-addr.arpa {
    kubeconfig ${kubeconfig('dns')}
    pods insecure
  }
${upstream.length === 0 ? '' : `  forward . ${upstream.join(' ')}\n`}}
`,
  );
  start('dns', tool('coredns'), ['-conf', state('Corefile')]);
}

/** Volumes of the default StorageClass. */
export function startProvisioner(): void {
  start('provisioner', process.execPath, [join(here, 'src', 'provisioner.ts')]);
}

function resolvers(): string[] {
  if (!existsSync('/etc/resolv.conf')) return [];
  return [...readFileSync('/etc/resolv.conf', 'utf8').matchAll(/^nameserver\s+(\S+)/gm)]
    .map((match) => match[1]!)
    .filter((address) => !address.startsWith('127.'));
}

/** Pods get the cluster's DNS from the kubelet; this is for pods that ask for the node's own. */
export function writeResolvConf(): void {
  mkdirSync(state(), { recursive: true });
  writeFileSync(
    state('resolv.conf'),
    resolvers()
      .map((address) => `nameserver ${address}\n`)
      .join('') || 'nameserver 127.0.0.1\n',
  );
}

export const kubectl = (args: string[], input?: string): ReturnType<typeof run> =>
  run(tool('kubectl'), args, {
    env: { KUBECONFIG: kubeconfig('admin'), KUBECACHEDIR: state('tmp', 'kubectl') },
    ...(input === undefined ? {} : { input }),
  });

export async function apiReady(): Promise<void> {
  await waitFor('the API server', limits.apiReadyMs, () =>
    kubectl(['get', '--raw', '/readyz', '--request-timeout=2s']).stdout === 'ok' ? true : null,
  );
}
