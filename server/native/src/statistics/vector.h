// SPDX-License-Identifier: Apache-2.0
/*
 * The tiny vector type that lets one kernel text serve every instruction set. Included only by the files named after an
 * instruction set, which first define MELISSA_ISA (a namespace of their own, so that the linker can never put code made
 * for a newer processor in the place of the portable one) and MELISSA_WIDTH (doubles per register; 1 = scalar).
 *
 * Lanes run across cells and every lane does IEEE operations one by one, in the order written: nothing is fused, so a
 * wide kernel equals the scalar one bit for bit. `One` is the scalar type; the kernels use it for ragged ends too.
 */
#pragma once
#include <cstddef>
#include <cstdint>

#if MELISSA_WIDTH > 1 && defined(__x86_64__)
#include <immintrin.h>
#endif

namespace melissa::MELISSA_ISA {

struct One {
  static constexpr size_t WIDTH = 1;
  using D = double;
  using M = bool;
  using I = int64_t;

  static D set(double x) { return x; }
  static I setInteger(int64_t x) { return x; }
  static D load(const double* p) { D x; __builtin_memcpy(&x, p, sizeof x); return x; }
  static D load(const float* p) { float x; __builtin_memcpy(&x, p, sizeof x); return x; }
  static D loadCount(const uint32_t* p) { return *p; }
  static I loadInteger(const int32_t* p) { return *p; }
  static void store(double* p, D x) { *p = x; }
  static void storeLow(uint32_t* p, I x) { *p = static_cast<uint32_t>(x); }
  static void addMask(uint32_t* p, M m) { *p += m ? 1U : 0U; }
  static D select(M m, D a, D b) { return m ? a : b; }
  static M loadMask(const uint32_t* p) { return *p != 0; }
  static D lesser(D x, D y) { return x < y ? x : y; }  // y when either is NaN
  static D greater(D x, D y) { return x > y ? x : y; }
  static M less(D a, D b) { return a < b; }
  static M lessEqual(D a, D b) { return a <= b; }
  static M equal(D a, D b) { return a == b; }
  static M notANumber(D a) { return a != a; }
  static M both(M a, M b) { return a && b; }
  static M either(M a, M b) { return a || b; }
  static M none() { return false; }
  static M all() { return true; }
  static bool any(M m) { return m; }
  static bool every(M m) { return m; }
  static I bits(D x) { I i; __builtin_memcpy(&i, &x, sizeof i); return i; }
  static D fromBits(I i) { D x; __builtin_memcpy(&x, &i, sizeof x); return x; }
};

#if MELISSA_WIDTH > 1
struct Wide {
  static constexpr size_t WIDTH = MELISSA_WIDTH;
  typedef double D __attribute__((vector_size(MELISSA_WIDTH * 8)));
  typedef int64_t M __attribute__((vector_size(MELISSA_WIDTH * 8)));
  typedef int64_t I __attribute__((vector_size(MELISSA_WIDTH * 8)));
  typedef float F __attribute__((vector_size(MELISSA_WIDTH * 4)));
  typedef uint32_t U __attribute__((vector_size(MELISSA_WIDTH * 4)));
  typedef int32_t S __attribute__((vector_size(MELISSA_WIDTH * 4)));

