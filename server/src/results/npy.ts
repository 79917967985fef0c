// SPDX-License-Identifier: Apache-2.0
/** NumPy's file format, version 1.0: a header of a multiple of 64 bytes, then the values in C order, little-endian. */

export function npyHeader(shape: number[]): Uint8Array {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 0xff, length >> 8]);
  for (let i = 0; i < text.length; i++) bytes[10 + i] = text.charCodeAt(i);
  bytes[bytes.length - 1] = 0x0a;
  return bytes;
}

export function npyBytes(values: Float64Array, shape: number[]): Uint8Array {
  const header = npyHeader(shape);
  const out = new Uint8Array(header.length + values.byteLength);
  out.set(header);
  out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), header.length);
  return out;
}

/** Shape and values of a .npy file of float64 or float32 in C order; null for anything else. */
export function parseNpy(bytes: Uint8Array): { shape: number[]; values: Float64Array } | null {
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY') return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [start, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const kind = /'descr': '<f([48])'/.exec(header)?.[1];
  const words = /'shape': \(([^)]*)\)/.exec(header)?.[1];
  if (kind === undefined || words === undefined || !header.includes("'fortran_order': False")) return null;
  const shape = words.split(',').filter((word) => word.trim() !== '').map(Number); // prettier-ignore
  const count = shape.reduce((product, size) => product * size, 1);
  const width = Number(kind);
  if (start + length + count * width > bytes.length) return null;
  const at = (i: number): number => start + length + i * width;
  const values = Float64Array.from({ length: count }, (_, i) =>
    width === 8 ? view.getFloat64(at(i), true) : view.getFloat32(at(i), true),
  );
  return { shape, values };
}
