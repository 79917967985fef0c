// SPDX-License-Identifier: Apache-2.0
/** From a file to a CompiledStudy, or to every mistake in it at once. Used by run, validate and try. */
import { resolve } from 'node:path';
import { ProjectError } from '@melissa/kit';
import { compileStudy, planMemory, type CompiledStudy, type ManifestProblem, type MemoryPlan } from '@melissa/crds';
import { errors, failure } from '../errors.ts';
import { applyOverrides, inlineCsv, readManifest, type Manifest, type Overrides } from '../manifest.ts';
import type { World } from '../world.ts';
import { planText } from './plan-text.ts';

/** A manifest with mistakes; each is printed with its path, value and remedy. */
export class ManifestError extends ProjectError {
  readonly problems: ManifestProblem[];

  constructor(path: string, problems: ManifestProblem[]) {
    const count = `${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'}`;
    super({
      code: 'EMANIFEST_INVALID',
      message: `${path} has ${count}:\n${problems.map(problemText).join('\n')}`,
      remedy: errors.EMANIFEST_INVALID.remedy,
      facts: { problems: problems.length },
    });
    this.problems = problems;
  }
}

export function compileFile(
  world: World,
  file: string,
  overrides: Overrides,
): { study: CompiledStudy; manifest: Manifest } {
  const read = readManifest(world.files, resolve(world.cwd, file));
  const manifest = inlineCsv(applyOverrides(read, overrides), world.files);
  return { study: compileManifest(world, manifest), manifest };
}

export function compileManifest(world: World, manifest: Manifest): CompiledStudy {
  const result = compileStudy(manifest.tree, {
    manifestDirectory: manifest.directory,
    readText: (path) => world.files.readText(resolve(manifest.directory, path)),
  });
  if ('errors' in result) throw new ManifestError(manifest.path, result.errors);
  return result.study;
}

/** Refuses a study whose server would run out of memory, with the plan and what each saving would bring. */
export function refuseWhatDoesNotFit(study: CompiledStudy): MemoryPlan {
  const plan = planMemory(study);
  if (!plan.fits) throw failure('EMEMORY', `\n${planText(plan)}\n`);
  return plan;
}

function problemText({ path, value, message, remedy }: ManifestProblem): string {
  const shown = value === null ? '' : ` (${JSON.stringify(value)})`;
  return `  ${path === '' ? 'the manifest' : path}${shown} ${message}\n      ${remedy}`;
}
