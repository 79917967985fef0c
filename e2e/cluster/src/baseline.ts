// SPDX-License-Identifier: Apache-2.0
/**
 * What the machine looked like before: links, namespaces, mounts, packet filter, routes, cgroups, files outside our folder,
 * processes with our marker, and the kernel settings that Kubernetes changes. Taken before the first change and kept in the state
 * folder, so that `cluster:down` removes only what was not there, and tests compare before with after.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cgroupsLeft, hierarchies } from './cgroups.ts';
import { filesOutside } from './files.ts';
import { stateDirectory } from './layout.ts';
import { ourProcesses } from './processes.ts';
import { run } from './shell.ts';

const collections = ['links', 'namespaces', 'mounts', 'tables', 'rules', 'routes', 'cgroups', 'files'] as const;
export type Baseline = Record<(typeof collections)[number], string[]> & {
  processes: number;
  settings: Record<string, string>;
};

/** What kubelet, kube-proxy, the bridge plugin and `up` set; the rest of /proc/sys was compared and stays. */
const changedSettings = [
  'net.ipv4.ip_forward',
  'net.ipv4.conf.all.route_localnet',
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
  'net.netfilter.nf_conntrack_max',
  'net.netfilter.nf_conntrack_tcp_timeout_established',
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait',
  'vm.overcommit_memory',
  'vm.panic_on_oom',
  'kernel.panic',
  'kernel.panic_on_oops',
  'kernel.keys.root_maxkeys',
  'kernel.keys.root_maxbytes',
];

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

export function takeBaseline(): Baseline {
  return {
    links: linkNames(run('ip', ['-o', 'link', 'show']).stdout).sort(),
    namespaces: lines(run('ip', ['netns', 'list']).stdout)
      .map((line) => line.split(' ')[0]!)
      .sort(),
    mounts: mountPoints(readFileSync('/proc/self/mounts', 'utf8'))
      .filter((path) => isBelow(stateDirectory, path) || isBelow('/run/netns', path))
      .sort(),
    tables: lines(run('nft', ['list', 'tables']).stdout).sort(),
    rules: ['iptables', 'ip6tables']
      .flatMap((command) => packetRules(command, run(`${command}-save`, []).stdout))
      .sort(),
    routes: lines(run('ip', ['route', 'show']).stdout)
      .map((line) => line.trim())
      .sort(),
    cgroups: [...cgroupsLeft(), ...podCgroups()].sort(),
    files: filesOutside(),
    processes: ourProcesses().length,
    settings: Object.fromEntries(changedSettings.map((name) => [name, run('sysctl', ['-n', name]).stdout.trim()])),
  };
}

const isBelow = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}/`);

const podCgroups = (): string[] =>
  hierarchies().flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^(kubepods|k8s[.]io)/.test(name))
      .map((name) => `${folder}/${name}`),
  );

/** From `ip -o link show`: names without the peer's index. */
export const linkNames = (text: string): string[] =>
  lines(text).map((line) => line.split(':')[1]!.trim().split('@')[0]!);

/** From /proc/self/mounts: where, with the kernel's octal escapes undone. */
export const mountPoints = (text: string): string[] =>
  lines(text).map((line) =>
    line.split(' ')[1]!.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8))),
  );

/** From `iptables-save`: rules and own chains, each with command and table before it, without counters and built-in chains. */
export function packetRules(command: string, saved: string): string[] {
  let table = '';
  const found: string[] = [];
  for (const line of lines(saved)) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    else if (line.startsWith('-A')) found.push(`${command} ${table} ${line.trim()}`);
    else if (line.startsWith(':') && line.split(' ')[1] === '-')
      found.push(`${command} ${table} ${line.split(' ')[0]!}`);
  }
  return found;
}

/** Sentences, one a difference; empty when the machine is as it was. */
export function differences(before: Baseline, after: Baseline): string[] {
  const found: string[] = [];
  for (const key of collections) {
    for (const item of after[key]) if (!before[key].includes(item)) found.push(`${key}: ${item} is left over`);
    for (const item of before[key]) if (!after[key].includes(item)) found.push(`${key}: ${item} is gone`);
  }
  if (after.processes > before.processes) found.push(`processes: ${after.processes - before.processes} are left over`);
  for (const [name, value] of Object.entries(before.settings))
    if (after.settings[name] !== value && value !== '')
      found.push(`settings: ${name} was ${value}, is ${after.settings[name]}`);
  return found;
}
