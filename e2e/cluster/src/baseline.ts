// SPDX-License-Identifier: Apache-2.0
/**
 * What the machine looked like before: links, namespaces, mounts, packet filter tables, cgroups, processes with our marker, and the
 * kernel settings that we change. Taken before the first change and kept in the state folder, so that `cluster:down` puts back
 * what it must, and tests compare before with after.
 */
import { readFileSync } from 'node:fs';
import { cgroupsLeft, hierarchies } from './cgroups.ts';
import { stateDirectory } from './layout.ts';
import { ourProcesses } from './processes.ts';
import { run } from './shell.ts';
import { readdirSync } from 'node:fs';

export type Baseline = {
  links: string[];
  namespaces: string[];
  mounts: string[];
  tables: string[];
  rules: string[];
  routes: string[];
  cgroups: string[];
  processes: number;
  settings: Record<string, string>;
};

const changedSettings = [
  'net.ipv4.ip_forward',
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
  'net.ipv4.conf.all.route_localnet',
];

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

export function takeBaseline(): Baseline {
  const rules = ['iptables-save', 'ip6tables-save'].flatMap((command) =>
    lines(run(command, []).stdout).filter((line) => line.startsWith('-A') || line.startsWith('-N')),
  );
  return {
    links: lines(run('ip', ['-o', 'link', 'show']).stdout)
      .map((line) => line.split(':')[1]!.trim().split('@')[0]!)
      .sort(),
    namespaces: lines(run('ip', ['netns', 'list']).stdout)
      .map((line) => line.split(' ')[0]!)
      .sort(),
    mounts: lines(readFileSync('/proc/self/mounts', 'utf8'))
      .map((line) => line.split(' ')[1]!)
      .filter((path) => path.startsWith(stateDirectory) || path.startsWith('/run/netns'))
      .sort(),
    tables: lines(run('nft', ['list', 'tables']).stdout).sort(),
    rules: rules.sort(),
    routes: lines(run('ip', ['route', 'show']).stdout)
      .map((line) => line.trim())
      .sort(),
    cgroups: [
      ...cgroupsLeft(),
      ...hierarchies().flatMap((folder) =>
        readdirSync(folder)
          .filter((name) => /^(kubepods|k8s[.]io)/.test(name))
          .map((name) => `${folder}/${name}`),
      ),
    ].sort(),
    processes: ourProcesses().length,
    settings: Object.fromEntries(changedSettings.map((name) => [name, run('sysctl', ['-n', name]).stdout.trim()])),
  };
}

/** Sentences, one a difference; empty when the machine is as it was. */
export function differences(before: Baseline, after: Baseline): string[] {
  const found: string[] = [];
  for (const key of ['links', 'namespaces', 'mounts', 'tables', 'rules', 'routes', 'cgroups'] as const) {
    for (const item of after[key]) if (!before[key].includes(item)) found.push(`${key}: ${item} is left over`);
    for (const item of before[key]) if (!after[key].includes(item)) found.push(`${key}: ${item} is gone`);
  }
  if (after.processes > 0) found.push(`processes: ${after.processes} are left over`);
  for (const [name, value] of Object.entries(before.settings))
    if (after.settings[name] !== value) found.push(`settings: ${name} was ${value}, is ${after.settings[name]}`);
  return found;
}
