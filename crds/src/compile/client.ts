// SPDX-License-Identifier: Apache-2.0
/** `spec.client` → CompiledClient: templates name what exists, and settings that exclude each other are refused. */
import { closest, parseQuantity } from '@melissa/kit';
import type { CompiledClient } from '../compiled.ts';
import { join } from '../check.ts';
import type { Problems } from '../problems.ts';
import type { CheckedSpec } from '../types.generated.ts';
import { RESERVED_TEMPLATE_NAMES } from './parameters.ts';
import { checkFieldName } from './statistics.ts';

type Written = CheckedSpec['client'];
const PATH = 'spec.client';

/** Every text of the client that is a template, with its path. */
function templatesOf(written: Written): [string, string][] {
  const words = (key: 'command' | 'args' | 'preprocessing'): [string, string][] =>
    written[key].map((word, i) => [`${PATH}.${key}[${i}]`, word]);
  return [
    ...words('command'),
    ...words('args'),
    ...words('preprocessing'),
    ...Object.entries(written.env).map(([key, value]): [string, string] => [join(`${PATH}.env`, key), value]),
    ...written.files.map(({ content }, i): [string, string] => [`${PATH}.files[${i}].content`, content]),
  ];
}

/** Names in braces; `{{` and `}}` are braces themselves, and a brace without a name after it is left alone. */
export function templateNames(text: string): string[] {
  return Array.from(text.matchAll(/\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}/g), (match) => match[1]).filter(
    (name) => name !== undefined,
  );
}

export function usesTemplate(written: Written, name: string): boolean {
  return templatesOf(written).some(([, text]) => templateNames(text).includes(name));
}

export type ClientInput = { written: Written; parameterNames: string[]; fieldNames: string[] | null };

export function compileClient(
  { written, parameterNames, fieldNames }: ClientInput,
  problems: Problems,
): CompiledClient | null {
  if (!problems.clean(PATH)) return null;
  checkTemplates(written, parameterNames, problems);
  checkEnvironment(written, problems);
  checkFiles(written, problems);
  checkLoop(written, parameterNames, problems);
  checkWorkDirectory(written, problems);
  const launcher = compileLauncher(written, problems);
  const outputs = compileOutputs(written, fieldNames, problems);
  if (written.command[0] === '') problems.add(`${PATH}.command[0]`, '', 'must not be empty', 'Name the program.');
  if (!problems.clean(PATH)) return null;
  const {
    image,
    command,
    args,
    env,
    files,
    preprocessing,
    ranks,
    loop,
    parallelism,
    keepWorkDirectory,
    workDirectory,
    drainSeconds,
  } = written;
  const outputBytesMax = parseQuantity(written.outputLimit);
  return {
    image,
    command,
    args,
    env,
    files,
    preprocessing,
    ranks,
    launcher,
    loop,
    parallelism,
    keepWorkDirectory,
    workDirectory,
    drainSeconds,
    outputBytesMax,
    outputs,
  };
}

function checkTemplates(written: Written, parameterNames: string[], problems: Problems): void {
  const known = [...parameterNames, ...RESERVED_TEMPLATE_NAMES];
  for (const [path, text] of templatesOf(written)) {
    for (const name of new Set(templateNames(text))) {
      if (known.includes(name)) continue;
      const near = closest(name, known);
      const hint = near === null ? '' : `; did you mean {${near}}?`;
      problems.add(
        path,
        text,
        `{${name}} names no parameter${hint}`,
        `Write ${near === null ? `one of {${known.join('}, {')}}` : `{${near}}`}, or {{${name}}} for the text itself.`,
      );
    }
  }
  for (const [i, word] of written.launcherArgs.entries()) {
    for (const name of templateNames(word)) {
      if (name !== 'ranks')
        problems.add(
          `${PATH}.launcherArgs[${i}]`,
          word,
          `only {ranks} is replaced in the launcher, not {${name}}`,
          'Pass it to the solver in args.',
        );
    }
  }
}

function checkEnvironment(written: Written, problems: Problems): void {
  for (const [key, value] of Object.entries(written.env)) {
    const path = join(`${PATH}.env`, key);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key))
      problems.add(path, value, `"${key}" is not a name of an environment variable`, 'Use letters, digits and _.');
    else if (key.startsWith('MELISSA_') && key !== 'MELISSA_ON_ERROR') {
      problems.add(path, value, 'names that begin with MELISSA_ are set by the pilot', 'Choose another name.');
    }
  }
}

