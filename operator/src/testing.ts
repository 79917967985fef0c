// SPDX-License-Identifier: Apache-2.0
/**
 * A cluster in memory for tests of the operator: the API server of operator-runtime/testing, the two controllers of Kubernetes that matter (StatefulSet, Job),
 * and heads that play a study of a given length. Time is moved, so that hours pass in milliseconds.
 */
import type { BackendDemand, StudyStatus } from '@melissa/api';
import { completeSpec, type MelissaStudySpec } from '@melissa/crds';
import { Manager, type KubernetesObject, type Logger, type RuntimeMetrics, type Transport } from 'operator-runtime';
import { FakeApi, ManualClock } from 'operator-runtime/testing';
import { studyController } from './controller.ts';
import { serverFiles, type CredentialFiles } from './credentials.ts';
import type { HeadApi } from './head-link.ts';
import type { Job, Pod, StatefulSet, Study } from './kinds.ts';
import { Memory } from './memory.ts';
import { INDEX_LABEL, MANAGER } from './names.ts';
import type { Intent, OperatorConfig } from './types.ts';

type Json = Record<string, unknown>;
type Object_ = KubernetesObject & Json;

const counter = { inc: () => {}, dec: () => {}, set: () => {}, observe: () => {} };
const metrics = new Proxy({}, { get: () => counter }) as unknown as RuntimeMetrics;

export const config: OperatorConfig = {
  serverImage: 'registry.example/melissa/server@sha256:1111',
  pilotImage: 'registry.example/melissa/pilot@sha256:2222',
  imagePullPolicy: 'IfNotPresent',
  authorize: null,
};

export const NAMESPACE = 'lab';
const studiesPath = `/apis/melissa.dev/v1alpha1/namespaces/${NAMESPACE}/melissastudies`;

export function aSpec(changes: Partial<MelissaStudySpec> = {}): MelissaStudySpec {
  const spec = {
    parameters: [{ name: 'x', uniform: { min: 0, max: 1 } }],
    sampling: { method: 'Random' as const, simulations: 10 },
    fields: [{ name: 'u', cells: 10 }],
    client: { image: 'registry.example/solver:1', command: ['solver', '{x}'], parallelism: 4 },
    ...changes,
  };
  // As the API server would store it.
  return (completeSpec(spec) ?? spec) as MelissaStudySpec;
}

/** Plays a study: one simulation a second and pilot. It lives while pod 0 does, and its checkpoint while the study does. */
export class ScriptedHead {
  readonly total: number;
  done = 0;
  epoch = 1;
  intent: Intent = { generation: 0, parallelism: 0, suspend: false, cancel: false, deadlineSeconds: null };
  outcome: 'Succeeded' | 'Failed' | 'Cancelled' | null = null;
  reason = '';
  degraded: string[] = [];
  gone: { pilot: string; reason: string }[] = [];
  intents: Intent[] = [];
  isSilent = false;
  ranks: number;
  running = 0;

