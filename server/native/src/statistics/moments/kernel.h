// SPDX-License-Identifier: Apache-2.0
/*
 * The text of the per-cell kernels. Per register of cells the state is loaded once, updated by all samples of the batch,
 * and stored once; streams are all loaded before any is stored, because arrays that lie 4 KiB apart look alike to the
 * processor's store buffer.
 */
#pragma once
#include "../vector.h"
#include "moments.h"

namespace melissa::MELISSA_ISA {
namespace {

template <class T>
inline const T* sampleOf(const TileSamples& samples, size_t s) {
  return static_cast<const T*>(samples.values[s]) - samples.first;
}

template <class V>
struct Extremes {
  typename V::D low, high;
  typename V::M nan;

  void add(typename V::D x) {
    x = x + V::set(0.0);  // -0 becomes +0, so that the result does not depend on which came first
    low = V::lesser(x, low);
    high = V::greater(x, high);
    nan = V::either(nan, V::notANumber(x));
  }
};
/** One register of cells, all of the same count: the fast path. */
template <class V, class T, int K, bool E>
inline void foldUniform(double* const* streams, const TileSamples& samples, const Coefficients<One>* coefficients, size_t i) {
  Univariate<V, K> u;
  Extremes<V> e;
  u.load(streams, i);
  if constexpr (E) {
    const bool fresh = samples.count == 0;
    e.low = fresh ? V::set(__builtin_inf()) : V::load(streams[4] + i);
    e.high = fresh ? V::set(-__builtin_inf()) : V::load(streams[5] + i);
    e.nan = V::none();
  }
  for (size_t s = 0; s < samples.samples; s++) {
    const auto x = V::load(sampleOf<T>(samples, s) + i);
    if constexpr (E) e.add(x);
    u.add(x, Coefficients<V>::broadcast(coefficients[s]));
  }
  u.store(streams, i);
  if constexpr (E) {
    const auto nan = V::set(__builtin_nan(""));
    V::store(streams[4] + i, V::select(e.nan, nan, e.low));
    V::store(streams[5] + i, V::select(e.nan, nan, e.high));
  }
}

/** One register of cells with a count each; with `skip` a non-finite value leaves its cell as it was. */
template <class V, class T, int K, bool E>
inline void foldCells(double* const* streams, const TileSamples& samples, size_t i) {
  Univariate<V, K> u;
  Extremes<V> e;
  auto n = V::loadCount(samples.counts + i);
  const auto zero = V::set(0.0), nan = V::set(__builtin_nan(""));
  u.load(streams, i);
  if constexpr (E) {
    e.low = V::select(V::equal(n, zero), V::set(__builtin_inf()), V::load(streams[4] + i));
    e.high = V::select(V::equal(n, zero), V::set(-__builtin_inf()), V::load(streams[5] + i));
    e.nan = V::none();
  }
  for (size_t s = 0; s < samples.samples; s++) {
    const auto x = V::load(sampleOf<T>(samples, s) + i);
    const auto active = samples.skip ? finite<V>(x) : V::all();
    const auto before = u;
    const auto next = n + V::set(1.0);
    if constexpr (E) {
      const auto old = e;
      e.add(x);
      e.low = V::select(active, e.low, old.low);
      e.high = V::select(active, e.high, old.high);
      e.nan = V::either(old.nan, V::both(active, e.nan));
    }
    u.add(x, Coefficients<V>::of(next));
    u.keepWhere(active, before);
    n = V::select(active, next, n);
  }
  u.store(streams, i);
  if constexpr (E) {
    const auto empty = V::equal(n, zero);
    V::store(streams[4] + i, V::select(empty, zero, V::select(e.nan, nan, e.low)));
    V::store(streams[5] + i, V::select(empty, zero, V::select(e.nan, nan, e.high)));
  }
}

/** Asks for the same lines of the next tile: each tile is too short for the hardware to learn where its streams go. */
template <int K, bool E>
inline void prefetchNext(double* const* streams, size_t ahead, size_t i) {
  if (i % 8 != 0) return;
  const auto ask = [&](int stream) {
    __builtin_prefetch(reinterpret_cast<const std::byte*>(streams[stream] + i) + ahead, 1, 2);
  };
  for (int k = 0; k < K; k++) ask(k);
  if (E) ask(4), ask(5);
}

template <class T, int K, bool E>
void foldAll(double* const* streams, const TileSamples& samples) {
  if (samples.counts != nullptr) {
    overRange(samples.first, samples.last, [&](auto v, size_t i) { foldCells<decltype(v), T, K, E>(streams, samples, i); });
    return;
  }
  Coefficients<One> coefficients[SAMPLES_PER_BATCH];
  for (size_t s = 0; s < samples.samples; s++) coefficients[s] = Coefficients<One>::of(samples.count + static_cast<double>(s) + 1.0);
  overRange(samples.first, samples.last, [&](auto v, size_t i) {
    if (samples.ahead != 0) prefetchNext<K, E>(streams, samples.ahead, i);
    foldUniform<decltype(v), T, K, E>(streams, samples, coefficients, i);
  });
}

template <class T, bool E>
void foldByOrder(double* const* streams, int moments, const TileSamples& samples) {
  switch (moments) {
    case 0: return foldAll<T, 0, E>(streams, samples);
    case 1: return foldAll<T, 1, E>(streams, samples);
    case 2: return foldAll<T, 2, E>(streams, samples);
    case 3: return foldAll<T, 3, E>(streams, samples);
    default: return foldAll<T, 4, E>(streams, samples);
  }
}

void fold(double* const* streams, int moments, bool extrema, const TileSamples& samples) {
  if (samples.dtype == DType::Float32)
    extrema ? foldByOrder<float, true>(streams, moments, samples) : foldByOrder<float, false>(streams, moments, samples);
  else
    extrema ? foldByOrder<double, true>(streams, moments, samples) : foldByOrder<double, false>(streams, moments, samples);
}

template <class T>
void exceedAll(uint32_t* counters, const double* thresholds, size_t thresholdCount, const TileSamples& samples) {
  for (size_t t = 0; t < thresholdCount; t++) {
    uint32_t* const counter = counters + t * FieldStatistics::TILE_CELLS;
    overRange(samples.first, samples.last, [&](auto v, size_t i) {
      using V = decltype(v);
      const auto threshold = V::set(thresholds[t]);
      for (size_t s = 0; s < samples.samples; s++) {
        const auto x = V::load(sampleOf<T>(samples, s) + i);
        auto above = V::less(threshold, x);
        if (samples.skip) above = V::both(above, finite<V>(x));
        V::addMask(counter + i, above);
      }
    });
  }
}

void exceed(uint32_t* counters, const double* thresholds, size_t thresholdCount, const TileSamples& samples) {
  samples.dtype == DType::Float32 ? exceedAll<float>(counters, thresholds, thresholdCount, samples)
                                  : exceedAll<double>(counters, thresholds, thresholdCount, samples);
}

template <class T>
void robbinsMonroAll(double* quantiles, const double* probabilities, size_t quantileCount, const double* minimum,
                     const double* maximum, const double* rates, const TileSamples& samples) {
  for (size_t k = 0; k < quantileCount; k++) {
    double* const quantile = quantiles + k * FieldStatistics::TILE_CELLS;
    overRange(samples.first, samples.last, [&](auto v, size_t i) {
      using V = decltype(v);
      const auto x = V::load(sampleOf<T>(samples, 0) + i);
      const auto q = V::load(quantile + i);
      const auto step = (V::load(maximum + i) - V::load(minimum + i)) * V::load(rates + i);
      const auto below = V::select(V::lessEqual(x, q), V::set(1.0), V::set(0.0)) - V::set(probabilities[k]);
      auto next = q - below * step;
      const auto n = samples.counts != nullptr ? V::loadCount(samples.counts + i) : V::set(samples.count);
      next = V::select(V::equal(n, V::set(0.0)), x, next);
      V::store(quantile + i, samples.skip ? V::select(finite<V>(x), next, q) : next);
    });
  }
}

void robbinsMonro(double* quantiles, const double* probabilities, size_t quantileCount, const double* minimum,
                  const double* maximum, const double* rates, const TileSamples& samples) {
  samples.dtype == DType::Float32
      ? robbinsMonroAll<float>(quantiles, probabilities, quantileCount, minimum, maximum, rates, samples)
      : robbinsMonroAll<double>(quantiles, probabilities, quantileCount, minimum, maximum, rates, samples);
}

template <class T>
void countAll(uint32_t* counts, const TileSamples& samples) {
  for (size_t s = 0; s < samples.samples; s++)
    overRange(samples.first, samples.last, [&](auto v, size_t i) {
      using V = decltype(v);
      V::addMask(counts + i, samples.skip ? finite<V>(V::load(sampleOf<T>(samples, s) + i)) : V::all());
    });
}

void count(uint32_t* counts, const TileSamples& samples) {
  samples.dtype == DType::Float32 ? countAll<float>(counts, samples) : countAll<double>(counts, samples);
}

template <class T>
bool allFiniteAll(const TileSamples& samples) {
  bool good = true;
  for (size_t s = 0; s < samples.samples && good; s++)
    overRange(samples.first, samples.last, [&](auto v, size_t i) {
      using V = decltype(v);
      good = good && V::every(finite<V>(V::load(sampleOf<T>(samples, s) + i)));
    });
  return good;
}

bool allFinite(const TileSamples& samples) {
  return samples.dtype == DType::Float32 ? allFiniteAll<float>(samples) : allFiniteAll<double>(samples);
}

constexpr MomentsKernels kernels = {fold, exceed, robbinsMonro, count, allFinite};

}  // namespace
}  // namespace melissa::MELISSA_ISA
