// SPDX-License-Identifier: Apache-2.0
/*
 * Folds samples into the per-cell consumer: cuts the range into tiles and the samples into batches, decides for each whether
 * one count serves the tile, and calls the kernels family by family while the tile is in the cache. Called by the engine.
 */
#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "implementation.h"

namespace melissa {
namespace {

/** n^-gamma of Robbins-Monro with gamma = 0.1 + 0.9 (n - 1) / (N - 1), at most 1. */
double robbinsMonroRate(uint64_t n, uint64_t planned) {
  const double share = planned > 1 ? static_cast<double>(n - 1) / static_cast<double>(planned - 1) : 1.0;
  return std::pow(static_cast<double>(n), -(0.1 + 0.9 * std::min(share, 1.0)));
}

void foldRobbinsMonro(const StatisticsSpec& spec, const Tile& tile, const TileSamples& samples) {
  double rates[FieldStatistics::TILE_CELLS];
  uint64_t known = 0;
  double rate = 0.0;
  for (size_t c = samples.first; c < samples.last; c++) {
    const uint64_t n = (samples.counts != nullptr ? samples.counts[c] : samples.count) + uint64_t{1};
    if (n != known) rate = robbinsMonroRate(n, spec.plannedSamples);
    known = n;
    rates[c] = rate;
  }
  kernels().moments.robbinsMonro(tile.robbinsMonro(), spec.quantiles.data(), spec.quantiles.size(), tile.minimum(),
                                 tile.maximum(), rates, samples);
}

void foldFamilies(const StatisticsSpec& spec, const Layout& layout, const Tile& tile, const TileSamples& samples) {
  const Kernels& use = kernels();
  double* const streams[6] = {tile.moment(0), tile.moment(1), tile.moment(2), tile.moment(3), tile.minimum(), tile.maximum()};
  if (layout.moments > 0 || layout.extrema) use.moments.fold(streams, layout.moments, layout.extrema, samples);
  if (!spec.thresholds.empty())
    use.moments.exceed(tile.exceedance(), spec.thresholds.data(), spec.thresholds.size(), samples);
  if (spec.robbinsMonro && !spec.quantiles.empty()) foldRobbinsMonro(spec, tile, samples);
  if (layout.lattice) use.lattice.fold(tile.lattice(), layout.log, samples);
}

void foldTile(const StatisticsSpec& spec, const Layout& layout, const Tile& tile, TileSamples samples) {
  CountRecord& record = tile.sampleRecord();
  const bool whole = spec.nonFinite != NonFinite::Skip || kernels().moments.allFinite(samples);
  if (whole && staysUniform(record, samples.first, samples.last)) {
    samples.count = record.count;
    foldFamilies(spec, layout, tile, samples);
    addUniform(record, samples.last, samples.samples);
    return;
  }
  uint32_t* const counts = tile.sampleCounts();
  expandCounts(record, counts);
  samples.counts = counts;
  samples.skip = !whole;
  foldFamilies(spec, layout, tile, samples);
  kernels().moments.count(counts, samples);
  collapseCounts(record, counts);
}

}  // namespace

void FieldStatistics::foldSamples(std::byte* state, size_t begin, size_t end, const void* const* values, size_t n) const {
  if (!hasCellConsumer()) return;
  const StatisticsSpec& spec = impl_->spec;
  const Layout& layout = impl_->layout;
  // A step of Robbins-Monro needs the extrema as they are after its own sample.
  const size_t batch = spec.robbinsMonro ? 1 : SAMPLES_PER_BATCH;
  overTiles(begin, end, [&](size_t index, size_t first, size_t last, size_t before) {
    const Tile tile(layout, state + index * layout.tileBytes);
    const size_t ahead = before + (last - first) < end - begin ? layout.tileBytes : 0;
    for (size_t done = 0; done < n; done += batch) {
      const void* starts[SAMPLES_PER_BATCH];
      const size_t count = std::min(batch, n - done);
      for (size_t s = 0; s < count; s++)
        starts[s] = static_cast<const std::byte*>(values[done + s]) + before * sizeOf(spec.dtype);
      foldTile(spec, layout, tile, {spec.dtype, first, last, starts, count, 0, nullptr, false, done == 0 ? ahead : 0});
    }
  });
}

}  // namespace melissa