  constructor(total: number, ranks: number) {
    this.total = total;
    this.ranks = ranks;
  }
  /** One second passes with so many pilots. */
  tick(pilots: number): void {
    this.running = 0;
    if (this.outcome !== null || this.intent.suspend) return;
    if (this.intent.cancel) {
      this.outcome = 'Cancelled';
      this.reason = 'cancelled by the manifest';
      return;
    }
    this.done = Math.min(this.total, this.done + pilots);
    this.running = Math.min(pilots, this.total - this.done);
    if (this.done === this.total) this.outcome = 'Succeeded';
  }
  status(): StudyStatus {
    const { total, done, running } = this;
    const state = this.outcome ?? (this.intent.suspend ? ('Suspended' as const) : ('Running' as const));
    return {
      name: 'study',
      state,
      reason: this.reason,
      epoch: this.epoch,
      generation: this.intent.generation,
      startTime: '2026-01-01T00:00:00Z',
      elapsedSeconds: 1,
      simulations: {
        ...{ total, pending: total - done - running, leased: 0, running, received: 0, done },
        ...{ failed: 0, cancelled: 0, retried: 0, redrawn: 0 },
      },
      progress: done / total,
      simulationsPerSecond: 1,
      etaSeconds: null,
      bytesReceived: done,
      ...{ bytesPerSecond: 0, heldBytes: 0, framesReceived: 0, duplicates: 0 },
      convergence: { groups: 0, widestInterval: null, medianInterval: null, goal: null },
      pilots: { desired: this.demand().desiredPilots, connected: 0, active: 0 },
      ranks: Array.from({ length: this.ranks }, (_, rank) => ({
        ...{ rank, state: 'Ready', endpoint: '', checkpoint: 1, rssBytes: 1 },
      })),
      checkpoint: { number: 1, time: null, failures: 0 },
      degraded: this.degraded,
      failedSimulations: [],
      results: null,
    };
  }
  demand(): BackendDemand {
    const hasEnded = this.outcome !== null;
    return {
      epoch: this.epoch,
      desiredPilots: hasEnded || this.intent.suspend ? 0 : Math.min(this.intent.parallelism, this.total - this.done),
      desiredRanks: this.ranks,
      controlEndpoint: '',
      planFinished: hasEnded,
      finished: hasEnded,
      pilots: [],
    };
  }
  api(): HeadApi {
    const answer = <T>(value: () => T): Promise<T> =>
      this.isSilent ? Promise.reject(new TypeError('silent')) : Promise.resolve(value());
    return {
      status: () => answer(() => this.status()),
      backend: () => answer(() => this.demand()),
      intent: (intent) => answer(() => void ((this.intent = intent), this.intents.push(intent))),
      gone: (pilots) => answer(() => void this.gone.push(...pilots)),
    };
  }
}

