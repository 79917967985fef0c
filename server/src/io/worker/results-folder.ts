// SPDX-License-Identifier: Apache-2.0
/**
 * Carries out a ResultsPlan: receives one slice after another and writes Zarr chunks, .npy, VTK and pictures into
 * `results.new`, then swaps that folder in as `results`. Readers see the old results or the new ones, whole. What was left
 * by a crash in the middle is put right before the next writing.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { constants, crc32, deflateSync, zstdCompressSync } from 'node:zlib';
import { rangeOf } from '../../results/map-summary.ts';
import { npyHeader } from '../../results/npy.ts';
import { drawPicture, type Picture } from '../../results/picture.ts';
import { snakeCase, type Grid, type ResultsPlan, type Variable } from '../../results/plan.ts';
import { encodePng } from '../../results/png.ts';
import { pictureOf } from '../../results/picture-of.ts';
import type { SimulationRow } from '../../results/simulation-table.ts';
import {
  arrayMetadata,
  axisChunk,
  chunksOfSlice,
  consolidatedMetadata,
  GROUP_METADATA,
  type ZarrArray,
} from '../../results/zarr.ts';
import { SimulationTable } from './table-files.ts';
import { VtkFiles } from './vtk-files.ts';

/** Level 6 packs a map of 640 × 640 in some 20 ms; more gains nothing. */
export function renderPng(picture: Picture): Uint8Array {
  return encodePng(drawPicture(picture), {
    deflate: (bytes) => deflateSync(bytes, { level: 6 }),
    crc32: (bytes) => crc32(bytes),
  });
}
const compress = (bytes: Uint8Array): Uint8Array =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });

/** Pictures are for looking at: a field has at most this many, the first ones. */
const PICTURES_PER_FIELD_MAX = 64;

export class ResultsFolder {
  readonly #plan: ResultsPlan;
  readonly #final: string;
  readonly #folder: string;
  readonly #zarr: string;
  readonly #arrays = new Map<string, ZarrArray>();
  readonly #vtk: VtkFiles;
  readonly #pictures = new Map<string, number>();
  readonly #npy = new Map<string, number>();
  readonly #warnings: string[] = [];
  #table: SimulationTable | null = null;
  #bytes = 0;

