// SPDX-License-Identifier: Apache-2.0
// Moments, extrema, exceedance, counts and Robbins-Monro against two-pass references in long double.
#include <algorithm>
#include <limits>

#include "../testing.h"

using namespace melissa;
using namespace testing;

namespace {

struct Reference {
  long double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
  double largest = 0, kappa = 0;
};

template <class T>
Reference referenceOf(const std::vector<std::vector<T>>& samples, size_t cell) {
  Reference r;
  const long double n = samples.size();
  for (const auto& sample : samples) {
    r.mean += sample[cell];
    r.largest = std::max(r.largest, std::abs(static_cast<double>(sample[cell])));
  }
  r.mean /= n;
  long double m2 = 0, m3 = 0, m4 = 0;
  for (const auto& sample : samples) {
    const long double d = sample[cell] - r.mean;
    m2 += d * d, m3 += d * d * d, m4 += d * d * d * d;
  }
  r.variance = m2 / (n - 1);
  r.skewness = std::sqrt(n) * m3 / std::pow(m2, 1.5L);
  r.kurtosis = n * m4 / (m2 * m2) - 3;
  r.kappa = 1 + r.largest / static_cast<double>(std::sqrt(m2 / n));
  return r;
}

/** Fields whose cells differ in mean, spread and shape; `ratio` is mean / sigma. */
template <class T>
std::vector<std::vector<T>> fields(size_t samples, size_t cells, double ratio, uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<T>> all(samples, std::vector<T>(cells));
  for (auto& sample : all)
    for (size_t c = 0; c < cells; c++) {
      const double z = c % 3 == 0 ? random.normal() : c % 3 == 1 ? -std::log(1.0 - random.uniform()) : random.uniform();
      sample[c] = static_cast<T>(std::ldexp(z + ratio, static_cast<int>(c % 7) * 10 - 30));
    }
  return all;
}

StatisticsSpec momentsSpec(DType dtype) {
  StatisticsSpec spec;
  spec.dtype = dtype;
  spec.moments = 4;
  spec.extrema = true;
  return spec;
}

struct Worst {
  double mean = 0, variance = 0, higher = 0;
};

template <class T>
Worst worstError(size_t samples, double ratio) {
  const size_t cells = 30;
  const auto data = fields<T>(samples, cells, ratio, 11);
  const FieldStatistics statistics(momentsSpec(sizeof(T) == 4 ? DType::Float32 : DType::Float64));
  State state(statistics.bytes(cells));
  fold(statistics, state, data);
  Worst worst;
  for (size_t c = 0; c < cells; c++) {
    const Reference r = referenceOf(data, c);
    const auto excess = [&](const char* name, long double want, double unit) {
      return static_cast<double>(std::abs(derived(statistics, state, c, name) - want)) / unit;
    };
    worst.mean = std::max(worst.mean, excess("mean", r.mean, r.largest));
    worst.variance = std::max(worst.variance, excess("variance", r.variance, r.kappa * static_cast<double>(r.variance)));
    for (const auto& [name, want] : {std::pair{"skewness", r.skewness}, std::pair{"kurtosis", r.kurtosis}})
      worst.higher = std::max(worst.higher, excess(name, want, r.kappa * (1 + std::abs(static_cast<double>(want)))));
  }
  std::printf("# n = %zu, mean/sigma = %g, %s: mean %.1e max|x|, variance %.1e kappa, skewness and kurtosis %.1e kappa (1+|v|)\n",
              samples, ratio, sizeof(T) == 4 ? "float32" : "float64", worst.mean, worst.variance, worst.higher);
  return worst;
}

template <class T>
void staysWithinTolerance() {
  for (const size_t samples : {2UL, 100UL, 5000UL, 40000UL})
    for (const double ratio : {0.0, 10.0, 1e4, 1e7}) {
      if (sizeof(T) == 4 && ratio > 1e4) continue;  // float32 has no spread left there
      const Worst worst = worstError<T>(samples, ratio);
      check(worst.mean <= 1e-13 && worst.variance <= 1e-13 && worst.higher <= 1e-12, "beyond the tolerance, see the line above");
    }
}

TEST("moments of float64 fields equal the two-pass reference within the stated tolerance", staysWithinTolerance<double>);
TEST("moments of float32 fields equal the two-pass reference within the stated tolerance", staysWithinTolerance<float>);

TEST("standardError is the square root of variance over n", [] {
  const auto data = fields<double>(50, 8, 3.0, 5);
  const FieldStatistics statistics(momentsSpec(DType::Float64));
  State state(statistics.bytes(8));
  fold(statistics, state, data);
  for (size_t c = 0; c < 8; c++)
    same(derived(statistics, state, c, "standardError"), std::sqrt(derived(statistics, state, c, "variance") / 50.0), "standardError");
});

TEST("extrema and exceedance are exact, in any order, and a threshold itself is not exceeded", [] {
  auto data = fields<double>(300, 10, 0.5, 17);
  StatisticsSpec spec = momentsSpec(DType::Float64);
  spec.thresholds = {data[7][0], 0.0, 1e-3};
  const FieldStatistics statistics(spec);
  State forward(statistics.bytes(10)), backward(statistics.bytes(10));
  fold(statistics, forward, data);
  const auto original = data;
  std::reverse(data.begin(), data.end());
  fold(statistics, backward, data);
  for (size_t c = 0; c < 10; c++) {
    double low = original[0][c], high = low;
    for (const auto& sample : original) low = std::min(low, sample[c]), high = std::max(high, sample[c]);
    for (const State* state : {&forward, &backward}) {
      same(derived(statistics, *state, c, "minimum"), low, "minimum");
      same(derived(statistics, *state, c, "maximum"), high, "maximum");
      for (uint32_t t = 0; t < 3; t++) {
        double above = 0;
        for (const auto& sample : original) above += sample[c] > spec.thresholds[t] ? 1 : 0;
        same(derived(statistics, *state, c, "exceedance", t), above / 300.0, "exceedance");
      }
    }
  }
});

TEST("zeros of both signs give the same extrema bytes in either order", [] {
  StatisticsSpec spec;
  spec.extrema = true;
  const FieldStatistics statistics(spec);
  State a(statistics.bytes(1)), b(statistics.bytes(1));
  fold<double>(statistics, a, {{0.0}, {-0.0}});
  fold<double>(statistics, b, {{-0.0}, {0.0}});
  check(a.equals(b), "the states differ");
});

TEST("an empty cell has count 0 and no other value", [] {
  StatisticsSpec spec = momentsSpec(DType::Float64);
  spec.thresholds = {1.0};
  spec.quantiles = {0.5};
  const FieldStatistics statistics(spec);
  const State state(statistics.bytes(3));
  same(derived(statistics, state, 2, "count"), 0.0, "count");
  for (const char* name : {"mean", "standardError", "variance", "skewness", "kurtosis", "minimum", "maximum", "exceedance", "quantile",
                           "degenerate", "histogramLower", "histogramWidth"})
    check(std::isnan(derived(statistics, state, 2, name)), std::string(name) + " has a value");
});

TEST("one sample has a mean and no variance, however large it is", [] {
  const FieldStatistics statistics(momentsSpec(DType::Float64));
  for (const double x : {1e300, -1e300, 5e-324, 0.0}) {
    State state(statistics.bytes(1));
    fold<double>(statistics, state, {{x}});
    same(derived(statistics, state, 0, "mean"), x, "mean");
    check(std::isnan(derived(statistics, state, 0, "variance")), "variance of one sample");
    fold<double>(statistics, state, {{x}});
    same(derived(statistics, state, 0, "variance"), 0.0, "variance of two equal samples");
  }
});

TEST("a cell without spread is degenerate: no skewness, no kurtosis; its neighbour has both", [] {
  const FieldStatistics statistics(momentsSpec(DType::Float64));
  State state(statistics.bytes(3));
  Random random(3);
  for (int s = 0; s < 100; s++)
    fold<double>(statistics, state, {{1.0 / 3.0, 1.0 + 1e-11 * random.normal(), 1.0 + 1e-9 * random.normal()}});
  for (size_t c = 0; c < 3; c++) {
    same(derived(statistics, state, c, "degenerate"), c < 2 ? 1.0 : 0.0, "degenerate");
    check(std::isnan(derived(statistics, state, c, "skewness")) == (c < 2), "skewness");
    check(std::isnan(derived(statistics, state, c, "kurtosis")) == (c < 2), "kurtosis");
  }
});

TEST("Skip leaves a non-finite value out of its cell only, and counts tell", [] {
  StatisticsSpec spec = momentsSpec(DType::Float64);
  spec.nonFinite = NonFinite::Skip;
  spec.thresholds = {0.0};
  spec.quantiles = {0.5};
  const FieldStatistics statistics(spec);
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  State holes(statistics.bytes(3)), without(statistics.bytes(1));
  fold<double>(statistics, holes, {{nan, 1, 5}, {2, 1, inf}, {-inf, 1, 6}, {4, 1, 9}});
  fold<double>(statistics, without, {{2}, {4}});
  const double counts[] = {2, 4, 3};
  for (size_t c = 0; c < 3; c++) same(derived(statistics, holes, c, "count"), counts[c], "count");
  for (const char* name : {"mean", "variance", "skewness", "kurtosis", "minimum", "maximum", "exceedance", "quantile"})
    same(derived(statistics, holes, 0, name), derived(statistics, without, 0, name), name);
});

TEST("Propagate lets a NaN show in every statistic of its cell and in no other cell", [] {
  StatisticsSpec spec = momentsSpec(DType::Float64);
  spec.nonFinite = NonFinite::Propagate;
  spec.quantiles = {0.5};
  const FieldStatistics statistics(spec);
  State state(statistics.bytes(2));
  fold<double>(statistics, state, {{1, 1}, {std::nan(""), 2}, {3, 4}});
  for (const char* name : {"mean", "variance", "skewness", "kurtosis", "minimum", "maximum", "quantile"}) {
    check(std::isnan(derived(statistics, state, 0, name)), std::string(name) + " hides the NaN");
    check(std::isfinite(derived(statistics, state, 1, name)), std::string(name) + " is NaN beside it");
  }
  same(derived(statistics, state, 0, "count"), 3.0, "count");
});

TEST("Propagate keeps an infinity as an extreme", [] {
  StatisticsSpec spec = momentsSpec(DType::Float64);
  spec.nonFinite = NonFinite::Propagate;
  const FieldStatistics statistics(spec);
  State state(statistics.bytes(1));
  const double inf = std::numeric_limits<double>::infinity();
  fold<double>(statistics, state, {{inf}, {1}});
  same(derived(statistics, state, 0, "maximum"), inf, "maximum");
  same(derived(statistics, state, 0, "minimum"), 1.0, "minimum");
});

TEST("ranges folded in pieces count per cell, and agree with whole folds in value and in bytes once they are complete", [] {
  StatisticsSpec spec = momentsSpec(DType::Float64);
  spec.thresholds = {0.1};
  spec.quantiles = {0.25};
  const FieldStatistics statistics(spec);
  const size_t cells = 1300;
  const auto data = fields<double>(20, cells, 1.0, 23);
  State whole(statistics.bytes(cells)), pieces(statistics.bytes(cells));
  fold(statistics, whole, data);
  const size_t cuts[] = {0, 1, 300, 512, 777, 1299, cells};
  for (size_t k = 6; k-- > 0;)
    for (const auto& sample : data) {
      const void* values = sample.data() + cuts[k];
      statistics.foldSamples(pieces.data(), cuts[k], cuts[k + 1], &values, 1);
      if (k == 2) same(derived(statistics, pieces, 400, "count"), static_cast<double>(&sample - data.data() + 1), "count while partial");
    }
  check(whole.equals(pieces), "the states differ");
});

TEST("states merged in any order equal one state over all samples", [] {
  StatisticsSpec spec = momentsSpec(DType::Float64);
  spec.thresholds = {0.2, 5.0};
  const FieldStatistics statistics(spec);
  const size_t cells = 600;
  const auto data = fields<double>(90, cells, 100.0, 29);
  State all(statistics.bytes(cells));
  fold(statistics, all, data);
  const auto part = [&](size_t from, size_t to) {
    return std::vector<std::vector<double>>(data.begin() + static_cast<long>(from), data.begin() + static_cast<long>(to));
  };
  for (const auto& order : {std::vector<size_t>{0, 1, 2}, {2, 0, 1}, {1, 2, 0}}) {
    State sum(statistics.bytes(cells));
    for (const size_t k : order) {
      State one(statistics.bytes(cells));
      fold(statistics, one, part(k * 30, k * 30 + 30));
      check(statistics.merge(sum.data(), one.data(), cells), "merge refused");
    }
    for (size_t c = 0; c < cells; c += 7) {
      const Reference r = referenceOf(data, c);
      for (const char* name : {"count", "minimum", "maximum"}) same(derived(statistics, sum, c, name), derived(statistics, all, c, name), name);
      for (uint32_t t = 0; t < 2; t++)
        same(derived(statistics, sum, c, "exceedance", t), derived(statistics, all, c, "exceedance", t), "exceedance");
      near(derived(statistics, sum, c, "mean"), static_cast<double>(r.mean), 1e-13 * r.largest, "mean");
      near(derived(statistics, sum, c, "variance"), static_cast<double>(r.variance), 1e-13 * r.kappa * static_cast<double>(r.variance), "variance");
      const double g = static_cast<double>(r.skewness), k = static_cast<double>(r.kurtosis);
      near(derived(statistics, sum, c, "skewness"), g, 1e-12 * r.kappa * (1 + std::abs(g)), "skewness");
      near(derived(statistics, sum, c, "kurtosis"), k, 1e-12 * r.kappa * (1 + std::abs(k)), "kurtosis");
    }
  }
});

TEST("Robbins-Monro equals a scalar replay of its recurrence, bit for bit, and refuses to merge", [] {
  StatisticsSpec spec;
  spec.quantiles = {0.05, 0.5};
  spec.robbinsMonro = true;
  spec.plannedSamples = 400;
  const FieldStatistics statistics(spec);
  const auto data = fields<double>(400, 20, 1.0, 31);
  State state(statistics.bytes(20));
  fold(statistics, state, data);
  for (size_t c = 0; c < 20; c++)
    for (uint32_t k = 0; k < 2; k++) {
      double q = 0, low = 0, high = 0;
      for (size_t s = 0; s < data.size(); s++) {
        const double y = data[s][c], n = static_cast<double>(s + 1);
        low = s == 0 ? y : std::min(low, y), high = s == 0 ? y : std::max(high, y);
        const double step = (high - low) * std::pow(n, -(0.1 + 0.9 * ((n - 1.0) / 399.0)));
        q = s == 0 ? y : q - ((q >= y ? 1.0 : 0.0) - spec.quantiles[k]) * step;
      }
      same(derived(statistics, state, c, "quantile", k), q, "quantile");
    }
  State other(statistics.bytes(20));
  check(!statistics.merge(other.data(), state.data(), 20), "merge was not refused");
});

TEST("names that a specification does not have, and arguments out of range, are refused", [] {
  StatisticsSpec spec;
  spec.moments = 2;
  spec.thresholds = {1.0};
  const FieldStatistics statistics(spec);
  const State state(statistics.bytes(1));
  double out = 0;
  for (const char* name : {"skewness", "minimum", "quantile", "sobolFirst", "histogramCounts", "nonsense"})
    check(!statistics.derive(state.data(), 0, 1, name, 0, &out), std::string(name) + " was derived");
  check(!statistics.derive(state.data(), 0, 1, "exceedance", 1, &out), "a second threshold was derived");
  check(statistics.derive(state.data(), 0, 1, "exceedance", 0, &out), "the first threshold was refused");
});

TEST("the state has the bytes that the plan counts with", [] {
  const FieldStatistics statistics(momentsSpec(DType::Float64));
  same(static_cast<double>(statistics.tileBytes()), 64 + 512 * (4 + 48), "moments and extrema: 48 bytes a cell and the count");
  check(statistics.bytes(513) == 2 * statistics.tileBytes(), "whole tiles");
});

}  // namespace

int main() { return runAll(); }
