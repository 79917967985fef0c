// SPDX-License-Identifier: Apache-2.0
/**
 * Ends what `up` started and puts the machine back. Works from whatever is there and was not there before, not from a memory of what
 * was done, so it also cleans up after an `up` or a `down` that was killed at any point; it can be run again and again.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { differences, linkNames, mountPoints, packetRules, takeBaseline, type Baseline } from './baseline.ts';
import { cgroupsLeft, pidsInCgroups, removeCgroups } from './cgroups.ts';
import { removeFilesOutside } from './files.ts';
import { containerdSocket, limits, network, state, stateDirectory } from './layout.ts';
import { forgetHolder, holder, isLiving } from './lock.ts';
import { ctr } from './nodes.ts';
import { end, ourProcesses, started } from './processes.ts';
import { ClusterError, run, sleep } from './shell.ts';

/** Returns what could not be put back, one sentence each. The caller holds the lock. */
export async function down(): Promise<string[]> {
  const one = holder();
  if (one !== null && one.state !== stateDirectory && existsSync(one.state))
    throw new ClusterError(
      `the cluster of this machine keeps its state in ${one.state}`,
      `Run the command with MELISSA_CLUSTER_STATE=${one.state}.`,
    );
  if (one !== null && one.belongs === 'process' && one.pid !== process.pid && isLiving(one))
    throw new ClusterError(
      `the cluster belongs to the tests of process ${one.pid} (${one.command})`,
      'They end it themselves. End that process first if it should not go on.',
    );
  const baseline = readBaseline();
  const left = baseline === null ? await removeNothingButState() : await putBack(baseline);
  forgetHolder();
  return left;
}

/** The baseline is written before the first change: without one there is nothing to put back. */
async function removeNothingButState(): Promise<string[]> {
  await end(ourProcesses(), 'SIGKILL');
  rmSync(stateDirectory, { recursive: true, force: true });
  return [];
}

async function putBack(baseline: Baseline): Promise<string[]> {
  await endControlPlane();
  await endContainers();
  await end(ourProcesses(), 'SIGKILL'); // containerd and its shims; shims ignore SIGTERM
  await removeCgroupsPatiently();
  removeNetworks(baseline);
  removeRules(baseline);
  restoreSettings(baseline);
  const held = unmountAll();
  if (held.length > 0) return held.map((path) => `mounts: ${path} cannot be unmounted; ${stateDirectory} was kept`);
  removeFilesOutside(baseline.files);
  // The baseline goes last: a `down` that is killed in between must find it again.
  for (const name of readdirSync(stateDirectory))
    if (name !== 'baseline.json') rmSync(state(name), { recursive: true, force: true });
  rmSync(stateDirectory, { recursive: true, force: true });
  return differences(baseline, takeBaseline());
}

function readBaseline(): Baseline | null {
  return existsSync(state('baseline.json'))
    ? (JSON.parse(readFileSync(state('baseline.json'), 'utf8')) as Baseline)
    : null;
}

/**
 * All but containerd, which is still needed to remove containers in order. Killed, not asked: their data goes anyway, and a kubelet that
 * leaves politely takes ten seconds.
 */
async function endControlPlane(): Promise<void> {
  const containerds = started()
    .filter(({ name }) => name.endsWith('-containerd'))
    .map(({ pid }) => pid);
  const named = started().map(({ pid }) => pid);
  await end(named.filter((pid) => pid !== null && !containerds.includes(pid)) as number[], 'SIGKILL');
}

const quick = ['--connect-timeout', '3s', '--timeout', '20s'];

