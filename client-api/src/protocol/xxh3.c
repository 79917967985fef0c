/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See xxh3.h. Inputs above 240 bytes are hashed in blocks of 16 stripes of 64 bytes, each into eight 64-bit accumulators; that
 * loop has one kernel per instruction set, chosen at the first call. All kernels compute the same integers, so the hash does
 * not depend on the machine.
 */
#include "xxh3.h"

#include <string.h>

#include "codec.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define STRIPE 64u
#define BLOCK 1024u /* 16 stripes: (192 bytes of secret - 64) / 8 */
#define SECRET_SIZE 192u

static const uint8_t secret[SECRET_SIZE] = {
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d, 0xe9,
    0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78,
    0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21, 0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6,
    0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8, 0xa8, 0xfa, 0x76, 0x3f,
    0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31,
    0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff,
    0xfa, 0x13, 0x63, 0xeb, 0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f,
    0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
};

#define P32_1 0x9E3779B1u
#define P32_2 0x85EBCA77u
#define P32_3 0xC2B2AE3Du
#define P64_1 0x9E3779B185EBCA87ull
#define P64_2 0xC2B2AE3D27D4EB4Full
#define P64_3 0x165667B19E3779F9ull
#define P64_4 0x85EBCA77C2B2AE63ull
#define P64_5 0x27D4EB2F165667C5ull

static uint64_t read64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}
static uint32_t read32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}
static uint64_t swap64(uint64_t value) { return __builtin_bswap64(value); }
static uint64_t rotate(uint64_t value, unsigned by) { return (value << by) | (value >> (64 - by)); }

/* Upper and lower half of the 128-bit product, folded together. */
static uint64_t mul_fold(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
  uint64_t ll = (a & 0xffffffffu) * (b & 0xffffffffu), hl = (a >> 32) * (b & 0xffffffffu);
  uint64_t lh = (a & 0xffffffffu) * (b >> 32), hh = (a >> 32) * (b >> 32);
  uint64_t cross = (ll >> 32) + (hl & 0xffffffffu) + lh;
  return ((cross << 32) | (ll & 0xffffffffu)) ^ ((hl >> 32) + (cross >> 32) + hh);
#endif
}

static uint64_t xxh64_avalanche(uint64_t h) {
  h ^= h >> 33;
  h *= P64_2;
  h ^= h >> 29;
  h *= P64_3;
  return h ^ (h >> 32);
}
static uint64_t avalanche(uint64_t h) {
  h ^= h >> 37;
  h *= 0x165667919E3779F9ull;
  return h ^ (h >> 32);
}

static uint64_t hash_0_to_16(const uint8_t *in, size_t size) {
  if (size > 8) {
    uint64_t low = read64(in) ^ (read64(secret + 24) ^ read64(secret + 32));
    uint64_t high = read64(in + size - 8) ^ (read64(secret + 40) ^ read64(secret + 48));
    return avalanche(size + swap64(low) + high + mul_fold(low, high));
  }
  if (size >= 4) {
    uint64_t both = read32(in + size - 4) + ((uint64_t)read32(in) << 32);
    uint64_t h = both ^ (read64(secret + 8) ^ read64(secret + 16));
    h ^= rotate(h, 49) ^ rotate(h, 24);
    h *= 0x9FB21C651E98DF25ull;
    h ^= (h >> 35) + size;
    h *= 0x9FB21C651E98DF25ull;
    return h ^ (h >> 28);
  }
  if (size > 0) {
    uint32_t three = (uint32_t)in[0] << 16 | (uint32_t)in[size >> 1] << 24 | in[size - 1] | (uint32_t)size << 8;
    return xxh64_avalanche((uint64_t)three ^ (read32(secret) ^ read32(secret + 4)));
  }
  return xxh64_avalanche(read64(secret + 56) ^ read64(secret + 64));
}

static uint64_t mix16(const uint8_t *in, const uint8_t *key) {
  return mul_fold(read64(in) ^ read64(key), read64(in + 8) ^ read64(key + 8));
}

