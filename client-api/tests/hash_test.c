/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3-64 against the reference implementation's answers, and the fused kernel against its parts, on every instruction set that this machine has. */
#include "../src/protocol/xxh3.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xxh3_vectors.h"

#define PATTERN_BYTES 100000

static int failures;
static void expect(int condition, const char *what, unsigned long at) {
  if (condition) return;
  failures++;
  fprintf(stderr, "FAIL %s at %lu (%s)\n", what, at, mlp_hash_instruction_set(NULL));
}

static void fused_copies_hashes_and_looks(size_t count, size_t shift) {
  uint8_t *from = malloc(8 * count + 64), *to = malloc(8 * count + 64);
  int non_finite;
  for (size_t i = 0; i < count; i++) {
    double value = 1e300 / (double)(i + 1);
    memcpy(from + shift + 8 * i, &value, 8);
  }
  uint64_t hash = mlp_copy_hash(to + 3, from + shift, 8 * count, 2, &non_finite);
  expect(hash == mlp_xxh3_64(from + shift, 8 * count) && memcmp(to + 3, from + shift, 8 * count) == 0, "copy and hash", count);
  expect(!non_finite, "finite float64 values are finite", count);
  for (size_t at = 0; at < count; at += 1 + count / 37) {
    double kept, bad = at % 3 == 0 ? (double)NAN : at % 3 == 1 ? (double)INFINITY : -(double)INFINITY;
    memcpy(&kept, from + shift + 8 * at, 8);
    memcpy(from + shift + 8 * at, &bad, 8);
    mlp_copy_hash(to, from + shift, 8 * count, 2, &non_finite);
    expect(non_finite, "a non-finite float64 is seen", at);
    memcpy(from + shift + 8 * at, &kept, 8);
  }
  for (size_t i = 0; i < 2 * count; i++) {
    float value = 3e38f / (float)(i + 1);
    memcpy(from + shift + 4 * i, &value, 4);
  }
  mlp_copy_hash(from + shift, from + shift, 8 * count, 1, &non_finite);
  expect(!non_finite, "finite float32 values are finite", count);
  for (size_t at = 0; at < 2 * count; at += 1 + count / 19) {
    float kept, bad = at % 2 == 0 ? NAN : -INFINITY;
    memcpy(&kept, from + shift + 4 * at, 4);
    memcpy(from + shift + 4 * at, &bad, 4);
    mlp_copy_hash(from + shift, from + shift, 8 * count, 1, &non_finite);
    expect(non_finite, "a non-finite float32 is seen", at);
    memcpy(from + shift + 4 * at, &kept, 4);
  }
  free(from);
  free(to);
}

int main(void) {
  static uint8_t pattern[PATTERN_BYTES];
  uint64_t state = 0x9E3779B1u;
  for (size_t i = 0; i < PATTERN_BYTES; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    pattern[i] = (uint8_t)(state >> 56);
  }
  static const char *const sets[] = {"scalar", "sse2", "avx2"};
  int tried = 0;
  for (size_t set = 0; set < 3; set++) {
    if (strcmp(mlp_hash_instruction_set(sets[set]), sets[set]) != 0) continue;
    tried++;
    for (size_t i = 0; i < sizeof xxh3_vectors / sizeof *xxh3_vectors; i++) {
      uint8_t *exact = malloc(xxh3_vectors[i].size + 1);
      memcpy(exact, pattern, xxh3_vectors[i].size);
      expect(mlp_xxh3_64(exact, xxh3_vectors[i].size) == xxh3_vectors[i].hash, "XXH3-64", xxh3_vectors[i].size);
      free(exact);
    }
    for (size_t count = 1; count < 400; count += 7) fused_copies_hashes_and_looks(count, count % 16);
    fused_copies_hashes_and_looks(10000, 4);
  }
  printf("hash: %d instruction sets, %d failures\n", tried, failures);
  return failures == 0 && tried > 0 ? 0 : 1;
}
