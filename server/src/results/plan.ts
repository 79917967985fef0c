// SPDX-License-Identifier: Apache-2.0
/**
 * The layout of a study's results, decided before anything is read: axes, variables with their dimensions and names, how
 * they are cut into chunks, and which files beside the Zarr store are written. Pure; the I/O worker carries it out slice
 * by slice. Fields that share a grid share its axes; a second grid gets axes of its own, named after its field, so that
 * one dataset holds them all.
 */
import type { AvailableStatistic } from '@melissa/api';
import type { CompiledField, CompiledStudy } from '@melissa/crds';
import { AxisTable, type Axis, type AxisValues } from './axis-table.ts';
import {
  commonSteps,
  covarianceName,
  covarianceStatisticsOf,
  statisticsOf,
  timeOf,
  varyingParameters,
} from './maps.ts';

export type { Axis, AxisValues } from './axis-table.ts';

export type Grid = {
  mesh: CompiledField['mesh'];
  /** Shape of a slice in C order, and the names of its axes. */
  shape: number[];
  axes: string[];
  /** Cells of the whole field and which of them are kept: what an unstructured mesh is filled from. */
  cells: number;
  regions: [number, number][];
  /** Coordinate of the first kept cell's centre and the distance to the next, per axis; index coordinates without a mesh. */
  origin: number[];
  spacing: number[];
};
export type Variable = {
  /** Name in the Zarr store: field and statistic. */
  name: string;
  field: string;
  statistic: string;
  title: string;
  unit: string;
  grid: number;
  steps: number[];
  dimensions: string[];
  shape: number[];
  chunks: number[];
  /** Arguments to ask for, with the places of a slice along the argument axes (two for a symmetric pair). */
  arguments: { argument: number; label: string; places: number[][] }[];
  /** Slices are also kept as .npy and VTK, and the last step as a picture. */
  isPictured: boolean;
};
export type ResultsPlan = {
  study: string;
  timeUnit: string;
  manifestDirectory: string;
  axes: Axis[];
  grids: Grid[];
  variables: Variable[];
  /** Steps for which VTK files are written, ascending; the last kept one always. */
  vtkSteps: number[];
  /** Every step goes into the .npy files, or only the last one. */
  npyAllSteps: boolean;
  times: [number, number][];
};

/** A slice is cut so that one chunk, compressed in one go, stays small beside everything else in memory. */
const CHUNK_BYTES_MAX = 16 * 2 ** 20;
/** Beyond this the .npy files hold the last step only: Zarr has them all. */
const NPY_BYTES_MAX = 2 ** 30;
const VTK_BYTES_MAX = 256 * 2 ** 20;
const VTK_STEPS_MAX = 20;

/** Results of an interval have every step in Zarr, and only the last one in the files beside it: they cost half as much. */
export function planResults(study: CompiledStudy, isFinal = true): ResultsPlan {
  const axes = new AxisTable();
  const grids: Grid[] = [];
  const variables: Variable[] = [];
  for (const field of study.fields) {
    const grid = gridOf(field, axes);
    grids.push(grid);
    for (const map of statisticsOf(study, field)) {
      variables.push(
        variableOf(study, {
          axes,
          grid,
          gridIndex: grids.length - 1,
          owner: field.name,
          longName: field.longName || field.name,
          steps: field.keptSteps,
          map,
        }),
      );
    }
  }
  for (const covariance of study.covariances) {
    const [first, second] = covariance.fields.map((index) => study.fields[index]!) as [CompiledField, CompiledField];
    const owner = covarianceName(study, covariance);
    const longName = `${first.longName || first.name} and ${second.longName || second.name}`;
    for (const map of covarianceStatisticsOf(study, covariance)) {
      const gridIndex = covariance.fields[0];
      variables.push(
        variableOf(study, {
          axes,
          grid: grids[gridIndex]!,
          gridIndex,
          owner,
          longName,
          steps: commonSteps(first, second),
          map,
        }),
      );
    }
  }
  const steps = [...new Set(variables.flatMap((variable) => variable.steps))].sort((a, b) => a - b);
  const bytes = sum(
    variables.map((variable) => sliceBytes(variable, grids) * variable.arguments.length * variable.steps.length),
  );
  return {
    study: study.name,
    timeUnit: study.time.unit,
    manifestDirectory: study.manifestDirectory,
    axes: axes.all(),
    grids,
    variables,
    vtkSteps: chooseVtkSteps(variables, grids, isFinal ? VTK_STEPS_MAX : 1),
    npyAllSteps: isFinal && bytes <= NPY_BYTES_MAX,
    times: steps.map((step) => [step, timeOf(study, step)]),
  };
}

type VariableInput = {
  axes: AxisTable;
  grid: Grid;
  gridIndex: number;
  owner: string;
  longName: string;
  steps: number[];
  map: AvailableStatistic;
};

function variableOf(study: CompiledStudy, input: VariableInput): Variable {
  const { axes, grid, map, steps, owner } = input;
  const timeAttributes = { long_name: 'time', units: timeUnits(study.time.unit) };
  const time = axes.use(
    'time',
    owner,
    { kind: 'List', values: steps.map((step) => timeOf(study, step)) },
    timeAttributes,
  );
  const extra = argumentAxes(study, input);
  const inner = grid.shape.slice(1).reduce((product, size) => product * size, 1);
  const rows = Math.max(1, Math.min(grid.shape[0]!, Math.floor(CHUNK_BYTES_MAX / (8 * inner))));
  return {
    name: `${owner.replaceAll(':', '_')}_${snakeCase(map.statistic)}`,
    field: owner,
    statistic: map.statistic,
    title: `${input.longName}: ${map.longName}`,
    unit: map.unit,
    grid: input.gridIndex,
    steps,
    dimensions: [time, ...extra.names, ...grid.axes],
    shape: [steps.length, ...extra.sizes, ...grid.shape],
    chunks: [1, ...extra.sizes.map(() => 1), rows, ...grid.shape.slice(1)],
    arguments: map.arguments.map(({ argument, label }, place) => ({
      argument,
      label,
      places: extra.placesOf(argument, place),
    })),
    isPictured:
      !['count', 'degenerate', 'sobolCount', 'covarianceCount', 'histogramCounts', 'histogramLower'].includes(
        map.statistic,
      ) && !/(Lower|Upper)$/.test(map.statistic),
  };
}

