// SPDX-License-Identifier: Apache-2.0
#include "layout.h"

namespace melissa {
namespace {

constexpr size_t TILE = FieldStatistics::TILE_CELLS;
constexpr size_t LINE = 64;  // streams begin on cache lines

/** Hands out the tile's bytes one after another. */
struct Cursor {
  size_t end = 0;

  size_t take(bool wanted, size_t bytes) {
    if (!wanted || bytes == 0) return 0;
    const size_t offset = end;
    end = (end + bytes + LINE - 1) / LINE * LINE;
    return offset;
  }
};

SobolLayout sobolLayout(const StatisticsSpec& spec) {
  SobolKind kind = SobolKind::Martinez;
  if (spec.sobol == Estimator::Jansen) kind = SobolKind::Jansen;
  if (spec.sobol == Estimator::Saltelli) kind = SobolKind::Saltelli;
  if (spec.sobol == Estimator::Martinez && spec.interval == Interval::Robust) kind = SobolKind::Robust;
  return {kind, spec.sobolParameters, spec.secondOrder};
}

uint32_t blocksOf(const StatisticsSpec& spec) {
  if (spec.sobol == Estimator::None) return 0;
  return spec.interval == Interval::Jackknife && spec.jackknifeBlocks > 1 ? spec.jackknifeBlocks : 1;
}

}  // namespace

Layout::Layout(const StatisticsSpec& spec)
    : moments(spec.moments),
      extrema(spec.extrema || spec.robbinsMonro),
      lattice(spec.histogram || (!spec.quantiles.empty() && !spec.robbinsMonro)),
      log(spec.logSpacing),
      blocks(blocksOf(spec)),
      sobol(sobolLayout(spec)) {
  Cursor cursor;
  const size_t doubles = TILE * sizeof(double), words = TILE * sizeof(uint32_t);
  const bool cells = moments > 0 || extrema || lattice || !spec.thresholds.empty();
  cursor.take(true, (1 + blocks) * sizeof(CountRecord));
  sampleCounts = cursor.take(cells, words);
  groupCounts = cursor.take(blocks > 0, blocks * words);
  for (int k = 0; k < 4; k++) moment[k] = cursor.take(k < moments, doubles);
  minimum = cursor.take(extrema, doubles);
  maximum = cursor.take(extrema, doubles);
  exceedance = cursor.take(true, spec.thresholds.size() * words);
  robbinsMonro = cursor.take(spec.robbinsMonro, spec.quantiles.size() * doubles);
  latticeLow = cursor.take(lattice, doubles);
  latticeHigh = cursor.take(lattice, doubles);
  latticeExponent = cursor.take(lattice, words);
  latticeNonFinite = cursor.take(lattice, words);
  latticeCounters = cursor.take(lattice, LATTICE_BINS * words);
  accumulatorBytes = blocks > 0 ? sobol.streams() * doubles : 0;
  accumulators = cursor.take(blocks > 0, blocks * accumulatorBytes);
  tileBytes = cursor.end;
}

}  // namespace melissa
