// SPDX-License-Identifier: Apache-2.0
/** Other programs that a benchmark runs: the native ones in build/benchmarks, and Python's with packages of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const native = (name: string): string => join(root, 'build', 'benchmarks', name);
/** Longer than any measurement; what hangs is ended. */
const LIMIT_MS = 600_000;

const running = new Set<ChildProcess>();
let isStopped = false;

/** Ends what runs, each with time to end its own; nothing is started after this. */
export function stopPrograms(): void {
  isStopped = true;
  for (const child of running) child.kill('SIGTERM');
}

export type Ended = { code: number | null; stdout: string; stderr: string };

/** Runs a program to its end without blocking the event loop. */
export function run(
  command: string,
  args: string[],
  environment: Record<string, string> = {},
  limitMs = LIMIT_MS,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    if (isStopped) return reject(new Error(`${command} is not started any more`));
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    });
    running.add(child);
    const parts = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (parts.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (parts.stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(child);
      resolve({ code, ...parts });
    });
  });
}

async function mustRun(command: string, args: string[], environment: Record<string, string> = {}): Promise<string> {
  const ended = await run(command, args, environment);
  if (ended.code === 0) return ended.stdout;
  throw new Error(`\`${[command, ...args].join(' ')}\` ended with ${ended.code}: ${ended.stderr.slice(-2000)}`);
}

/** The last line of a program's output, as JSON. */
async function lastLine<T>(command: string, args: string[], environment: Record<string, string> = {}): Promise<T> {
  const lines = (await mustRun(command, args, environment)).trim().split('\n');
  return JSON.parse(lines.at(-1) ?? '') as T;
}

export const runNative = <T>(name: string, args: (string | number)[]): Promise<T> =>
  lastLine<T>(native(name), args.map(String));
export const nativePath = native;

/** Builds what is stale of benchmarks/CMakeLists.txt; the server and the client library are built already. */
export async function buildNative(): Promise<void> {
  const folder = join(root, 'build', 'benchmarks');
  if (!existsSync(join(folder, 'build.ninja')))
    await mustRun('cmake', ['-S', join(root, 'benchmarks'), '-B', folder, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release']);
  await mustRun('ninja', ['-C', folder, '--quiet']);
}

/** A virtual environment with these packages alone, in the user's cache, made when first asked for. */
export async function pythonWith(packages: string[]): Promise<string> {
  const hash = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(cache, 'melissa', `bench-${hash}`);
  const complete = join(folder, '.complete');
  if (!existsSync(complete)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    await mustRun('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
    await mustRun(join(folder, 'bin', 'python'), pip);
    writeFileSync(complete, '');
  }
  return join(folder, 'bin', 'python');
}

/** Runs benchmarks/peers/NAME with that Python; its bin folder comes first in PATH, as Parsl needs it. */
export function runPeer<T>(python: string, name: string, args: (string | number)[]): Promise<T> {
  const environment = { PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}` };
  return lastLine<T>(python, [join(root, 'benchmarks', 'peers', name), ...args.map(String)], environment);
}
