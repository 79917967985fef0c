// SPDX-License-Identifier: Apache-2.0
/** Starting other programs from the tools: loudly, with a reason when they fail. */
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const at = (...path: string[]): string => join(root, ...path);

/** Runs to the end; output goes to standard error so that standard output stays the program's own. Exits when it fails. */
export function mustRun(
  command: string,
  args: string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): void {
  const run = spawnSync(command, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 2, 2],
  });
  if (run.error !== undefined || run.status !== 0) {
    const why = run.error?.message ?? (run.signal === null ? `exit code ${run.status}` : `signal ${run.signal}`);
    process.stderr.write(`set-up: \`${command} ${args.join(' ')}\` failed: ${why}\n`);
    process.exit(1);
  }
}

/** Runs quietly and returns what happened. */
export function tryRun(command: string, args: string[]): SpawnSyncReturns<string> {
  return spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
}

export const hasCommand = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => folder !== '' && existsSync(join(folder, name)));

/** Runs one of our TypeScript programs with this Node and passes its exit code on. */
export function runProgram(program: string, args: string[]): Promise<number> {
  if (!existsSync(at(program))) {
    process.stderr.write(`${program} is not part of this version.\n`);
    return Promise.resolve(2);
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [at(program), ...args], { cwd: root, stdio: 'inherit' });
    const pass = (signal: NodeJS.Signals) => child.kill(signal);
    process.on('SIGINT', pass).on('SIGTERM', pass);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}
