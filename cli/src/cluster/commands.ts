// SPDX-License-Identifier: Apache-2.0
/**
 * The commands on a cluster (`--on kubernetes`, `kubectl melissa`): the same words and the same output as on one machine. What
 * looks at a study asks its REST through a forwarded port; what changes one patches the MelissaStudy.
 */
import { join, resolve } from 'node:path';
import type { Client } from '@melissa/api';
import { failure } from '../errors.ts';
import type { ExitName } from '../exit-codes.ts';
import { reply, type CommandResult, type Context } from '../commands/context.ts';
import {
  listSimulations,
  printResults,
  printSimulation,
  printSimulationOutput,
  statusText,
  lastLines,
  type LogsOptions,
  type SimulationsOptions,
} from '../commands/study.ts';
import { STUDIES } from '../study-directory.ts';
import { fetchResults } from './results.ts';
import { runOnCluster } from './run.ts';
import { ask, conditionOf, findClusterStudy, patchStudy, withClient, type OnCluster, type Study } from './studies.ts';

type Handler = (context: Context, args: string[], options: OnCluster & Record<string, unknown>) => Promise<ExitName>;

export const clusterHandlers: Record<string, Handler> = {
  run: (context, [file], options) => runOnCluster(context, file, options as never),
  status: (context, _args, options) => status(context, options),
  simulations: (context, _args, options) =>
    look(context, options, (client) =>
      listSimulations(context, () => client, options as unknown as SimulationsOptions),
    ),
  simulation: (context, [id], options) => look(context, options, (client) => printSimulation(context, client, id!)),
  logs: (context, what, options) => logs(context, what, options),
  results: (context, _args, options) => results(context, options as never),
  scale: (context, [count], options) => {
    if (!/^[0-9]{1,6}$/.test(count!))
      throw failure('ECOMMAND', `"${count}" is no number of pilots`, { remedy: 'Give a whole number, for example 4.' });
    return change(context, options, { client: { parallelism: Number(count) } }, `running ${count} simulations at once from now on`); // prettier-ignore
  },
  suspend: (context, _args, options) =>
    change(context, options, { suspend: true }, 'suspended: pods go away after a last checkpoint; go on with resume'),
  resume: (context, _args, options) => change(context, options, { suspend: false }, 'going on'),
  cancel: (context, _args, options) =>
    change(context, options, { cancel: true }, 'cancelled; results of what was counted are being written'),
};

async function look({ world }: Context, options: OnCluster, use: (client: Client) => CommandResult): Promise<ExitName> {
  const study = await findClusterStudy(world, options);
  return withClient(world, options, study.metadata.name, use);
}

async function change(context: Context, options: OnCluster, spec: object, done: string): Promise<ExitName> {
  const { name } = (await findClusterStudy(context.world, options)).metadata;
  await patchStudy(context.world, options, name, spec);
  reply(context, { study: name, spec }, () => `${name} ${done}`);
  return 'ok';
}

/** What the head says when it can be reached, and else what the operator wrote last. */
async function status(context: Context, options: OnCluster): Promise<ExitName> {
  const { world } = context;
  const study = await findClusterStudy(world, options);
  const { name } = study.metadata;
  const where = `namespace ${study.metadata.namespace ?? 'default'}`;
  if (conditionOf(study, 'ServerReady')?.status === 'True') {
    const now = await withClient(world, options, name, (client) => client.status());
    reply(context, { study: name, conditions: study.status?.conditions, ...now }, () =>
      [statusText(now, where, context), ...conditionLines(study)].join('\n'),
    );
    return 'ok';
  }
  reply(context, { study: name, status: study.status ?? {} }, () =>
    [
      `study           ${name} in ${where}`,
      `simulations     ${study.status?.simulations?.summary ?? 'not started'}`,
      ...conditionLines(study),
    ].join('\n'),
  );
  return 'ok';
}

/** Those that say something is wrong, or what the study waits for. */
function conditionLines(study: Study): string[] {
  const good = new Set(['Suspended', 'Degraded', 'Failed']);
  return (study.status?.conditions ?? [])
    .filter(({ type, status }) => (good.has(type) ? status === 'True' : status === 'False'))
    .map(({ type, status, reason, message }) => `${'condition'.padEnd(16)}${type}=${status} ${reason}: ${message}`);
}

async function logs(context: Context, what: string[], options: OnCluster & LogsOptions): Promise<ExitName> {
  const { world } = context;
  const [scope = 'head', index = ''] = what
    .join(' ')
    .replace(/^(rank|pilot)-(?=\d)/, '$1 ')
    .split(' ');
  if (/^[0-9]+$/.test(scope))
    return look(context, options, (client) => printSimulationOutput(context, client, scope, options));
  const { name } = (await findClusterStudy(world, options)).metadata;
  const pods: Record<string, string> = {
    head: `${name}-server-0`,
    rank: `${name}-server-${Number(index) + 1}`,
    // Of a pilot the pod is named, as `melissa simulations` shows it.
    pilot: index,
  };
  const pod = pods[scope];
  if (pod === undefined || (scope !== 'head' && index === ''))
    throw failure('ECOMMAND', `"${what.join(' ')}" has no log`, {
      remedy: 'Give the number of a simulation, head, rank N, or pilot POD.',
    });
  const text = lastLines(
    await ask(world, options, ['logs', pod, '-c', scope === 'pilot' ? 'solver' : 'server']),
    options.tail,
  );
  reply(context, { pod, text }, () => text);
  return 'ok';
}

async function results(context: Context, options: OnCluster & { directory?: string }): Promise<ExitName> {
  const { world } = context;
  const { name } = (await findClusterStudy(world, options)).metadata;
  const folder = join(resolve(world.cwd, options.directory ?? join(STUDIES, name)), 'results');
  await fetchResults(world, options, name, folder);
  return printResults(context, folder);
}