static uint64_t hash_17_to_240(const uint8_t *in, size_t size) {
  uint64_t acc = size * P64_1;
  if (size <= 128) {
    for (size_t i = (size - 1) / 32 + 1; i-- > 0;) {
      acc += mix16(in + 16 * i, secret + 32 * i);
      acc += mix16(in + size - 16 * (i + 1), secret + 32 * i + 16);
    }
    return avalanche(acc);
  }
  for (size_t i = 0; i < 8; i++) acc += mix16(in + 16 * i, secret + 16 * i);
  acc = avalanche(acc);
  for (size_t i = 8; i < size / 16; i++) acc += mix16(in + 16 * i, secret + 16 * (i - 8) + 3);
  acc += mix16(in + size - 16, secret + 136 - 17);
  return avalanche(acc);
}

/* ---- above 240 bytes ---- */

typedef struct scan {
  uint32_t mask[2];  /* and-ed with the even and odd 32-bit words */
  uint32_t equal[2]; /* a word equal to this after the mask belongs to a non-finite value */
} scan;

static scan scan_of(uint8_t dtype) {
  /* Little-endian: the exponent of a float64 is in the odd word. All ones under a zero mask never match. */
  scan f64 = {{0, 0x7ff00000u}, {0xffffffffu, 0x7ff00000u}};
  scan f32 = {{0x7f800000u, 0x7f800000u}, {0x7f800000u, 0x7f800000u}};
  return dtype == MLP_DTYPE_F32 ? f32 : f64;
}

static int scan_bytes(const uint8_t *in, size_t size, const scan *what) {
  int found = 0;
  for (size_t i = 0; i + 4 <= size; i += 4) found |= (read32(in + i) & what->mask[(i / 4) & 1]) == what->equal[(i / 4) & 1];
  return found;
}

/* Accumulates `blocks` whole blocks; copies them to `to` unless it is NULL; returns 1 if a non-finite value was seen. */
typedef int block_kernel(uint64_t *acc, uint8_t *to, const uint8_t *in, size_t blocks, const scan *what);

static void accumulate_scalar(uint64_t *acc, const uint8_t *in, const uint8_t *key) {
  for (unsigned lane = 0; lane < 8; lane++) {
    uint64_t value = read64(in + 8 * lane);
    uint64_t keyed = value ^ read64(key + 8 * lane);
    acc[lane ^ 1] += value;
    acc[lane] += (keyed & 0xffffffffu) * (keyed >> 32);
  }
}

static void scramble_scalar(uint64_t *acc) {
  for (unsigned lane = 0; lane < 8; lane++) {
    uint64_t value = acc[lane];
    value ^= value >> 47;
    value ^= read64(secret + SECRET_SIZE - STRIPE + 8 * lane);
    acc[lane] = value * P32_1;
  }
}

static int blocks_scalar(uint64_t *acc, uint8_t *to, const uint8_t *in, size_t blocks, const scan *what) {
  int found = 0;
  for (size_t block = 0; block < blocks; block++, in += BLOCK) {
    if (to != NULL) {
      found |= scan_bytes(in, BLOCK, what);
      if (to != in) memcpy(to, in, BLOCK);
      to += BLOCK;
    }
    for (unsigned stripe = 0; stripe < 16; stripe++) accumulate_scalar(acc, in + STRIPE * stripe, secret + 8 * stripe);
    scramble_scalar(acc);
  }
  return found;
}

