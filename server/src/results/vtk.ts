// SPDX-License-Identifier: Apache-2.0
/**
 * VTK's XML files as text: ImageData for regular meshes, an unstructured grid for points, and our arrays inserted into
 * the user's own .vtu. Arrays are written in place as base64 (a 64-bit length, then the values), which XML readers and
 * ParaView both take. Format: https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
 */
import { parseNpy } from './npy.ts';
import type { Grid } from './plan.ts';

export type Base64 = (bytes: Uint8Array) => string;

/** The part of an ImageData file before its arrays. VTK counts x first; values lie in cells. */
export function imageDataHead(grid: Grid): string {
  const counts = threeOf(grid.shape, 1);
  const spacing = threeOf(grid.spacing, 1);
  // VTK places the corner of the first cell; our origin is the cell's centre.
  const corner = threeOf(grid.origin, 0).map((centre, axis) => centre - spacing[axis]! / 2);
  const extent = counts.map((count) => `0 ${count}`).join(' ');
  return [
    '<?xml version="1.0"?>',
    '<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
    `<ImageData WholeExtent="${extent}" Origin="${corner.join(' ')}" Spacing="${spacing.join(' ')}">`,
    `<Piece Extent="${extent}">`,
    '<CellData>',
    '',
  ].join('\n');
}
export const imageDataTail = '</CellData>\n</Piece>\n</ImageData>\n</VTKFile>\n';

/** Points as an unstructured grid of one vertex each. `coordinates`: x, y, z of each point. */
export function pointsHead(coordinates: Float64Array, base64: Base64): string {
  const count = coordinates.length / 3;
  const indexes = Float64Array.from({ length: count }, (_, i) => i);
  const array = (name: string, type: string, values: ArrayBufferView): string =>
    dataArray({ name, type, values: bytesOf(values), components: 1 }, base64);
  return [
    '<?xml version="1.0"?>',
    '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
    '<UnstructuredGrid>',
    `<Piece NumberOfPoints="${count}" NumberOfCells="${count}">`,
    `<Points>\n${dataArray({ name: 'Points', type: 'Float64', values: bytesOf(coordinates), components: 3 }, base64)}</Points>`,
    '<Cells>',
    array('connectivity', 'Int64', BigInt64Array.from(indexes, BigInt)) +
      array(
        'offsets',
        'Int64',
        BigInt64Array.from(indexes, (i) => BigInt(i + 1)),
      ) +
      array('types', 'UInt8', new Uint8Array(count).fill(1)) +
      '</Cells>',
    '<CellData>',
    '',
  ].join('\n');
}
export const pointsTail = '</CellData>\n</Piece>\n</UnstructuredGrid>\n</VTKFile>\n';

export function scalarArray(name: string, values: Float64Array, base64: Base64): string {
  return dataArray({ name, type: 'Float64', values: bytesOf(values), components: 1 }, base64);
}

/** ASCII, for files whose own arrays are compressed: there, a reader would expect ours to be compressed as well. */
export function scalarArrayAscii(name: string, values: Float64Array): string {
  return `<DataArray type="Float64" Name="${escapeXml(name)}" format="ascii">\n${values.join(' ')}\n</DataArray>\n`;
}

function dataArray(
  array: { name: string; type: string; values: Uint8Array; components: number },
  base64: Base64,
): string {
  const framed = new Uint8Array(8 + array.values.length);
  new DataView(framed.buffer).setBigUint64(0, BigInt(array.values.length), true);
  framed.set(array.values, 8);
  const components = array.components === 1 ? '' : ` NumberOfComponents="${array.components}"`;
  return `<DataArray type="${array.type}" Name="${escapeXml(array.name)}"${components} format="binary">${base64(framed)}</DataArray>\n`;
}

/** Where the arrays of a user's .vtu go: before and after our text. A null answer says why it cannot be done. */
export type VtuCut = {
  before: number;
  after: number;
  open: string;
  close: string;
  isCompressed: boolean;
  headerBytes: 4 | 8;
  onPoints: boolean;
};

