// SPDX-License-Identifier: Apache-2.0
/** PNG (ISO/IEC 15948): 8-bit colour without an alpha channel. Deflate and CRC come in as functions. */
export type PngTools = { deflate: (bytes: Uint8Array) => Uint8Array; crc32: (bytes: Uint8Array) => number };

export function encodePng(image: { width: number; height: number; pixels: Uint8Array }, tools: PngTools): Uint8Array {
  const { width, height, pixels } = image;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2, 0, 0, 0], 8);
  // Each row is preceded by its filter; 2 (difference to the row above) packs maps and flat areas well.
  const stride = 3 * width;
  const rows = new Uint8Array(height * (stride + 1));
  for (let row = 0; row < height; row++) {
    const out = row * (stride + 1);
    rows[out] = row === 0 ? 0 : 2;
    const at = row * stride;
    for (let i = 0; i < stride; i++) rows[out + 1 + i] = pixels[at + i]! - (row === 0 ? 0 : pixels[at - stride + i]!);
  }
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const parts = [
    signature,
    chunk('IHDR', header, tools),
    chunk('IDAT', tools.deflate(rows), tools),
    chunk('IEND', new Uint8Array(0), tools),
  ];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) (out.set(part, at), (at += part.length));
  return out;
}

function chunk(type: string, data: Uint8Array, tools: PngTools): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, tools.crc32(out.subarray(4, 8 + data.length)));
  return out;
}
