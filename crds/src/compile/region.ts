// SPDX-License-Identifier: Apache-2.0
/** A box of cells as ranges of the global cell index in C order. */
import type { Problems } from '../problems.ts';

export type Box = { start: number[]; stop: number[] };

export const lengthOf = (ranges: readonly [number, number][]): number =>
  ranges.reduce((sum, [start, stop]) => sum + stop - start, 0);

export function checkBox(box: Box, shape: number[] | undefined, path: string, problems: Problems): boolean {
  if (shape === undefined) {
    problems.add(path, JSON.stringify(box), 'needs a shape', 'Give shape instead of cells, or use ranges.');
    return false;
  }
  for (const key of ['start', 'stop'] as const) {
    if (box[key].length !== shape.length) {
      problems.add(
        `${path}.${key}`,
        box[key],
        `has ${box[key].length} numbers for the ${shape.length} axes of shape`,
        'Give one number an axis.',
      );
    }
  }
  if (!problems.clean(path)) return false;
  for (const [axis, length] of shape.entries()) {
    const start = box.start[axis]!;
    const stop = box.stop[axis]!;
    if (stop > length)
      problems.add(
        `${path}.stop[${axis}]`,
        stop,
        `lies outside the field, which has ${length} cells along this axis`,
        `Write at most ${length}.`,
      );
    else if (start >= stop)
      problems.add(
        `${path}.start[${axis}]`,
        start,
        `must be below stop ${stop}`,
        'Let the box hold at least one cell along each axis.',
      );
  }
  return problems.clean(path);
}

/** Ranges in rising order, neighbours merged; null when there are more than `rangesMax`. */
export function boxRanges(
  { start, stop }: Box,
  shape: readonly number[],
  rangesMax: number,
): [number, number][] | null {
  // Trailing axes that are kept whole make one run with the axis before them.
  let axis = shape.length - 1;
  let run = 1;
  while (axis > 0 && start[axis] === 0 && stop[axis] === shape[axis]) run *= shape[axis--]!;
  const outer = shape.slice(0, axis);
  const count = outer.reduce((product, _, i) => product * (stop[i]! - start[i]!), 1);
  if (count > rangesMax) return null;
  let offsets = [0];
  for (let i = 0; i < axis; i++) {
    const indices = Array.from({ length: stop[i]! - start[i]! }, (_, j) => start[i]! + j);
    offsets = offsets.flatMap((offset) => indices.map((index) => offset * shape[i]! + index));
  }
  return offsets.map((offset) => {
    const row = offset * shape[axis]!;
    return [(row + start[axis]!) * run, (row + stop[axis]!) * run];
  });
}
