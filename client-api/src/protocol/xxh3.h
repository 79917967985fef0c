/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XXH3-64 with seed 0 (Yann Collet's published algorithm; this is an independent implementation), and the fused kernel of
 * melissa_send: one pass over the values that copies them, hashes them and looks for non-finite ones. The rank's engine
 * verifies payloads with the same hash.
 */
#ifndef MELISSA_PROTOCOL_XXH3_H
#define MELISSA_PROTOCOL_XXH3_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** XXH3_64bits of `size` bytes. */
uint64_t mlp_xxh3_64(const void *bytes, size_t size);

/**
 * Copies `size` bytes and returns the XXH3_64bits of them. `dtype` is MLP_DTYPE_F32 or MLP_DTYPE_F64; `*non_finite` becomes 1
 * if a value is NaN or infinite, else 0. `to` may equal `from` (then it only looks), but may not overlap it otherwise.
 */
uint64_t mlp_copy_hash(void *to, const void *from, size_t size, uint8_t dtype, int *non_finite);

/** "scalar", "sse2" or "avx2": what the two functions above use. `force` one of them (for tests) or NULL to ask. */
const char *mlp_hash_instruction_set(const char *force);

#ifdef __cplusplus
}
#endif
#endif
