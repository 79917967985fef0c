// SPDX-License-Identifier: Apache-2.0
/**
 * `melissa run FILE --on kubernetes`: applies the manifest, follows the study as on one machine, brings the results here. The study is
 * the cluster's from the moment it is applied: who stops following it does not stop it.
 */
import { join, resolve } from 'node:path';
import type { CompiledStudy } from '@melissa/crds';
import type { Client, StudyStatus } from '@melissa/api';
import { ProjectError } from '@melissa/kit';
import { failure } from '../errors.ts';
import type { ExitName } from '../exit-codes.ts';
import { compileFile, refuseWhatDoesNotFit } from '../commands/compile.ts';
import { reply, say, type Context } from '../commands/context.ts';
import { DEFAULT_MANIFEST, screenOf } from '../commands/run.ts';
import { CLUSTER_POLL_PERIOD_MS } from '../limits.ts';
import { LiveProgress } from '../progress/live.ts';
import { summaryOf, summaryText } from '../progress/summary.ts';
import { STUDIES } from '../study-directory.ts';
import type { Forward, World } from '../world.ts';
import { fetchResults } from './results.ts';
import { ask, conditionOf, findClusterStudy, isTrue, openStudy, type OnCluster, type Study } from './studies.ts';

export type ClusterRunOptions = OnCluster & {
  resume?: string;
  set: string[];
  parallelism?: number;
  directory?: string;
  port?: number;
};

export async function runOnCluster(
  context: Context,
  file: string | undefined,
  options: ClusterRunOptions,
): Promise<ExitName> {
  const { world } = context;
  if (options.resume !== undefined)
    throw failure('ECOMMAND', '--resume continues a study on one machine', {
      remedy: 'On a cluster a study goes on by itself; after suspend use `melissa resume --on kubernetes`.',
    });
  const { study, manifest } = compileFile(world, file ?? DEFAULT_MANIFEST, options);
  refuseWhatDoesNotFit(study);
  if (study.client.image === null)
    throw failure('ECOMMAND', 'the manifest names no image of the solver', { remedy: 'Set spec.client.image.' });
  const { name } = study;
  const apply = ['apply', '--server-side', '--field-manager=melissa', '-f', '-'];
  say(context, (await ask(world, options, apply, JSON.stringify(manifest.tree))).trim());
  const place = { ...options, study: name };
  const progress = new LiveProgress({ ...screenOf(context), looks: () => world.terminal.looks() }, world.clock);
  const seen = await follow(world, place, progress);
  progress.end();
  const directory = resolve(world.cwd, options.directory ?? join(STUDIES, name));
  await fetchResults(world, place, name, join(directory, 'results'));
  return conclude(context, directory, study, seen);
}

/** Until the study has ended and its results are written. What cannot be reached now is asked again. */
async function follow(
  world: World,
  place: OnCluster & { study: string },
  progress: LiveProgress,
): Promise<StudyStatus> {
  let open: { client: Client; forward: Forward } | null = null;
  let told = '';
  try {
    for (;;) {
      try {
        if (open === null || !open.forward.isOpen()) open = await openStudy(world, place, place.study);
        const status = await open.client.status();
        progress.status(status, open.forward.url);
        if ((await open.client.backend()).finished) return status;
      } catch (cause) {
        if (!(cause instanceof ProjectError) || cause.code === 'EINTERNAL') throw cause;
        await open?.forward.close();
        open = null;
        const study = await findClusterStudy(world, place);
        refuseEnded(study);
        const sentence = whatItWaitsFor(study);
        if (sentence !== told) progress.notice(sentence);
        told = sentence;
      }
      await new Promise<void>((wake) => void world.clock.after(CLUSTER_POLL_PERIOD_MS, wake));
    }
  } finally {
    await open?.forward.close();
  }
}

function refuseEnded(study: Study): void {
  const accepted = conditionOf(study, 'Accepted');
  if (accepted?.status === 'False') throw failure('ESTUDY_FAILED', `${accepted.reason}: ${accepted.message}`);
  const failed = conditionOf(study, 'Failed');
  if (failed?.status === 'True' && !isTrue(study, 'ServerReady')) throw failure('ESTUDY_FAILED', failed.message);
}

function whatItWaitsFor(study: Study): string {
  const { name } = study.metadata;
  for (const type of ['BackendReachable', 'ServerReady', 'ClientsReady']) {
    const condition = conditionOf(study, type);
    if (condition?.status === 'False') return `${name} waits: ${condition.reason}: ${condition.message}`;
  }
  return `${name} starts`;
}

function conclude(context: Context, directory: string, study: CompiledStudy, seen: StudyStatus): ExitName {
  const summary = summaryOf(context.world.files, directory, study, { ...seen, results: join(directory, 'results') });
  reply(context, summary, () => summaryText(summary));
  const exits: Record<string, ExitName> = { Succeeded: 'ok', Cancelled: 'cancelled' };
  return exits[summary.state] ?? 'studyFailed';
}