#if defined(__x86_64__)
static int blocks_sse2(uint64_t *acc, uint8_t *to, const uint8_t *in, size_t blocks, const scan *what) {
  const __m128i mask = _mm_set_epi32((int)what->mask[1], (int)what->mask[0], (int)what->mask[1], (int)what->mask[0]);
  const __m128i equal = _mm_set_epi32((int)what->equal[1], (int)what->equal[0], (int)what->equal[1], (int)what->equal[0]);
  const __m128i prime = _mm_set1_epi32((int)P32_1);
  __m128i a[4], found = _mm_setzero_si128();
  for (unsigned i = 0; i < 4; i++) a[i] = _mm_loadu_si128((const __m128i *)(const void *)(acc + 2 * i));
  for (size_t block = 0; block < blocks; block++, in += BLOCK) {
    for (unsigned stripe = 0; stripe < 16; stripe++) {
      for (unsigned i = 0; i < 4; i++) {
        const __m128i value = _mm_loadu_si128((const __m128i *)(const void *)(in + STRIPE * stripe + 16 * i));
        const __m128i key = _mm_loadu_si128((const __m128i *)(const void *)(secret + 8 * stripe + 16 * i));
        if (to != NULL) {
          found = _mm_or_si128(found, _mm_cmpeq_epi32(_mm_and_si128(value, mask), equal));
          _mm_storeu_si128((__m128i *)(void *)(to + STRIPE * stripe + 16 * i), value);
        }
        const __m128i keyed = _mm_xor_si128(value, key);
        const __m128i product = _mm_mul_epu32(keyed, _mm_shuffle_epi32(keyed, _MM_SHUFFLE(0, 3, 0, 1)));
        a[i] = _mm_add_epi64(product, _mm_add_epi64(a[i], _mm_shuffle_epi32(value, _MM_SHUFFLE(1, 0, 3, 2))));
      }
    }
    for (unsigned i = 0; i < 4; i++) {
      const __m128i key = _mm_loadu_si128((const __m128i *)(const void *)(secret + SECRET_SIZE - STRIPE + 16 * i));
      const __m128i value = _mm_xor_si128(_mm_xor_si128(a[i], _mm_srli_epi64(a[i], 47)), key);
      const __m128i high = _mm_shuffle_epi32(value, _MM_SHUFFLE(0, 3, 0, 1));
      a[i] = _mm_add_epi64(_mm_mul_epu32(value, prime), _mm_slli_epi64(_mm_mul_epu32(high, prime), 32));
    }
    if (to != NULL) to += BLOCK;
  }
  for (unsigned i = 0; i < 4; i++) _mm_storeu_si128((__m128i *)(void *)(acc + 2 * i), a[i]);
  return _mm_movemask_epi8(found) != 0;
}

__attribute__((target("avx2"))) static int blocks_avx2(uint64_t *acc, uint8_t *to, const uint8_t *in, size_t blocks, const scan *what) {
  const __m256i mask = _mm256_set1_epi64x((long long)((uint64_t)what->mask[1] << 32 | what->mask[0]));
  const __m256i equal = _mm256_set1_epi64x((long long)((uint64_t)what->equal[1] << 32 | what->equal[0]));
  const __m256i prime = _mm256_set1_epi32((int)P32_1);
  __m256i a[2], found = _mm256_setzero_si256();
  for (unsigned i = 0; i < 2; i++) a[i] = _mm256_loadu_si256((const __m256i *)(const void *)(acc + 4 * i));
  for (size_t block = 0; block < blocks; block++, in += BLOCK) {
    for (unsigned stripe = 0; stripe < 16; stripe++) {
      for (unsigned i = 0; i < 2; i++) {
        const __m256i value = _mm256_loadu_si256((const __m256i *)(const void *)(in + STRIPE * stripe + 32 * i));
        const __m256i key = _mm256_loadu_si256((const __m256i *)(const void *)(secret + 8 * stripe + 32 * i));
        if (to != NULL) {
          found = _mm256_or_si256(found, _mm256_cmpeq_epi32(_mm256_and_si256(value, mask), equal));
          _mm256_storeu_si256((__m256i *)(void *)(to + STRIPE * stripe + 32 * i), value);
        }
        const __m256i keyed = _mm256_xor_si256(value, key);
        const __m256i product = _mm256_mul_epu32(keyed, _mm256_shuffle_epi32(keyed, _MM_SHUFFLE(0, 3, 0, 1)));
        a[i] = _mm256_add_epi64(product, _mm256_add_epi64(a[i], _mm256_shuffle_epi32(value, _MM_SHUFFLE(1, 0, 3, 2))));
      }
    }
    for (unsigned i = 0; i < 2; i++) {
      const __m256i key = _mm256_loadu_si256((const __m256i *)(const void *)(secret + SECRET_SIZE - STRIPE + 32 * i));
      const __m256i value = _mm256_xor_si256(_mm256_xor_si256(a[i], _mm256_srli_epi64(a[i], 47)), key);
      const __m256i high = _mm256_shuffle_epi32(value, _MM_SHUFFLE(0, 3, 0, 1));
      a[i] = _mm256_add_epi64(_mm256_mul_epu32(value, prime), _mm256_slli_epi64(_mm256_mul_epu32(high, prime), 32));
    }
    if (to != NULL) to += BLOCK;
  }
  for (unsigned i = 0; i < 2; i++) _mm256_storeu_si256((__m256i *)(void *)(acc + 4 * i), a[i]);
  return _mm256_movemask_epi8(found) != 0;
}
#endif

