// SPDX-License-Identifier: Apache-2.0
/**
 * What can be known to be missing before anything is started: parts that are not built, a solver that is not there, a
 * port that is taken. Each is said here, in one sentence with its remedy, instead of by a crash in a log.
 */
import { delimiter, join, resolve } from 'node:path';
import type { CompiledStudy } from '@melissa/crds';
import { failure } from '../errors.ts';
import type { Files, World } from '../world.ts';

export async function preflight(world: World, study: CompiledStudy): Promise<void> {
  const { files, parts } = world;
  if (!files.exists(parts.server)) throw failure('EPART_MISSING', `the study server (${parts.server})`);
  if (!files.isExecutable(parts.pilot)) throw failure('EPART_MISSING', `the pilot (${parts.pilot})`);
  const search = { files, directory: study.manifestDirectory, path: world.environment['PATH'] ?? '' };
  for (const word of programsOf(study)) {
    const problem = programProblem(word, search);
    if (problem !== null) throw failure('ESOLVER_MISSING', problem);
  }
  const { listen, port } = study.local;
  if (port !== 0) {
    const problem = await world.portProblem(listen, port);
    if (problem !== null) {
      throw failure('EPORT', `${listen}:${port} (${problem})`, {
        remedy: `Another program (perhaps another study) listens on port ${port}. Take any free one with --port 0, or set spec.local.port.`,
      });
    }
  }
}

/** First words of launcher, command and preprocessing; those with a {parameter} in them are known only later. */
function programsOf({ client }: CompiledStudy): string[] {
  const launcher = {
    None: [],
    Mpirun: ['mpirun'],
    Srun: ['srun'],
    Template: client.launcher.kind === 'Template' ? client.launcher.words.slice(0, 1) : [],
  };
  return [...launcher[client.launcher.kind], ...client.command.slice(0, 1), ...client.preprocessing.slice(0, 1)].filter(
    (word) => !word.includes('{'),
  );
}

type Search = { files: Files; directory: string; path: string };

/** Why a program cannot be started, by the rules that the pilot follows; null when it can. */
export function programProblem(word: string, { files, directory, path }: Search): string | null {
  if (word.includes('/')) {
    const file = resolve(directory, word);
    if (!files.exists(file)) return `"${word}": there is no file ${file}`;
    return files.isExecutable(file) ? null : `"${word}": ${file} is not executable (chmod +x makes it so)`;
  }
  const beside = join(directory, 'bin', word);
  if (files.isExecutable(beside)) return null;
  const found = path.split(delimiter).some((folder) => folder !== '' && files.isExecutable(join(folder, word)));
  return found ? null : `"${word}" is neither ${beside} nor on PATH`;
}
