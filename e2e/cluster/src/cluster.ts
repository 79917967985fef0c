// SPDX-License-Identifier: Apache-2.0
/**
 * The cluster as tests see it. `KUBECONFIG` set: that cluster, which is never changed beyond its API. Else one of our own: a running
 * one that belongs to nobody is used and left running; otherwise one is started for this process and ended by `release`. Tests that
 * stop parts or cut links need a private node: give `test` the answer of `skipWithoutPrivateNode()` as `skip`.
 */
import { existsSync } from 'node:fs';
import { requests, type ApiRequest } from './audit.ts';
import { incapable } from './check.ts';
import { startComponent } from './components.ts';
import { kubectl as ownKubectl } from './control-plane.ts';
import { down } from './down.ts';
import { kubeconfig as ownKubeconfig, state, tool } from './layout.ts';
import { describe, holder, isLiving, lock, nameHolder, waitSeconds } from './lock.ts';
import { importImage, setLink } from './nodes.ts';
import { ourProcesses, signal as signalComponent, started, stop as stopComponent } from './processes.ts';
import { ClusterError, must, progress, run, sleep, type Ran } from './shell.ts';
import { mustBeReady, nodeReady, prepare, up, type UpOptions } from './up.ts';

export { ClusterError, waitFor } from './shell.ts';
export { fakeNodeSelector, fakeNodeToleration } from './fake-nodes.ts';
export { writeOciArchive } from './oci.ts';
export type { ApiRequest } from './audit.ts';

/** How long a test waits for another test's cluster to end, unless MELISSA_CLUSTER_WAIT says otherwise. */
const TEST_WAIT_SECONDS = 900;
/** A cold build on a busy machine takes about twenty minutes. */
const BUILD_WAIT_SECONDS = 3_600;

export type Cluster = {
  kubeconfig: string;
  /** False on a cluster that KUBECONFIG names: its nodes and parts are not ours to stop. */
  isPrivate: boolean;
  nodes: number;
  kubectl(args: string[], input?: string): Ran;
  helm(args: string[]): Ran;
  /** Imports an OCI archive on every node. Foreign clusters must get their images in their own way. */
  loadImage(archive: string): void;
  /** Ends a part: `etcd`, `apiserver`, `controllers`, `scheduler`, `dns`, `provisioner`, `kwok`, `n1-kubelet`, `n1-containerd`, `n1-proxy`, `n2-…`. */
  stop(name: string, signal?: NodeJS.Signals): Promise<void>;
  start(name: string): void;
  /** Sends a signal to a part, for instance SIGSTOP and SIGCONT. */
  signal(name: string, which: NodeJS.Signals): void;
  /** The second node's link; the first node lives beside the API server. */
  cutLink(node: string): void;
  healLink(node: string): void;
  nodeReady(node: string): Promise<void>;
  /** What was asked of the API server by everybody but the cluster's own parts. Lags half a second. */
  requests(): ApiRequest[];
  /** Ends the cluster if it was started for this process. Returns what could not be put back. */
  release(): Promise<string[]>;
};

/** The kubeconfig of a cluster that is not ours, or null. */
export function foreignKubeconfig(): string | null {
  const given = process.env['KUBECONFIG'];
  return given === undefined || given === '' || given === ownKubeconfig('admin') ? null : given;
}

/** For `skip` of a test that stops parts or cuts links: false, or the reason. */
export function skipWithoutPrivateNode(): string | false {
  if (foreignKubeconfig() !== null) return 'needs a private node, and KUBECONFIG names a cluster that is not ours';
  return skipWithoutCluster();
}

/** For `skip` of a test that runs on any cluster. What this machine can never do is a reason; what somebody can mend fails. */
export function skipWithoutCluster(): string | false {
  if (foreignKubeconfig() !== null) return false;
  const why = incapable();
  return why === null ? false : `needs a cluster: set KUBECONFIG, or use a machine that can start one (here ${why})`;
}

export async function cluster(options: Partial<UpOptions> = {}): Promise<Cluster> {
  const foreign = foreignKubeconfig();
  if (foreign !== null) return foreignCluster(foreign);
  const wanted: UpOptions = { nodes: 1, fakeNodes: 0, ...options };
  const giveBack = await exclusiveUse();
  try {
    const isStarted = await acquire(wanted, 'process', waitSeconds(TEST_WAIT_SECONDS));
    return ownCluster(async () => {
      const left = isStarted ? await takeDown(TEST_WAIT_SECONDS) : [];
      await giveBack();
      return left;
    });
  } catch (error) {
    await giveBack();
    throw error;
  }
}

/** One test process at a time works on the machine's cluster, whoever started it: test files run beside each other. */
export const exclusiveUse = (): Promise<() => Promise<void>> => lock(waitSeconds(TEST_WAIT_SECONDS), 'cluster-use');

/** Nodes of the running cluster. */
export const runningNodes = (): number[] =>
  started()
    .map(({ name }) => /^n(\d+)-containerd$/.exec(name))
    .flatMap((match) => (match === null ? [] : [Number(match[1])]));

/** A cluster was started completely and lives. */
export const isUp = (): boolean => existsSync(state('ready')) && ourProcesses().length > 0;