  constructor(studyDirectory: string, plan: ResultsPlan) {
    this.#plan = plan;
    this.#final = join(studyDirectory, 'results');
    this.#folder = join(studyDirectory, 'results.new');
    recover(studyDirectory);
    for (const name of ['', 'npy', 'maps', 'vtk']) mkdirSync(join(this.#folder, name), { recursive: true });
    this.#zarr = join(this.#folder, 'results.zarr');
    mkdirSync(this.#zarr);
    this.#vtk = new VtkFiles(join(this.#folder, 'vtk'), plan);
    for (const axis of plan.axes) this.#addAxis(axis.name, axis.attributes);
    this.#addMeshCoordinates();
    for (const variable of plan.variables) this.#addVariable(variable);
  }
  /** A map of one variable at one step; `place` counts its arguments. */
  slice(index: number, place: number, step: number, values: Float64Array): { minimum: number; maximum: number } {
    const variable = this.#plan.variables[index]!;
    const grid = this.#plan.grids[variable.grid]!;
    const { places, label } = variable.arguments[place]!;
    const time = variable.steps.indexOf(step);
    const isLast = time === variable.steps.length - 1;
    for (const { index: chunk, bytes } of chunksOfSlice(
      values,
      grid.shape,
      variable.chunks.at(-grid.shape.length)!,
      compress,
    )) {
      for (const at of places) {
        const key = [time, ...at, chunk, ...grid.shape.slice(1).map(() => 0)].join('.');
        this.#write(join(this.#zarr, variable.name, key), bytes);
      }
    }
    const name = label === '' ? variable.name : `${variable.name}_${fileLabel(label)}`;
    if (this.#plan.npyAllSteps || isLast) this.#appendNpy(name, variable, grid, time, values);
    if (variable.isPictured && isLast) this.#picture(name, variable, grid, label, step, values);
    if (this.#plan.vtkSteps.includes(step)) {
      this.#vtk.add(
        variable,
        label === '' ? snakeCase(variable.statistic) : `${snakeCase(variable.statistic)} ${label}`,
        step,
        values,
      );
    }
    return rangeOf(values);
  }
  rows(rows: SimulationRow[]): void {
    this.#table ??= new SimulationTable(this.#folder, rows);
    this.#table.add(rows);
  }
  finish(summary: string): { directory: string; bytes: number; warnings: string[] } {
    this.#table?.close();
    for (const file of this.#npy.values()) closeSync(file);
    this.#npy.clear();
    this.#warnings.push(...this.#vtk.close());
    const metadata = consolidatedMetadata(this.#arrays, {
      study: this.#plan.study,
      Conventions: 'CF-1.8',
      source: 'Melissa for Kubernetes',
    });
    this.#json(join(this.#zarr, '.zgroup'), GROUP_METADATA);
    this.#json(join(this.#zarr, '.zattrs'), (metadata['metadata'] as Record<string, unknown>)['.zattrs']);
    this.#json(join(this.#zarr, '.zmetadata'), metadata);
    this.#write(join(this.#folder, 'summary.json'), Buffer.from(summary));
    const old = `${this.#final}.old`;
    if (existsSync(this.#final)) renameSync(this.#final, old);
    renameSync(this.#folder, this.#final);
    rmSync(old, { recursive: true, force: true });
    return { directory: this.#final, bytes: this.#bytes, warnings: this.#warnings };
  }
  /** Takes everything away. What fails on the way (a full disk refuses the table's end) does not keep the folder. */
  abort(): void {
    try {
      for (const file of this.#npy.values()) closeSync(file);
    } finally {
      this.#npy.clear();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  #addAxis(name: string, attributes: Record<string, string>): void {
    const axis = this.#plan.axes.find((candidate) => candidate.name === name)!;
    const { dtype, count, bytes } = axisChunk(axis.values);
    this.#addRaw(name, dtype, [count], [name], bytes, attributes);
  }
  #addRaw(
    name: string,
    dtype: string,
    shape: number[],
    dimensions: string[],
    bytes: Uint8Array,
    attributes: Record<string, string>,
  ): void {
    this.#addArray(name, {
      shape,
      chunks: shape.map((size) => Math.max(1, size)),
      dtype,
      isPacked: false,
      attributes: { _ARRAY_DIMENSIONS: dimensions, ...attributes },
    });
    this.#write(join(this.#zarr, name, shape.map(() => 0).join('.')), bytes);
  }
  #addVariable(variable: Variable): void {
    const attributes = {
      _ARRAY_DIMENSIONS: variable.dimensions,
      long_name: variable.title,
      units: variable.unit,
      ...this.#coordinateNames(variable.grid),
    };
    this.#addArray(variable.name, {
      shape: variable.shape,
      chunks: variable.chunks,
      dtype: '<f8',
      isPacked: true,
      attributes,
    });
  }
  #addArray(name: string, array: ZarrArray): void {
    this.#arrays.set(name, array);
    mkdirSync(join(this.#zarr, name));
    this.#json(join(this.#zarr, name, '.zarray'), arrayMetadata(array));
    this.#json(join(this.#zarr, name, '.zattrs'), array.attributes);
  }
  /** Points have coordinates x, y, z along their axis of cells. */
  #addMeshCoordinates(): void {
    const points = this.#vtk.points();
    for (const [index, coordinates] of points) {
      const grid = this.#plan.grids[index]!;
      const axis = grid.axes[0]!;
      for (const [direction, letter] of ['x', 'y', 'z'].entries()) {
        const name = axis === 'cell' ? letter : `${letter}_${axis}`;
        if (this.#arrays.has(name)) continue;
        const kept = new Float64Array(grid.shape[0]!);
        let next = 0;
        for (const [begin, end] of grid.regions)
          for (let cell = begin; cell < end; cell++) kept[next++] = coordinates[3 * cell + direction]!;
        this.#addRaw(name, '<f8', [kept.length], [axis], new Uint8Array(kept.buffer), {
          long_name: `${letter} coordinate`,
        });
      }
    }
  }
  #coordinateNames(grid: number): Record<string, string> {
    if (!this.#vtk.points().has(grid)) return {};
    const axis = this.#plan.grids[grid]!.axes[0]!;
    return { coordinates: ['x', 'y', 'z'].map((letter) => (axis === 'cell' ? letter : `${letter}_${axis}`)).join(' ') };
  }
  #appendNpy(name: string, variable: Variable, grid: Grid, time: number, values: Float64Array): void {
    const steps = this.#plan.npyAllSteps ? variable.steps.length : 1;
    const header = npyHeader([steps, ...grid.shape]);
    const path = join(this.#folder, 'npy', `${name}.npy`);
    let file = this.#npy.get(path);
    if (file === undefined) {
      for (const other of this.#npy.values()) closeSync(other); // slices come variable by variable: one file is open at a time
      this.#npy.clear();
      file = openSync(path, 'w');
      this.#npy.set(path, file);
      writeAll(file, header, 0);
      ftruncateSync(file, header.length + steps * values.byteLength);
      this.#bytes += header.length + steps * values.byteLength;
    }
    writeAll(
      file,
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      header.length + (steps === 1 ? 0 : time) * values.byteLength,
    );
  }
  #picture(name: string, variable: Variable, grid: Grid, label: string, step: number, values: Float64Array): void {
    const drawn = this.#pictures.get(variable.field) ?? 0;
    if (drawn >= PICTURES_PER_FIELD_MAX) return;
    this.#pictures.set(variable.field, drawn + 1);
    this.#write(
      join(this.#folder, 'maps', `${name}.png`),
      renderPng(pictureOf(this.#plan, variable, grid, label, step, values)),
    );
  }
  #json(path: string, value: unknown): void {
    this.#write(path, Buffer.from(`${JSON.stringify(value, null, 1)}\n`));
  }
  #write(path: string, bytes: Uint8Array): void {
    writeFileSync(path, bytes);
    this.#bytes += bytes.length;
  }
}

/** What a crash between two renames left: earlier results come back, half-written ones go. */
export function recover(studyDirectory: string): void {
  const [final, old, half] = ['results', 'results.old', 'results.new'].map((name) => join(studyDirectory, name)) as [
    string,
    string,
    string,
  ];
  if (existsSync(old) && !existsSync(final)) renameSync(old, final);
  rmSync(old, { recursive: true, force: true });
  rmSync(half, { recursive: true, force: true });
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

/** Safe as a part of a file's name on every system. */
function fileLabel(label: string): string {
  return label.replace(/[^A-Za-z0-9.+-]+/g, '_');
}
