// SPDX-License-Identifier: Apache-2.0
/*
 * Where everything lies inside a tile, decided once from the specification. Made by FieldStatistics, read by everything
 * else. A tile is: count records (samples, then one per accumulator of groups), per-cell counts of each, the streams of the
 * per-cell consumer, the accumulators of the Sobol' consumer (one, or one per jackknife block). Offset 0 means "not kept".
 */
#pragma once
#include "counts.h"
#include "field_statistics.h"
#include "lattice/lattice.h"
#include "sobol/sobol.h"

namespace melissa {

struct Layout {
  explicit Layout(const StatisticsSpec& spec);

  int moments;         // kept: 0..4
  bool extrema;        // kept for the user or for Robbins-Monro's scale
  bool lattice, log;
  uint32_t blocks;     // accumulators of groups, 0 without Sobol'
  SobolLayout sobol;
  size_t tileBytes;
  size_t sampleCounts, groupCounts;
  size_t moment[4], minimum, maximum;
  size_t exceedance, robbinsMonro;
  size_t latticeLow, latticeHigh, latticeExponent, latticeNonFinite, latticeCounters;
  size_t accumulators, accumulatorBytes;
};

/** One tile of a state; the same code reads and writes. */
class Tile {
 public:
  Tile(const Layout& layout, std::byte* bytes) : layout_(&layout), bytes_(bytes) {}
  /* Derived values only read, but through the same view. */
  Tile(const Layout& layout, const std::byte* bytes) : Tile(layout, const_cast<std::byte*>(bytes)) {}

  CountRecord& sampleRecord() const { return *reinterpret_cast<CountRecord*>(bytes_); }
  uint32_t* sampleCounts() const { return at<uint32_t>(layout_->sampleCounts); }
  CountRecord& groupRecord(uint32_t block) const { return *(reinterpret_cast<CountRecord*>(bytes_) + 1 + block); }
  uint32_t* groupCounts(uint32_t block) const {
    return at<uint32_t>(layout_->groupCounts) + block * FieldStatistics::TILE_CELLS;
  }
  /** Null where not kept, as are the rest. */
  double* moment(int k) const { return at<double>(layout_->moment[k]); }
  double* minimum() const { return at<double>(layout_->minimum); }
  double* maximum() const { return at<double>(layout_->maximum); }
  uint32_t* exceedance() const { return at<uint32_t>(layout_->exceedance); }
  double* robbinsMonro() const { return at<double>(layout_->robbinsMonro); }
  LatticeTile lattice() const {
    return {at<double>(layout_->latticeLow), at<double>(layout_->latticeHigh), at<int32_t>(layout_->latticeExponent),
            at<uint32_t>(layout_->latticeNonFinite), at<uint32_t>(layout_->latticeCounters)};
  }
  double* accumulator(uint32_t block) const {
    return reinterpret_cast<double*>(bytes_ + layout_->accumulators + block * layout_->accumulatorBytes);
  }
  uint32_t samples(size_t cell) const { return countOf(sampleRecord(), sampleCounts(), cell); }
  uint32_t groups(uint32_t block, size_t cell) const { return countOf(groupRecord(block), groupCounts(block), cell); }

 private:
  template <class T>
  T* at(size_t offset) const {
    return offset == 0 ? nullptr : reinterpret_cast<T*>(bytes_ + offset);
  }
  const Layout* layout_;
  std::byte* bytes_;
};

/** Calls body(tile's index, first, last, cells before) for the part of [begin, end) in each tile. */
template <class Body>
void overTiles(size_t begin, size_t end, Body body) {
  for (size_t cell = begin; cell < end;) {
    const size_t tile = cell / FieldStatistics::TILE_CELLS, first = cell % FieldStatistics::TILE_CELLS;
    const size_t room = FieldStatistics::TILE_CELLS - first;
    const size_t last = first + (end - cell < room ? end - cell : room);
    body(tile, first, last, cell - begin);
    cell += last - first;
  }
}

}  // namespace melissa
