// SPDX-License-Identifier: Apache-2.0
/** Running commands and waiting, for the cluster's tools. */
import { spawnSync } from 'node:child_process';
import { marker } from './layout.ts';

export class ClusterError extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'ClusterError';
    this.remedy = remedy;
  }
}

export type Ran = { status: number; stdout: string; stderr: string };

let interruption: string | null = null;
/** A signal came: every wait and every command that must succeed fails from now on, so that the caller can clean up. */
export const interrupt = (signal: string): void => {
  interruption = signal;
};
export const endInterruption = (): void => {
  interruption = null;
};
function goOn(): void {
  if (interruption !== null)
    throw new ClusterError(`interrupted by ${interruption}`, 'Start it again when you want to.');
}

/** In the environment of all that we start; clean-up finds what a killed `up` was just running. */
const [markerName, markerValue] = marker.split('=') as [string, string];
export const marked = { [markerName]: markerValue };

/** Runs to the end and returns what happened. */
export function run(
  command: string,
  args: string[],
  options: { env?: Record<string, string>; input?: string; cwd?: string; timeoutMs?: number } = {},
): Ran {
  const ended = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    cwd: options.cwd,
    timeout: options.timeoutMs ?? 120_000,
    env: { ...process.env, ...options.env, ...marked },
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  return { status: ended.status ?? 1, stdout: ended.stdout ?? '', stderr: ended.error?.message ?? ended.stderr ?? '' };
}

/** Runs, and fails with the command's own words. */
export function must(command: string, args: string[], options: Parameters<typeof run>[2] = {}): string {
  goOn();
  const ended = run(command, args, options);
  if (ended.status !== 0) {
    throw new ClusterError(
      `\`${command} ${args.join(' ')}\` failed: ${ended.stderr.trim() || ended.stdout.trim() || `exit code ${ended.status}`}`,
      'Run `npm run cluster:down`, then try again.',
    );
  }
  return ended.stdout;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Polls until `ready` returns something other than null. */
export async function waitFor<T>(what: string, limitMs: number, ready: () => T | null | Promise<T | null>): Promise<T> {
  const endMs = performance.now() + limitMs;
  let pauseMs = 50;
  for (;;) {
    goOn();
    const value = await ready();
    if (value !== null) return value;
    if (performance.now() > endMs)
      throw new ClusterError(
        `${what} took longer than ${limitMs / 1000} s`,
        'Look at the logs that `npm run cluster:status` names.',
      );
    await sleep(pauseMs);
    // Each look starts a large program: looking without rest would starve what is waited for.
    pauseMs = Math.min(1_000, pauseMs * 1.5);
  }
}

export function progress(text: string): void {
  process.stderr.write(`cluster: ${text}\n`);
}
