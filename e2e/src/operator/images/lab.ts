// SPDX-License-Identifier: Apache-2.0
/**
 * A laboratory on a real cluster: the chart as a platform engineer installs it, restricted to one namespace that keeps the restricted Pod Security standard, with the images
 * as `npm run images` builds them. On a cluster that KUBECONFIG names the images must be on its nodes already, and nothing of anybody else is touched.
 * Tests read REST as people do, through a forwarded port, and end processes as a kernel does.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { delimiter, dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { cluster, skipWithoutCluster, type Cluster } from '../../../cluster/src/cluster.ts';
import { tool } from '../../../cluster/src/layout.ts';
import { cleanUp, melissa, root, runStudy, scratch, summaryOf } from '../../melissa.ts';
import { until } from '../operator-process.ts';

export { until };
export type Digests = { consumer: string; digest: string; units: number }[];
export type Manifest = { metadata: { name: string } } & Record<string, unknown>;

const archiveOf = (name: string): string => join(root, 'build', 'images', `${name}.tar`);
const own = ['server', 'operator', 'client'];

/** False, or why tests with these solvers' images are skipped. */
export function skipWithoutImages(solvers: string[]): string | false {
  const missing = [...own, ...solvers].map(archiveOf).filter((path) => !existsSync(path));
  return missing.length > 0 ? `images are not built (npm run images): ${missing.join(', ')}` : skipWithoutCluster();
}

/** Ours where it was built, else the one on PATH, as for a cluster that KUBECONFIG names. */
const kubectlProgram = (): string => (existsSync(tool('kubectl')) ? tool('kubectl') : 'kubectl');

const ROUND_SECONDS = 60;
/** A watch may lag behind by this much. */
const MISSED_MS = 10_000;

/** The laboratory of a test file: open while its tests run, closed after them whatever they did. */
export function laboratory(
  name: string,
  solvers: string[],
  skip: string | false,
  opened: (lab: Lab) => void,
  options: { nodes?: number } = {},
): void {
  let lab: Lab | null = null;
  const open = async (): Promise<void> => {
    if (skip === false) opened((lab = await Lab.open(name, solvers, options)));
  };
  const close = async (): Promise<void> => {
    cleanUp();
    await lab?.close();
  };
  before(open, { timeout: 900_000 });
  after(close, { timeout: 300_000 });
}

/** How the image of the heat example is run on its small grid. */
export const heatClient = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  image: 'docker.io/example/heat:1.0',
  command: ['heat'],
  args: ['{initial}', '{left}', '{right}', '10', '16'],
  parallelism: 2,
  template: { resources: { requests: { cpu: '50m' } } },
  ...more,
});

type Ran = { status: number; stdout: string; stderr: string };
export type Asked = { status: number; text: string; bytes: Uint8Array };

export class Lab {
  readonly cluster: Cluster;
  /** Of the studies. */
  readonly namespace: string;
  /** Of the operator. */
  readonly system: string;
  readonly release: string;

  private constructor(running: Cluster, name: string) {
    this.cluster = running;
    this.namespace = `${name}-lab`;
    this.system = `${name}-system`;
    this.release = name;
  }

  static async open(name: string, solvers: string[], options: { nodes?: number } = {}): Promise<Lab> {
    const running = await cluster(options);
    // A name of its own on a cluster that others use too.
    const prefix = process.env['MELISSA_LAB_PREFIX'] ?? 'melissa-e2e';
    const lab = new Lab(running, running.isPrivate ? name : `${prefix}-${name}-${process.pid}`);
    if (running.isPrivate) for (const image of [...own, ...solvers]) running.loadImage(archiveOf(image));
    lab.kubectl(['create', 'namespace', lab.namespace]);
    lab.kubectl(['label', 'namespace', lab.namespace, 'pod-security.kubernetes.io/enforce=restricted']);
    lab.install();
    return lab;
  }

  /** Installs the chart, or upgrades it with other values. */
  install(values: string[] = []): void {
    const isThere = this.try(['get', 'crd', 'melissastudies.melissa.dev', '-o', 'jsonpath={.metadata.annotations}']);
    const isOthers = isThere.status === 0 && !isThere.stdout.includes(`"meta.helm.sh/release-name":"${this.release}"`);
    const { status, stderr } = this.cluster.helm([
      ...['upgrade', '--install', this.release, join(root, 'charts', 'melissa'), '--namespace', this.system],
      ...['--create-namespace', '--wait', '--timeout', '180s', '--set', `namespaces={${this.namespace}}`],
      ...(isOthers ? ['--set', 'crds.install=false'] : []),
      ...values.flatMap((value) => ['--set', value]),
    ]);
    assert.equal(status, 0, `${stderr} ${this.try(['-n', this.system, 'describe', 'pods']).stdout}`);
  }
  uninstall(): void {
    const { status, stderr } = this.cluster.helm(['uninstall', this.release, '--namespace', this.system, '--wait']);
    assert.equal(status, 0, stderr);
  }

