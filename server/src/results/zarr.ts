// SPDX-License-Identifier: Apache-2.0
/**
 * Zarr version 2, the parts that we write: array and group metadata, consolidated metadata, and chunks. Pure: the
 * compressor comes in as a function. Chunks are byte-shuffled (equal exponents come together) and packed by Zstandard;
 * both are codecs that every zarr reader has. Specification: https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html
 */
import type { AxisValues } from './axis-table.ts';

export type ZarrArray = {
  shape: number[];
  chunks: number[];
  dtype: string;
  isPacked: boolean;
  attributes: Record<string, unknown>;
};
export type Compress = (bytes: Uint8Array) => Uint8Array;

export const GROUP_METADATA = { zarr_format: 2 };

export function arrayMetadata(array: ZarrArray): Record<string, unknown> {
  const isFloat = array.dtype === '<f8';
  return {
    zarr_format: 2,
    shape: array.shape,
    chunks: array.chunks,
    dtype: array.dtype,
    compressor: array.isPacked ? { id: 'zstd', level: 1 } : null,
    filters: array.isPacked ? [{ id: 'shuffle', elementsize: 8 }] : null,
    fill_value: isFloat ? 'NaN' : null,
    order: 'C',
  };
}

/** `.zmetadata` of a group whose arrays are given by name. */
export function consolidatedMetadata(
  arrays: ReadonlyMap<string, ZarrArray>,
  attributes: Record<string, unknown>,
): Record<string, unknown> {
  const metadata: Record<string, unknown> = { '.zgroup': GROUP_METADATA, '.zattrs': attributes };
  for (const [name, array] of arrays) {
    metadata[`${name}/.zarray`] = arrayMetadata(array);
    metadata[`${name}/.zattrs`] = array.attributes;
  }
  return { zarr_consolidated_format: 1, metadata };
}

/** Cuts a slice along its first axis into chunks of `rows` rows; the last one is filled up with NaN. */
export function* chunksOfSlice(
  values: Float64Array,
  shape: number[],
  rows: number,
  compress: Compress,
): Generator<{ index: number; bytes: Uint8Array }> {
  const inner = shape.slice(1).reduce((product, size) => product * size, 1);
  const chunkValues = rows * inner;
  for (let index = 0; index * rows < shape[0]!; index++) {
    let part = values.subarray(index * chunkValues, (index + 1) * chunkValues);
    if (part.length < chunkValues) {
      const whole = new Float64Array(chunkValues).fill(NaN);
      whole.set(part);
      part = whole;
    }
    yield { index, bytes: compress(shuffle(part)) };
  }
}

/** All first bytes, then all second bytes, … of the 8-byte values, as numcodecs' Shuffle does. */
export function shuffle(values: Float64Array): Uint8Array {
  const count = values.length;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new Uint8Array(bytes.length);
  for (let lane = 0; lane < 8; lane++) {
    const base = lane * count;
    for (let i = 0, j = lane; i < count; i++, j += 8) out[base + i] = bytes[j]!;
  }
  return out;
}

/** An axis as one raw chunk with its dtype: numbers as float64, text as fixed-width UTF-32. */
export function axisChunk(values: AxisValues): { dtype: string; count: number; bytes: Uint8Array } {
  if (values.kind === 'Text') return textChunk(values.values);
  const numbers = axisNumbers(values);
  if (values.kind === 'Ranges') {
    const integers = BigInt64Array.from(numbers, BigInt);
    return { dtype: '<i8', count: integers.length, bytes: new Uint8Array(integers.buffer) };
  }
  return { dtype: '<f8', count: numbers.length, bytes: new Uint8Array(numbers.buffer) };
}

export function axisNumbers(values: Exclude<AxisValues, { kind: 'Text' }>): Float64Array {
  if (values.kind === 'List') return Float64Array.from(values.values);
  if (values.kind === 'Linear')
    return Float64Array.from({ length: values.count }, (_, i) => values.origin + i * values.spacing);
  const out = new Float64Array(values.count);
  let next = 0;
  for (const [begin, end] of values.ranges) for (let cell = begin; cell < end; cell++) out[next++] = cell;
  return out;
}

function textChunk(values: string[]): { dtype: string; count: number; bytes: Uint8Array } {
  const words = values.map((value) => Array.from(value, (character) => character.codePointAt(0)!));
  const width = Math.max(1, ...words.map((word) => word.length));
  const out = new Uint32Array(width * values.length);
  words.forEach((word, i) => out.set(word, i * width));
  return { dtype: `<U${width}`, count: values.length, bytes: new Uint8Array(out.buffer) };
}
