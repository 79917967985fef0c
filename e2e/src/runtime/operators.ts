// SPDX-License-Identifier: Apache-2.0
/**
 * The demo operator of the runtime's README as real processes on a real API server. Each process talks through a proxy of its own
 * in this process, which counts its requests and can hold, kill or cut in just the moment that a test is about.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  fromKubeconfig,
  httpsTransport,
  sendJson,
  type ApiRequest,
  type ApiResponse,
  type KubernetesObject,
  type Transport,
} from 'operator-runtime';
import { servedOverHttp, type Served } from 'operator-runtime/testing';
import { cluster, skipWithoutCluster, type Cluster as TestCluster } from '../../cluster/src/cluster.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const example = join(root, 'operator', 'runtime', 'examples', 'greeter.ts');

export const clusterSkip: string | false = skipWithoutCluster();

export type Cluster = {
  api: Transport;
  /** Null where KUBECONFIG names a cluster: its parts are not ours to stop. */
  own: TestCluster | null;
  kubeconfig: string;
  close(): Promise<void>;
};

/** The cluster of KUBECONFIG, else one of our own. Waits for one that another run of the tests holds. */
export async function openCluster(): Promise<Cluster> {
  const found = await cluster();
  const api = httpsTransport((await fromKubeconfig(found.kubeconfig)).config);
  await installCrd(api);
  return {
    api,
    own: found.isPrivate ? found : null,
    kubeconfig: found.kubeconfig,
    async close() {
      api.close();
      assert.deepEqual(await found.release(), []);
    },
  };
}

async function installCrd(api: Transport): Promise<void> {
  const text = readFileSync(join(root, 'operator', 'runtime', 'examples', 'greeter.crd.yaml'), 'utf8');
  const query = { fieldManager: 'tests', force: 'true' };
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/greetings.demo.example';
  const response = await api.send({
    method: 'PATCH',
    path,
    query,
    body: text,
    contentType: 'application/apply-patch+yaml',
    timeoutMs: 30_000,
  });
  for await (const _ of response.body) continue;
  await until('the CRD to be served', async () => {
    const list = await api.send({ method: 'GET', path: '/apis/demo.example/v1/greetings', timeoutMs: 10_000 });
    for await (const _ of list.body) continue;
    return list.status === 200;
  });
}

export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limitMs = 90_000,
  everyMs = 50,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new TypeError(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export const isWrite = (request: ApiRequest): boolean => request.method !== 'GET';
export const isLease = (request: ApiRequest): boolean => request.path.includes('/leases');

export type Hooks = {
  before?: (request: ApiRequest, operator: Operator) => Promise<void> | void;
  /** Instead of the API server. */
  answer?: (request: ApiRequest) => Promise<ApiResponse | null>;
  after?: (request: ApiRequest, response: ApiResponse, operator: Operator) => Promise<ApiResponse | void>;
};

/** One process of the demo operator behind its proxy. */
export class Operator {
  readonly hooks: Hooks;
  readonly requests: ApiRequest[] = [];
  #served: Served | null = null;
  #child: ChildProcess | null = null;
  #folder: string | null = null;
  log = '';

  constructor(hooks: Hooks = {}) {
    this.hooks = hooks;
  }

  async start(cluster: Cluster, namespace: string, environment: Record<string, string> = {}): Promise<this> {
    this.#served = await servedOverHttp({
      send: async (request) => {
        this.requests.push(request);
        await this.hooks.before?.(request, this);
        const response = (await this.hooks.answer?.(request)) ?? (await cluster.api.send(request));
        return (await this.hooks.after?.(request, response, this)) ?? response;
      },
      close: () => {},
    });
    this.#folder = mkdtempSync(join(tmpdir(), 'operator-'));
    const kubeconfig = join(this.#folder, 'kubeconfig.json');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: this.#served.url } }],
        users: [{ name: 'u', user: {} }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace } }],
        'current-context': 'x',
      }),
    );
    const env = { ...process.env, KUBECONFIG: kubeconfig, PORT: '0', LEASE_MS: '3000', ...environment };
    this.#child = spawn(process.execPath, [example], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const onText = (text: Buffer) => void (this.log += text.toString());
    this.#child.stdout?.on('data', onText);
    this.#child.stderr?.on('data', onText);
    return this;
  }
  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
  cut(): void {
    this.#served?.cut();
  }
  async ended(limitMs = 60_000): Promise<void> {
    await until('the operator to end', () => !this.isRunning, limitMs, 5);
  }
  async close(): Promise<void> {
    if (this.isRunning) {
      this.signal('SIGKILL');
      await this.ended();
    }
    await this.#served?.close();
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const json = <T>(
  cluster: Cluster,
  method: ApiRequest['method'],
  path: string,
  body?: unknown,
  contentType?: string,
): Promise<T> =>
  sendJson<T>(cluster.api, {
    method,
    path,
    timeoutMs: 30_000,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(contentType === undefined ? {} : { contentType }),
  });

export type Greeting = KubernetesObject & { spec: { names: string[] }; status?: { greeted: number } };
export type Card = KubernetesObject & { data: { text: string } };

export const greetingPath = (namespace: string, name = ''): string =>
  `/apis/demo.example/v1/namespaces/${namespace}/greetings${name === '' ? '' : `/${name}`}`;
export const cardPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;

export async function greet(cluster: Cluster, namespace: string, names: string[]): Promise<void> {
  await json(cluster, 'POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  const metadata = { name: 'hello', namespace };
  await json(cluster, 'POST', greetingPath(namespace), {
    apiVersion: 'demo.example/v1',
    kind: 'Greeting',
    metadata,
    spec: { names },
  });
}

/** What there is in the end, without what differs from run to run. */
export async function outcome(cluster: Cluster, namespace: string): Promise<string> {
  const greeting = await json<Greeting>(cluster, 'GET', greetingPath(namespace, 'hello'));
  const { items } = await json<{ items: Card[] }>(cluster, 'GET', cardPath(namespace));
  const cards = items
    .filter(({ metadata }) => metadata.name.startsWith('hello-'))
    .map(({ metadata, data }) => ({
      name: metadata.name,
      data,
      isOwned: metadata.ownerReferences?.map((owner) => owner.uid === greeting.metadata.uid && owner.controller),
      managers: (metadata as { managedFields?: { manager: string; operation: string }[] }).managedFields?.map(
        ({ manager, operation }) => `${manager} ${operation}`,
      ),
    }));
  return JSON.stringify({ status: greeting.status, cards });
}
