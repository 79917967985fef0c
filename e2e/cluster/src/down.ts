// SPDX-License-Identifier: Apache-2.0
/**
 * Ends what `up` started and puts the machine back. Works from whatever is there, not from a memory of what was done, so it
 * also cleans up after an `up` that was killed at any point; it can be run again and again.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { cgroupsLeft, pidsInCgroups, removeCgroups } from './cgroups.ts';
import { differences, takeBaseline, type Baseline } from './baseline.ts';
import { ctr } from './nodes.ts';
import { containerdSocket, limits, network, state, stateDirectory } from './layout.ts';
import { end, ourProcesses, started } from './processes.ts';
import { run, sleep } from './shell.ts';

/** Returns what could not be put back, one sentence each. */
export async function down(): Promise<string[]> {
  if (!existsSync(stateDirectory)) return [];
  const baseline = readBaseline();
  await endControlPlane();
  await endContainers();
  await end(ourProcesses(), 'SIGKILL'); // containerd and its shims; shims ignore SIGTERM
  unmountAll();
  await removeCgroupsPatiently();
  removeNetworks();
  removeRules(baseline);
  restoreSettings(baseline);
  rmSync(stateDirectory, { recursive: true, force: true });
  rmSync('/var/log/containers', { recursive: true, force: true });
  return baseline === null ? [] : differences(baseline, takeBaseline());
}

function readBaseline(): Baseline | null {
  return existsSync(state('baseline.json'))
    ? (JSON.parse(readFileSync(state('baseline.json'), 'utf8')) as Baseline)
    : null;
}

/** All but containerd: it is still needed to remove containers in order. */
async function endControlPlane(): Promise<void> {
  const pids = started()
    .filter(({ name, pid }) => pid !== null && !name.endsWith('-containerd'))
    .map(({ pid }) => pid!);
  await end(pids);
}

async function endContainers(): Promise<void> {
  const nodes = existsSync(state('nodes')) ? readdirSync(state('nodes')).map((name) => Number(name.slice(1))) : [];
  for (const index of nodes.filter((one) => existsSync(containerdSocket(one)))) {
    const tasks = ctr(index, ['tasks', 'ls', '-q'])
      .stdout.split('\n')
      .filter((id) => id !== '');
    for (const id of tasks) ctr(index, ['tasks', 'rm', '-f', id]);
  }
  // What is left in our cgroups belongs to containers whose containerd had died.
  for (const pid of pidsInCgroups()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

function unmountAll(): void {
  const mounted = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${stateDirectory}/`));
  for (const path of mounted.sort().reverse()) run('umount', ['-l', path]);
}

async function removeCgroupsPatiently(): Promise<void> {
  const endMs = performance.now() + limits.stopMs;
  while (cgroupsLeft().length > 0 && performance.now() < endMs) {
    removeCgroups();
    if (cgroupsLeft().length > 0) await sleep(100);
  }
}

function removeNetworks(): void {
  // `up` refuses to start where cni-* exist, so these are ours.
  const namespaces = run('ip', ['netns', 'list'])
    .stdout.split('\n')
    .map((line) => line.split(' ')[0]!);
  for (const name of namespaces.filter((one) => /^(cni-|mel-n\d)/.test(one))) run('ip', ['netns', 'delete', name]);
  const links = run('ip', ['-o', 'link', 'show'])
    .stdout.split('\n')
    .map((line) => (line.split(':')[1] ?? '').trim().split('@')[0]!);
  for (const name of links.filter(
    (one) => one === network.bridge || one === network.podBridge || /^mel-n\d$/.test(one),
  ))
    run('ip', ['link', 'delete', name]);
}

/** `up` refuses to start where a kube-proxy or KUBE-SERVICES rules exist, so all of these are ours. */
function removeRules(baseline: Baseline | null): void {
  for (const family of ['ip', 'ip6']) run('nft', ['delete', 'table', family, 'kube-proxy']);
  for (const command of ['iptables', 'ip6tables']) {
    for (const table of ['nat', 'filter', 'mangle']) removeChains(command, table);
  }
  // Empty tables that iptables made on the way.
  const tables = run('nft', ['list', 'tables'])
    .stdout.split('\n')
    .filter((line) => line !== '');
  for (const table of tables) {
    if (baseline === null || baseline.tables.includes(table)) continue;
    const words = table.split(' ');
    if (!/^(ip|ip6)$/.test(words[1] ?? '') || !/^(nat|filter|mangle|raw)$/.test(words[2] ?? '')) continue;
    const rules = run('nft', ['-a', 'list', 'table', words[1]!, words[2]!]).stdout;
    if (!/^\t\t(?!type )\S/m.test(rules)) run('nft', ['delete', 'table', words[1]!, words[2]!]);
  }
}

function removeChains(command: string, table: string): void {
  const rules = run(command, ['-w', '-t', table, '-S']).stdout.split('\n');
  const ours = (line: string) => /(KUBE-|CNI-)/.test(line) || /"name: \\"melissa\\"/.test(line);
  for (const line of rules.filter((one) => one.startsWith('-A ') && ours(one))) {
    run(command, ['-w', '-t', table, ...words(line.replace(/^-A/, '-D'))]);
  }
  const chains = rules.filter((line) => /^-N (KUBE-|CNI-)/.test(line)).map((line) => line.split(' ')[1]!);
  for (const chain of chains) run(command, ['-w', '-t', table, '-F', chain]);
  for (const chain of chains) run(command, ['-w', '-t', table, '-X', chain]);
}

/** Splits a rule as iptables prints it: words, and double-quoted text with backslash escapes. */
export function words(line: string): string[] {
  return [...line.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/g)].map((match) =>
    match[1] === undefined ? match[2]! : match[1].replace(/\\(.)/g, '$1'),
  );
}

function restoreSettings(baseline: Baseline | null): void {
  for (const [name, value] of Object.entries(baseline?.settings ?? {})) {
    if (value !== '' && run('sysctl', ['-n', name]).stdout.trim() !== value) run('sysctl', ['-qw', `${name}=${value}`]);
  }
}
