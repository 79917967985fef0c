/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78; RFC 3720 appendix B.4). By nibble: the 16-entry table is a constant, so there is nothing to initialise. */
#include "codec.h"

static const uint32_t table[16] = {
    0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u, 0x61c69362u, 0x7198540du,
    0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u, 0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u,
};

uint32_t mlp_crc32c(const void *bytes, size_t size, uint32_t previous) {
  const uint8_t *at = (const uint8_t *)bytes;
  uint32_t crc = ~previous;
  for (size_t i = 0; i < size; i++) {
    crc ^= at[i];
    crc = table[crc & 15u] ^ (crc >> 4);
    crc = table[crc & 15u] ^ (crc >> 4);
  }
  return ~crc;
}
