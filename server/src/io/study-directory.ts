// SPDX-License-Identifier: Apache-2.0
/** What head and ranks read from the study's directory before they start; the command line wrote it. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { ProjectError } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import { errors } from '../errors.ts';
import { realFiles } from './files.ts';

export async function readStudyDirectory(
  directory: string,
  tokenFile: string,
): Promise<{ study: CompiledStudy; token: string }> {
  const fail = (detail: string) =>
    new ProjectError({
      code: 'ESTUDY_DIRECTORY',
      message: `${errors.ESTUDY_DIRECTORY.message}: ${detail}`,
      remedy: errors.ESTUDY_DIRECTORY.remedy,
    });
  const compiled = await realFiles.readIfThere(`${directory}/compiled.json`);
  if (compiled === null) throw fail(`${directory}/compiled.json is missing`);
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