  async close(): Promise<void> {
    // Studies first: without an operator nothing but the collection of garbage is needed, and that works on owners.
    this.try(['-n', this.namespace, 'delete', 'melissastudies', '--all', '--timeout=60s']);
    this.cluster.helm(['uninstall', this.release, '--namespace', this.system]);
    for (const namespace of [this.namespace, this.system])
      this.try(['delete', 'namespace', namespace, '--wait=false', '--ignore-not-found']);
    assert.deepEqual(await this.cluster.release(), []);
  }

  try(args: string[], input?: string): Ran {
    return this.cluster.kubectl(args, input);
  }
  /** In no namespace but the one that is named. Fails the test when kubectl does. */
  kubectl(args: string[], input?: string): string {
    const { status, stdout, stderr } = this.try(args, input);
    assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
  /** In the namespace of the studies. */
  k(words: string, input?: string): string {
    return this.kubectl(['-n', this.namespace, ...words.split(' ')], input);
  }
  json<T>(words: string): T {
    return JSON.parse(this.k(`${words} -o json`)) as T;
  }

  apply(manifest: Manifest): void {
    this.k('apply -f -', JSON.stringify(manifest));
  }
  /**
   * Waits as a person would, in rounds that are shorter than the limit on any kubectl here. A round that ended in vain although the condition had been
   * true for a while is a fault, of ours or of kubectl, and fails.
   */
  waitFor(condition: string, study: string, seconds = 300): void {
    const endMs = performance.now() + seconds * 1000;
    const words = ['-n', this.namespace, 'wait', `--for=condition=${condition}`, `mst/${study}`, `--timeout=${ROUND_SECONDS}s`]; // prettier-ignore
    for (;;) {
      const { status, stderr } = this.try(words);
      if (status === 0) return;
      const trueSince = this.#trueSince(study, condition);
      const missed = trueSince === null ? 0 : Date.now() - trueSince;
      assert.ok(
        missed < MISSED_MS,
        `kubectl wait did not see ${condition}, which is true since ${missed} ms: ${stderr}`,
      );
      assert.ok(performance.now() < endMs, `${stderr}\n${this.diagnosis(study)}`);
    }
  }
  #trueSince(study: string, type: string): number | null {
    const { stdout } = this.try(['-n', this.namespace, 'get', `mst/${study}`, '-o', 'json']);
    if (stdout === '') return null;
    const { status } = JSON.parse(stdout) as { status?: { conditions?: Condition[] } };
    const found = status?.conditions?.find((one) => one.type === type && one.status === 'True');
    return found === undefined ? null : Date.parse(found.lastTransitionTime);
  }
  diagnosis(study: string): string {
    const look = [
      'get mst,pods,jobs -o wide',
      `get mst ${study} -o jsonpath={.status}`,
      'describe pods',
      'get events --sort-by=.lastTimestamp',
      `logs ${study}-server-0 --tail=40`,
      `logs -l melissa.dev/study=${study},app.kubernetes.io/component=pilot --tail=30 --all-containers`,
    ];
    const said = look.map((words) => this.try(['-n', this.namespace, ...words.split(' ')]));
    said.push(this.try(['-n', this.system, 'logs', '-l', 'app.kubernetes.io/name=melissa-operator', '--tail=30']));
    return said.map(({ stdout, stderr }) => (stdout + stderr).slice(-6000)).join('\n');
  }
  /** Share of its simulations that are done. */
  progress(study: string): number {
    const summary = this.k(`get mst ${study} -o jsonpath={.status.simulations.summary}`);
    const [done = 0, total = 0] = summary.split('/').map(Number);
    return total === 0 ? 0 : done / total;
  }
  async untilProgress(study: string, share: number): Promise<void> {
    await until(`${study} to have done ${share}`, () => this.progress(study) >= share).catch((error: unknown) => {
      throw new TypeError(`${String(error)}\n${this.diagnosis(study)}`);
    });
  }
  /** Everything that was made for a study. */
  left(study: string): string {
    const kinds = 'all,secrets,configmaps,pvc,networkpolicies,serviceaccounts';
    return this.k(`get ${kinds} -l melissa.dev/study=${study} -o name`).trim();
  }
  async deleteStudy(study: string): Promise<void> {
    this.k(`delete mst ${study} --timeout=120s`);
    await until(`nothing to be left of ${study}`, () => this.left(study) === '');
  }
  pods(study: string, component: 'server' | 'pilot'): PodLike[] {
    const selector = `melissa.dev/study=${study},app.kubernetes.io/component=${component}`;
    return this.json<{ items: PodLike[] }>(`get pods -l ${selector}`).items;
  }
  secret(study: string, key: string): string {
    const name = key.replaceAll('.', '\\.');
    return Buffer.from(this.k(`get secret ${study}-server -o jsonpath={.data.${name}}`), 'base64').toString();
  }

