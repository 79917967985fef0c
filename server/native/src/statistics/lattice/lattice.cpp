// SPDX-License-Identifier: Apache-2.0
/*
 * The lattice's rules, cell by cell: where a value falls, when bins grow, how two lattices become one, what a quantile is.
 * The kernels only count values that fall inside what a cell has already seen; everything else comes here.
 */
#include "lattice.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace melissa {
namespace {

// |v / 2^k| stays below 2^51, where the kernels' addition of 1.5 * 2^52 still yields the exact integer.
constexpr int INDEX_BITS = 51;
// 2^-k must stay finite; one bin then holds every subnormal of one sign.
constexpr int EXPONENT_MIN = -1000;
constexpr int64_t SLOT = LATTICE_BINS - 1;

/** Integers in the order of the doubles: -0 is taken as +0 before. */
int64_t imageOf(double value) {
  value = value + 0.0;
  int64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits ^ ((bits >> 63) & std::numeric_limits<int64_t>::max());
}

double valueOf(int64_t image) {
  constexpr int64_t largest = 0x7FEFFFFFFFFFFFFF;
  if (image > largest) return std::numeric_limits<double>::infinity();
  if (image < -largest - 1) return -std::numeric_limits<double>::infinity();
  const int64_t bits = image ^ ((image >> 63) & std::numeric_limits<int64_t>::max());
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

int smallestExponent(double value, bool log) {
  if (log) return 0;
  if (value == 0.0) return EXPONENT_MIN;
  return std::max(std::ilogb(value) + 1 - INDEX_BITS, EXPONENT_MIN);
}

int coveringExponent(double low, double high, bool log) {
  int k = std::max(smallestExponent(low, log), smallestExponent(high, log));
  // 128 * 2^k must exceed the range, so the search may begin there; one less, because the difference is rounded.
  const double halfRange = high / 2 - low / 2;  // the range itself may overflow; subnormal halves may vanish
  if (!log && halfRange > 0.0) k = std::max(k, std::ilogb(halfRange) - 7);
  // Unsigned, because two images may lie up to 2^64 apart.
  const auto apart = [&] { return static_cast<uint64_t>(latticeIndex(high, k, log)) - static_cast<uint64_t>(latticeIndex(low, k, log)); };
  while (apart() > static_cast<uint64_t>(SLOT)) k++;
  return k;
}

/** The counters of one cell, by slot. */
struct Counters {
  uint32_t slots[LATTICE_BINS];

  static Counters of(const LatticeTile& tile, size_t cell) {
    Counters c;
    for (size_t slot = 0; slot < LATTICE_BINS; slot++) c.slots[slot] = tile.counters[cellOffset(cell) + slotOffset(slot)];
    return c;
  }
  void store(const LatticeTile& tile, size_t cell) const {
    for (size_t slot = 0; slot < LATTICE_BINS; slot++) tile.counters[cellOffset(cell) + slotOffset(slot)] = slots[slot];
  }
  /** Halves the resolution until bins are 2^to wide: bins 2j and 2j + 1 become j. */
  void coarsen(double low, int from, int to, bool log) {
    if (from == to) return;
    const int64_t first = latticeIndex(low, from, log);
    const int shift = std::min(to - from, 62);
    const Counters old = *this;
    std::memset(slots, 0, sizeof slots);
    for (int64_t j = first; j <= first + SLOT; j++) slots[(j >> shift) & SLOT] += old.slots[j & SLOT];
  }
};

}  // namespace

int64_t latticeIndex(double value, int k, bool log) {
  if (log) return imageOf(value) >> k;
  const auto index = static_cast<int64_t>(std::floor(std::ldexp(value, -k)));
  return index == 0 && value < 0.0 ? -1 : index;  // a tiny negative value may have underflowed to -0
}

double latticeEdge(int64_t index, int k, bool log) {
  if (!log) return std::ldexp(static_cast<double>(index), k);
  const __int128 image = static_cast<__int128>(index) << k;
  if (image > std::numeric_limits<int64_t>::max()) return std::numeric_limits<double>::infinity();
  if (image < std::numeric_limits<int64_t>::min()) return -std::numeric_limits<double>::infinity();
  return valueOf(static_cast<int64_t>(image));
}

void latticeAdd(const LatticeTile& tile, size_t cell, double value, bool log, bool skip) {
  if (!std::isfinite(value)) {
    if (!skip) tile.nonFinite[cell]++;
    return;
  }
  value = value + 0.0;
  int k = tile.exponent[cell] - EXPONENT_BIAS;
  if (tile.exponent[cell] == 0) {
    tile.low[cell] = tile.high[cell] = value;
    k = coveringExponent(value, value, log);
  } else if (value < tile.low[cell] || value > tile.high[cell]) {
    const double low = std::min(tile.low[cell], value), high = std::max(tile.high[cell], value);
    const int wider = std::max(k, coveringExponent(low, high, log));
    if (wider != k) {
      Counters counters = Counters::of(tile, cell);
      counters.coarsen(tile.low[cell], k, wider, log);
      counters.store(tile, cell);
    }
    tile.low[cell] = low;
    tile.high[cell] = high;
    k = wider;
  }
  tile.exponent[cell] = k + EXPONENT_BIAS;
  tile.counter(cell, latticeIndex(value, k, log))++;
}

void latticeMerge(const LatticeTile& into, const LatticeTile& from, size_t cell, bool log) {
  into.nonFinite[cell] += from.nonFinite[cell];
  if (from.exponent[cell] == 0) return;
  Counters counters = Counters::of(into, cell), added = Counters::of(from, cell);
  const int kFrom = from.exponent[cell] - EXPONENT_BIAS;
  int k = kFrom;
  if (into.exponent[cell] == 0) {
    into.low[cell] = from.low[cell];
    into.high[cell] = from.high[cell];
  } else {
    const int kInto = into.exponent[cell] - EXPONENT_BIAS;
    const double low = std::min(into.low[cell], from.low[cell]), high = std::max(into.high[cell], from.high[cell]);
    k = std::max({kFrom, kInto, coveringExponent(low, high, log)});
    counters.coarsen(into.low[cell], kInto, k, log);
    added.coarsen(from.low[cell], kFrom, k, log);
    into.low[cell] = low;
    into.high[cell] = high;
  }
  into.exponent[cell] = k + EXPONENT_BIAS;
  for (size_t slot = 0; slot < LATTICE_BINS; slot++) counters.slots[slot] += added.slots[slot];
  counters.store(into, cell);
}

namespace {

/** Between two values: in this form it cannot overflow, and rounding does not carry it outside. */
double between(double lower, double upper, double share) {
  return std::clamp(lower * (1.0 - share) + upper * share, lower, upper);
}

/** The order statistic of that rank (from 0), placed evenly among the values of its bin. */
double orderStatistic(const LatticeTile& tile, size_t cell, const Counters& counters, uint64_t rank, uint64_t total, bool log) {
  if (rank == 0) return tile.low[cell];
  if (rank + 1 >= total) return tile.high[cell];
  const int k = tile.exponent[cell] - EXPONENT_BIAS;
  int64_t j = latticeIndex(tile.low[cell], k, log);
  uint64_t before = 0;
  while (before + counters.slots[j & SLOT] <= rank) before += counters.slots[j++ & SLOT];
  const double lower = std::max(latticeEdge(j, k, log), tile.low[cell]);
  const double upper = std::min(latticeEdge(j + 1, k, log), tile.high[cell]);
  const double share = (static_cast<double>(rank - before) + 0.5) / counters.slots[j & SLOT];
  return between(lower, upper, share);
}

}  // namespace

double latticeQuantile(const LatticeTile& tile, size_t cell, double q, bool log) {
  if (tile.exponent[cell] == 0 || tile.nonFinite[cell] != 0) return std::numeric_limits<double>::quiet_NaN();
  uint64_t total = 0;
  const Counters counters = Counters::of(tile, cell);
  for (const uint32_t count : counters.slots) total += count;
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(total - 1);
  const auto rank = static_cast<uint64_t>(position);
  const double share = position - static_cast<double>(rank);
  const double lower = orderStatistic(tile, cell, counters, rank, total, log);
  if (share == 0.0) return lower;
  const double upper = orderStatistic(tile, cell, counters, rank + 1, total, log);
  return between(lower, upper, share);
}

}  // namespace melissa