export class World {
  readonly clock = new ManualClock();
  readonly api = new FakeApi(this.clock);
  readonly heads = new Map<string, ScriptedHead>();
  /** Images that no node can pull. */
  readonly missingImages = new Set<string>();
  /** Pilots come first to the nodes, and the last pod of a server finds room only when there is none of them. */
  isCrowded = false;
  credentialsMade = 0;
  /** Reconciles that failed. */
  readonly errors: string[] = [];
  readonly #log: Logger = {
    ...{ debug: () => {}, info: () => {}, warn: () => {} },
    error: (facts) => void this.errors.push(String((facts as { error?: string }).error)),
  };
  #stop: AbortController | null = null;
  #ended: Promise<void> = Promise.resolve();

  /** Starts the operator; another one, if there was one before. */
  start(wrap: (transport: Transport) => Transport = (transport) => transport): void {
    const stop = new AbortController();
    this.#stop = stop;
    const manager = new Manager({
      transport: wrap(this.api),
      clock: this.clock,
      chance: () => 0.5,
      log: this.#log,
      metrics,
      fieldManager: MANAGER,
      identity: 'operator',
      rate: { requestsPerSecond: 1000, burst: 1000 },
      stopSeconds: 1,
    }).add(
      studyController({
        config,
        memory: new Memory(),
        makeCredentials: () => this.#credentials(),
        openHead: ({ study }) => this.head(study).api(),
      }),
    );
    this.#ended = manager.run(stop.signal);
  }
  async stop(): Promise<void> {
    this.#stop?.abort();
    let isOver = false;
    void this.#ended.then(() => (isOver = true));
    await this.clock.until(() => isOver, 120_000);
  }

  head(study: string): ScriptedHead {
    const known = this.heads.get(study);
    if (known === undefined) throw new TypeError(`no head of ${study}`);
    return known;
  }
  #credentials(): CredentialFiles {
    this.credentialsMade += 1;
    return Object.fromEntries(serverFiles.map((file) => [file, `${file} ${this.credentialsMade}`])) as CredentialFiles;
  }

  create(name: string, changes: Partial<MelissaStudySpec> = {}, annotations: Record<string, string> = {}): void {
    const spec = aSpec(changes);
    this.heads.set(name, new ScriptedHead(spec.sampling.simulations ?? 10, spec.server?.ranks ?? 1));
    this.api.put(`${studiesPath}/${name}`, { metadata: { name, namespace: NAMESPACE, annotations }, spec });
  }
  study(name: string): Study {
    return this.api
      .objects('/apis/melissa.dev/v1alpha1/melissastudies')
      .get(`${NAMESPACE}/${name}`) as unknown as Study;
  }
  change(name: string, change: (spec: MelissaStudySpec) => void): void {
    const study = structuredClone(this.study(name));
    change(study.spec);
    this.api.put(`${studiesPath}/${name}`, study as unknown as Object_);
  }
  annotate(name: string, annotations: Record<string, string>): void {
    const study = structuredClone(this.study(name));
    study.metadata.annotations = annotations;
    this.api.put(`${studiesPath}/${name}`, study as unknown as Object_);
  }
  delete(name: string): void {
    this.api.remove(`${studiesPath}/${name}`);
  }
  condition(name: string, type: string): string {
    const found = this.study(name)?.status?.conditions?.find((one) => one.type === type);
    return `${found?.status} ${found?.reason}`;
  }
  objects<T = Object_>(plural: string, group = ''): Map<string, T> {
    return this.api.objects(`${group === '' ? '/api' : `/apis/${group}`}/v1/${plural}`) as unknown as Map<string, T>;
  }
  job(name: string): Job | undefined {
    return this.objects<Job>('jobs', 'batch').get(`${NAMESPACE}/${name}-pilots`);
  }
  set(name: string): StatefulSet | undefined {
    return this.objects<StatefulSet>('statefulsets', 'apps').get(`${NAMESPACE}/${name}-server`);
  }

  /** Lets time pass a second at a time, with the cluster's own controllers and heads at work. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.#kubernetes();
      await this.clock.advance(1000);
    }
  }
  async until(isSo: () => boolean, limitSeconds = 300): Promise<boolean> {
    for (let second = 0; second < limitSeconds; second++) {
      if (isSo()) return true;
      await this.pass(1);
    }
    return isSo();
  }

  #kubernetes(): void {
    this.api.collectGarbage();
    const sets = () => this.objects('statefulsets', 'apps').forEach((set) => this.#runSet(set));
    if (!this.isCrowded) sets();
    for (const job of this.objects('jobs', 'batch').values()) this.#runJob(job);
    if (this.isCrowded) sets();
    for (const [name, head] of this.heads)
      if (this.objects('pods').has(`${NAMESPACE}/${name}-server-0`)) head.tick(this.job(name)?.status?.ready ?? 0);
  }

  #runSet(set: Object_): void {
    const { name, namespace = '', generation = 1, uid = '' } = set.metadata;
    const spec = set['spec'] as {
      replicas: number;
      template: { metadata: Json; spec: { containers: { image: string }[] } };
    };
    const updateRevision = `r${JSON.stringify(spec.template).length}-${hashOf(JSON.stringify(spec.template))}`;
    const prefix = `/api/v1/namespaces/${namespace}/pods`;
    for (const [key, pod] of this.objects('pods')) {
      const index = Number(pod.metadata.labels?.[INDEX_LABEL]);
      const isMine = key.startsWith(`${namespace}/${name}-`) && pod.metadata.ownerReferences?.[0]?.uid === uid;
      if (isMine && index >= spec.replicas) this.api.remove(`${prefix}/${pod.metadata.name}`);
    }
    for (let index = 0; index < spec.replicas; index++) {
      const pod = `${name}-${index}`;
      const running = {
        phase: 'Running',
        podIP: `10.0.0.${index + 1}`,
        conditions: [{ type: 'Ready', status: 'True' }],
      };
      const isCrowdedOut = this.isCrowded && index === spec.replicas - 1 && this.#activePilots(namespace) > 0;
      const before = this.objects<Pod>('pods').get(`${namespace}/${pod}`);
      if (before !== undefined) {
        const isWaiting = before.status?.conditions?.some(({ reason }) => reason === 'Unschedulable') === true;
        if (isWaiting && !isCrowdedOut) this.#status(`${prefix}/${pod}`, running);
        continue;
      }
      const { labels } = spec.template.metadata as { labels: Record<string, string> };
      this.api.put(`${prefix}/${pod}`, {
        metadata: {
          name: pod,
          namespace,
          labels: { ...labels, [INDEX_LABEL]: String(index), 'controller-revision-hash': updateRevision },
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid, controller: true }],
        },
      });
      const isMissing = this.missingImages.has(spec.template.spec.containers[0]!.image);
      this.#status(
        `${prefix}/${pod}`,
        isCrowdedOut ? unschedulable(this.clock.wallMs()) : isMissing ? pulling : running,
      );
    }
    const status = {
      replicas: spec.replicas,
      readyReplicas: spec.replicas,
      updateRevision,
      observedGeneration: generation,
    };
    this.#status(`/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}`, status);
  }

  #activePilots(namespace: string): number {
    const all = [...this.objects<Job>('jobs', 'batch').values()];
    const mine = all.filter(({ metadata }) => metadata.namespace === namespace);
    return mine.reduce((sum, { status }) => sum + (status?.active ?? 0), 0);
  }

  #runJob(job: Object_): void {
    const { name, namespace } = job.metadata;
    const spec = job['spec'] as {
      parallelism: number;
      suspend?: boolean;
      template: { spec: { containers: { image: string }[] } };
    };
    const isOver = (job['status'] as Job['status'])?.conditions?.some(({ type }) => type === 'Complete') === true;
    const active = isOver || spec.suspend === true ? 0 : spec.parallelism;
    const ready = this.missingImages.has(spec.template.spec.containers[0]!.image) ? 0 : active;
    const status = { ...(job['status'] as Json | undefined), active, ready };
    this.#status(`/apis/batch/v1/namespaces/${namespace}/jobs/${name}`, status);
  }

  #status(path: string, status: Json): void {
    const object = { ...this.#at(path), status };
    this.api.put(path, object as Object_);
  }
  #at(path: string): Object_ {
    const parts = path.split('/');
    const name = parts.pop()!;
    const collection = parts.filter((_, at) => parts[at] !== 'namespaces' && parts[at - 1] !== 'namespaces').join('/');
    return this.api.objects(collection).get(`${parts[parts.indexOf('namespaces') + 1]}/${name}`)!;
  }

  /** Everything that is there, without what differs from run to run. */
  outcome(): string {
    const paths = [
      '/api/v1/configmaps',
      '/api/v1/secrets',
      '/api/v1/services',
      '/api/v1/serviceaccounts',
      '/api/v1/persistentvolumeclaims',
      '/apis/apps/v1/statefulsets',
      '/apis/batch/v1/jobs',
      '/api/v1/pods',
      '/apis/melissa.dev/v1alpha1/melissastudies',
    ];
    const all = paths.flatMap((path) =>
      [...this.api.objects(path)].map(([key, object]) => [path, key, plain(object)] as const),
    );
    // What is in Secrets and ConfigMaps differs with the keys that were made.
    const bare = all.map(([path, key, { data: _data, ...rest }]) => [path, key, rest]);
    return JSON.stringify(
      bare.sort((a, b) => (`${a[0]}${a[1]}` < `${b[0]}${b[1]}` ? -1 : 1)),
      null,
      1,
    );
  }
}

const unschedulable = (nowMs: number) => ({
  phase: 'Pending',
  conditions: [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/1 nodes: Insufficient cpu',
      lastTransitionTime: new Date(nowMs).toISOString(),
    },
  ],
});
const pulling = {
  phase: 'Pending',
  containerStatuses: [
    { name: 'server', state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } } },
  ],
};

function plain(object: Object_): Json {
  const { metadata, status, ...rest } = object;
  const { name, namespace, labels, annotations, ownerReferences } = metadata;
  const owners = ownerReferences?.map(({ kind, name: owner }) => `${kind} ${owner}`);
  return { ...rest, metadata: { name, namespace, labels, annotations, owners }, status: withoutTimes(status) };
}

const withoutTimes = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null, (key, of: unknown) => (/[tT]ime$/.test(key) ? undefined : of)));

function hashOf(text: string): number {
  let hash = 7;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) >>> 0;
  return hash;
}
