// SPDX-License-Identifier: Apache-2.0
/** Commands that look at a manifest and start nothing: validate and explain. */
import { explain, planMemory } from '@melissa/crds';
import { formatBytes } from '@melissa/kit';
import { grouped } from '../progress/render.ts';
import { compileFile } from './compile.ts';
import { reply, type CommandResult, type Context } from './context.ts';
import { planText } from './plan-text.ts';
import { DEFAULT_MANIFEST } from './run.ts';

export type ManifestOptions = { set: string[] };

export async function validate(context: Context, file: string | undefined, options: ManifestOptions): CommandResult {
  const path = file ?? DEFAULT_MANIFEST;
  const { study } = compileFile(context.world, path, options);
  const plan = planMemory(study);
  const { sampling, fields } = study;
  const streamed =
    fields.reduce(
      (sum, field) => sum + field.keptCells * field.keptSteps.length * (field.dtype === 'Float32' ? 4 : 8),
      0,
    ) * sampling.simulations;
  reply(context, { valid: true, fits: plan.fits, study, plan, streamedBytes: streamed }, () => {
    const groups = sampling.groupSize > 1 ? ` (${grouped(sampling.groups)} groups of ${sampling.groupSize})` : '';
    const what = `${path} is valid: ${study.name}, ${grouped(sampling.simulations)} simulations${groups}, ${formatBytes(streamed)} streamed`;
    return `${what}\n\n${planText(plan)}`;
  });
  return plan.fits ? 'ok' : 'usage';
}

export async function explainPath(context: Context, path: string | undefined): CommandResult {
  const text = path === undefined ? explain() : explain(path);
  reply(context, { path: path ?? 'spec', text }, () => text);
  return 'ok';
}
