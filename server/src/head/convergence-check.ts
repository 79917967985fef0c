// SPDX-License-Identifier: Apache-2.0
/**
 * One look at the intervals, in two rounds: first the largest variance of each (field, step) over all ranks, then each
 * rank's widest and median width over the cells whose variance is at least `minVarianceShare` of it.
 */
import { assert, type Clock } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import { lookPauseFactor, lookPeriodMs } from '../limits.ts';
import type { RankLink } from './rank-link.ts';

export type Look = { groups: number; widest: number; medianWidth: number; cells: number };

export async function lookAtConvergence(
  ranks: RankLink[],
  options: { minVarianceShare: number; level: number },
): Promise<Look> {
  const ask = async (maxVariance: number[]) =>
    Promise.all(
      ranks.map(async (rank) => {
        const answer = await rank.request('ReadConvergence', { ...options, maxVariance });
        assert(answer.name === 'Convergence', 'a rank answers ReadConvergence with Convergence');
        return answer.body;
      }),
    );
  const largest = await ask([]);
  const width = Math.max(0, ...largest.map((answer) => answer.maxVariance.length));
  const maxVariance = Array.from({ length: width }, (_, i) =>
    Math.max(...largest.map((answer) => answer.maxVariance[i] ?? 0)),
  );
  return mergeLooks(await ask(maxVariance));
}

/** The median over all ranks is taken as the mean of the ranks' medians, weighted by their cells: it informs, it decides nothing. */
export function mergeLooks(parts: Look[]): Look {
  const eligible = parts.filter((part) => part.cells > 0);
  const cells = eligible.reduce((sum, part) => sum + part.cells, 0);
  return {
    groups: Math.min(...parts.map((part) => part.groups)),
    widest: eligible.length === 0 ? NaN : Math.max(...eligible.map((part) => part.widest)),
    medianWidth: cells === 0 ? NaN : eligible.reduce((sum, part) => sum + part.medianWidth * part.cells, 0) / cells,
    cells,
  };
}

/** Cells that vary less than this share of the largest variance tell nothing; `stopWhen` may name another share. */
const defaultVarianceShare = 0.01;

/**
 * Looks at the intervals for people (status, summary) and for `stopWhen`. A look passes over the whole state of every rank, so
 * one that nobody needs to decide anything waits in proportion to what the last one took.
 */
export class Looker {
  last: Look | null = null;
  #ranks: RankLink[];
  #clock: Clock;
  #options: { minVarianceShare: number; level: number };
  readonly hasIntervals: boolean;
  #notBeforeMs = 0;
  #looking = false;

  constructor(study: CompiledStudy, ranks: RankLink[], clock: Clock) {
    const sobol = study.fields.flatMap((field) => (field.statistics.sobol === null ? [] : [field.statistics.sobol]));
    this.#ranks = ranks;
    this.#clock = clock;
    this.#options = {
      minVarianceShare: study.stopWhen?.minVarianceShare ?? defaultVarianceShare,
      level: sobol[0]?.level ?? 0.95,
    };
    this.hasIntervals = sobol.some((statistics) => statistics.interval !== 'None');
  }
  async look(): Promise<Look> {
    const startMs = this.#clock.monotonicMs();
    this.#looking = true;
    try {
      this.last = await lookAtConvergence(this.#ranks, this.#options);
      return this.last;
    } finally {
      const endMs = this.#clock.monotonicMs();
      this.#looking = false;
      this.#notBeforeMs = endMs + Math.max(lookPeriodMs, lookPauseFactor * (endMs - startMs));
    }
  }
  /** Whether people may get a fresh look now. */
  isDue(groups: number): boolean {
    if (!this.hasIntervals || this.#looking || this.#clock.monotonicMs() < this.#notBeforeMs) return false;
    return groups > 1 && groups !== this.last?.groups;
  }
}
