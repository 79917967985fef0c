// SPDX-License-Identifier: Apache-2.0
// The quantile lattice: exact bins, order, merging, extremes of the number range, and its stated error.
#include <algorithm>
#include <limits>

#include "../testing.h"
#include "lattice.h"

using namespace melissa;
using namespace testing;

namespace {

const double quantiles[] = {0.0, 0.01, 0.05, 0.5, 0.75, 0.95, 1.0};

StatisticsSpec latticeSpec(bool log) {
  StatisticsSpec spec;
  spec.quantiles.assign(std::begin(quantiles), std::end(quantiles));
  spec.logSpacing = log;
  return spec;
}

/** Samples of one cell each, of a kind that stresses another part of the rules. */
std::vector<double> valuesOf(int kind, size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<double> all(n);
  for (double& x : all) switch (kind) {
      case 0: x = random.normal(); break;
      case 1: x = 300.0 + 1e-9 * random.normal(); break;
      case 2: x = std::ldexp(random.uniform(-1, 1), static_cast<int>(random.below(2090)) - 1070); break;  // the whole range
      case 3: x = 5e-324 * static_cast<double>(random.below(9)) * (random.below(2) != 0 ? 1 : -1); break;  // subnormals, both zeros
      case 4: x = 1e-300 * random.normal() + (random.below(50) == 0 ? 1e10 : 0.0); break;
      case 5: x = static_cast<double>(static_cast<int64_t>(random.below(7)) - 3); break;
      case 6: x = std::exp(5.0 * random.normal()); break;
      case 7: x = (random.below(2) != 0 ? 1 : -1) * std::numeric_limits<double>::max() * random.uniform(); break;
      default: x = 42.0; break;
    }
  return all;
}
constexpr int KINDS = 9;

void foldValues(const FieldStatistics& statistics, State& state, const std::vector<double>& values) {
  for (const double& x : values) {
    const void* p = &x;
    statistics.foldSamples(state.data(), 0, 1, &p, 1);
  }
}

/** numpy's linear quantile of sorted values. */
double linearQuantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto rank = static_cast<size_t>(position);
  const double share = position - static_cast<double>(rank);
  return share == 0.0 ? sorted[rank] : sorted[rank] * (1 - share) + sorted[rank + 1] * share;
}

template <bool Log>
void orderDoesNotMatter() {
  const FieldStatistics statistics(latticeSpec(Log));
  for (int kind = 0; kind < KINDS; kind++) {
    auto values = valuesOf(kind, 700, 7);
    State first(statistics.bytes(1));
    foldValues(statistics, first, values);
    Random random(9);
    for (int turn = 0; turn < 6; turn++) {
      if (turn == 0) std::sort(values.begin(), values.end());
      else if (turn == 1) std::reverse(values.begin(), values.end());
      else for (size_t i = values.size(); i > 1; i--) std::swap(values[i - 1], values[random.below(i)]);
      State other(statistics.bytes(1));
      foldValues(statistics, other, values);
      check(first.equals(other), "kind " + std::to_string(kind) + ", order " + std::to_string(turn));
    }
  }
}
TEST("the state is the same bytes in any order of the values", orderDoesNotMatter<false>);
TEST("with log spacing too", orderDoesNotMatter<true>);

template <bool Log>
void mergingEqualsFolding() {
  const FieldStatistics statistics(latticeSpec(Log));
  for (int kind = 0; kind < KINDS; kind++) {
    const auto values = valuesOf(kind, 600, 13);
    State all(statistics.bytes(1)), sum(statistics.bytes(1));
    foldValues(statistics, all, values);
    for (const size_t k : {2UL, 0UL, 1UL}) {
      State part(statistics.bytes(1));
      const size_t cuts[] = {0, 10, 400, 600};
      foldValues(statistics, part, {values.begin() + static_cast<long>(cuts[k]), values.begin() + static_cast<long>(cuts[k + 1])});
      check(statistics.merge(sum.data(), part.data(), 1), "merge refused");
    }
    check(all.equals(sum), "kind " + std::to_string(kind));
  }
}
TEST("merged parts are the same bytes as one fold of all", mergingEqualsFolding<false>);
TEST("and with log spacing", mergingEqualsFolding<true>);

