// SPDX-License-Identifier: Apache-2.0
/**
 * The commands of `melissa`, their arguments and their options, as one commander program. Called by main.ts with the
 * real actions, by completion and by the reference page's generator for their names and texts alone.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { exitCodes } from './exit-codes.ts';

export type Options = Record<string, unknown>;
/** Runs one command: its name, its arguments in order, its options. */
export type Action = (name: string, args: string[], options: Options) => Promise<void>;

const DESCRIPTION = `Runs ensembles of simulations and analyses their fields while they arrive.

A study is one manifest (YAML) and one solver. \`melissa init\` writes an example of both, \`melissa run\` runs it on this
machine, and the same manifest runs on a cluster with \`kubectl apply\`.`;

export const STATES = ['Pending', 'Leased', 'Running', 'Received', 'Done', 'Failed', 'Cancelled'] as const;
export const LANGUAGES = ['c', 'fortran', 'python'] as const;
export const PLACES = ['local', 'kubernetes'] as const;
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function buildProgram(version: string, action: Action): Command {
  const program = new Command('melissa')
    .description(DESCRIPTION)
    .version(version, '-V, --version', 'Print the version.');
  program.helpOption('-h, --help', 'Print help.').helpCommand('help [COMMAND]', 'Print help of a command.');
  program.showHelpAfterError('(add --help for the options)').showSuggestionAfterError(true);
  const add = (usage: string, description: string): Command => command(program, usage, description, action);
  studyCommands(add);
  watchCommands(add);
  controlCommands(add);
  add('completion <SHELL>', 'Print the completion script of a shell: bash, zsh or fish.').addHelpText(
    'after',
    '\nExample: melissa completion bash > ~/.local/share/bash-completion/completions/melissa',
  );
  program.addHelpText('after', `\nExit codes:\n${exitTable()}`);
  return program;
}

type Add = (usage: string, description: string) => Command;

function studyCommands(add: Add): void {
  const run = add('run [FILE]', 'Run a study and show its progress; FILE is study.yaml when left out.')
    .option('--resume <DIR>', 'Continue the study in this directory from its last checkpoint.')
    .option(
      '--set <path=value>',
      'Set a field of the manifest, e.g. spec.sampling.groups=20. May be repeated.',
      collect,
      [],
    )
    .option('--parallelism <n>', 'Simulations at once; the same as --set spec.client.parallelism=n.', wholeNumber)
    .option('--directory <DIR>', 'Directory of the study.')
    .option('--port <n>', 'Port of the REST API; 0 takes any free one.', port);
  onPlace(run);
  add(
    'validate [FILE]',
    'Check a manifest without starting anything: every error at once, then the memory it needs.',
  ).option('--set <path=value>', 'Set a field of the manifest. May be repeated.', collect, []);
  add('explain [PATH]', 'Say what a field of the manifest means, e.g. spec.sampling.method.');
  add('try [FILE]', 'Run one simulation: what it sends, how long it takes, and an estimate of the whole study.')
    .option('--set <path=value>', 'Set a field of the manifest. May be repeated.', collect, [])
    .option('--keep', 'Keep the directory of the trial.');
  add('init [FOLDER]', 'Write a manifest and an instrumented example solver that runs at once.')
    .addOption(new Option('--language <LANGUAGE>', 'Language of the example.').choices([...LANGUAGES]))
    .option('--name <NAME>', 'Name of the study.')
    .option('--force', 'Overwrite files that exist.');
}

function watchCommands(add: Add): void {
  onStudy(add('status', 'Show the state of a study: counts, rate, convergence, what is wrong.'));
  onStudy(add('simulations', 'List simulations with their state and parameters.'))
    .addOption(new Option('--state <STATES>', `Only these states, comma-separated: ${STATES.join(', ')}.`))
    .option('--group <n>', 'Only this group.', wholeNumber)
    .option('--limit <n>', 'At most so many.', wholeNumber, 100);
  onStudy(add('simulation <ID>', 'Show one simulation with all its attempts.'));
  onStudy(
    add('logs [WHAT...]', 'Print the output of a simulation (its ID), or the log of the head, `rank N` or `pilot N`.'),
  ).option('--tail <n>', 'Only the last lines.', wholeNumber);
  onStudy(add('results', 'Show where the results are and how to open them.'));
}

function controlCommands(add: Add): void {
  onStudy(add('scale <N>', 'Run N simulations at once from now on.'));
  onStudy(add('suspend', 'Start nothing new; what runs ends or is given back.'));
  onStudy(add('resume', 'Go on after suspend.'));
  onStudy(add('cancel', 'End a study for good; results of what was counted are written.')).option(
    '--reason <TEXT>',
    'Why, for the record.',
  );
}

/** A command that acts through `action`; its own name and arguments are all that it knows. */
function command(program: Command, usage: string, description: string, action: Action): Command {
  const child = program.command(usage).description(description).helpOption('-h, --help', 'Print help.');
  const name = child.name();
  if (name !== 'completion') {
    child.addOption(new Option('-o, --output <FORMAT>', 'What is printed.').choices(['text', 'json']).default('text'));
  }
  return child.action(async (...given: unknown[]) => {
    const args = given
      .slice(0, -2)
      .flat()
      .filter((word) => word !== undefined);
    await action(name, args as string[], given.at(-2) as Options);
  });
}

const onStudy = (child: Command): Command =>
  onPlace(child)
    .option('--study <NAME>', 'On a cluster: the MelissaStudy; else the only one of the namespace.')
    .option(
      '--directory <DIR>',
      'Directory of the study; else the present folder, or the study started last under ./studies.',
    );

/** Where the study is. As the plugin `kubectl melissa` it is the cluster unless said otherwise. */
const onPlace = (child: Command): Command =>
  child
    .addOption(
      new Option('--on <PLACE>', 'Where: this machine (local) or a cluster (kubernetes).').choices([...PLACES]),
    )
    .option('-n, --namespace <NAMESPACE>', 'On a cluster: the namespace, as for kubectl.')
    .option('--context <CONTEXT>', 'On a cluster: the context of the kubeconfig, as for kubectl.');

function exitTable(): string {
  return Object.values(exitCodes)
    .map(({ code, meaning }) => `  ${String(code).padStart(2)}  ${meaning}`)
    .join('\n');
}

const collect = (value: string, before: string[]): string[] => [...before, value];

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

function port(text: string): number {
  const value = wholeNumber(text);
  if (value > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535.');
  return value;
}
