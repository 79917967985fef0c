// SPDX-License-Identifier: Apache-2.0
/** `melissa run`: compiles the manifest, prepares the study's directory, runs the study, and says what came out. */
import { join, resolve } from 'node:path';
import type { CompiledStudy } from '@melissa/crds';
import { failure } from '../errors.ts';
import type { ExitName } from '../exit-codes.ts';
import { workDirectory, type LaunchSetup } from '../local/launch.ts';
import { preflight } from '../local/preflight.ts';
import { describeExit, describeSlot, type Outcome } from '../local/study-run.ts';
import { LiveProgress } from '../progress/live.ts';
import { summaryOf, summaryText } from '../progress/summary.ts';
import { compiledFile, createStudy, newDirectory, readStudy, takeOwnership } from '../study-directory.ts';
import type { World } from '../world.ts';
import { compileFile, refuseWhatDoesNotFit } from './compile.ts';
import { reply, say, type CommandResult, type Context } from './context.ts';

export type RunOptions = {
  resume?: string;
  set: string[];
  parallelism?: number;
  directory?: string;
  port?: number;
};

export const DEFAULT_MANIFEST = 'study.yaml';

export async function run(context: Context, file: string | undefined, options: RunOptions): CommandResult {
  const { world } = context;
  const prepared =
    options.resume === undefined
      ? await prepare(context, file ?? DEFAULT_MANIFEST, options)
      : await prepareResume(context, file, options);
  const { directory, study } = prepared;
  const mark = world.randomHex(8);
  await takeOwnership(world, directory, mark);
  say(context, `study ${study.name} in ${directory}`);
  const progress = new LiveProgress({ ...screenOf(context), looks: () => world.terminal.looks() }, world.clock);
  const outcome = await world.runLocal({
    mark,
    watcher: progress,
    setup: setupOf(world, prepared),
    keepMs: study.server.keepSeconds * 1000,
  });
  progress.end();
  tidyUp(world, prepared);
  return conclude(context, directory, study, outcome);
}

export type Prepared = { directory: string; study: CompiledStudy; resume: boolean };

async function prepare(context: Context, file: string, options: RunOptions): Promise<Prepared> {
  const { world } = context;
  const { study, manifest } = compileFile(world, file, options);
  refuseWhatDoesNotFit(study);
  await preflight(world, study);
  const directory = newDirectory(world, study, options.directory);
  createStudy(world, directory, study, manifest);
  return { directory, study, resume: false };
}

async function prepareResume(context: Context, file: string | undefined, options: RunOptions): Promise<Prepared> {
  const { world } = context;
  if (file !== undefined || options.set.length > 0 || options.directory !== undefined) {
    throw failure('ECOMMAND', '--resume continues a study as it was started', {
      remedy: 'Leave out FILE, --set and --directory; only --parallelism and --port may change.',
    });
  }
  const directory = resolve(world.cwd, options.resume!);
  if (!world.files.exists(compiledFile(directory))) throw failure('ENO_RESUME', `${directory} holds no study`);
  const study = readStudy(world, directory);
  if (options.parallelism !== undefined) study.client.parallelism = options.parallelism;
  if (options.port !== undefined) study.local.port = options.port;
  await preflight(world, study);
  world.files.writeText(compiledFile(directory), `${JSON.stringify(study, null, 1)}\n`);
  return { directory, study, resume: true };
}

export function setupOf(world: World, { directory, study, resume }: Prepared): LaunchSetup {
  return {
    parts: world.parts,
    directory,
    manifestDirectory: study.manifestDirectory,
    listen: study.local.listen,
    port: study.local.port,
    control: 'tcp://127.0.0.1:*',
    resume,
    advertise: world.environment['MELISSA_ADVERTISE'] ?? null,
    encrypt: study.local.encrypt,
    environment: world.environment,
  };
}

/** Progress goes to the terminal as text; in JSON output only the summary is printed. */
export function screenOf({ world, output }: Context): { write: (text: string) => void; isTerminal: boolean } {
  if (output === 'json') return { write: () => undefined, isTerminal: false };
  return { write: (text) => world.terminal.write(text), isTerminal: world.terminal.isTerminal };
}

/** Work directories that nobody asked to keep, of attempts that ended with their pilots. */
function tidyUp(world: World, { directory, study }: Prepared): void {
  if (study.client.keepWorkDirectory !== 'Never') return;
  for (const name of world.files.list(workDirectory(directory)))
    world.files.remove(join(workDirectory(directory), name));
}

function conclude(context: Context, directory: string, study: CompiledStudy, outcome: Outcome): ExitName {
  if (outcome.kind === 'hopeless') throw hopeless(directory, outcome);
  const summary = summaryOf(context.world.files, directory, study, outcome.status);
  reply(context, summary, () => summaryText(summary));
  const exits: Record<string, ExitName> = { Succeeded: 'ok', Cancelled: 'cancelled', Interrupted: 'interrupted' };
  return exits[summary.state] ?? 'studyFailed';
}

function hopeless(directory: string, outcome: Outcome): Error {
  const code =
    outcome.slot === 'head' ? 'EHEAD_CRASHES' : outcome.slot.startsWith('rank') ? 'ERANK_CRASHES' : 'EPILOT_CRASHES';
  const words = outcome.lastWords.trimEnd().split('\n').slice(-8).join('\n    ');
  const detail = `${describeSlot(outcome.slot)} (${describeExit(outcome.exit!)})${words === '' ? '' : `; its last words:\n    ${words}\n`}`;
  return failure(code, detail, {
    remedy: `See ${directory}/logs/${outcome.slot}.log; when the cause is gone, continue with \`melissa run --resume ${directory}\`.`,
  });
}
