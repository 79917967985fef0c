// SPDX-License-Identifier: Apache-2.0
/**
 * Studies on a cluster as the commands see them: the MelissaStudy by kubectl, the study server's REST through a forwarded port. What
 * changes a study is patched into its MelissaStudy, which alone decides there. Called by cluster/commands.ts and run.ts.
 */
import type { Client } from '@melissa/api';
import type { MelissaStudy } from '@melissa/crds';
import { failure } from '../errors.ts';
import type { Forward, World } from '../world.ts';

export type OnCluster = { study?: string; namespace?: string; context?: string };
export type Study = MelissaStudy & { metadata: { name: string; namespace?: string } };

export const resource = 'melissastudies.melissa.dev';

/** --namespace and --context as kubectl has them. */
export const placeOf = ({ namespace, context }: OnCluster): string[] => [
  ...(namespace === undefined ? [] : ['--namespace', namespace]),
  ...(context === undefined ? [] : ['--context', context]),
];

export async function ask(world: World, place: OnCluster, args: string[], input?: string): Promise<string> {
  const words = [...placeOf(place), ...args];
  const { code, stdout, stderr } = await world.kubectl(words, input === undefined ? {} : { input });
  if (code === 0) return stdout;
  throw failure('EKUBECTL', stderr.trim(), { facts: { code } });
}

/** The study a command is about: --study, or the only one of the namespace. */
export async function findClusterStudy(world: World, place: OnCluster): Promise<Study> {
  if (place.study !== undefined) return JSON.parse(await ask(world, place, ['get', resource, place.study, '-o', 'json'])) as Study; // prettier-ignore
  const { items } = JSON.parse(await ask(world, place, ['get', resource, '-o', 'json'])) as { items: Study[] };
  if (items.length === 1) return items[0]!;
  const names = items.map((item) => item.metadata.name).join(', ');
  throw failure('ENOSTUDY', items.length === 0 ? 'there is none in this namespace' : `there are ${names}`, {
    remedy: 'Name one with --study, and its namespace with --namespace.',
  });
}

export const patchStudy = (world: World, place: OnCluster, name: string, spec: object): Promise<string> =>
  ask(world, place, ['patch', resource, name, '--type=merge', '-p', JSON.stringify({ spec })]);

/** Opens a way to the study's REST. The token is read once and never on a command line. */
export async function openStudy(
  world: World,
  place: OnCluster,
  name: string,
): Promise<{ client: Client; forward: Forward }> {
  const secret = ['get', 'secret', `${name}-server`, '-o', 'jsonpath={.data.token}'];
  const token = Buffer.from(await ask(world, place, secret), 'base64')
    .toString()
    .trim();
  const forward = await world.forward([...placeOf(place), `service/${name}`, ':8888', '--address', '127.0.0.1']);
  return { client: world.connect(forward.url, token), forward };
}

export async function withClient<T>(
  world: World,
  place: OnCluster,
  name: string,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const { client, forward } = await openStudy(world, place, name);
  try {
    return await use(client);
  } finally {
    await forward.close();
  }
}

export type Condition = NonNullable<NonNullable<MelissaStudy['status']>['conditions']>[number];
export const conditionOf = (study: Study, type: string): Condition | undefined =>
  study.status?.conditions?.find((condition) => condition.type === type);
export const isTrue = (study: Study, type: string): boolean => conditionOf(study, type)?.status === 'True';
