// SPDX-License-Identifier: Apache-2.0
/** CRC-32C (Castagnoli, reflected polynomial 0x82f63b78; RFC 3720 appendix B.4), one table, for headers of a few hundred bytes. */
const table = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  table[byte] = crc;
}

/** The checksum of `bytes`, continuing from `previous` (0 at the start). */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous >>> 0;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
