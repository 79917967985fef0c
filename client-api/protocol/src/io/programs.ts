// SPDX-License-Identifier: Apache-2.0
/** Starts the test programs of client-api/tests, and a TCP proxy that can cut and stall connections. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { waitLimitMs } from './test-server.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
export const buildFolder = process.env['MELISSA_CLIENT_BUILD'] ?? `${root}build/client-api`;
export const pythonPath = process.env['MELISSA_TEST_PYTHON'] ?? `${root}.cache/python/bin/python`;
export const program = (name: string): string => `${buildFolder}/tests/${name}`;
export const source = (path: string): string => `${root}client-api/${path}`;
/** Why tests of this program are skipped; undefined when it is there. */
export const missing = (path: string): string | undefined => (existsSync(path) ? undefined : `${path} is not built`);

export type Ended = { code: number | null; signal: string | null; stdout: string; stderr: string; seconds: number };
export type Running = { pid: number; ended: Promise<Ended>; stdout: () => string };

/** A program with its own environment; killed after the limit, which then shows as a signal. */
export function start(
  command: string,
  words: string[],
  environment: Record<string, string>,
  limitMs = 2 * waitLimitMs,
): Running {
  const began = performance.now();
  const child = spawn(command, words, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, seconds: (performance.now() - began) / 1000 });
    });
  });
  return { pid: child.pid!, ended, stdout: () => stdout };
}
export const run = (command: string, words: string[], environment: Record<string, string>): Promise<Ended> =>
  start(command, words, environment).ended;

export const mpiEnvironment = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_btl_vader_single_copy_mechanism: 'none',
};

/** Forwards a port to `target` ("tcp://host:port"); `cut` resets all connections, `refuse` closes new ones at once. */
export class Proxy {
  refuse = false;
  connectionsTotal = 0;
  #pairs = new Set<Socket>();
  #server = createServer((client) => this.#join(client));
  #target: { host: string; port: number };

  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#target = { host: hostname, port: Number(port) };
  }
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  #join(client: Socket): void {
    this.connectionsTotal++;
    if (this.refuse) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(this.#target);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#pairs.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#pairs.delete(from);
        to.destroy();
      });
    }
  }
  /** Resets every connection: what is in kernel buffers is lost. */
  cut(): void {
    for (const socket of this.#pairs) {
      // One that is about to say its end cannot be reset: the attempt fails, and its handle is never closed.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