async function endContainers(): Promise<void> {
  for (const index of nodesStarted().filter((one) => existsSync(containerdSocket(one)))) {
    // A containerd that hangs or has died must not hold this up: what it ran is found by its cgroup below.
    const tasks = ctr(index, [...quick, 'tasks', 'ls', '-q'])
      .stdout.split('\n')
      .filter((id) => id !== '');
    if (tasks.length > 0) ctr(index, [...quick, 'tasks', 'rm', '-f', ...tasks]);
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

const nodesStarted = (): number[] =>
  existsSync(state('nodes')) ? readdirSync(state('nodes')).map((name) => Number(name.slice(1))) : [];

/** Returns what stays mounted: below such a path nothing may be removed, it could be somebody's data. */
function unmountAll(): string[] {
  const ours = () =>
    mountPoints(readFileSync('/proc/self/mounts', 'utf8'))
      .filter((path) => path.startsWith(`${stateDirectory}/`))
      .sort()
      .reverse();
  // Mounts may lie on top of each other.
  for (let round = 0; round < 5 && ours().length > 0; round++) for (const path of ours()) run('umount', ['-l', path]);
  return ours();
}

async function removeCgroupsPatiently(): Promise<void> {
  const endMs = performance.now() + limits.stopMs;
  while (cgroupsLeft().length > 0 && performance.now() < endMs) {
    removeCgroups();
    if (cgroupsLeft().length > 0) await sleep(100);
  }
}

function removeNetworks(baseline: Baseline): void {
  const folder = '/run/netns';
  const namespaces = existsSync(folder) ? readdirSync(folder) : [];
  const isOurs = (name: string) => /^(cni-|mel-n\d)/.test(name) && !baseline.namespaces.includes(name);
  for (const name of namespaces.filter(isOurs)) {
    // A file whose mount was never made, or has gone, is not deleted by `ip`.
    if (run('ip', ['netns', 'delete', name]).status !== 0) rmSync(join(folder, name), { force: true });
  }
  const isMounted = mountPoints(readFileSync('/proc/self/mounts', 'utf8')).includes(folder);
  if (isMounted && !baseline.mounts.includes(folder) && readdirSync(folder).length === 0) run('umount', [folder]);
  const ourLinks = linkNames(run('ip', ['-o', 'link', 'show']).stdout).filter(
    (one) =>
      !baseline.links.includes(one) && (one === network.bridge || one === network.podBridge || /^mel-n\d$/.test(one)),
  );
  for (const name of ourLinks) run('ip', ['link', 'delete', name]);
}

/** Only what was not there before: `up` refuses to start beside another Kubernetes, but other CNI users may have chains. */
function removeRules(baseline: Baseline): void {
  for (const family of ['ip', 'ip6']) {
    if (!baseline.tables.includes(`table ${family} kube-proxy`)) run('nft', ['delete', 'table', family, 'kube-proxy']);
  }
  for (const command of ['iptables', 'ip6tables']) removeChains(command, baseline.rules);
  // Empty tables that iptables made on the way.
  const tables = run('nft', ['list', 'tables'])
    .stdout.split('\n')
    .filter((line) => line !== '' && !baseline.tables.includes(line));
  for (const table of tables) {
    const [, family, name] = table.split(' ');
    if (!/^(ip|ip6)$/.test(family ?? '') || !/^(nat|filter|mangle|raw)$/.test(name ?? '')) continue;
    const rules = run('nft', ['-a', 'list', 'table', family!, name!]).stdout;
    if (!/^\t\t(?!type )\S/m.test(rules)) run('nft', ['delete', 'table', family!, name!]);
  }
}

function removeChains(command: string, before: string[]): void {
  const found = packetRules(command, run(`${command}-save`, []).stdout)
    .filter((line) => !before.includes(line))
    .map((line) => line.slice(command.length + 1))
    .filter((line) => /(KUBE-|CNI-)/.test(line));
  const parts = found.map((line) => {
    const space = line.indexOf(' ');
    return { table: line.slice(0, space), text: line.slice(space + 1) };
  });
  for (const { table, text } of parts.filter((one) => one.text.startsWith('-A ')))
    run(command, ['-w', '-t', table, ...words(text.replace(/^-A/, '-D'))]);
  const chains = parts.filter((one) => one.text.startsWith(':'));
  for (const { table, text } of chains) run(command, ['-w', '-t', table, '-F', text.slice(1)]);
  for (const { table, text } of chains) run(command, ['-w', '-t', table, '-X', text.slice(1)]);
}

/** Splits a rule as iptables prints it: words, and double-quoted text with backslash escapes. */
export function words(line: string): string[] {
  return [...line.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/g)].map((match) =>
    match[1] === undefined ? match[2]! : match[1].replace(/\\(.)/g, '$1'),
  );
}

function restoreSettings(baseline: Baseline): void {
  for (const [name, value] of Object.entries(baseline.settings)) {
    if (value !== '' && run('sysctl', ['-n', name]).stdout.trim() !== value) run('sysctl', ['-qw', `${name}=${value}`]);
  }
}
