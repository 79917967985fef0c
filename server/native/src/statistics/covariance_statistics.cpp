// SPDX-License-Identifier: Apache-2.0
/*
 * Covariance between two fields at one step. A tile is: one count record, per-cell counts, five streams (covariance.h).
 * Called by the engine when both blocks of a sample are there.
 */
#include <algorithm>
#include <cmath>
#include <limits>

#include "covariance/covariance.h"
#include "dispatch.h"
#include "intervals.h"
#include "layout.h"

namespace melissa {
namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t TILE = FieldStatistics::TILE_CELLS;
constexpr size_t COUNTS = 64;  // after the record, on a cache line of its own
constexpr size_t STREAMS = COUNTS + TILE * sizeof(uint32_t);
constexpr size_t TILE_BYTES = STREAMS + COVARIANCE_STREAMS * TILE * sizeof(double);

struct CovarianceTile {
  std::byte* bytes;

  CovarianceTile(const std::byte* state, size_t index) : bytes(const_cast<std::byte*>(state) + index * TILE_BYTES) {}
  CountRecord& record() const { return *reinterpret_cast<CountRecord*>(bytes); }
  uint32_t* counts() const { return reinterpret_cast<uint32_t*>(bytes + COUNTS); }
  double* streams() const { return reinterpret_cast<double*>(bytes + STREAMS); }
  uint32_t count(size_t cell) const { return countOf(record(), counts(), cell); }
  double& at(size_t stream, size_t cell) const { return streams()[stream * TILE + cell]; }
};

void foldCellByCell(const CovarianceTile& tile, TilePairs pairs, bool skip) {
  uint32_t active[TILE];
  expandCounts(tile.record(), tile.counts());
  pairs.counts = tile.counts();
  pairs.active = active;
  const void* const* const first = pairs.firstValues;
  const void* const* const second = pairs.secondValues;
  const size_t total = pairs.samples;
  pairs.samples = 1;
  for (size_t s = 0; s < total; s++) {
    pairs.firstValues = first + s;
    pairs.secondValues = second + s;
    if (skip) kernels().covariance.finiteCells(active, pairs);
    else std::fill(active + pairs.first, active + pairs.last, 1U);
    kernels().covariance.fold(tile.streams(), pairs);
    for (size_t c = pairs.first; c < pairs.last; c++) tile.counts()[c] += active[c];
  }
  collapseCounts(tile.record(), tile.counts());
}

bool allFinite(TilePairs pairs) {
  uint32_t active[TILE];
  const size_t total = pairs.samples;
  pairs.samples = 1;
  for (size_t s = 0; s < total; s++) {
    if (!kernels().covariance.finiteCells(active, pairs)) return false;
    pairs.firstValues++;
    pairs.secondValues++;
  }
  return true;
}

void foldTile(const CovarianceTile& tile, TilePairs pairs, bool skip) {
  const bool whole = !skip || allFinite(pairs);
  if (!whole || !staysUniform(tile.record(), pairs.first, pairs.last)) return foldCellByCell(tile, pairs, skip);
  pairs.count = tile.record().count;
  kernels().covariance.fold(tile.streams(), pairs);
  addUniform(tile.record(), pairs.last, pairs.samples);
}

}  // namespace

CovarianceStatistics::CovarianceStatistics(DType first, DType second, NonFinite nonFinite)
    : first_(first), second_(second), nonFinite_(nonFinite) {}

size_t CovarianceStatistics::tileBytes() const { return TILE_BYTES; }

size_t CovarianceStatistics::bytes(size_t cells) const { return (cells + TILE - 1) / TILE * TILE_BYTES; }

void CovarianceStatistics::foldPairs(std::byte* state, size_t begin, size_t end, const void* const* first,
                                     const void* const* second, size_t n) const {
  const size_t firstSize = first_ == DType::Float32 ? 4 : 8, secondSize = second_ == DType::Float32 ? 4 : 8;
  overTiles(begin, end, [&](size_t index, size_t from, size_t to, size_t before) {
    for (size_t done = 0; done < n; done += SAMPLES_PER_BATCH) {
      const void* x[SAMPLES_PER_BATCH];
      const void* y[SAMPLES_PER_BATCH];
      const size_t count = std::min(SAMPLES_PER_BATCH, n - done);
      for (size_t s = 0; s < count; s++) {
        x[s] = static_cast<const std::byte*>(first[done + s]) + before * firstSize;
        y[s] = static_cast<const std::byte*>(second[done + s]) + before * secondSize;
      }
      foldTile({state, index}, {first_, second_, from, to, x, y, count, 0, nullptr, nullptr}, nonFinite_ == NonFinite::Skip);
    }
  });
}

bool CovarianceStatistics::merge(std::byte* into, const std::byte* from, size_t cells) const {
  overTiles(0, cells, [&](size_t index, size_t, size_t last, size_t) {
    const CovarianceTile a(into, index), b(from, index);
    for (size_t c = 0; c < last; c++) {
      const double na = a.count(c), nb = b.count(c);
      if (nb == 0) continue;
      const Univariate4 ax{a.at(0, c), a.at(1, c), 0, 0}, ay{a.at(2, c), a.at(3, c), 0, 0};
      const Univariate4 bx{b.at(0, c), b.at(1, c), 0, 0}, by{b.at(2, c), b.at(3, c), 0, 0};
      const Univariate4 x = na == 0 ? bx : merged(ax, na, bx, nb), y = na == 0 ? by : merged(ay, na, by, nb);
      Bivariate p, q;
      p.c11 = a.at(4, c), q.c11 = b.at(4, c);
      a.at(4, c) = na == 0 ? q.c11 : merged(p, ax, ay, na, q, bx, by, nb).c11;
      a.at(0, c) = x.mean, a.at(1, c) = x.m2, a.at(2, c) = y.mean, a.at(3, c) = y.m2;
    }
    expandCounts(a.record(), a.counts());
    for (size_t c = 0; c < last; c++) a.counts()[c] += b.count(c);
    collapseCounts(a.record(), a.counts());
  });
  return true;
}

bool CovarianceStatistics::derive(const std::byte* state, size_t begin, size_t end, std::string_view statistic,
                                  double* out) const {
  const bool count = statistic == "covarianceCount", covariance = statistic == "covariance";
  if (!count && !covariance && statistic != "correlation") return false;
  const auto varies = [](double m2, double mean, double n) { return std::sqrt(m2 / n) > 1e-10 * std::abs(mean); };
  overTiles(begin, end, [&](size_t index, size_t first, size_t last, size_t before) {
    const CovarianceTile tile(state, index);
    for (size_t c = first; c < last; c++) {
      const double n = tile.count(c);
      double& value = out[before + c - first];
      if (count) value = n;
      else if (n < 2) value = NaN;
      else if (covariance) value = tile.at(4, c) / (n - 1);
      else if (!varies(tile.at(1, c), tile.at(0, c), n) || !varies(tile.at(3, c), tile.at(2, c), n)) value = NaN;
      else value = correlation(tile.at(4, c), tile.at(1, c), tile.at(3, c));
    }
  });
  return true;
}

}  // namespace melissa