function argumentAxes(
  study: CompiledStudy,
  { axes, owner, map }: VariableInput,
): { names: string[]; sizes: number[]; placesOf: (argument: number, place: number) => number[][] } {
  if (map.argumentName === '') return { names: [], sizes: [], placesOf: () => [[]] };
  const labels = varyingParameters(study);
  if (map.argumentName === 'pair') {
    const names = ['parameter', 'parameter_other'].map((name) =>
      axes.use(name, owner, { kind: 'Text', values: labels }, { long_name: 'parameter' }),
    );
    const count = labels.length;
    const placesOf = (argument: number): number[][] => [
      [Math.floor(argument / count), argument % count],
      [argument % count, Math.floor(argument / count)],
    ];
    return { names, sizes: [count, count], placesOf };
  }
  const values: AxisValues =
    map.argumentName === 'parameter'
      ? { kind: 'Text', values: labels }
      : { kind: 'List', values: map.arguments.map(({ label }) => Number.parseFloat(label)) };
  const attributes: Record<string, string> = { long_name: map.argumentName };
  if (map.argumentName === 'threshold')
    attributes['units'] = study.fields.find((field) => field.name === owner)?.unit ?? '';
  return {
    names: [axes.use(map.argumentName, owner, values, attributes)],
    sizes: [map.arguments.length],
    placesOf: (_, place) => [[place]],
  };
}

/** Axes of a field's cells: the box of a region starts where it lies; a list of ranges has an axis of cell indexes. */
function gridOf(field: CompiledField, axes: AxisTable): Grid {
  const { mesh, box } = field;
  const isBox = box !== null || field.keptCells === field.cells;
  const base = { mesh, cells: field.cells, regions: field.regions, shape: field.keptShape };
  if (!isBox || mesh.kind === 'Points' || mesh.kind === 'Unstructured') {
    const values: AxisValues = { kind: 'Ranges', ranges: field.regions, count: field.keptCells };
    const name = axes.use('cell', field.name, values, { long_name: 'index of the cell in the whole field' });
    return { ...base, shape: [field.keptCells], axes: [name], origin: [0], spacing: [1] };
  }
  const dimensions = field.keptShape.length;
  const names =
    dimensions <= 3 ? ['z', 'y', 'x'].slice(3 - dimensions) : field.keptShape.map((_, axis) => `axis${axis}`);
  const start = box?.start ?? field.keptShape.map(() => 0);
  const spacing =
    mesh.kind === 'Regular' ? field.keptShape.map((_, axis) => mesh.spacing[axis] ?? 1) : field.keptShape.map(() => 1);
  const first =
    mesh.kind === 'Regular' ? field.keptShape.map((_, axis) => mesh.origin[axis] ?? 0) : field.keptShape.map(() => 0);
  const origin = first.map((value, axis) => value + start[axis]! * spacing[axis]!);
  const longName = mesh.kind === 'Regular' ? 'coordinate' : 'cell index';
  const used = names.map((name, axis) => {
    const values: AxisValues = {
      kind: 'Linear',
      origin: origin[axis]!,
      spacing: spacing[axis]!,
      count: field.keptShape[axis]!,
    };
    return axes.use(name, field.name, values, { long_name: `${name} ${longName}` });
  });
  return { ...base, axes: used, origin, spacing };
}

function chooseVtkSteps(variables: Variable[], grids: Grid[], stepsMax: number): number[] {
  const meshed = variables.filter((variable) => grids[variable.grid]!.mesh.kind !== 'None');
  const steps = [...new Set(meshed.flatMap((variable) => variable.steps))].sort((a, b) => a - b);
  const bytesPerStep = sum(meshed.map((variable) => sliceBytes(variable, grids) * variable.arguments.length * (4 / 3)));
  const count = Math.max(1, Math.min(stepsMax, steps.length, Math.floor(VTK_BYTES_MAX / Math.max(1, bytesPerStep))));
  const chosen = Array.from(
    { length: count },
    (_, i) => steps[steps.length - 1 - Math.round((i * (steps.length - 1)) / Math.max(1, count - 1))]!,
  );
  return steps.length === 0 ? [] : [...new Set(count === 1 ? [steps.at(-1)!] : chosen)].sort((a, b) => a - b);
}

function sliceBytes(variable: Variable, grids: Grid[]): number {
  return 8 * grids[variable.grid]!.shape.reduce((product, size) => product * size, 1);
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** `sobolFirstLower` → `sobol_first_lower`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Whole words such as `hours` would make xarray turn the axis into durations; symbols stay numbers. */
function timeUnits(unit: string): string {
  const symbols: Record<string, string> = {
    seconds: 's',
    minutes: 'min',
    hours: 'h',
    days: 'd',
    milliseconds: 'ms',
    microseconds: 'us',
    nanoseconds: 'ns',
  };
  return symbols[unit] ?? unit;
}
