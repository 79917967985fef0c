// SPDX-License-Identifier: Apache-2.0
/** Golden Data frames: both types, an odd count that needs padding, an empty block, and a batch. */
import { encodeDataFrame } from './codec.ts';
import type { DataHeader } from './types.ts';

type Frame = { header: Omit<DataHeader, 'frameBytes'>; payload: Uint8Array };

const headerOf = (dtype: 1 | 2, count: number, sequence: number, payloadHash: bigint): Frame['header'] => ({
  epoch: 3,
  client: 0xfedcba9876543210n,
  simulation: 17,
  draw: 1,
  attempt: 2,
  step: 99,
  field: 4,
  dtype,
  flags: 0,
  clientRank: 5,
  offset: 2 ** 33 + 1,
  count,
  sequence,
  payloadHash,
});
const bytesOf = (values: Float64Array | Float32Array): Uint8Array => new Uint8Array(values.buffer);

// The hashes are XXH3-64 of the payloads, written down from the reference implementation.
const f64 = bytesOf(Float64Array.of(1, -2.5, 3e300));
const f32 = bytesOf(Float32Array.of(0.5, -1, 1e30));
const one: Frame = { header: headerOf(2, 3, 1, 0xfb0753b44d8e06dcn), payload: f64 };
const odd: Frame = { header: headerOf(1, 3, 2, 0x98c2d911e9b15006n), payload: f32 };
const none: Frame = { header: headerOf(2, 0, 3, 0x2d06800538d394c2n), payload: new Uint8Array(0) };

export function dataFrameVectors(): { file: string; bytes: Uint8Array; frames: Frame[] }[] {
  const file = (name: string, frames: Frame[]) => ({
    file: `Data.${name}.bin`,
    bytes: new Uint8Array(Buffer.concat(frames.map(({ header, payload }) => encodeDataFrame(header, payload)))),
    frames,
  });
  return [file('float64', [one]), file('float32', [odd]), file('nothing', [none]), file('batch', [one, odd, none])];
}
