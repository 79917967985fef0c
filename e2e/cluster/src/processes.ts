// SPDX-License-Identifier: Apache-2.0
/**
 * The cluster's processes. Each is started in a session of its own with our marker in its environment, its log in a file and
 * its pid and start time written down. A process is ours when the marker is in its environment: that also finds one whose
 * starter was killed before it wrote the pid, and never a stranger that got a reused pid.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { marker, state, limits } from './layout.ts';
import { ClusterError, marked, sleep } from './shell.ts';

export function start(name: string, command: string, args: string[], env: Record<string, string> = {}): void {
  if (pidOf(name) !== null) throw new ClusterError(`${name} runs already`, 'Stop it first.');
  for (const folder of ['logs', 'pids', 'tmp']) mkdirSync(state(folder), { recursive: true });
  const log = openSync(state('logs', `${name}.log`), 'a');
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log, log],
    // Temporary mounts and files stay below the state folder, where clean-up finds them.
    env: { ...process.env, TMPDIR: state('tmp'), ...env, ...marked },
  });
  closeSync(log);
  child.on('error', (error) =>
    writeFileSync(state('logs', `${name}.log`), `did not start: ${error.message}\n`, { flag: 'a' }),
  );
  child.unref();
  if (child.pid !== undefined) writeFileSync(state('pids', name), String(child.pid));
}

const environmentOf = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
};

/** A zombie has no environment left and is nobody's to end. */
export const isOurs = (pid: number): boolean => environmentOf(pid).includes(marker);

/** Pids of all living processes with our marker. */
export function ourProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isOurs(pid));
}

export function pidOf(name: string): number | null {
  if (!existsSync(state('pids', name))) return null;
  const pid = Number(readFileSync(state('pids', name), 'utf8'));
  return isOurs(pid) ? pid : null;
}

export function started(): { name: string; pid: number | null }[] {
  if (!existsSync(state('pids'))) return [];
  return readdirSync(state('pids')).map((name) => ({ name, pid: pidOf(name) }));
}

/** Sends a signal to one process by name and does not wait. */
export function signal(name: string, which: NodeJS.Signals): void {
  const pid = pidOf(name);
  if (pid === null) throw new ClusterError(`${name} does not run`, `Running: ${runningNames().join(', ')}.`);
  process.kill(pid, which);
}

const runningNames = (): string[] => started().flatMap(({ name, pid }) => (pid === null ? [] : [name]));

/** Ends one process by name: asks, then insists. */
export async function stop(name: string, which: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const pid = pidOf(name);
  if (pid === null) throw new ClusterError(`${name} does not run`, `Running: ${runningNames().join(', ')}.`);
  await end([pid], which);
  rmSync(state('pids', name), { force: true });
}

/** Ends the given processes that are ours: asks, waits, insists. */
export async function end(pids: number[], first: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const living = () => pids.filter((pid) => isOurs(pid));
  const send = (to: NodeJS.Signals) => {
    for (const pid of living()) {
      try {
        process.kill(pid, to);
      } catch {
        // It went between the look and the signal.
      }
    }
  };
  send(first);
  const endMs = performance.now() + limits.stopMs;
  while (living().length > 0 && performance.now() < endMs) await sleep(50);
  send('SIGKILL');
  while (living().length > 0 && performance.now() < endMs + limits.stopMs) await sleep(50);
}
