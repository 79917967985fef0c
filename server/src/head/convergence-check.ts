// SPDX-License-Identifier: Apache-2.0
/**
 * One look at the intervals, in two rounds: first the largest variance of each (field, step) over all ranks, then each
 * rank's widest and median width over the cells whose variance is at least `minVarianceShare` of it.
 */
import { assert } from '@melissa/kit';
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