/** Relative, without `..`: an attempt writes nowhere but into its own directory. */
const insideWorkDirectory = (path: string): boolean => !path.startsWith('/') && !path.split('/').includes('..');

function checkFiles(written: Written, problems: Problems): void {
  const paths = written.files.map(({ path }) => path);
  for (const [i, path] of paths.entries()) {
    const where = `${PATH}.files[${i}].path`;
    if (!insideWorkDirectory(path))
      problems.add(where, path, 'leaves the work directory', 'Write a relative path without "..".');
    else if (paths.indexOf(path) !== i)
      problems.add(where, path, 'is written by another item already', 'Give every file a path of its own.');
  }
}

function checkLoop(written: Written, parameterNames: string[], problems: Problems): void {
  if (!written.loop) return;
  const remedy = 'Let the solver take them from melissa_next_simulation(), or set loop: false.';
  for (const [path, text] of templatesOf(written)) {
    const changing = templateNames(text).find(
      (name) => parameterNames.includes(name) || ['simulation', 'group', 'member'].includes(name),
    );
    if (changing !== undefined)
      problems.add(
        path,
        text,
        `{${changing}} has no value here: with loop: true one process runs many simulations`,
        remedy,
      );
  }
  if (written.preprocessing.length > 0)
    problems.add(
      `${PATH}.preprocessing`,
      written.preprocessing,
      'cannot run before each simulation of a solver that loops',
      'Set loop: false.',
    );
  if (written.outputs.length > 0)
    problems.add(
      `${PATH}.outputs`,
      null,
      'cannot be read after each simulation of a solver that loops',
      'Set loop: false, or send the fields from the solver.',
    );
}

function checkWorkDirectory(written: Written, problems: Problems): void {
  if (written.workDirectory) return;
  const remedy = 'Set workDirectory: true.';
  if (written.keepWorkDirectory !== 'Never')
    problems.add(
      `${PATH}.keepWorkDirectory`,
      written.keepWorkDirectory,
      'there is none to keep with workDirectory: false',
      remedy,
    );
  if (written.files.length > 0)
    problems.add(`${PATH}.files`, null, 'need a work directory of their own, but workDirectory is false', remedy);
  if (written.outputs.some(({ stdout }) => stdout === undefined))
    problems.add(`${PATH}.outputs`, null, 'files are read from the work directory, but workDirectory is false', remedy);
}

function compileLauncher(written: Written, problems: Problems): CompiledClient['launcher'] {
  const kind = written.launcher ?? (written.ranks > 1 ? 'Mpirun' : 'None');
  const args = written.launcherArgs;
  if (kind === 'Template') {
    if (args.length === 0)
      problems.add(
        `${PATH}.launcherArgs`,
        null,
        'is missing: launcher Template needs the words of the launcher',
        'Write for example launcherArgs: [mpiexec, -np, "{ranks}"].',
      );
    return { kind, words: args };
  }
  if (kind === 'None') {
    if (args.length > 0)
      problems.add(
        `${PATH}.launcherArgs`,
        args,
        'there is no launcher to give them to',
        'Set launcher: Mpirun, Srun or Template, or remove launcherArgs.',
      );
    return { kind };
  }
  return { kind, args };
}

function compileOutputs(written: Written, fieldNames: string[] | null, problems: Problems): CompiledClient['outputs'] {
  const fields = written.outputs.map(({ field }) => field);
  return written.outputs.map(({ field, npy, raw, stdout }, i) => {
    const path = `${PATH}.outputs[${i}]`;
    if (fieldNames !== null) checkFieldName(field, fieldNames, `${path}.field`, problems);
    if (fields.indexOf(field) !== i)
      problems.add(`${path}.field`, field, 'is read by another item already', 'Give every field one output.');
    const file = npy ?? raw;
    if (file !== undefined && !insideWorkDirectory(file))
      problems.add(
        `${path}.${npy === undefined ? 'raw' : 'npy'}`,
        file,
        'leaves the work directory',
        'Write a relative path without "..".',
      );
    if (stdout === false)
      problems.add(`${path}.stdout`, false, 'false reads nothing', 'Write stdout: true, npy or raw.');
    if (npy !== undefined) return { field, from: { kind: 'Npy', path: npy } };
    return { field, from: raw === undefined ? { kind: 'Stdout' } : { kind: 'Raw', path: raw } };
  });
}
