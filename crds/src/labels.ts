// SPDX-License-Identifier: Apache-2.0
/** What results and summaries must say about a study's numbers, so that nobody reads more into them than they hold. */
import type { CompiledStudy } from './compiled.ts';

/** About the confidence intervals; empty when there is nothing to say. */
export function intervalNote(study: Pick<CompiledStudy, 'sampling' | 'fields' | 'stopWhen'>): string {
  const intervals = study.fields.some(({ statistics: { sobol } }) => sobol !== null && sobol.interval !== 'None');
  if (!intervals) return '';
  const notes: string[] = [];
  if (study.sampling.design === 'LatinHypercube')
    notes.push('approximate: a Latin hypercube is not an independent sample');
  if (study.stopWhen !== null) notes.push('not corrected for looking before the end');
  return notes.length === 0 ? '' : `intervals ${notes.join('; ')}`;
}
