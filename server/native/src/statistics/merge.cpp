// SPDX-License-Identifier: Apache-2.0
/*
 * Adds one state to another, cell by cell: counts, extrema, exceedance and lattice exactly, sums by moving both to the
 * common mean. Called where ranks or restored parts are joined; not on the path of the data.
 */
#include <cmath>

#include "sobol_cell.h"

namespace melissa {
namespace {

constexpr size_t TILE = FieldStatistics::TILE_CELLS;

void mergeMoments(const Layout& layout, const Tile& into, const Tile& from, size_t c, double na, double nb) {
  const auto load = [&](const Tile& tile) {
    Univariate4 u;
    double* const parts[4] = {&u.mean, &u.m2, &u.m3, &u.m4};
    for (int k = 0; k < layout.moments; k++) *parts[k] = tile.moment(k)[c];
    return u;
  };
  Univariate4 sum = na == 0 ? load(from) : merged(load(into), na, load(from), nb);
  double* const parts[4] = {&sum.mean, &sum.m2, &sum.m3, &sum.m4};
  for (int k = 0; k < layout.moments; k++) into.moment(k)[c] = *parts[k];
}

void mergeExtrema(const Tile& into, const Tile& from, size_t c, bool empty) {
  double& low = into.minimum()[c];
  double& high = into.maximum()[c];
  const double otherLow = from.minimum()[c], otherHigh = from.maximum()[c];
  if (empty || std::isnan(otherLow) || otherLow < low) low = otherLow;
  if (empty || std::isnan(otherHigh) || otherHigh > high) high = otherHigh;
}

void mergeSamples(const StatisticsSpec& spec, const Layout& layout, const Tile& into, const Tile& from, size_t c) {
  const double na = into.samples(c), nb = from.samples(c);
  if (nb == 0) return;
  mergeMoments(layout, into, from, c, na, nb);
  if (layout.extrema) mergeExtrema(into, from, c, na == 0);
  for (size_t t = 0; t < spec.thresholds.size(); t++) into.exceedance()[t * TILE + c] += from.exceedance()[t * TILE + c];
  if (layout.lattice) latticeMerge(into.lattice(), from.lattice(), c, layout.log);
}

void mergeSecondOrder(const Layout& layout, const Tile& into, const Tile& from, uint32_t block, size_t c) {
  const SobolLayout& l = layout.sobol;
  double* const streams = into.accumulator(block) + c;
  // Every pair needs the old means of C and D, so those of D are stored last and those of C by the parameter, later.
  for (uint32_t i = 0; i < l.parameters; i++)
    for (uint32_t j = 0; j < l.parameters; j++)
      if (i != j)
        streams[l.streamPair(i, j) * TILE] =
            merged(pairSums(layout, into, block, c, i, j), pairSums(layout, from, block, c, i, j)).cd.c11;
  for (uint32_t j = 0; j < l.parameters; j++) {
    const PairSums pair = merged(pairSums(layout, into, block, c, j, j), pairSums(layout, from, block, c, j, j));
    streams[l.streamD(j) * TILE] = pair.d.mean;
    streams[(l.streamD(j) + 1) * TILE] = pair.d.m2;
  }
}

void mergeGroups(const Layout& layout, const Tile& into, const Tile& from, uint32_t block, size_t c) {
  if (from.groups(block, c) == 0) return;
  if (layout.sobol.secondOrder) mergeSecondOrder(layout, into, from, block, c);
  for (uint32_t i = 0; i < layout.sobol.parameters; i++) {
    const SobolSums sums = merged(sobolSums(layout, into, block, c, i), sobolSums(layout, from, block, c, i));
    storeParameter(layout, into, block, c, i, sums);
    if (i + 1 == layout.sobol.parameters) storeMembers(layout, into, block, c, sums);
  }
}

/** Adds the counts of cells [0, cells) after their values are merged. */
void mergeCounts(CountRecord& into, uint32_t* counts, const CountRecord& from, const uint32_t* fromCounts, size_t cells) {
  expandCounts(into, counts);
  for (size_t c = 0; c < cells; c++) counts[c] += countOf(from, fromCounts, c);
  collapseCounts(into, counts);
}

}  // namespace

bool FieldStatistics::merge(std::byte* into, const std::byte* from, size_t cells) const {
  const StatisticsSpec& spec = impl_->spec;
  const Layout& layout = impl_->layout;
  if (spec.robbinsMonro && !spec.quantiles.empty()) return false;
  overTiles(0, cells, [&](size_t index, size_t, size_t last, size_t) {
    const Tile a(layout, into + index * layout.tileBytes), b(layout, from + index * layout.tileBytes);
    if (hasCellConsumer()) {
      for (size_t c = 0; c < last; c++) mergeSamples(spec, layout, a, b, c);
      mergeCounts(a.sampleRecord(), a.sampleCounts(), b.sampleRecord(), b.sampleCounts(), last);
    }
    for (uint32_t block = 0; block < layout.blocks; block++) {
      for (size_t c = 0; c < last; c++) mergeGroups(layout, a, b, block, c);
      mergeCounts(a.groupRecord(block), a.groupCounts(block), b.groupRecord(block), b.groupCounts(block), last);
    }
  });
  return true;
}

}  // namespace melissa
