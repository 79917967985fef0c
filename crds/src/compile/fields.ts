// SPDX-License-Identifier: Apache-2.0
/** `spec.time` and `spec.fields` → time axis and CompiledField[] (statistics are filled by statistics.ts). */
import type { CompiledField, CompiledMesh, CompiledStudy } from '../compiled.ts';
import { plural, type Problems } from '../problems.ts';
import type { CheckedSpec } from '../types.generated.ts';
import { boxRanges, checkBox, lengthOf } from './region.ts';
import { refuseDuplicates } from './parameters.ts';

type Written = CheckedSpec['fields'][number];
export type FieldWithoutStatistics = Omit<CompiledField, 'statistics'>;

/** More separate runs of cells than this would make the library's test of each value slower than sending it. */
export const REGION_RANGES_MAX = 65_536;

export function compileTime(written: CheckedSpec['time'], problems: Problems): CompiledStudy['time'] | null {
  if (!problems.clean('spec.time')) return null;
  const { values, unit } = written;
  if (values !== undefined) {
    for (const key of ['start', 'step'] as const) {
      if (written[key] !== undefined)
        problems.add(`spec.time.${key}`, written[key], 'is given by values already', `Remove ${key} or values.`);
    }
    if (written.steps !== undefined && written.steps !== values.length) {
      problems.add(
        'spec.time.steps',
        written.steps,
        `says ${written.steps} steps, but values has ${values.length}`,
        'Remove steps, or give one value a step.',
      );
    }
    const at = values.findIndex((value, i) => i > 0 && value <= values[i - 1]!);
    if (at >= 0)
      problems.add(
        `spec.time.values[${at}]`,
        values[at],
        `${values[at]} does not rise above ${values[at - 1]}`,
        'Write the times in rising order.',
      );
    return problems.clean('spec.time') ? { unit, steps: values.length, values } : null;
  }
  const steps = written.steps ?? 1;
  const { start = 0, step = 1 } = written;
  return { unit, steps, values: Array.from({ length: steps }, (_, i) => start + i * step) };
}

export function compileFields(
  written: Written[],
  time: CompiledStudy['time'] | null,
  problems: Problems,
): FieldWithoutStatistics[] | null {
  if (!Array.isArray(written)) return null;
  refuseDuplicates(
    written.map((field) => field?.name),
    (i) => `spec.fields[${i}].name`,
    'field',
    problems,
  );
  const compiled = written.map((field, i) => compileField(field, i, time, problems));
  return problems.clean('spec.fields') && time !== null ? compiled.filter((field) => field !== null) : null;
}

function compileField(
  written: Written,
  index: number,
  time: CompiledStudy['time'] | null,
  problems: Problems,
): FieldWithoutStatistics | null {
  const path = `spec.fields[${index}]`;
  if (!problems.clean(path)) return null;
  const shape = written.shape ?? [written.cells!];
  const cells = shape.reduce((a, b) => a * b, 1);
  if (!Number.isSafeInteger(cells)) {
    problems.add(`${path}.shape`, shape, 'has more than 2^53 cells', 'Check the shape.');
    return null;
  }
  const mesh = compileMesh(written, shape, path, problems);
  const keptSteps = time === null ? [] : compileSteps(written, time.steps, path, problems);
  const region = compileRegion(written, shape, cells, path, problems);
  if (region === null || !problems.clean(path)) return null;
  const { name, unit, longName, dtype } = written;
  return { index, name, unit, longName, dtype, shape, cells, ...region, keptSteps, mesh };
}