/** `text` is the file decoded as latin-1, so that places in it are places in the file, whatever its binary parts hold. */
export function cutVtu(text: string, cells: number): VtuCut | string {
  const xml = text.slice(0, text.includes('<AppendedData') ? text.indexOf('<AppendedData') : text.length);
  const file = /<VTKFile[^>]*>/.exec(xml)?.[0];
  const pieces = [...xml.matchAll(/<Piece[^>]*>/g)];
  if (file === undefined || !file.includes('UnstructuredGrid')) return 'it is not an UnstructuredGrid file of VTK';
  if (pieces.length !== 1) return `it has ${pieces.length} pieces, and one is expected`;
  const count = (name: string): number => Number(new RegExp(`${name}="\\s*(\\d+)`).exec(pieces[0]![0])?.[1] ?? NaN);
  const onPoints = count('NumberOfCells') !== cells && count('NumberOfPoints') === cells;
  if (count('NumberOfCells') !== cells && !onPoints) {
    return `it has ${count('NumberOfCells')} cells and ${count('NumberOfPoints')} points, the field has ${cells} cells`;
  }
  const tag = onPoints ? 'PointData' : 'CellData';
  const base = {
    isCompressed: /compressor="[^"]+"/.test(file),
    headerBytes: /header_type="UInt64"/.test(file) ? 8 : 4,
    onPoints,
  } as const;
  const empty = new RegExp(`<${tag}([^>]*)/>`).exec(xml);
  if (empty !== null)
    return {
      ...base,
      before: empty.index,
      after: empty.index + empty[0].length,
      open: `<${tag}${empty[1]}>\n`,
      close: `</${tag}>`,
    };
  const end = xml.indexOf(`</${tag}>`);
  if (end >= 0) return { ...base, before: end, after: end, open: '', close: '' };
  const piece = xml.indexOf('</Piece>');
  return piece < 0
    ? 'its Piece has no end'
    : { ...base, before: piece, after: piece, open: `<${tag}>\n`, close: `</${tag}>\n` };
}

/** A scalar array in the encoding of the file that it is inserted into. */
export function scalarArrayFor(cut: VtuCut, name: string, values: Float64Array, base64: Base64): string {
  if (cut.isCompressed) return scalarArrayAscii(name, values);
  if (cut.headerBytes === 8) return scalarArray(name, values, base64);
  const framed = new Uint8Array(4 + values.byteLength);
  new DataView(framed.buffer).setUint32(0, values.byteLength, true);
  framed.set(bytesOf(values), 4);
  return `<DataArray type="Float64" Name="${escapeXml(name)}" format="binary">${base64(framed)}</DataArray>\n`;
}

/** A series over time, which ParaView opens as one. */
export function seriesFile(files: { time: number; file: string }[]): string {
  const lines = files.map(
    ({ time, file }) => `<DataSet timestep="${time}" group="" part="0" file="${escapeXml(file)}"/>`,
  );
  return `<?xml version="1.0"?>\n<VTKFile type="Collection" version="0.1" byte_order="LittleEndian">\n<Collection>\n${lines.join('\n')}\n</Collection>\n</VTKFile>\n`;
}

/** Values of the kept cells placed in the whole field; NaN elsewhere. */
export function spread(values: Float64Array, grid: Pick<Grid, 'cells' | 'regions'>): Float64Array {
  if (values.length === grid.cells) return values;
  const whole = new Float64Array(grid.cells).fill(NaN);
  let next = 0;
  for (const [begin, end] of grid.regions) {
    whole.set(values.subarray(next, next + end - begin), begin);
    next += end - begin;
  }
  return whole;
}

/** Coordinates from a .npy file of shape [cells, 1 to 3]; null when it is another. */
export function npyPoints(file: Uint8Array, cells: number): Float64Array | null {
  const parsed = parseNpy(file);
  const columns = parsed?.shape[1] ?? 1;
  if (parsed === null || parsed.shape[0] !== cells || columns > 3) return null;
  const out = new Float64Array(3 * cells);
  for (let i = 0; i < cells; i++)
    for (let axis = 0; axis < columns; axis++) out[3 * i + axis] = parsed.values[i * columns + axis]!;
  return out;
}

/** Rows of numbers, x [y [z]], from text with commas or spaces; a first line of words is a heading. Null when rows are missing. */
export function parsePoints(text: string, cells: number): Float64Array | null {
  const rows = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')); // prettier-ignore
  if (rows.length === cells + 1 && /[A-Za-z_]/.test(rows[0]!.replace(/[eE][+-]?\d/g, ''))) rows.shift();
  if (rows.length !== cells) return null;
  const out = new Float64Array(3 * cells);
  rows.forEach((row, i) => {
    const numbers = row.split(/[\s,;]+/).map(Number);
    for (let axis = 0; axis < 3; axis++) out[3 * i + axis] = numbers[axis] ?? 0;
  });
  return out;
}

/** The last three axes as x, y, z. */
function threeOf(values: number[], missing: number): [number, number, number] {
  const reversed = values.slice(-3).reverse();
  return [reversed[0] ?? missing, reversed[1] ?? missing, reversed[2] ?? missing];
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
