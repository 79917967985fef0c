// SPDX-License-Identifier: Apache-2.0
/**
 * The operator as a process of its own, behind a proxy in this process that counts its writes and can end it in just the moment of one: before the request leaves,
 * or after the API server has done it and before the answer arrives.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpsTransport, fromKubeconfig, type ApiRequest, type Transport } from 'operator-runtime';
import { servedOverHttp, type Served } from 'operator-runtime/testing';
import { root } from '../melissa.ts';

export type KillAt = { write: number; moment: 'before' | 'after' };
/** Longest wait for anything in these tests. */
export const LIMIT_MS = 180_000;

export async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new TypeError(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export class OperatorProcess {
  readonly requests: ApiRequest[] = [];
  writes = 0;
  log = '';
  #api: Transport | null = null;
  #served: Served | null = null;
  #child: ChildProcess | null = null;
  #folder = '';

  async start(options: {
    kubeconfig: string;
    namespace: string;
    environment?: Record<string, string>;
    killAt?: KillAt;
  }): Promise<this> {
    this.#api = httpsTransport((await fromKubeconfig(options.kubeconfig)).config);
    this.#served = await servedOverHttp({ close: () => {}, send: (request) => this.#pass(request, options.killAt) });
    this.#folder = mkdtempSync(join(tmpdir(), 'operator-'));
    const kubeconfig = join(this.#folder, 'kubeconfig.json');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: this.#served.url } }],
        users: [{ name: 'u', user: {} }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: options.namespace } }],
        'current-context': 'x',
      }),
    );
    const env = {
      ...process.env,
      KUBECONFIG: kubeconfig,
      MELISSA_SERVER_IMAGE: 'localhost/pause:1',
      MELISSA_PILOT_IMAGE: 'localhost/pause:1',
      MELISSA_NAMESPACES: options.namespace,
      MELISSA_ELECTION: 'false',
      MELISSA_HEALTH_PORT: '0',
      ...options.environment,
    };
    const child = spawn(process.execPath, [join(root, 'operator', 'src', 'main.ts')], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const onText = (text: Buffer) => void (this.log = (this.log + text.toString()).slice(-200_000));
    child.stdout.on('data', onText);
    child.stderr.on('data', onText);
    return this;
  }

  async #pass(request: ApiRequest, killAt: KillAt | undefined) {
    this.requests.push(request);
    // Events are told and forgotten: nothing depends on them.
    const isWrite = request.method !== 'GET' && !request.path.includes('/events');
    if (isWrite) this.writes += 1;
    const isLast = isWrite && this.writes === killAt?.write;
    if (isLast && killAt?.moment === 'before') await this.kill();
    if (!this.isRunning) throw new TypeError('the operator is gone');
    const response = await this.#api!.send(request);
    if (isLast && killAt?.moment === 'after') {
      for await (const _ of response.body) continue;
      await this.kill();
      throw new TypeError('the operator is gone');
    }
    return response;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await until('the operator to end', () => !this.isRunning, 60_000);
  }
  async close(): Promise<void> {
    if (this.isRunning) await this.kill();
    await this.#served?.close();
    this.#api?.close();
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
  }
}
