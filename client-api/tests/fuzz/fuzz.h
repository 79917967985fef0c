/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every fuzz target has: one function that takes any bytes, crashes where something is wrong (abort, a sanitizer), and
 * returns otherwise. libFuzzer calls it, or driver.c, which needs no particular compiler and does the same inputs each time.
 */
#ifndef MELISSA_FUZZ_H
#define MELISSA_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocol/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the process where an invariant does not hold. */
#define FUZZ_CHECK(condition)                                                        \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);      \
      abort();                                                                       \
    }                                                                                \
  } while (0)

enum { FUZZ_CRC_AT = 12 };

/** Gives the first `size` bytes of a frame the checksum that makes them pass, so that what lies behind it is reached. */
static inline void fuzz_seal(uint8_t *frame, size_t size) {
  static const uint8_t zeros[4] = {0, 0, 0, 0};
  if (size < MLP_ENVELOPE_BYTES) return;
  uint32_t crc = mlp_crc32c(frame, FUZZ_CRC_AT, 0);
  crc = mlp_crc32c(zeros, sizeof zeros, crc);
  crc = mlp_crc32c(frame + FUZZ_CRC_AT + 4, size - FUZZ_CRC_AT - 4, crc);
  for (unsigned i = 0; i < 4; i++) frame[FUZZ_CRC_AT + i] = (uint8_t)(crc >> (8 * i));
}

#ifdef __cplusplus
}
#endif
#endif
