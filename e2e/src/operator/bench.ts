// SPDX-License-Identifier: Apache-2.0
/** What the operator's cluster tests share: a namespace that refuses anything but the restricted standard, studies on nodes that pretend, their end as text. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ApiError, fromKubeconfig, httpsTransport, sendJson, type Method, type Transport } from 'operator-runtime';
import { cluster, fakeNodeSelector, fakeNodeToleration, type Cluster } from '../../cluster/src/cluster.ts';
import { root } from '../melissa.ts';
import { OperatorProcess, until, type OperatorOptions } from './operator-process.ts';
import { ScriptedHead, ScriptedHeads } from './scripted-heads.ts';

type Json = Record<string, unknown>;
type Changes = { client?: Json; server?: Json; spec?: Json };
export type StudyObject = {
  metadata: { uid: string; generation: number };
  spec: Json;
  status?: {
    conditions?: { type: string; status: string; reason: string; message: string }[];
    client?: { desired?: number; ready?: number; selector?: string };
    simulations?: { summary?: string; failedRanges?: string };
    completionTime?: string;
  };
};

type Listed = {
  kind: string;
  metadata: Json & { name: string; uid: string; ownerReferences?: { kind: string; name: string; uid: string }[] };
  spec?: Json;
  data?: Record<string, string>;
};

/** Of everything that a study can leave behind, where to find it. */
const COLLECTIONS = {
  MelissaStudy: 'apis/melissa.dev/v1alpha1/melissastudies',
  Secret: 'api/v1/secrets',
  ConfigMap: 'api/v1/configmaps',
  Service: 'api/v1/services',
  ServiceAccount: 'api/v1/serviceaccounts',
  PersistentVolumeClaim: 'api/v1/persistentvolumeclaims',
  NetworkPolicy: 'apis/networking.k8s.io/v1/networkpolicies',
  StatefulSet: 'apis/apps/v1/statefulsets',
  Job: 'apis/batch/v1/jobs',
  Pod: 'api/v1/pods',
  ControllerRevision: 'apis/apps/v1/controllerrevisions',
  EndpointSlice: 'apis/discovery.k8s.io/v1/endpointslices',
} as const;
type KindName = keyof typeof COLLECTIONS;
const OUTCOME_KINDS = (Object.keys(COLLECTIONS) as KindName[]).slice(0, 9);

const READ_TRIES_MAX = 3;
const KINDS =
  'secrets,configmaps,services,serviceaccounts,persistentvolumeclaims,networkpolicies,statefulsets,jobs,pods';

export class Bench {
  readonly cluster: Cluster;
  readonly heads: ScriptedHeads;
  readonly api: Transport;
  readonly #namespaces: string[] = [];
  #port = 0;

  static #shared: Bench | null = null;
  #users = 0;

