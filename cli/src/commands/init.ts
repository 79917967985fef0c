// SPDX-License-Identifier: Apache-2.0
/**
 * `melissa init`: writes a manifest and an instrumented solver that runs at once, in C, Fortran or Python. On a terminal
 * it asks what was not given by flags; elsewhere the defaults hold.
 */
import { basename, join, resolve } from 'node:path';
import { failure } from '../errors.ts';
import { LANGUAGES } from '../program.ts';
import { reply, type CommandResult, type Context } from './context.ts';

export type InitOptions = { language?: string; name?: string; force?: boolean };
type Language = (typeof LANGUAGES)[number];

/** Per language: what is written, under which name, how the solver is called, what to type first. */
const kits: Record<Language, { files: Record<string, string>; command: string; groups: number; build: string[] }> = {
  c: { files: { 'solver.c': 'solver.c', Makefile: 'Makefile.c' }, command: 'solver', groups: 100, build: ['make'] },
  fortran: {
    files: { 'solver.f90': 'solver.f90', Makefile: 'Makefile.fortran' },
    command: 'solver',
    groups: 100,
    build: ['make'],
  },
  // Python takes longer to start than this solver to run, so the example has fewer simulations.
  python: { files: { 'solver.py': 'solver.py' }, command: './solver.py', groups: 20, build: [] },
};
const NAME_PATTERN = /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/;

export async function init(context: Context, folderGiven: string | undefined, options: InitOptions): CommandResult {
  const { world } = context;
  const language = await chooseLanguage(context, options.language);
  const name = await chooseName(context, options.name, folderGiven);
  const folder = resolve(world.cwd, folderGiven ?? name);
  const kit = kits[language];
  const sources: Record<string, string> = { 'study.yaml': 'study.yaml', ...kit.files };
  const inTheWay = Object.keys(sources).filter((file) => world.files.exists(join(folder, file)));
  if (inTheWay.length > 0 && options.force !== true)
    throw failure('EEXISTS', inTheWay.map((file) => join(folder, file)).join(', '));
  const { templates, include, library } = world.parts;
  const words: Record<string, string> = {
    NAME: name,
    GROUPS: String(kit.groups),
    COMMAND: kit.command,
    INCLUDE: include,
    LIBRARY: library,
  };
  for (const [file, template] of Object.entries(sources)) {
    const text = world.files
      .readText(join(templates, template))
      .replaceAll(/@([A-Z]+)@/g, (_, word: string) => words[word]!);
    world.files.writeText(join(folder, file), text, file.endsWith('.py') ? 0o755 : 0o644);
  }
  const written = Object.keys(sources).map((file) => join(folder, file));
  const next = [`cd ${folder}`, ...kit.build, 'melissa run study.yaml'];
  reply(context, { folder, name, language, files: written, next }, () =>
    [`wrote ${written.join('\n      ')}`, '', 'Run it:', ...next.map((line) => `  ${line}`)].join('\n'),
  );
  return 'ok';
}

async function chooseLanguage({ world, output }: Context, given: string | undefined): Promise<Language> {
  const choices = LANGUAGES.join(', ');
  let answer = given;
  if (answer === undefined && output === 'text' && world.terminal.canAsk)
    answer = await world.terminal.ask(`Language of the solver (${choices}) [c]: `);
  const wanted = (answer ?? '').trim().toLowerCase() || 'c';
  const language = LANGUAGES.find((candidate) => candidate === wanted || (wanted === 'f90' && candidate === 'fortran'));
  if (language === undefined)
    throw failure('ECOMMAND', `"${wanted}" is no language of the examples`, { remedy: `Choose one of ${choices}.` });
  return language;
}

async function chooseName(
  { world, output }: Context,
  given: string | undefined,
  folder: string | undefined,
): Promise<string> {
  const proposal =
    folder === undefined
      ? 'plate'
      : basename(folder)
          .toLowerCase()
          .replaceAll(/[^a-z0-9-]+/g, '-');
  let name = given;
  if (name === undefined && folder === undefined && output === 'text' && world.terminal.canAsk) {
    name = (await world.terminal.ask(`Name of the study [${proposal}]: `)).trim();
  }
  name = name === undefined || name === '' ? proposal : name;
  if (NAME_PATTERN.test(name)) return name;
  throw failure('ECOMMAND', `"${name}" cannot name a study`, {
    remedy:
      'Use --name with at most 40 lower-case letters, digits and -, starting with a letter, for example --name plate-2.',
  });
}
