// SPDX-License-Identifier: Apache-2.0
/** What the machine must offer, checked before anything is changed: all that is missing is named at once. */
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { freemem } from 'node:os';
import { connect } from 'node:net';
import { apiPort, network, stateDirectory } from './layout.ts';
import { run } from './shell.ts';

const packages: [string, string, string][] = [
  ['containerd', 'containerd', 'runs containers'],
  ['runc', 'runc', 'starts containers'],
  ['/usr/lib/cni/bridge', 'containernetworking-plugins', 'connects pods'],
  ['nft', 'nftables', 'service addresses'],
  ['iptables', 'iptables', 'port mappings and masquerading'],
  ['conntrack', 'conntrack', 'kube-proxy'],
  ['ip', 'iproute2', 'links and namespaces'],
  ['openssl', 'openssl', 'certificates'],
  ['socat', 'socat', 'kubectl port-forward'],
  ['mount', 'mount', 'volumes'],
];
/** Distribution packages that `cluster:up` installs as root. */
export const distributionPackages = [
  'containerd',
  'runc',
  'containernetworking-plugins',
  'iptables',
  'nftables',
  'conntrack',
  'ipset',
  'iproute2',
  'socat',
  'openssl',
  'mount',
  'ethtool',
  'kmod',
  'busybox-static',
];

const MEMORY_BYTES = 2e9;
const DISK_BYTES = 4e9;

const onPath = (name: string): boolean =>
  name.startsWith('/')
    ? existsSync(name)
    : `${process.env['PATH']}:/usr/sbin:/sbin`.split(':').some((folder) => existsSync(`${folder}/${name}`));

export function missingPackages(): string[] {
  const missing = packages.filter(([program]) => !onPath(program)).map(([, name]) => name);
  return ['/bin/busybox', '/usr/bin/busybox'].some((path) => existsSync(path))
    ? missing
    : [...missing, 'busybox-static'];
}

/**
 * Why this machine can never start a cluster, whatever is installed and mended on it; null when it can. Tests skip by it, so
 * what somebody could mend (a taken port, a full disk) is no reason here.
 */
export function incapable(): string | null {
  if (process.getuid?.() !== 0) return 'this is not root';
  const missing = missingPackages();
  if (missing.length > 0 && !onPath('apt-get')) return `${missing.join(', ')} are missing, and there is no apt-get`;
  if (!existsSync('/sys/fs/cgroup')) return 'no cgroup file system is mounted';
  if (run('unshare', ['--mount', '--net', 'true']).status !== 0)
    return 'root may not make namespaces, as in a container';
  if (onPath('nft') && run('nft', ['list', 'tables']).status !== 0) return 'nf_tables may not be used';
  return null;
}

/** Sentences, each a thing that stands in the way; empty when the cluster can start. */
export async function obstacles(): Promise<string[]> {
  const found: string[] = [];
  if (process.getuid?.() !== 0)
    found.push('not root: namespaces, bridges and mounts need it (sudo npm run cluster:up)');
  for (const [program, name, why] of packages)
    if (!onPath(program)) found.push(`${program} is missing: ${why} (Debian package ${name})`);
  if (stateDirectory.length > 60)
    found.push(`${stateDirectory} is too long a path for UNIX sockets; set MELISSA_CLUSTER_STATE to a shorter one`);
  const filesystems = readFileSync('/proc/filesystems', 'utf8');
  if (!/\boverlay\b/.test(filesystems) && run('modprobe', ['overlay']).status !== 0)
    found.push('the kernel has no overlay file system');
  if (run('nft', ['list', 'tables']).status !== 0)
    found.push('the kernel has no nf_tables, or this process may not use it');
  if (!existsSync('/sys/fs/cgroup')) found.push('no cgroup file system is mounted on /sys/fs/cgroup');
  if (freemem() < MEMORY_BYTES)
    found.push(`only ${Math.round(freemem() / 1e6)} MB of memory are free; the cluster needs ${MEMORY_BYTES / 1e6}`);
  const disk = statfsSync(nearestFolder(stateDirectory));
  if (disk.bavail * disk.bsize < DISK_BYTES)
    found.push(`less than ${DISK_BYTES / 1e9} GB are free below ${stateDirectory}`);
  found.push(...(await anotherKubernetes()));
  return found;
}

const nearestFolder = (path: string): string => (existsSync(path) ? path : nearestFolder(dirname(path)));

/** Ports and packet filter rules of another Kubernetes: two on one machine would remove each other's rules. */
async function anotherKubernetes(): Promise<string[]> {
  const found: string[] = [];
  for (const port of [apiPort, 10248, 10249, 10250, 10256, 10257, 10259, 12379, 12380]) {
    if (await answers('127.0.0.1', port)) found.push(`port ${port} is taken`);
  }
  const tables = run('nft', ['list', 'tables']).stdout;
  if (/\bkube-proxy\b/.test(tables))
    found.push('packet filter tables of a kube-proxy exist: another Kubernetes runs here, or left them; not touched');
  if (/KUBE-SERVICES/.test(run('iptables-save', []).stdout))
    found.push('KUBE-SERVICES rules exist: another Kubernetes runs here, or left them; not touched');
  if (/^cni-/m.test(run('ip', ['netns', 'list']).stdout))
    found.push('network namespaces cni-* exist: another Kubernetes runs here, or left them; not touched');
  if (run('ip', ['link', 'show', network.bridge]).status === 0)
    found.push(`the link ${network.bridge} exists: run \`npm run cluster:down\``);
  return found;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (taken: boolean) => {
      socket.destroy();
      resolve(taken);
    };
    socket.on('connect', () => done(true)).on('error', () => done(false));
    socket.setTimeout(500, () => done(false));
  });
}
