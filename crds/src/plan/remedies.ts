// SPDX-License-Identifier: Apache-2.0
/** What would make a study smaller, and by how much: each remedy is applied to a copy of the study and planned again. */
import type { CompiledField, CompiledStudy, Statistics } from '../compiled.ts';

export type Remedy = {
  /** Field of the manifest to change. */
  path: string;
  /** What to write, in a sentence. */
  text: string;
  /** Bytes a process needs less. */
  savesBytes: number;
  /** This remedy alone is enough. */
  fits: boolean;
};

type Candidate = { path: string; text: string; study: CompiledStudy };

const RANKS_MAX = 1024;

/** How a study is judged; handed in by memory.ts. */
type Judge = { needOf: (study: CompiledStudy) => number; fits: (study: CompiledStudy) => boolean };

const MEMORY_MAX_BYTES = 2 ** 50;

export function remediesFor(study: CompiledStudy, { needOf, fits }: Judge): Remedy[] {
  const need = needOf(study);
  const remedies = [...statisticCandidates(study), ...dimensionCandidates(study, fits)]
    .map(({ path, text, study: smaller }) => ({ path, text, savesBytes: need - needOf(smaller), fits: fits(smaller) }))
    .filter(({ savesBytes }) => savesBytes > 0)
    .sort((a, b) => Number(b.fits) - Number(a.fits) || b.savesBytes - a.savesBytes);
  const halves = smallest(MEMORY_MAX_BYTES / HALF_GIBIBYTE, (k) => fits(withMemory(study, k * HALF_GIBIBYTE)));
  if (halves !== null) {
    const amount = halves % 2 === 0 ? `${halves / 2}Gi` : `${halves * 512}Mi`;
    remedies.push({
      path: 'spec.server.memory',
      text: `Give each process ${amount} of memory.`,
      savesBytes: 0,
      fits: true,
    });
  }
  return remedies;
}

const HALF_GIBIBYTE = 2 ** 29;

/** Held blocks keep their share of memory, as they do by default. */
function withMemory(study: CompiledStudy, memoryBytes: number): CompiledStudy {
  const share = study.server.heldBytesMax / study.server.memoryBytes;
  return { ...study, server: { ...study.server, memoryBytes, heldBytesMax: Math.floor(memoryBytes * share) } };
}

const withStatistics = (
  study: CompiledStudy,
  change: (statistics: Statistics) => Partial<Statistics>,
): CompiledStudy => ({
  ...study,
  fields: study.fields.map((field) => ({ ...field, statistics: { ...field.statistics, ...change(field.statistics) } })),
});

function statisticCandidates(study: CompiledStudy): Candidate[] {
  const interval = (to: 'Fisher' | 'None') =>
    withStatistics(study, ({ sobol }) => ({
      sobol: sobol === null || sobol.interval === 'None' ? sobol : { ...sobol, interval: to },
    }));
  const candidates: Candidate[] = [];
  const intervals = new Set(study.fields.map(({ statistics }) => statistics.sobol?.interval));
  const sobolPath = 'spec.statistics.sobol';
  if (intervals.has('Robust'))
    candidates.push({
      path: `${sobolPath}.interval`,
      text: 'Use interval: Fisher (too narrow when a field is far from normal).',
      study: interval('Fisher'),
    });
  if (intervals.has('Jackknife'))
    candidates.push({ path: `${sobolPath}.interval`, text: 'Use interval: None.', study: interval('None') });
  if (study.sampling.method === 'PickFreeze')
    candidates.push({
      path: `${sobolPath}.estimator`,
      text: "Switch Sobol' indices off (estimator: None).",
      study: withStatistics(study, () => ({ sobol: null })),
    });
  candidates.push(
    {
      path: 'spec.statistics.quantiles',
      text: 'Switch quantiles and histogram off.',
      study: withStatistics(study, () => ({ quantiles: [], histogram: false })),
    },
    {
      path: 'spec.statistics.quantileMethod',
      text: 'Use quantileMethod: RobbinsMonro (depends on the order of samples).',
      study: withStatistics(study, () => ({ quantileMethod: 'RobbinsMonro', histogram: false })),
    },
    {
      path: 'spec.statistics.moments',
      text: 'Use moments: 2.',
      study: withStatistics(study, ({ moments }) => ({ moments: Math.min(moments, 2) as Statistics['moments'] })),
    },
    {
      path: 'spec.statistics.extrema',
      text: 'Switch extrema off.',
      study: withStatistics(study, () => ({ extrema: false })),
    },
    { path: 'spec.statistics.covariance', text: 'Switch covariance off.', study: { ...study, covariances: [] } },
  );
  return candidates;
}

function dimensionCandidates(study: CompiledStudy, fits: (study: CompiledStudy) => boolean): Candidate[] {
  const candidates: Candidate[] = [];
  const steps = Math.max(1, ...study.fields.map(({ keptSteps }) => keptSteps.length));
  const every = smallest(steps, (k) => fits(keepEvery(study, k)));
  if (steps > 1)
    candidates.push({
      path: 'spec.fields[].every',
      text: `Keep every ${ordinal(every ?? steps)} step of those kept now.`,
      study: keepEvery(study, every ?? steps),
    });
  const cells = Math.max(1, ...study.fields.map(({ keptCells }) => keptCells));
  const part = smallest(cells, (k) => fits(keepPart(study, k)));
  if (part !== null && part > 1)
    candidates.push({
      path: 'spec.fields[].region',
      text: `Keep a region of at most 1/${part} of the cells kept now.`,
      study: keepPart(study, part),
    });
  const { ranks } = study.server;
  const factor = smallest(Math.floor(RANKS_MAX / ranks), (k) => fits(withRanks(study, ranks * k)));
  if (factor !== null) {
    // The factor is known; between it and the one before it there may be a smaller number of ranks.
    const more =
      ranks * (factor - 1) + (smallest(ranks, (k) => fits(withRanks(study, ranks * (factor - 1) + k))) ?? ranks);
    candidates.push({ path: 'spec.server.ranks', text: `Use ${more} ranks.`, study: withRanks(study, more) });
  }
  return candidates;
}

/** Smallest k from 1 to max that is good, when larger ones are good as well; null when none is. */
function smallest(max: number, good: (k: number) => boolean): number | null {
  if (max < 1 || !good(max)) return null;
  let low = 1;
  let high = max;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (good(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const withFields = (study: CompiledStudy, change: (field: CompiledField) => Partial<CompiledField>): CompiledStudy => ({
  ...study,
  fields: study.fields.map((field) => ({ ...field, ...change(field) })),
});

const keepEvery = (study: CompiledStudy, k: number): CompiledStudy =>
  withFields(study, ({ keptSteps }) => ({ keptSteps: keptSteps.filter((_, i) => i % k === 0) }));
const keepPart = (study: CompiledStudy, k: number): CompiledStudy =>
  withFields(study, ({ keptCells }) => ({ keptCells: Math.max(1, Math.floor(keptCells / k)) }));
const withRanks = (study: CompiledStudy, ranks: number): CompiledStudy => ({
  ...study,
  server: { ...study.server, ranks },
});

function ordinal(n: number): string {
  const suffix = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${suffix}`;
}
