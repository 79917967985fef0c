// SPDX-License-Identifier: Apache-2.0
/**
 * Which rank owns which kept cells, and how lists of numbers travel as ranges. Head, ranks and the planner of memory all
 * cut with `rankBegin`, so that they cannot disagree: the parts are contiguous, differ by at most one cell, and cover every kept cell once.
 */
import { rankBegin } from '@melissa/crds';
import { assert } from '@melissa/kit';

/** ranks + 1 numbers: rank r owns [p[r], p[r + 1]). */
export function partitionOf(keptCells: number, ranks: number): number[] {
  assert(ranks > 0, 'cells are cut for at least one rank');
  return Array.from({ length: ranks + 1 }, (_, rank) => rankBegin(keptCells, ranks, rank));
}

export type StepRange = { begin: number; end: number; stride: number };

/** Ascending numbers as ranges with a stride; the end is exclusive. */
export function rangesOf(steps: readonly number[]): StepRange[] {
  const ranges: StepRange[] = [];
  let at = 0;
  while (at < steps.length) {
    const begin = steps[at]!;
    const stride = at + 1 < steps.length ? steps[at + 1]! - begin : 1;
    let last = at;
    while (last + 1 < steps.length && steps[last + 1]! - steps[last]! === stride) last += 1;
    ranges.push({ begin, end: steps[last]! + 1, stride });
    at = last + 1;
  }
  return ranges;
}