/**
 * Starts a cluster, or finds one that belongs to the machine, when a test asks. Waits for whoever has the machine; cleans up what a
 * killed one left. True when this call started it.
 */
export async function acquire(options: UpOptions, belongs: 'machine' | 'process', seconds: number): Promise<boolean> {
  const endMs = performance.now() + seconds * 1000;
  for (let tries = 0; ; tries++) {
    const unlock = await lock(Math.max(0, (endMs - performance.now()) / 1000));
    try {
      const one = holder();
      const isAnothers = one !== null && one.belongs === 'process' && one.pid !== process.pid && isLiving(one);
      // One whose tests have died is not taken over: nobody knows what they did to it.
      const isAbandoned = one?.belongs === 'process' && !isLiving(one);
      const isFree = !isAnothers && (!isUp() || isAbandoned);
      if (isFree) {
        await startFresh(options, belongs);
        return true;
      }
      if (!isAnothers && belongs === 'process' && runningNodes().length >= options.nodes) return false;
      if (performance.now() >= endMs)
        throw new ClusterError(
          `a cluster runs already: ${describe(one)}`,
          '`npm run cluster:status` shows it, `npm run cluster:down` ends it; MELISSA_CLUSTER_WAIT=seconds waits for its end.',
        );
      if (tries === 0) progress(`waiting for the end of the cluster of ${describe(one)}`);
    } finally {
      await unlock();
    }
    await sleep(500);
  }
}

/** The lock is held. */
async function startFresh(options: UpOptions, belongs: 'machine' | 'process'): Promise<void> {
  if (existsSync(state('baseline.json'))) {
    progress('cleaning up after a cluster that was killed');
    await down();
  }
  if (process.getuid?.() !== 0) await mustBeReady(); // it fails, and names all that is missing, not the first thing only
  await build();
  await mustBeReady();
  nameHolder(belongs);
  try {
    await up(options);
  } catch (error) {
    progress('did not start; cleaning up');
    const logs = state('logs');
    if (existsSync(logs)) progress(lastWords());
    for (const sentence of await down()) progress(sentence);
    throw error;
  }
}

/** Builds and installs what is stale or missing; one at a time on a machine. */
export async function build(): Promise<void> {
  const unlock = await lock(BUILD_WAIT_SECONDS, 'cluster-build');
  try {
    for (const [name, seconds] of Object.entries(prepare())) progress(`built ${name} in ${seconds} s`);
  } finally {
    await unlock();
  }
}

/** Last lines of each part's log, because clean-up removes the logs. */
const lastWords = (): string => run('sh', ['-c', 'tail -n 3 "$0"/*.log | cut -c1-300', state('logs')]).stdout;

/** Ends the cluster of this machine, whoever started it. */
export async function takeDown(seconds: number): Promise<string[]> {
  const unlock = await lock(seconds);
  try {
    return await down();
  } finally {
    await unlock();
  }
}

const indexOf = (node: string): number => Number(/^n(\d)$/.exec(node)?.[1] ?? '0');

function ownCluster(release: () => Promise<string[]>): Cluster {
  const kubeconfig = ownKubeconfig('admin');
  return {
    kubeconfig,
    isPrivate: true,
    nodes: runningNodes().length,
    kubectl: ownKubectl,
    helm: (args) => helm(kubeconfig, args),
    loadImage: (archive) => runningNodes().forEach((index) => importImage(index, archive)),
    stop: stopComponent,
    start: startComponent,
    signal: signalComponent,
    cutLink: (node) => setLink(indexOf(node), false),
    healLink: (node) => setLink(indexOf(node), true),
    nodeReady: (node) => nodeReady(node),
    requests,
    release,
  };
}

function foreignCluster(kubeconfig: string): Cluster {
  const refuse = (what: string) => (): never => {
    throw new ClusterError(
      `${what} needs a cluster of our own, and KUBECONFIG names ${kubeconfig}`,
      'Skip the test by skipWithoutPrivateNode().',
    );
  };
  const env = { KUBECONFIG: kubeconfig };
  const program = run('kubectl', ['version', '--client']).status === 0 ? 'kubectl' : tool('kubectl');
  const names = must(program, ['get', 'nodes', '-o', 'name'], { env }).split('\n');
  return {
    kubeconfig,
    isPrivate: false,
    nodes: names.filter((name) => name !== '').length,
    kubectl: (args, input) => run(program, args, { env, ...(input === undefined ? {} : { input }) }),
    helm: (args) => helm(kubeconfig, args),
    loadImage: refuse('loading an image'),
    stop: refuse('stopping a part'),
    start: refuse('starting a part'),
    signal: refuse('a signal'),
    cutLink: refuse('cutting a link'),
    healLink: refuse('healing a link'),
    nodeReady: (name) => nodeReady(name),
    requests: refuse('counting requests'),
    release: () => Promise.resolve([]),
  };
}

function helm(kubeconfig: string, args: string[]): Ran {
  const program = existsSync(tool('helm')) ? tool('helm') : 'helm';
  const folder = (name: string) => (existsSync(state()) ? { [`HELM_${name}_HOME`]: state('tmp', `helm-${name}`) } : {});
  return run(program, args, {
    env: { KUBECONFIG: kubeconfig, ...folder('CACHE'), ...folder('CONFIG'), ...folder('DATA') },
  });
}
