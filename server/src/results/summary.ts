// SPDX-License-Identifier: Apache-2.0
/** summary.json: what a reader needs to trust the maps, and to make them again. */
import type { CompiledStudy } from '@melissa/crds';
import type { StudyStatus } from '@melissa/api';
import type { ResultsFacts } from './source.ts';

export type SummaryInput = {
  study: CompiledStudy;
  status: StudyStatus;
  digests: { consumer: string; digest: string; units: number }[];
  facts: ResultsFacts;
  written: { maps: number; missing: string[]; latticeBinWidths: Record<string, number> };
};

export function summaryOf({ study, status, digests, facts, written }: SummaryInput): Record<string, unknown> {
  const { convergence } = status;
  return {
    study: study.name,
    state: facts.outcome ?? status.state,
    reason: status.reason,
    isFinal: facts.isFinal,
    time: facts.time,
    startTime: status.startTime,
    elapsedSeconds: status.elapsedSeconds,
    host: facts.host,
    versions: facts.versions,
    seed: study.sampling.seed,
    sampling: {
      method: study.sampling.method,
      design: study.sampling.design,
      label: facts.designLabel,
      simulations: study.sampling.simulations,
      groups: study.sampling.groups,
      groupSize: study.sampling.groupSize,
    },
    simulations: status.simulations,
    partial: study.partial,
    simulationsPartlyIn: facts.partlyIn,
    failedSimulations: status.failedSimulations,
    bytesReceived: status.bytesReceived,
    duplicates: status.duplicates,
    sobol: {
      groups: convergence.groups,
      medianIntervalWidth: convergence.medianInterval,
      widestInterval: convergence.widestInterval,
      goal: convergence.goal,
    },
    notes: notesOf(study, facts),
    latticeErrorBound: written.latticeBinWidths,
    digests,
    maps: written.maps,
    missingMaps: written.missing,
    degraded: status.degraded,
    fingerprint: study.fingerprint,
    manifest: facts.manifest,
  };
}

function notesOf(study: CompiledStudy, facts: ResultsFacts): string[] {
  const notes: string[] = [];
  if (facts.stoppedEarly) notes.push('stopped early; intervals not corrected for looking');
  if (facts.designLabel !== '') notes.push(facts.designLabel);
  if (facts.partlyIn.length > 0)
    notes.push('some failed simulations are in the statistics of their first steps; each map has its own count');
  if (
    study.fields.some((field) => field.statistics.quantiles.length > 0 && field.statistics.quantileMethod === 'Lattice')
  ) {
    notes.push(
      'quantiles are exact to the bin width of their cell (histogram_width); latticeErrorBound is the largest of each field',
    );
  }
  if (
    study.fields.some(
      (field) => field.statistics.quantileMethod === 'RobbinsMonro' && field.statistics.quantiles.length > 0,
    )
  ) {
    notes.push('Robbins-Monro quantiles depend on the order in which samples arrived');
  }
  if (!facts.isFinal) notes.push('results of an interval: the study went on after they were written');
  return notes;
}