  /** One for all test files of a process, which start one cluster then. */
  static async open(fakeNodes = 3): Promise<Bench> {
    const bench = (Bench.#shared ??= await Bench.#start(fakeNodes));
    bench.#users += 1;
    return bench;
  }
  static async #start(fakeNodes: number): Promise<Bench> {
    const own = await cluster({ fakeNodes });
    const bench = new Bench(own, httpsTransport((await fromKubeconfig(own.kubeconfig)).config));
    try {
      await bench.#prepare();
      return bench;
    } catch (error) {
      await bench.#end();
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
    this.api = api;
    this.heads = new ScriptedHeads(async (study, namespace) => {
      const path = `/api/v1/namespaces/${namespace}/secrets/${study}-server`;
      const { data = {} } = (await this.find<{ data: Record<string, string> }>(path)) ?? {};
      return Object.fromEntries(
        Object.entries(data).map(([file, text]) => [file, Buffer.from(text, 'base64').toString()]),
      );
    });
  }
  async close(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    Bench.#shared = null;
    await this.#end();
  }
  async #end(): Promise<void> {
    // A cluster of our own goes with them.
    if (!this.cluster.isPrivate)
      for (const name of this.#namespaces) await this.send('DELETE', `/api/v1/namespaces/${name}`).catch(() => {});
    await this.heads.close();
    this.api.close();
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
      return await this.send<T>('GET', path);
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
    this.#namespaces.push(name);
    this.kubectl(['create', 'namespace', name]);
    this.kubectl(['label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted']);
  }
  operator(namespace: string, options: OperatorOptions = {}): Promise<OperatorProcess> {
    const environment = { MELISSA_HEAD_RELAY: `127.0.0.1:${this.#port}`, ...options.environment };
    const { kubeconfig } = this.cluster;
    return new OperatorProcess().start({ kubeconfig, namespace, ...options, environment });
  }
  /** This head plays the study, and lives while its pod does. */
  play(head: ScriptedHead, namespace: string, name = 'small'): void {
    type Pod = { metadata: { deletionTimestamp?: string } };
    head.isUp = async () => {
      const pod = await this.find<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}-server-0`);
      return pod !== null && pod.metadata.deletionTimestamp === undefined;
    };
    this.heads.of.set(`${name}.${namespace}`, head);
  }
  /** A study whose pods land on nodes that pretend. */
  manifest(namespace: string, simulations: number, changes: Changes = {}, name = 'small'): object {
    const template = { nodeSelector: fakeNodeSelector, tolerations: [fakeNodeToleration] };
    return {
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
  }
  apply(namespace: string, simulations: number, changes: Changes = {}, name = 'small'): void {
    if (!this.heads.of.has(`${name}.${namespace}`))
      this.heads.of.set(`${name}.${namespace}`, new ScriptedHead(simulations));
    const manifest = JSON.stringify(this.manifest(namespace, simulations, changes, name));
    this.kubectl(['apply', '--server-side', '--field-manager=person', '-f', '-'], manifest);
  }
  patch(namespace: string, spec: Json, name = 'small'): void {
    this.kubectl(['-n', namespace, 'patch', `mst/${name}`, '--type=merge', '-p', JSON.stringify({ spec })]);
  }

  /** Without a process for each, as many studies at once need it. A read whose connection broke is sent again. */
  async send<T>(method: Method, path: string, body?: object, query: Record<string, string> = {}): Promise<T> {
    const contentType = method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {};
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    for (let tries = 1; ; tries++)
      try {
        return await sendJson<T>(this.api, { method, path, query, timeoutMs: 30_000, ...text, ...contentType });
      } catch (error) {
        if (error instanceof ApiError || method !== 'GET' || tries >= READ_TRIES_MAX) throw error;
      }
  }
  async list(namespace: string, kind: KindName): Promise<Listed[]> {
    const at = COLLECTIONS[kind].lastIndexOf('/');
    const path = `/${COLLECTIONS[kind].slice(0, at)}/namespaces/${namespace}${COLLECTIONS[kind].slice(at)}`;
    const { items } = await this.send<{ items: Listed[] }>('GET', path);
    // These two are in every namespace.
    const own = items.filter(({ metadata: { name } }) => name !== 'kube-root-ca.crt' && name !== 'default');
    return own.map((object) => ({ ...object, kind }));
  }
  async #all(namespace: string, kinds: readonly KindName[]): Promise<Listed[]> {
    return (await Promise.all(kinds.map((kind) => this.list(namespace, kind)))).flat();
  }
  /** What belongs to studies in a namespace, without what differs from run to run. */
  async outcome(namespace: string): Promise<string> {
    const objects = await this.#all(namespace, OUTCOME_KINDS);
    const living = new Set(objects.map(({ metadata }) => metadata.uid));
    const keys = new Map<string, string>();
    for (const { kind, data = {} } of objects.filter((one) => one.kind === 'Secret'))
      for (const [file, text] of Object.entries(data)) {
        // Both Secrets hold keys of the same making.
        assert.equal(keys.get(file) ?? text, text, `${kind}s disagree on ${file}`);
        keys.set(file, text);
      }
    const text = JSON.stringify(
      objects.map((object) => plain(object, living)),
      null,
      1,
    );
    return text.replaceAll(namespace, 'NAMESPACE');
  }
  /** Names of all that is there, pods too. */
  async names(namespace: string): Promise<string[]> {
    const objects = await this.#all(namespace, Object.keys(COLLECTIONS) as KindName[]);
    return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
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

/** An object without what differs from run to run. */
function plain(object: Listed, living: ReadonlySet<string>): object {
  const { kind, metadata, spec = {}, data = {} } = object;
  const { clusterIP: _ip, clusterIPs: _ips, volumeName: _volume, selector: _selector, ...kept } = spec;
  const template = kept['template'] as { metadata?: { labels?: Json } } | undefined;
  if (kind === 'Job' && template?.metadata !== undefined) delete template.metadata.labels;
  const owners = metadata.ownerReferences?.map(
    (one) => `${one.kind} ${one.name}${living.has(one.uid) ? '' : ' of earlier times'}`,
  );
  const { conditions, client, simulations, completionTime } =
    (kind === 'MelissaStudy' ? (object as unknown as StudyObject).status : undefined) ?? {};
  const verdicts = conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  const { ready, desired } = client ?? {};
  const said = { verdicts, ready, desired, simulations, isComplete: completionTime !== undefined };
  const base = { kind, name: metadata.name, labels: metadata['labels'], owners, files: Object.keys(data).sort() };
  return { ...base, spec: kept, ...(kind === 'MelissaStudy' ? said : {}) };
}
