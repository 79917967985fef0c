// SPDX-License-Identifier: Apache-2.0
/**
 * VTK files of the chosen steps, one a field and step, open for appending while slices arrive statistic by statistic;
 * and one .pvd a field that lists them over time. A mesh file that does not fit its field costs the VTK files of that
 * field and a warning, never the results.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { ResultsPlan, Variable } from '../../results/plan.ts';
import {
  cutVtu, imageDataHead, imageDataTail, npyPoints, parsePoints, pointsHead, pointsTail, scalarArray, scalarArrayFor, seriesFile, spread, type VtuCut,
} from '../../results/vtk.ts'; // prettier-ignore

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

type Mesh =
  | { kind: 'Image' }
  | { kind: 'Points'; coordinates: Float64Array }
  | { kind: 'Vtu'; file: Buffer; cut: VtuCut }
  | { kind: 'Absent' };

export class VtkFiles {
  readonly #folder: string;
  readonly #plan: ResultsPlan;
  readonly #meshes: Mesh[];
  readonly #warnings: string[] = [];
  /** Files begun: field and step to path. */
  readonly #open = new Map<string, { field: string; step: number; grid: number; name: string }>();

  constructor(folder: string, plan: ResultsPlan) {
    this.#folder = folder;
    this.#plan = plan;
    this.#meshes = plan.grids.map((_, index) => this.#load(index));
  }
  /** Coordinates (x, y, z a cell of the whole field) of grids that are points. */
  points(): Map<number, Float64Array> {
    return new Map(
      this.#meshes.flatMap((mesh, index) => (mesh.kind === 'Points' ? [[index, mesh.coordinates] as const] : [])),
    );
  }
  add(variable: Variable, arrayName: string, step: number, values: Float64Array): void {
    const mesh = this.#meshes[variable.grid]!;
    const grid = this.#plan.grids[variable.grid]!;
    if (mesh.kind === 'Absent') return;
    const path = this.#begin(variable, step, mesh);
    if (mesh.kind === 'Image') appendFileSync(path, scalarArray(arrayName, values, base64));
    else if (mesh.kind === 'Points') appendFileSync(path, scalarArray(arrayName, spread(values, grid), base64));
    else appendFileSync(path, scalarArrayFor(mesh.cut, arrayName, spread(values, grid), base64));
  }
  /** Ends every file, writes the series, and returns the warnings. */
  close(): string[] {
    const series = new Map<string, { time: number; file: string }[]>();
    for (const { field, step, grid, name } of this.#open.values()) {
      const mesh = this.#meshes[grid]!;
      const path = join(this.#folder, name);
      if (mesh.kind === 'Image') appendFileSync(path, imageDataTail);
      if (mesh.kind === 'Points') appendFileSync(path, pointsTail);
      if (mesh.kind === 'Vtu')
        appendFileSync(path, Buffer.concat([Buffer.from(mesh.cut.close), mesh.file.subarray(mesh.cut.after)]));
      const time = this.#plan.times.find(([candidate]) => candidate === step)?.[1] ?? step;
      series.set(field, [...(series.get(field) ?? []), { time, file: name }]);
    }
    for (const [field, files] of series) {
      writeFileSync(
        join(this.#folder, `${field.replaceAll(':', '_')}.pvd`),
        seriesFile(files.sort((a, b) => a.time - b.time)),
      );
    }
    this.#open.clear();
    return this.#warnings;
  }
  #begin(variable: Variable, step: number, mesh: Exclude<Mesh, { kind: 'Absent' }>): string {
    const extension = mesh.kind === 'Image' ? 'vti' : 'vtu';
    const name = `${variable.field.replaceAll(':', '_')}_${String(step).padStart(6, '0')}.${extension}`;
    const path = join(this.#folder, name);
    if (this.#open.has(name)) return path;
    this.#open.set(name, { field: variable.field, step, grid: variable.grid, name });
    if (mesh.kind === 'Image') writeFileSync(path, imageDataHead(this.#plan.grids[variable.grid]!));
    else if (mesh.kind === 'Points') writeFileSync(path, pointsHead(mesh.coordinates, base64));
    else writeFileSync(path, Buffer.concat([mesh.file.subarray(0, mesh.cut.before), Buffer.from(mesh.cut.open)]));
    return path;
  }
  #load(index: number): Mesh {
    const { mesh, cells, shape } = this.#plan.grids[index]!;
    if (mesh.kind === 'None') return { kind: 'Absent' };
    if (mesh.kind === 'Regular') return shape.length <= 3 ? { kind: 'Image' } : { kind: 'Absent' };
    try {
      const file = readMeshFile(this.#plan, mesh.path);
      if (mesh.kind === 'Points') {
        const coordinates = mesh.path.endsWith('.npy')
          ? npyPoints(file, cells)
          : parsePoints(file.toString('utf8'), cells);
        return coordinates === null
          ? this.#absent(mesh.path, `it has not ${cells} rows of numbers`)
          : { kind: 'Points', coordinates };
      }
      const cut = cutVtu(file.toString('latin1'), cells);
      return typeof cut === 'string' ? this.#absent(mesh.path, cut) : { kind: 'Vtu', file, cut };
    } catch (cause) {
      return this.#absent(mesh.path, cause instanceof Error ? cause.message : String(cause));
    }
  }
  #absent(path: string, reason: string): Mesh {
    this.#warnings.push(`The mesh file ${path} cannot be used for VTK files: ${reason}.`);
    return { kind: 'Absent' };
  }
}

function readMeshFile(plan: ResultsPlan, path: string): Buffer {
  return readFileSync(isAbsolute(path) ? path : resolve(plan.manifestDirectory, path));
}
