// SPDX-License-Identifier: Apache-2.0
/** Runs one command line in a given world and returns its exit code; nothing here touches the process. */
import { CommanderError, type Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { exitNameOf, failure } from './errors.ts';
import { exitCodes, type ExitName } from './exit-codes.ts';
import { buildProgram, type Action, type Options } from './program.ts';
import { completion } from './commands/completion.ts';
import { replyError, type Context } from './commands/context.ts';
import { cancel, resume, scale, suspend } from './commands/control.ts';
import { clusterHandlers } from './cluster/commands.ts';
import { init, type InitOptions } from './commands/init.ts';
import { explainPath, validate, type ManifestOptions } from './commands/inspect.ts';
import { run, type RunOptions } from './commands/run.ts';
import {
  logs,
  results,
  simulation,
  simulations,
  status,
  type LogsOptions,
  type OnStudy,
  type SimulationsOptions,
} from './commands/study.ts';
import { tryOne, type TryOptions } from './commands/try.ts';
import type { World } from './world.ts';

type Handler = (context: Context, args: string[], options: Options) => Promise<ExitName>;

const handlers: Record<string, Handler> = {
  run: (context, [file], options) => run(context, file, options as RunOptions),
  validate: (context, [file], options) => validate(context, file, options as ManifestOptions),
  explain: (context, [path]) => explainPath(context, path),
  try: (context, [file], options) => tryOne(context, file, options as TryOptions),
  init: (context, [folder], options) => init(context, folder, options as InitOptions),
  status: (context, _args, options) => status(context, options as OnStudy),
  simulations: (context, _args, options) => simulations(context, options as SimulationsOptions),
  simulation: (context, [id], options) => simulation(context, id!, options as OnStudy),
  logs: (context, what, options) => logs(context, what, options as LogsOptions),
  results: (context, _args, options) => results(context, options as OnStudy),
  scale: (context, [count], options) => scale(context, count!, options as OnStudy),
  suspend: (context, _args, options) => suspend(context, options as OnStudy),
  resume: (context, _args, options) => resume(context, options as OnStudy),
  cancel: (context, _args, options) => cancel(context, options as OnStudy),
};

/** Started as `kubectl melissa`, or told so, the commands about studies mean those of a cluster. */
function handlerOf(name: string, options: Options, world: World): Handler {
  const on = options['on'] ?? (world.environment['MELISSA_ON'] || 'local');
  const onCluster = clusterHandlers[name];
  if (on === 'kubernetes' && onCluster !== undefined) return onCluster;
  for (const option of ['study', 'namespace', 'context']) {
    if (options[option] === undefined) continue;
    throw failure('ECOMMAND', `--${option} is for studies on a cluster`, { remedy: 'Add --on kubernetes.' });
  }
  return handlers[name]!;
}

export async function runCommandLine(words: string[], world: World): Promise<number> {
  const context: Context = { world, output: wantsJson(words) ? 'json' : 'text' };
  let exit: ExitName = 'ok';
  const action: Action = async (name, args, options) => {
    if (name === 'completion') world.terminal.write(completion(program, args[0]!));
    else exit = await handlerOf(name, options, world)(context, args, options);
  };
  const program = buildProgram(packageJson.version, action);
  speakThrough(program, context);
  try {
    if (words.length === 0)
      throw failure('ECOMMAND', 'no command is given', {
        remedy: `Commands: ${program.commands.map((command) => command.name()).join(', ')}. See \`melissa help\`.`,
      });
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    return report(error, context);
  }
  return exitCodes[exit].code;
}

function report(error: unknown, context: Context): number {
  if (error instanceof CommanderError) {
    // Help and version are answers; for the rest commander has told the person already.
    if (error.exitCode === 0) return exitCodes.ok.code;
    if (context.output === 'json') replyError(context, failure('ECOMMAND', error.message.replace(/^error: /, '')));
    return exitCodes.usage.code;
  }
  replyError(context, error);
  return exitCodes[exitNameOf(error)].code;
}

function speakThrough(program: Command, context: Context): void {
  const { terminal } = context.world;
  for (const command of [program, ...program.commands]) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => (context.output === 'json' ? undefined : terminal.writeError(text)),
    });
  }
}

/** Known before the words are understood, so that an error in them is answered in JSON too. */
function wantsJson(words: string[]): boolean {
  return words.some(
    (word, i) =>
      word === '--output=json' ||
      word === '-ojson' ||
      (word === 'json' && ['-o', '--output'].includes(words[i - 1] ?? '')),
  );
}
