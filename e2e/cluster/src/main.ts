// SPDX-License-Identifier: Apache-2.0
/** `npm run cluster:up|down|status|load`: a real Kubernetes from plain processes, for tests and for trying the product. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { acquire, build, foreignKubeconfig, isUp, runningNodes, skipWithoutCluster, takeDown } from './cluster.ts';
import { kubeconfig, limits, state, stateDirectory, tool } from './layout.ts';
import { describe, holder, waitSeconds } from './lock.ts';
import { importImage } from './nodes.ts';
import { kubectl } from './control-plane.ts';
import { started } from './processes.ts';
import { ClusterError, interrupt, progress } from './shell.ts';
import { installPackages } from './up.ts';

const usage = `usage: npm run cluster:up [-- --nodes 1|2 --fake-nodes N]   build what is stale, start, wait until Ready
       npm run cluster:down                              end it and put the machine back
       npm run cluster:status                            processes, nodes, logs
       npm run cluster:load -- IMAGE.tar                 import an OCI archive on every node
       MELISSA_CLUSTER_WAIT=SECONDS                      how long up and down wait for another one's end (0)
       MELISSA_CLUSTER_STATE, MELISSA_CLUSTER_TOOLS      folders of the cluster, of the built programs
`;

/** For tests, ahead of them; without a word where they will skip or use another cluster. */
async function prepareForTests(what: 'packages' | 'build'): Promise<void> {
  if (foreignKubeconfig() !== null || skipWithoutCluster() !== false) return;
  if (what === 'packages') installPackages();
  else await build();
}

const atMost = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < least || value > most)
    throw new ClusterError(`--${name} ${text}: a whole number from ${least} to ${most}`, usage);
  return value;
};

function upOptions(args: string[]): { nodes: number; fakeNodes: number } {
  try {
    const options = {
      nodes: { type: 'string', default: '1' },
      'fake-nodes': { type: 'string', default: '0' },
    } as const;
    const { values } = parseArgs({ args, options });
    return {
      nodes: atMost('nodes', values.nodes, 1, limits.nodesMax),
      fakeNodes: atMost('fake-nodes', values['fake-nodes'], 0, limits.fakeNodesMax),
    };
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw new ClusterError((error as Error).message, usage);
  }
}

async function commandUp(args: string[]): Promise<number> {
  const options = upOptions(args);
  const foreign = foreignKubeconfig();
  if (foreign !== null)
    progress(`KUBECONFIG names ${foreign}: tests use that cluster, until you use the one that is started now`);
  const startedMs = performance.now();
  await acquire(options, 'machine', waitSeconds(0));
  progress(`ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  printEnvironment();
  return 0;
}

const printEnvironment = (): void => {
  process.stdout.write(`export KUBECONFIG=${kubeconfig('admin')}\nexport PATH=${tool('').replace(/\/$/, '')}:$PATH\n`);
};

async function commandDown(): Promise<number> {
  const left = await takeDown(waitSeconds(0));
  for (const sentence of left) progress(sentence);
  progress(left.length === 0 ? 'gone' : 'gone, but the machine is not quite as it was');
  return left.length === 0 ? 0 : 1;
}

function commandStatus(): number {
  if (!existsSync(stateDirectory)) {
    process.stdout.write('no cluster\n');
    return 1;
  }
  process.stdout.write(`${isUp() ? 'up' : 'not complete'}; started by ${describe(holder())}\n`);
  for (const { name, pid } of started())
    process.stdout.write(
      `${name.padEnd(16)} ${pid === null ? 'ended' : `pid ${pid}`}  ${state('logs', `${name}.log`)}\n`,
    );
  if (!isUp()) return 1;
  process.stdout.write(kubectl(['get', 'nodes', '-o', 'wide', '--request-timeout=5s']).stdout);
  printEnvironment();
  return 0;
}

function commandLoad(args: string[]): number {
  if (args.length === 0) throw new ClusterError('cluster:load needs the path of an OCI archive', usage);
  if (runningNodes().length === 0) throw new ClusterError('no cluster runs', 'npm run cluster:up');
  for (const archive of args) {
    if (!existsSync(archive)) throw new ClusterError(`${archive} does not exist`, usage);
    for (const index of runningNodes()) importImage(index, archive);
  }
  return 0;
}

// Whoever reads our output may leave early, as `head` does.
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal));
const [command = '', ...args] = process.argv.slice(2);
try {
  if (command === 'up') process.exitCode = await commandUp(args);
  else if (command === 'down') process.exitCode = await commandDown();
  else if (command === 'status') process.exitCode = commandStatus();
  else if (command === 'load') process.exitCode = commandLoad(args);
  else if (command === 'packages' || command === 'build') await prepareForTests(command);
  else {
    process.stderr.write(usage);
    process.exitCode = 2;
  }
} catch (error) {
  if (!(error instanceof ClusterError)) throw error;
  progress(`${error.message}\n  remedy: ${error.remedy}`);
  process.exitCode = 1;
}