template <bool Log>
void binsAreExact() {
  const FieldStatistics statistics(latticeSpec(Log));
  for (int kind = 0; kind < KINDS; kind++) {
    const auto values = valuesOf(kind, 500, 21);
    State state(statistics.bytes(1));
    foldValues(statistics, state, values);
    double total = 0;
    for (uint32_t bin = 0; bin < LATTICE_BINS; bin++) {
      const double lower = derived(statistics, state, 0, "histogramLower", bin);
      const double upper = bin + 1 < LATTICE_BINS ? derived(statistics, state, 0, "histogramLower", bin + 1)
                                                   : std::numeric_limits<double>::infinity();
      const double count = derived(statistics, state, 0, "histogramCounts", bin);
      double want = 0;
      for (const double x : values) want += x >= lower && x < upper ? 1 : 0;
      same(count, want, "kind " + std::to_string(kind) + ", bin " + std::to_string(bin));
      total += count;
    }
    same(total, 500, "all values are in bins");
  }
}
TEST("each bin counts exactly the values between its edges", binsAreExact<false>);
TEST("with log spacing, edges included", binsAreExact<true>);

TEST("k is the smallest exponent whose 128 aligned bins cover all values, unless the doubles end first", [] {
  const FieldStatistics statistics(latticeSpec(false));
  for (const int kind : {0, 2, 5, 6, 7}) {
    const auto values = valuesOf(kind, 400, 33);
    State state(statistics.bytes(1));
    foldValues(statistics, state, values);
    const double low = *std::min_element(values.begin(), values.end()), high = *std::max_element(values.begin(), values.end());
    const int k = std::ilogb(derived(statistics, state, 0, "histogramWidth"));
    const auto bins = [&](int e) { return std::floor(std::ldexp(high, -e)) - std::floor(std::ldexp(low, -e)); };
    check(bins(k) <= 127 && bins(k - 1) > 127, "kind " + std::to_string(kind) + ": k = " + std::to_string(k));
  }
});

template <bool Log>
void errorIsBelowBinWidth() {
  const FieldStatistics statistics(latticeSpec(Log));
  for (int kind = 0; kind < KINDS; kind++) {
    auto values = valuesOf(kind, 1001, 41);
    State state(statistics.bytes(1));
    foldValues(statistics, state, values);
    std::sort(values.begin(), values.end());
    double worst = 0;
    for (uint32_t q = 0; q < std::size(quantiles); q++) {
      const double want = linearQuantile(values, quantiles[q]), got = derived(statistics, state, 0, "quantile", q);
      // The width of the bins of both order statistics: the same everywhere, except with log spacing.
      double width = 0;
      for (uint32_t bin = 0; bin < LATTICE_BINS; bin++) {
        const double lower = derived(statistics, state, 0, "histogramLower", bin), w = derived(statistics, state, 0, "histogramWidth", bin);
        const size_t rank = static_cast<size_t>(quantiles[q] * 1000.0);
        for (const size_t r : {rank, std::min<size_t>(rank + 1, 1000)})
          if (values[r] >= lower && (values[r] < lower + w || !std::isfinite(lower + w))) width = std::max(width, w);
      }
      check(std::abs(got - want) <= width, "kind " + std::to_string(kind) + ", quantile " + text(quantiles[q]) + ": got " + text(got) + ", want " + text(want) + ", width " + text(width));
      if (std::isfinite(width)) worst = std::max(worst, std::abs(got - want) / width);
    }
    std::printf("# %s kind %d: largest error %.2f bin widths\n", Log ? "log" : "linear", kind, worst);
  }
}
TEST("quantiles are off by at most the width of a bin", errorIsBelowBinWidth<false>);
TEST("and by at most that of the bins they lie in with log spacing", errorIsBelowBinWidth<true>);

TEST("quantiles 0 and 1 are the extremes, exactly", [] {
  const FieldStatistics statistics(latticeSpec(false));
  auto values = valuesOf(0, 300, 43);
  State state(statistics.bytes(1));
  foldValues(statistics, state, values);
  same(derived(statistics, state, 0, "quantile", 0), *std::min_element(values.begin(), values.end()), "quantile 0");
  same(derived(statistics, state, 0, "quantile", 6), *std::max_element(values.begin(), values.end()), "quantile 1");
});

TEST("a constant field has its constant as every quantile", [] {
  const FieldStatistics statistics(latticeSpec(false));
  for (const double constant : {0.0, -1.0 / 3.0, 1e300, 5e-324}) {
    State state(statistics.bytes(1));
    foldValues(statistics, state, std::vector<double>(50, constant));
    for (uint32_t q = 0; q < std::size(quantiles); q++) same(derived(statistics, state, 0, "quantile", q), constant, "quantile");
  }
});

TEST("log spacing keeps a relative error where linear bins lose small values", [] {
  const FieldStatistics statistics(latticeSpec(true));
  auto values = valuesOf(6, 5001, 47);
  State state(statistics.bytes(1));
  foldValues(statistics, state, values);
  std::sort(values.begin(), values.end());
  for (uint32_t q = 1; q < 6; q++) {
    const double want = linearQuantile(values, quantiles[q]);
    near(derived(statistics, state, 0, "quantile", q), want, 0.5 * want, "quantile");
  }
});

}  // namespace

int main() { return runAll(); }