  /** `kubectl port-forward svc/STUDY :PORT` while `use` runs; gives the local port. */
  async forwarded<T>(study: string, port: number, use: (local: number) => Promise<T>): Promise<T> {
    const child = spawn(kubectlProgram(), ['-n', this.namespace, 'port-forward', `svc/${study}`, `:${port}`], {
      env: { ...process.env, KUBECONFIG: this.cluster.kubeconfig },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (part: Buffer) => (text += part.toString()));
    try {
      await until('the forwarded port', () => /127\.0\.0\.1:(\d+)/.test(text));
      return await use(Number(/127\.0\.0\.1:(\d+)/.exec(text)![1]));
    } finally {
      child.kill();
    }
  }
  /** One question to the head's loopback port. */
  async ask(study: string, path: string, token = this.secret(study, 'token')): Promise<Asked> {
    return this.forwarded(study, 8888, (local) => get(`http://127.0.0.1:${local}${path}`, token));
  }
  async digests(study: string): Promise<Digests> {
    const { status, text } = await this.ask(study, '/v1/digests');
    assert.equal(status, 200, text);
    return sorted((JSON.parse(text) as { digests: Digests }).digests);
  }
  /** As the cluster's users reach it: TLS by the study's authority and the name of its Service. */
  secureGet(study: string, local: number, path: string, token: string | null, method = 'GET'): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: local,
        path,
        method,
        servername: `${study}.${this.namespace}.svc`,
        ca: this.secret(study, 'ca.crt'),
        agent: false as const,
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
      };
      const sent = request(options, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part)).on('error', reject);
        answer.on('end', () => {
          const bytes = Buffer.concat(parts);
          resolve({ status: answer.statusCode ?? 0, text: bytes.toString(), bytes });
        });
      });
      sent.on('error', reject).end();
    });
  }

  /** The command line as a person has it: its own kubectl on PATH. */
  melissa(...words: string[]): Said {
    return this.#say(melissa, words);
  }
  /** `kubectl melissa …`: the plugin is found on PATH. */
  plugin(...words: string[]): Said {
    return this.#say(kubectlProgram(), words);
  }
  #say(program: string, words: string[]): Said {
    const path = [dirname(kubectlProgram()), dirname(melissa), process.env['PATH'] ?? ''].join(delimiter);
    const env = { ...process.env, KUBECONFIG: this.cluster.kubeconfig, PATH: path };
    const ended = spawnSync(program, words, { encoding: 'utf8', env, timeout: 300_000 });
    return { code: ended.status ?? 1, stdout: ended.stdout, stderr: ended.stderr };
  }
}
type Condition = { type: string; status: string; lastTransitionTime: string };
type Said = { code: number; stdout: string; stderr: string };

export type PodLike = {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec?: { nodeName?: string };
  status?: { phase?: string; podIP?: string; containerStatuses?: { restartCount: number; ready: boolean }[] };
};

export async function get(url: string, token: string | null): Promise<Asked> {
  const answer = await fetch(url, token === null ? {} : { headers: { authorization: `Bearer ${token}` } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { status: answer.status, text: Buffer.from(bytes).toString(), bytes };
}

export const sorted = (digests: Digests): Digests => [...digests].sort((a, b) => (a.consumer < b.consumer ? -1 : 1));

/** The digests of the same study on this machine. The solver is that of an example. */
export function onOneMachine(manifest: Manifest, example = 'heat'): Digests {
  const folder = scratch();
  mkdirSync(join(folder, 'bin'));
  const from = join(root, 'examples', example);
  const programs = existsSync(join(from, 'bin')) ? readdirSync(join(from, 'bin')) : [];
  for (const name of programs) symlinkSync(join(from, 'bin', name), join(folder, 'bin', name));
  for (const name of readdirSync(from).filter((file) => file.endsWith('.py'))) symlinkSync(join(from, name), join(folder, name)); // prettier-ignore
  const path = join(folder, 'study.yaml');
  writeFileSync(path, JSON.stringify(manifest));
  return digestsOnOneMachine(path);
}
/** The digests of a manifest beside its solver, as it lies there. */
export function digestsOnOneMachine(path: string, sets: Record<string, string> = {}): Digests {
  const run = runStudy(path, sets);
  assert.equal(run.code, 0, `${run.stdout}\n${run.stderr}`);
  return sorted(summaryOf(run.directory).digests);
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it ended while we looked
  }
};

/** A program in a pod of this namespace, where the node is this machine; null when there is none. */
export function processOf(pod: string, namespace: string, program: RegExp): number | null {
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    if (
      !textOf(`/proc/${pid}/cmdline`)
        .split('\0')
        .some((word) => program.test(word))
    )
      continue;
    const pairs = textOf(`/proc/${pid}/environ`).split('\0').map((pair) => /^([^=]*)=(.*)$/s.exec(pair) ?? []); // prettier-ignore
    const environment = new Map(pairs.map(([, key = '', value = '']) => [key, value]));
    const isThere =
      (environment.get('MELISSA_NAMESPACE') ?? environment.get('POD_NAMESPACE') ?? namespace) === namespace;
    const name = environment.get('MELISSA_POD_NAME') ?? environment.get('POD_NAME');
    if (name === pod && isThere) return Number(pid);
  }
  return null;
}
