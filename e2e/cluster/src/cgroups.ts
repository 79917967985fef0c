// SPDX-License-Identifier: Apache-2.0
/** The nodes' cgroup subtrees, in every hierarchy that is mounted (v1, v2 or both). */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupName } from './layout.ts';

const base = '/sys/fs/cgroup';

/** Folders under which hierarchies are mounted: the unified one itself, or one a controller. */
export function hierarchies(): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([, target, kind]) =>
        (kind === 'cgroup' || kind === 'cgroup2') && target !== undefined && target.startsWith(base),
    )
    .map(([, target]) => target!);
}

export function makeCgroups(index: number): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, cgroupName(index));
    mkdirSync(folder, { recursive: true });
    // A new cpuset group of v1 starts empty and would accept no process.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (
        existsSync(join(folder, file)) &&
        readFileSync(join(folder, file), 'utf8').trim() === '' &&
        existsSync(join(hierarchy, file))
      ) {
        writeFileSync(join(folder, file), readFileSync(join(hierarchy, file)));
      }
    }
  }
}

const subtree = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [...subtree(join(folder, entry.name)), join(folder, entry.name)]);

const ownFolders = (): string[] =>
  hierarchies().flatMap((hierarchy) =>
    readdirSync(hierarchy)
      .filter((name) => /^melissa-n\d+$/.test(name))
      .map((name) => join(hierarchy, name)),
  );

/** Pids of everything in our subtrees: containers' processes, whose environment is not ours. */
export function pidsInCgroups(): number[] {
  const pids = new Set<number>();
  for (const folder of ownFolders()) {
    for (const one of [...subtree(folder), folder]) {
      const file = join(one, 'cgroup.procs');
      if (!existsSync(file)) continue;
      for (const line of readFileSync(file, 'utf8').split('\n')) if (line !== '') pids.add(Number(line));
    }
  }
  return [...pids];
}

export function removeCgroups(): void {
  for (const folder of ownFolders()) {
    for (const one of [...subtree(folder), folder]) {
      try {
        rmdirSync(one);
      } catch {
        // Busy for a moment while its last process is reaped; the caller tries again.
      }
    }
  }
}

export const cgroupsLeft = (): string[] => ownFolders();
