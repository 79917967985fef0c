// SPDX-License-Identifier: Apache-2.0
/**
 * One cluster a machine: its bridge, ports and packet filter rules exist once. While `up` or `down` works it holds a lock that
 * the kernel gives back when its process dies (an abstract UNIX socket), so a killed one never locks anybody out. A file says who
 * started the cluster, for whoever finds the machine taken; it also says whether the cluster belongs to one test process.
 */
import { createServer, type Server } from 'node:net';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { stateDirectory } from './layout.ts';
import { ClusterError, progress } from './shell.ts';

const socketName = (what: string): string => `\0melissa-${what}`;
const holderPath = '/run/melissa-cluster.json';
const POLL_MS = 250;

/** `belongs`: to the machine, until somebody takes it down; or to the process that started it, and then to nobody else. */
export type Holder = { pid: number; command: string; state: string; since: string; belongs: 'machine' | 'process' };

export function holder(): Holder | null {
  try {
    return JSON.parse(readFileSync(holderPath, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

export function nameHolder(belongs: Holder['belongs']): void {
  const command = process.argv.slice(1).join(' ');
  const one: Holder = { pid: process.pid, command, state: stateDirectory, since: new Date().toISOString(), belongs };
  writeFileSync(`${holderPath}.new`, JSON.stringify(one));
  renameSync(`${holderPath}.new`, holderPath);
}

export const forgetHolder = (): void => {
  rmSync(holderPath, { force: true });
  rmSync(`${holderPath}.new`, { force: true });
};

export const describe = (one: Holder | null): string =>
  one === null ? 'somebody' : `process ${one.pid} (${one.command}) since ${one.since}, state in ${one.state}`;

export const isLiving = (one: Holder): boolean => existsSync(`/proc/${one.pid}`);

/** Seconds that `up` waits for the machine to become free. */
export const waitSeconds = (fallback: number): number => Number(process.env['MELISSA_CLUSTER_WAIT'] ?? fallback);

/** Takes the lock of the cluster, of its use by tests or of the build, waiting at most `seconds`. The returned function gives it back. */
export async function lock(
  seconds: number,
  what: 'cluster' | 'cluster-use' | 'cluster-build' | 'cluster-test' = 'cluster',
): Promise<() => Promise<void>> {
  const endMs = performance.now() + seconds * 1000;
  for (let tries = 0; ; tries++) {
    const server = await listen(socketName(what));
    if (server !== null) return () => new Promise((resolve) => server.close(() => resolve()));
    if (performance.now() >= endMs)
      throw new ClusterError(
        `a cluster is being started or ended by ${describe(holder())}`,
        'Wait for it, or set MELISSA_CLUSTER_WAIT to the seconds that this command may wait.',
      );
    if (tries === 0) progress(`waiting for ${describe(holder())}`);
    await delay(POLL_MS);
  }
}

function listen(name: string): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', () => resolve(null)).listen(name, () => resolve(server));
  });
}
