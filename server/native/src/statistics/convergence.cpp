// SPDX-License-Identifier: Apache-2.0
/*
 * The widest and the median confidence interval over the cells that count, for the rule "stop on convergence" and for the
 * summary. Memory is bounded: medians are exact up to WIDTHS_EXACT widths, beyond that to one bin of WIDTH_BINS.
 */
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sobol_cell.h"

namespace melissa {
namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t WIDTHS_EXACT = size_t{1} << 20;  // 8 MiB
constexpr size_t WIDTH_BINS = size_t{1} << 17;    // over [0, 2]: a bin is 1.5e-5 wide

/** Median of many numbers in [0, 2] (wider ones count as 2). */
class Median {
 public:
  void add(double width) {
    count_++;
    if (bins_.empty()) {
      widths_.push_back(width);
      if (widths_.size() <= WIDTHS_EXACT) return;
      bins_.assign(WIDTH_BINS, 0);
      for (const double w : widths_) bins_[bin(w)]++;
      widths_ = {};
    } else {
      bins_[bin(width)]++;
    }
  }
  double value() {
    if (count_ == 0) return NaN;
    if (bins_.empty()) return exact();
    uint64_t below = 0;
    size_t b = 0;
    while (below + bins_[b] <= (count_ - 1) / 2) below += bins_[b++];
    return (static_cast<double>(b) + 0.5) * (2.0 / WIDTH_BINS);
  }

 private:
  static size_t bin(double width) {
    return std::min(static_cast<size_t>(std::max(width, 0.0) * (WIDTH_BINS / 2.0)), WIDTH_BINS - 1);
  }
  double exact() {
    const auto middle = widths_.begin() + static_cast<ptrdiff_t>(widths_.size() / 2);
    std::nth_element(widths_.begin(), middle, widths_.end());
    if (widths_.size() % 2 == 1) return *middle;
    return 0.5 * (*middle + *std::max_element(widths_.begin(), middle));
  }
  std::vector<double> widths_;
  std::vector<uint64_t> bins_;
  uint64_t count_ = 0;
};

}  // namespace

ConvergenceResult FieldStatistics::convergence(const std::byte* state, size_t cells, double minVariance) const {
  const StatisticsSpec& spec = impl_->spec;
  const Layout& layout = impl_->layout;
  ConvergenceResult result{NaN, NaN, 0};
  if (layout.blocks == 0 || !hasIntervals(spec)) return result;
  const double quantile = levelQuantile(spec);
  Median median;
  const auto take = [&](const Bounds& bounds) {
    const double width = bounds.upper - bounds.lower;
    if (std::isnan(width)) return;
    median.add(width);
    if (!(result.widest >= width)) result.widest = width;
  };
  overTiles(0, cells, [&](size_t index, size_t first, size_t last, size_t) {
    const Tile tile(layout, state + index * layout.tileBytes);
    for (size_t c = first; c < last; c++)
      for (uint32_t i = 0; i < layout.sobol.parameters; i++) {
        const SobolSums sums = sobolSums(layout, tile, c, i);
        if (!(sums.n > 0) || sobolDegenerate(sums) || !(pooledVariance(sums) >= minVariance)) break;
        if (i == 0) result.cells++;
        const IndexBounds bounds = sobolBounds(spec, layout, tile, c, i, sums, quantile);
        take(bounds.first);
        take(bounds.total);
      }
  });
  result.medianWidth = median.value();
  return result;
}

double FieldStatistics::maxVariance(const std::byte* state, size_t cells) const {
  const Layout& layout = impl_->layout;
  double largest = NaN;
  if (layout.blocks == 0 || layout.sobol.parameters == 0) return largest;
  overTiles(0, cells, [&](size_t index, size_t first, size_t last, size_t) {
    const Tile tile(layout, state + index * layout.tileBytes);
    for (size_t c = first; c < last; c++) {
      const SobolSums sums = sobolSums(layout, tile, c, 0);
      if (!(sums.n > 0) || sobolDegenerate(sums)) continue;
      const double variance = pooledVariance(sums);
      if (variance > largest || std::isnan(largest)) largest = variance;
    }
  });
  return largest;
}

}  // namespace melissa