typedef struct instruction_set {
  const char *name;
  block_kernel *blocks;
} instruction_set;

static const instruction_set scalar = {"scalar", blocks_scalar};
#if defined(__x86_64__)
static const instruction_set sse2 = {"sse2", blocks_sse2};
static const instruction_set avx2 = {"avx2", blocks_avx2};
#endif
static const instruction_set *chosen; /* every thread would choose the same, so the race to write it first is harmless */

static const instruction_set *choose(void) {
  const instruction_set *set = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  if (set != NULL) return set;
#if defined(__x86_64__)
  __builtin_cpu_init();
  set = __builtin_cpu_supports("avx2") ? &avx2 : &sse2;
#else
  set = &scalar;
#endif
  __atomic_store_n(&chosen, set, __ATOMIC_RELAXED);
  return set;
}

const char *mlp_hash_instruction_set(const char *force) {
  const instruction_set *set = choose();
  if (force != NULL) {
    if (strcmp(force, "scalar") == 0) set = &scalar;
#if defined(__x86_64__)
    if (strcmp(force, "sse2") == 0) set = &sse2;
    if (strcmp(force, "avx2") == 0 && __builtin_cpu_supports("avx2")) set = &avx2;
#endif
    __atomic_store_n(&chosen, set, __ATOMIC_RELAXED);
  }
  return set->name;
}

/* The blocks, then the rest of the last block and the last stripe (which may overlap what came before), then the merge. */
static uint64_t hash_long(uint8_t *to, const uint8_t *in, size_t size, const scan *what, int *found) {
  uint64_t acc[8] = {P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1};
  size_t blocks = (size - 1) / BLOCK;
  *found = choose()->blocks(acc, to, in, blocks, what);
  size_t done = blocks * BLOCK;
  if (to != NULL) {
    *found |= scan_bytes(in + done, size - done, what);
    if (to != in) memcpy(to + done, in + done, size - done);
  }
  size_t stripes = (size - 1 - done) / STRIPE;
  for (size_t stripe = 0; stripe < stripes; stripe++) accumulate_scalar(acc, in + done + STRIPE * stripe, secret + 8 * stripe);
  accumulate_scalar(acc, in + size - STRIPE, secret + SECRET_SIZE - STRIPE - 7);
  uint64_t hash = (uint64_t)size * P64_1;
  for (unsigned i = 0; i < 4; i++) {
    const uint8_t *key = secret + 11 + 16 * i;
    hash += mul_fold(acc[2 * i] ^ read64(key), acc[2 * i + 1] ^ read64(key + 8));
  }
  return avalanche(hash);
}

static uint64_t hash_short(const uint8_t *in, size_t size) {
  return size <= 16 ? hash_0_to_16(in, size) : hash_17_to_240(in, size);
}

uint64_t mlp_xxh3_64(const void *bytes, size_t size) {
  static const scan nothing;
  int found;
  if (size <= 240) return hash_short((const uint8_t *)bytes, size);
  return hash_long(NULL, (const uint8_t *)bytes, size, &nothing, &found);
}

uint64_t mlp_copy_hash(void *to, const void *from, size_t size, uint8_t dtype, int *non_finite) {
  const scan what = scan_of(dtype);
  if (size > 240) return hash_long((uint8_t *)to, (const uint8_t *)from, size, &what, non_finite);
  *non_finite = scan_bytes((const uint8_t *)from, size, &what);
  if (to != from && size > 0) memcpy(to, from, size);
  return hash_short((const uint8_t *)from, size);
}
