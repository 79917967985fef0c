// SPDX-License-Identifier: Apache-2.0
/** What head and ranks read from the study's directory before they start; the command line wrote it. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { ProjectError } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import { errors } from '../errors.ts';
import { realFiles } from './files.ts';

/** A token, key or certificate from its file. */
export async function readSecret(path: string): Promise<string> {
  const bytes = await realFiles.readIfThere(path);
  if (bytes !== null) return new TextDecoder().decode(bytes).trim();
  const { message, remedy } = errors.ESTUDY_DIRECTORY;
  throw new ProjectError({ code: 'ESTUDY_DIRECTORY', message: `${message}: ${path} is missing`, remedy });
}

/** `configDirectory` holds compiled.json; on one machine it is the directory itself, in a pod a mount. */
export async function readStudyDirectory(
  directory: string,
  tokenFile: string,
  configDirectory = directory,
): Promise<{ study: CompiledStudy; token: string }> {
  const fail = (detail: string) =>
    new ProjectError({
      code: 'ESTUDY_DIRECTORY',
      message: `${errors.ESTUDY_DIRECTORY.message}: ${detail}`,
      remedy: errors.ESTUDY_DIRECTORY.remedy,
    });
  const compiled = await realFiles.readIfThere(`${configDirectory}/compiled.json`);
  if (compiled === null) throw fail(`${configDirectory}/compiled.json is missing`);
  const token = await realFiles.readIfThere(tokenFile);
  if (token === null) throw fail(`${tokenFile} is missing`);
  try {
    await access(directory, constants.W_OK);
    return {
      study: JSON.parse(new TextDecoder().decode(compiled)) as CompiledStudy,
      token: new TextDecoder().decode(token).trim(),
    };
  } catch (cause) {
    throw fail((cause as Error).message);
  }
}