function compileMesh(written: Written, shape: number[], path: string, problems: Problems): CompiledMesh {
  const mesh = written.mesh;
  if (mesh === undefined) return { kind: 'None' };
  if (mesh.spacing === undefined) {
    if (mesh.origin !== undefined)
      problems.add(`${path}.mesh.origin`, mesh.origin, 'belongs to a regular grid', 'Remove it, or give spacing.');
    if (mesh.file !== undefined && !mesh.file.endsWith('.vtu')) {
      problems.add(
        `${path}.mesh.file`,
        mesh.file,
        'is not a .vtu file',
        'Name a .vtu mesh, or give points for a file of coordinates.',
      );
    }
    if (mesh.points !== undefined && !/\.(csv|npy)$/.test(mesh.points)) {
      problems.add(
        `${path}.mesh.points`,
        mesh.points,
        'is neither a .csv nor a .npy file',
        'Write coordinates into one of them, one row a cell.',
      );
    }
    return mesh.points !== undefined
      ? { kind: 'Points', path: mesh.points }
      : { kind: 'Unstructured', path: mesh.file ?? '' };
  }
  if (written.shape === undefined)
    problems.add(`${path}.mesh.spacing`, mesh.spacing, 'needs a shape', 'Give shape instead of cells.');
  for (const key of ['spacing', 'origin'] as const) {
    const numbers = mesh[key];
    if (numbers !== undefined && written.shape !== undefined && numbers.length !== shape.length) {
      problems.add(
        `${path}.mesh.${key}`,
        numbers,
        `has ${plural(numbers.length, 'number')} for the ${shape.length} axes of shape`,
        'Give one number an axis.',
      );
    }
  }
  return { kind: 'Regular', spacing: mesh.spacing, origin: mesh.origin ?? shape.map(() => 0) };
}

function compileSteps(written: Written, steps: number, path: string, problems: Problems): number[] {
  if (written.steps !== undefined) {
    const list = written.steps;
    const at = list.findIndex((step, i) => i > 0 && step <= list[i - 1]!);
    if (at >= 0)
      problems.add(
        `${path}.steps[${at}]`,
        list[at],
        `${list[at]} does not rise above ${list[at - 1]}`,
        'Write the steps in rising order, each once.',
      );
    const late = list.findIndex((step) => step >= steps);
    if (late >= 0)
      problems.add(
        `${path}.steps[${late}]`,
        list[late],
        `is not a step: spec.time has the steps 0 to ${steps - 1}`,
        'Remove it, or raise spec.time.steps.',
      );
    return list;
  }
  const every = written.every ?? 1;
  if (every > steps) {
    problems.add(
      `${path}.every`,
      every,
      `is more than the ${plural(steps, 'step')} of spec.time, so only step 0 would be kept`,
      'Lower every, or write steps: [0].',
    );
  }
  return Array.from({ length: Math.ceil(steps / every) }, (_, i) => i * every);
}

type Region = Pick<CompiledField, 'regions' | 'box' | 'keptCells' | 'keptShape'>;

function compileRegion(
  written: Written,
  shape: number[],
  cells: number,
  path: string,
  problems: Problems,
): Region | null {
  const region = written.region;
  if (region === undefined)
    return {
      regions: [[0, cells]],
      box: { start: shape.map(() => 0), stop: [...shape] },
      keptCells: cells,
      keptShape: shape,
    };
  if (region.ranges !== undefined) {
    const regions = compileRanges(region.ranges, cells, `${path}.region.ranges`, problems);
    const keptCells = lengthOf(regions);
    return { regions, box: null, keptCells, keptShape: [keptCells] };
  }
  const box = region.box!;
  if (!checkBox(box, written.shape, `${path}.region.box`, problems)) return null;
  const regions = boxRanges(box, shape, REGION_RANGES_MAX);
  if (regions === null) {
    problems.add(
      `${path}.region.box`,
      JSON.stringify(box),
      `cuts the field into more than ${REGION_RANGES_MAX} separate runs of cells`,
      'Keep whole rows, or reorder the axes so that the box is long in the last one.',
    );
    return null;
  }
  return { regions, box, keptCells: lengthOf(regions), keptShape: box.stop.map((stop, i) => stop - box.start[i]!) };
}

function compileRanges(
  ranges: { start: number; stop: number }[],
  cells: number,
  path: string,
  problems: Problems,
): [number, number][] {
  const merged: [number, number][] = [];
  for (const [i, { start, stop }] of ranges.entries()) {
    const last = merged.at(-1);
    const before = ranges[i - 1];
    if (start >= stop) problems.add(`${path}[${i}]`, `${start} to ${stop}`, 'is empty', 'Let stop be above start.');
    else if (stop > cells)
      problems.add(
        `${path}[${i}].stop`,
        stop,
        `lies outside the field, which has ${cells} cells`,
        `Write at most ${cells}.`,
      );
    else if (before !== undefined && start < before.stop) {
      problems.add(
        `${path}[${i}].start`,
        start,
        `lies before the end of the range before it, ${before.stop}`,
        'Write the ranges in rising order, apart from each other.',
      );
    } else if (last !== undefined && last[1] === start) last[1] = stop;
    else merged.push([start, stop]);
  }
  return merged;
}
