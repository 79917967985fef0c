// SPDX-License-Identifier: Apache-2.0
/** What the operator's cluster tests share: a namespace that refuses anything but the restricted standard, studies on nodes that pretend, their end as text. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ApiError, fromKubeconfig, httpsTransport, sendJson, type Transport } from 'operator-runtime';
import { cluster, fakeNodeSelector, fakeNodeToleration, type Cluster } from '../../cluster/src/cluster.ts';
import { root } from '../melissa.ts';
import { OperatorProcess, until, type KillAt } from './operator-process.ts';
import { ScriptedHead, ScriptedHeads } from './scripted-heads.ts';

type Json = Record<string, unknown>;
export type StudyObject = {
  metadata: { uid: string; generation: number };
  spec: Json;
  status?: {
    conditions?: { type: string; status: string; reason: string; message: string }[];
    client?: { desired?: number; ready?: number; selector?: string };
    simulations?: { summary?: string };
  };
};

type Listed = {
  kind: string;
  metadata: Json & { name: string; ownerReferences?: { kind: string; name: string }[] };
  spec?: Json;
};

const KINDS =
  'secrets,configmaps,services,serviceaccounts,persistentvolumeclaims,networkpolicies,statefulsets,jobs,pods';

export class Bench {
  readonly cluster: Cluster;
  readonly heads: ScriptedHeads;
  readonly #api: Transport;
  #port = 0;

  static async open(): Promise<Bench> {
    const own = await cluster({ fakeNodes: 3 });
    const bench = new Bench(own, httpsTransport((await fromKubeconfig(own.kubeconfig)).config));
    try {
      await bench.#prepare();
      return bench;
    } catch (error) {
      await bench.close();
      throw error;
    }
  }
  async #prepare(): Promise<void> {
    this.#port = await this.heads.start();
    const crd = join(root, 'crds', 'melissastudies.melissa.dev.yaml');
    this.kubectl(['apply', '--server-side', '--force-conflicts', '-f', crd]);
    await until('the CRD to be served', () => this.cluster.kubectl(['get', 'mst', '-A']).status === 0);
  }
  private constructor(own: Cluster, api: Transport) {
    this.cluster = own;
    this.#api = api;
    this.heads = new ScriptedHeads(async (study, namespace) => {
      const path = `/api/v1/namespaces/${namespace}/secrets/${study}-server`;
      const { data = {} } = (await this.find<{ data: Record<string, string> }>(path)) ?? {};
      return Object.fromEntries(
        Object.entries(data).map(([file, text]) => [file, Buffer.from(text, 'base64').toString()]),
      );
    });
  }
  async close(): Promise<void> {
    await this.heads.close();
    this.#api.close();
    assert.deepEqual(await this.cluster.release(), []);
  }

  kubectl(args: string[], input?: string): string {
    const { status, stdout, stderr } = this.cluster.kubectl(args, input);
    assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
  /** Null when it does not exist. */
  async find<T>(path: string): Promise<T | null> {
    try {
      return await sendJson<T>(this.#api, { method: 'GET', path, timeoutMs: 30_000 });
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return null;
      throw error;
    }
  }
  study(namespace: string, name = 'small'): Promise<StudyObject | null> {
    return this.find(`/apis/melissa.dev/v1alpha1/namespaces/${namespace}/melissastudies/${name}`);
  }
  job(namespace: string, name = 'small'): Promise<{ spec: { parallelism: number; suspend: boolean } } | null> {
    return this.find(`/apis/batch/v1/namespaces/${namespace}/jobs/${name}-pilots`);
  }
  async condition(namespace: string, type: string, name = 'small'): Promise<string> {
    const found = (await this.study(namespace, name))?.status?.conditions?.find((one) => one.type === type);
    return found === undefined ? '' : `${found.status} ${found.reason}`;
  }
  async message(namespace: string, type: string, name = 'small'): Promise<string> {
    const found = (await this.study(namespace, name))?.status?.conditions?.find((one) => one.type === type);
    return found?.message ?? '';
  }
  is = (namespace: string, type: string, name?: string) => async (): Promise<boolean> =>
    (await this.condition(namespace, type, name)).startsWith('True');
  namespace(name: string): void {
    this.kubectl(['create', 'namespace', name]);
    this.kubectl(['label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted']);
  }
  operator(
    namespace: string,
    options: { killAt?: KillAt; environment?: Record<string, string> } = {},
  ): Promise<OperatorProcess> {
    const environment = { MELISSA_HEAD_RELAY: `127.0.0.1:${this.#port}`, ...options.environment };
    const { kubeconfig } = this.cluster;
    return new OperatorProcess().start({ kubeconfig, namespace, ...options, environment });
  }
  /** A study whose pods land on nodes that pretend. */
  apply(
    namespace: string,
    simulations: number,
    changes: { client?: Json; server?: Json; spec?: Json } = {},
    name = 'small',
  ): void {
    if (!this.heads.of.has(`${name}.${namespace}`))
      this.heads.of.set(`${name}.${namespace}`, new ScriptedHead(simulations));
    const template = { nodeSelector: fakeNodeSelector, tolerations: [fakeNodeToleration] };
    const manifest = {
      apiVersion: 'melissa.dev/v1alpha1',
      kind: 'MelissaStudy',
      metadata: { name, namespace },
      spec: {
        parameters: [{ name: 'x', uniform: { min: 0, max: 1 } }],
        sampling: { method: 'Random', simulations },
        fields: [{ name: 'u', cells: 10 }],
        client: {
          image: 'localhost/busybox:1',
          command: ['solver', '{x}'],
          parallelism: 4,
          template,
          ...changes.client,
        },
        server: { template, ...changes.server },
        ...changes.spec,
      },
    };
    this.kubectl(['apply', '--server-side', '--field-manager=person', '-f', '-'], JSON.stringify(manifest));
  }
  patch(namespace: string, spec: Json, name = 'small'): void {
    this.kubectl(['-n', namespace, 'patch', `mst/${name}`, '--type=merge', '-p', JSON.stringify({ spec })]);
  }

  /** What belongs to studies in a namespace, without what differs from run to run. */
  outcome(namespace: string): string {
    const { items } = JSON.parse(
      this.kubectl(['-n', namespace, 'get', `mst,${KINDS.replace(',pods', '')}`, '-o', 'json']),
    ) as { items: Listed[] };
    const plain = items
      .filter(({ metadata: { name } }) => name !== 'kube-root-ca.crt' && name !== 'default')
      .map((object) => {
        const { kind, metadata, spec = {} } = object;
        const { clusterIP: _ip, clusterIPs: _ips, volumeName: _volume, selector: _selector, ...kept } = spec;
        const template = kept['template'] as { metadata?: { labels?: Json } } | undefined;
        if (kind === 'Job' && template?.metadata !== undefined) delete template.metadata.labels;
        const owners = metadata.ownerReferences?.map((one) => `${one.kind} ${one.name}`);
        const { conditions } = (kind === 'MelissaStudy' ? (object as unknown as StudyObject).status : undefined) ?? {};
        const verdicts = conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
        return { kind, name: metadata.name, labels: metadata['labels'], owners, spec: kept, verdicts };
      });
    return JSON.stringify(plain, null, 1);
  }
  /** Objects of studies, after the garbage collector had its time. */
  async nothingIsLeft(namespace: string): Promise<void> {
    const left = () =>
      this.kubectl([
        '-n',
        namespace,
        'get',
        KINDS,
        '-l',
        'app.kubernetes.io/managed-by=melissa-operator',
        '-o',
        'name',
      ]).trim();
    await until('everything to be collected', () => left() === '').catch((error: unknown) => {
      throw new TypeError(`left behind in ${namespace}: ${left()}`, { cause: error });
    });
  }
}