  static D set(double x) { return x - D{}; }  // x - 0 is x for every x, -0 too
  static I setInteger(int64_t x) { return x - I{}; }
  static D load(const double* p) { D x; __builtin_memcpy(&x, p, sizeof x); return x; }
  static D load(const float* p) { F x; __builtin_memcpy(&x, p, sizeof x); return __builtin_convertvector(x, D); }
  static D loadCount(const uint32_t* p) { U x; __builtin_memcpy(&x, p, sizeof x); return __builtin_convertvector(x, D); }
  static I loadInteger(const int32_t* p) { S x; __builtin_memcpy(&x, p, sizeof x); return __builtin_convertvector(x, I); }
  static void store(double* p, D x) { __builtin_memcpy(p, &x, sizeof x); }
  static void storeLow(uint32_t* p, I x) {
    const U low = __builtin_convertvector(x, U);
    __builtin_memcpy(p, &low, sizeof low);
  }
  static void addMask(uint32_t* p, M m) {
    U x;
    __builtin_memcpy(&x, p, sizeof x);
    x -= __builtin_convertvector(m, U);  // a true lane is -1
    __builtin_memcpy(p, &x, sizeof x);
  }
  static M loadMask(const uint32_t* p) { U x; __builtin_memcpy(&x, p, sizeof x); return __builtin_convertvector(x, M) != 0; }
  static D select(M m, D a, D b) { return m ? a : b; }
  static M less(D a, D b) { return a < b; }
  static M lessEqual(D a, D b) { return a <= b; }
  static M equal(D a, D b) { return a == b; }
  static M notANumber(D a) { return a != a; }
  static M both(M a, M b) { return a & b; }
  static M either(M a, M b) { return a | b; }
  static M none() { return M{}; }
  static M all() { return ~M{}; }
  static I bits(D x) { return reinterpret_cast<I>(x); }
  static D fromBits(I i) { return reinterpret_cast<D>(i); }
#if defined(__AVX512F__)
  static D lesser(D x, D y) { return _mm512_min_pd(x, y); }
  static D greater(D x, D y) { return _mm512_max_pd(x, y); }
  static bool any(M m) { return _mm512_test_epi64_mask((__m512i)m, (__m512i)m) != 0; }
#elif defined(__AVX2__)
  static D lesser(D x, D y) { return _mm256_min_pd(x, y); }
  static D greater(D x, D y) { return _mm256_max_pd(x, y); }
  static bool any(M m) { return _mm256_movemask_pd((__m256d)m) != 0; }
#else
  static D lesser(D x, D y) { return x < y ? x : y; }
  static D greater(D x, D y) { return x > y ? x : y; }
  static bool any(M m) { return (m[0] | m[1]) != 0; }
#endif
  static bool every(M m) { return !any(~m); }
};
#else
using Wide = One;
#endif

/** Finite lanes: |x| < infinity, false for NaN. */
template <class V>
inline typename V::M finite(typename V::D x) {
  const auto magnitude = V::fromBits(V::bits(x) & V::setInteger(INT64_MAX));
  return V::less(magnitude, V::set(__builtin_inf()));
}

/**
 * What the update by the n-th sample multiplies with: 1/n, (n-1)/n, (n-2)/n and (n^2-3n+3)/n^2, the factors of Pébay's
 * single-sample formulas (doi:10.2172/1028931). The same divisions are done for one count per tile and one per cell.
 */
template <class V>
struct Coefficients {
  typename V::D inverse, second, third, fourth;

  static Coefficients of(typename V::D n) {
    const auto one = V::set(1.0);
    return {one / n, (n - one) / n, (n - V::set(2.0)) / n, (n * n - V::set(3.0) * n + V::set(3.0)) / (n * n)};
  }
  static Coefficients broadcast(const Coefficients<One>& c) {
    return {V::set(c.inverse), V::set(c.second), V::set(c.third), V::set(c.fourth)};
  }
};

/** Mean and central moment sums of a variable up to order K, one lane a cell. */
template <class V, int K>
struct Univariate {
  typename V::D mean, m2, m3, m4;

  void load(const double* const* streams, size_t i) {
    if constexpr (K >= 1) mean = V::load(streams[0] + i);
    if constexpr (K >= 2) m2 = V::load(streams[1] + i);
    if constexpr (K >= 3) m3 = V::load(streams[2] + i);
    if constexpr (K >= 4) m4 = V::load(streams[3] + i);
  }
  void store(double* const* streams, size_t i) const {
    if constexpr (K >= 1) V::store(streams[0] + i, mean);
    if constexpr (K >= 2) V::store(streams[1] + i, m2);
    if constexpr (K >= 3) V::store(streams[2] + i, m3);
    if constexpr (K >= 4) V::store(streams[3] + i, m4);
  }
  void keepWhere(typename V::M active, const Univariate& old) {
    if constexpr (K >= 1) mean = V::select(active, mean, old.mean);
    if constexpr (K >= 2) m2 = V::select(active, m2, old.m2);
    if constexpr (K >= 3) m3 = V::select(active, m3, old.m3);
    if constexpr (K >= 4) m4 = V::select(active, m4, old.m4);
  }
  /* Multiplied so that no square stands alone: with n = 1 every product starts with an exact zero, so that a first
     sample of 1e200 does not leave infinity times zero behind. */
  void add(typename V::D x, const Coefficients<V>& c) {
    if constexpr (K >= 1) {
      const auto d = x - mean;
      const auto p = d * c.inverse;
      if constexpr (K >= 2) {
        const auto t2 = (d * c.second) * d;
        if constexpr (K >= 3) {
          const auto t3 = t2 * d;
          const auto u = p * m2;
          if constexpr (K >= 4) m4 = m4 + (c.fourth * (t3 * d) + p * (V::set(6.0) * u - V::set(4.0) * m3));
          m3 = m3 + (c.third * t3 - V::set(3.0) * u);
        }
        m2 = m2 + t2;
      }
      mean = mean + p;
    }
  }
};

/** Calls body<Wide> on whole registers of [first, last) and body<One> on the rest. */
template <class Body>
inline void overRange(size_t first, size_t last, Body body) {
  const size_t whole = first + (last - first) / Wide::WIDTH * Wide::WIDTH;
  for (size_t i = first; i < whole; i += Wide::WIDTH) body(Wide{}, i);
  if constexpr (Wide::WIDTH > 1)
    for (size_t i = whole; i < last; i++) body(One{}, i);
}

}  // namespace melissa::MELISSA_ISA
