// SPDX-License-Identifier: Apache-2.0
/*
 * The text of the covariance kernels: Welford's updates of two variables and of their co-moment, one pass, the state of a
 * register of cells kept over all samples of the batch.
 */
#pragma once
#include "../vector.h"
#include "covariance.h"

namespace melissa::MELISSA_ISA {
namespace {

constexpr size_t TILE = FieldStatistics::TILE_CELLS;

template <class V, class T>
inline typename V::D valueOf(const void* const* values, const TilePairs& pairs, size_t s, size_t i) {
  return V::load(static_cast<const T*>(values[s]) - pairs.first + i);
}

template <class V, class T, class U, bool Cells>
inline void foldCells(double* p, const TilePairs& pairs, const Coefficients<One>* coefficients, size_t i) {
  auto meanX = V::load(p + i), m2X = V::load(p + TILE + i), meanY = V::load(p + 2 * TILE + i);
  auto m2Y = V::load(p + 3 * TILE + i), sum = V::load(p + 4 * TILE + i);
  const decltype(sum) old[] = {meanX, m2X, meanY, m2Y, sum};
  for (size_t s = 0; s < pairs.samples; s++) {
    Coefficients<V> c;
    if constexpr (Cells) c = Coefficients<V>::of(V::loadCount(pairs.counts + i) + V::set(1.0));
    else c = Coefficients<V>::broadcast(coefficients[s]);
    const auto dx = valueOf<V, T>(pairs.firstValues, pairs, s, i) - meanX;
    const auto dy = valueOf<V, U>(pairs.secondValues, pairs, s, i) - meanY;
    const auto w = dx * c.second;
    m2X = m2X + w * dx;
    m2Y = m2Y + (dy * c.second) * dy;
    sum = sum + w * dy;
    meanX = meanX + dx * c.inverse;
    meanY = meanY + dy * c.inverse;
  }
  decltype(sum) now[] = {meanX, m2X, meanY, m2Y, sum};
  for (size_t k = 0; k < COVARIANCE_STREAMS; k++) {
    if constexpr (Cells) now[k] = V::select(V::loadMask(pairs.active + i), now[k], old[k]);
    V::store(p + k * TILE + i, now[k]);
  }
}

template <class T, class U>
void foldTyped(double* streams, const TilePairs& pairs) {
  if (pairs.counts != nullptr) {
    overRange(pairs.first, pairs.last, [&](auto v, size_t i) { foldCells<decltype(v), T, U, true>(streams, pairs, nullptr, i); });
    return;
  }
  Coefficients<One> c[SAMPLES_PER_BATCH];
  for (size_t s = 0; s < pairs.samples; s++) c[s] = Coefficients<One>::of(pairs.count + static_cast<double>(s) + 1.0);
  overRange(pairs.first, pairs.last, [&](auto v, size_t i) { foldCells<decltype(v), T, U, false>(streams, pairs, c, i); });
}

template <class T, class U>
bool finiteTyped(uint32_t* active, const TilePairs& pairs) {
  for (size_t i = pairs.first; i < pairs.last; i++) active[i] = 0;
  bool good = true;
  overRange(pairs.first, pairs.last, [&](auto v, size_t i) {
    using V = decltype(v);
    const auto mask = V::both(finite<V>(valueOf<V, T>(pairs.firstValues, pairs, 0, i)),
                              finite<V>(valueOf<V, U>(pairs.secondValues, pairs, 0, i)));
    V::addMask(active + i, mask);
    good = good && V::every(mask);
  });
  return good;
}

/** Calls body<T, U> with the two fields' value types. */
template <class Body>
auto withTypes(const TilePairs& pairs, Body body) {
  const bool first = pairs.firstDType == DType::Float32, second = pairs.secondDType == DType::Float32;
  if (first) return second ? body(float{}, float{}) : body(float{}, double{});
  return second ? body(double{}, float{}) : body(double{}, double{});
}

void fold(double* streams, const TilePairs& pairs) {
  withTypes(pairs, [&](auto t, auto u) { foldTyped<decltype(t), decltype(u)>(streams, pairs); });
}

bool finiteCells(uint32_t* active, const TilePairs& pairs) {
  return withTypes(pairs, [&](auto t, auto u) { return finiteTyped<decltype(t), decltype(u)>(active, pairs); });
}

constexpr CovarianceKernels kernels = {fold, finiteCells};

}  // namespace
}  // namespace melissa::MELISSA_ISA
