// SPDX-License-Identifier: Apache-2.0
/**
 * The operator as a process of its own, behind a proxy in this process that counts its writes and can end it in just the moment of one: before the request leaves,
 * or after the API server has done it and before the answer arrives.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpsTransport, fromKubeconfig, type ApiRequest, type ApiResponse, type Transport } from 'operator-runtime';
import { servedOverHttp, type Served } from 'operator-runtime/testing';
import { root } from '../melissa.ts';

/** The write is counted from the moment in which the operator is armed. */
export type KillAt = { write: number; moment: 'before' | 'after' };
export type OperatorOptions = {
  environment?: Record<string, string>;
  killAt?: KillAt;
  /** Instead of the API server; null lets it answer. */
  answer?: (request: ApiRequest) => ApiResponse | null;
  /** What is on the way to the API server. */
  wrap?: (api: Transport) => Transport;
};
/** Events are told and forgotten, and who leads is the runtime's to test: nothing depends on them here. */
export const isWrite = ({ method, path }: ApiRequest): boolean =>
  method !== 'GET' && !path.includes('/events') && !path.includes('/leases');
/** As in images/operator: a young generation that waits for little keeps much less. */
const NODE_FLAGS = ['--max-semi-space-size=2', '--optimize-for-size'];
/** Longest wait for anything in these tests. */
export const LIMIT_MS = 180_000;

export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
  everyMs = 100,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new TypeError(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export class OperatorProcess {
  readonly requests: ApiRequest[] = [];
  writes = 0;
  /** Writes that the API server refused because something had changed. */
  conflicts = 0;
  /** Somebody wanted its end. */
  wasKilled = false;
  log = '';
  /** Called before a write leaves. */
  onWrite: (request: ApiRequest) => Promise<void> | void = () => {};
  /** Called with its answer. */
  onWritten: (request: ApiRequest, status: number) => Promise<void> | void = () => {};
  #killAt: KillAt | null = null;
  #api: Transport | null = null;
  #served: Served | null = null;
  #child: ChildProcess | null = null;
  #folder = '';

  async start(options: OperatorOptions & { kubeconfig: string; namespace: string }): Promise<this> {
    this.arm(options.killAt ?? null);
    const api = httpsTransport((await fromKubeconfig(options.kubeconfig)).config);
    this.#api = options.wrap?.(api) ?? api;
    this.#served = await servedOverHttp({ close: () => {}, send: (request) => this.#pass(request, options.answer) });
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
    const child = spawn(process.execPath, [...NODE_FLAGS, join(root, 'operator', 'src', 'main.ts')], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const onText = (text: Buffer) => void (this.log = (this.log + text.toString()).slice(-200_000));
    child.stdout.on('data', onText);
    child.stderr.on('data', onText);
    return this;
  }

  /** It dies at that write from now on; null lets it live. */
  arm(killAt: KillAt | null): void {
    this.#killAt = killAt === null ? null : { ...killAt, write: this.writes + killAt.write };
  }

  async #pass(request: ApiRequest, answer: OperatorOptions['answer']): Promise<ApiResponse> {
    this.requests.push(request);
    const counts = isWrite(request);
    if (counts) this.writes += 1;
    const moment = counts && this.writes === this.#killAt?.write ? this.#killAt.moment : null;
    if (counts) await this.onWrite(request);
    if (moment === 'before') await this.kill();
    if (!this.isRunning) throw new TypeError('the operator is gone');
    const response = answer?.(request) ?? (await this.#api!.send(request));
    if (counts && response.status === 409) this.conflicts += 1;
    if (counts) await this.onWritten(request, response.status);
    if (moment === 'after') {
      for await (const _ of response.body) continue;
      await this.kill();
      throw new TypeError('the operator is gone');
    }
    return response;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }
  /** 0 until it serves. */
  get healthPort(): number {
    return Number(/"port":(\d+)[^\n]*health and metrics are served/.exec(this.log)?.[1] ?? 0);
  }
  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }
  /** Of several, as far as its log tells. */
  get leads(): boolean {
    return this.isRunning && this.log.lastIndexOf('"isLeader":true') > this.log.lastIndexOf('"isLeader":false');
  }
  /** Breaks its connections to the API server. */
  cut(): void {
    this.#served?.cut();
  }
  signal(which: NodeJS.Signals): void {
    this.#child?.kill(which);
  }
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.wasKilled = true;
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
