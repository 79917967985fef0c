// SPDX-License-Identifier: Apache-2.0
/** `npm run cluster:up|down|status|load`: a real Kubernetes from plain processes, for tests and for trying the product. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { down } from './down.ts';
import { kubeconfig, limits, state, stateDirectory, tool } from './layout.ts';
import { importImage } from './nodes.ts';
import { kubectl } from './control-plane.ts';
import { started } from './processes.ts';
import { ClusterError, progress } from './shell.ts';
import { prepare, up } from './up.ts';

const usage = `usage: npm run cluster:up [-- --nodes 1|2 --fake-nodes N]   build what is stale, start, wait until Ready
       npm run cluster:down                              end it and put the machine back
       npm run cluster:status                            processes, nodes, logs
       npm run cluster:load -- IMAGE.tar                 import an OCI archive on every node
`;

async function commandUp(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { nodes: { type: 'string', default: '1' }, 'fake-nodes': { type: 'string', default: '0' } },
  });
  const nodes = Number(values.nodes);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > limits.nodesMax)
    throw new ClusterError(`--nodes ${values.nodes}: from 1 to ${limits.nodesMax}`, usage);
  const took = prepare();
  for (const [name, seconds] of Object.entries(took)) progress(`built ${name} in ${seconds} s`);
  const startedMs = performance.now();
  try {
    await up({ nodes, fakeNodes: Number(values['fake-nodes']) });
  } catch (error) {
    progress('did not start; cleaning up');
    if (existsSync(state('baseline.json')) && !/a cluster of ours is running/.test(String(error))) await down();
    throw error;
  }
  progress(`ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  process.stdout.write(`export KUBECONFIG=${kubeconfig('admin')}\nexport PATH=${tool('')}:$PATH\n`);
  return 0;
}

async function commandDown(): Promise<number> {
  const left = await down();
  for (const sentence of left) progress(sentence);
  progress(left.length === 0 ? 'gone' : 'gone, but the machine is not quite as it was');
  return left.length === 0 ? 0 : 1;
}

function commandStatus(): number {
  if (!existsSync(stateDirectory)) {
    process.stdout.write('no cluster\n');
    return 1;
  }
  for (const { name, pid } of started())
    process.stdout.write(
      `${name.padEnd(16)} ${pid === null ? 'ended' : `pid ${pid}`}  ${state('logs', `${name}.log`)}\n`,
    );
  process.stdout.write(kubectl(['get', 'nodes', '-o', 'wide']).stdout);
  return 0;
}

function commandLoad(args: string[]): number {
  if (args.length === 0) throw new ClusterError('cluster:load needs the path of an OCI archive', usage);
  const nodes = started()
    .filter(({ name }) => name.endsWith('-containerd'))
    .map(({ name }) => Number(/^n(\d+)-/.exec(name)![1]));
  if (nodes.length === 0) throw new ClusterError('no cluster runs', 'npm run cluster:up');
  for (const archive of args) for (const index of nodes) importImage(index, archive);
  return 0;
}

const [command = '', ...args] = process.argv.slice(2);
try {
  if (command === 'up') process.exitCode = await commandUp(args);
  else if (command === 'down') process.exitCode = await commandDown();
  else if (command === 'status') process.exitCode = commandStatus();
  else if (command === 'load') process.exitCode = commandLoad(args);
  else if (command === 'build') prepare();
  else {
    process.stderr.write(usage);
    process.exitCode = 2;
  }
} catch (error) {
  if (!(error instanceof ClusterError)) throw error;
  progress(`${error.message}\n  remedy: ${error.remedy}`);
  process.exitCode = 1;
}
