// SPDX-License-Identifier: Apache-2.0
/*
 * The text of the lattice kernels. A value touches one cache line somewhere in the 2 KiB of its four cells, which no
 * hardware prefetcher can foresee. So cells are taken in blocks: first the slots of all samples of the next block are
 * computed in registers and their lines asked for, then the block before is counted. Registers of cells in which some value
 * is new, extreme or not finite are left to latticeAdd, value by value and in order.
 */
#pragma once
#include "../vector.h"
#include "lattice.h"

namespace melissa::MELISSA_ISA {
namespace {

// Lines in flight between asking and counting; beyond some 100 the first ones would be pushed out of the first-level cache.
constexpr size_t VALUES_PER_BLOCK = 128;
// Cells that share one verdict "all values lie inside [low, high]".
constexpr size_t CELLS_PER_FLAG = 8;

struct Block {
  size_t first, last;
  uint32_t offsets[VALUES_PER_BLOCK + SAMPLES_PER_BATCH * CELLS_PER_FLAG];  // [cell - first][sample]
  bool general[VALUES_PER_BLOCK / CELLS_PER_FLAG + 2];
};

/** slotOffset of every lane. */
template <class V>
inline typename V::I offsetOf(typename V::I slot) {
  static_assert(CELLS_PER_LINE == 4 && SLOTS_PER_LINE == 4);
  return ((slot & V::setInteger(LATTICE_BINS - SLOTS_PER_LINE)) << 2) | (slot & V::setInteger(SLOTS_PER_LINE - 1));
}

/** Slot of x, valid where low <= x <= high: floor(x / 2^k) mod 128 from the low bits of a sum with 1.5 * 2^52. */
template <class V>
inline typename V::I linearSlot(typename V::D x, typename V::I exponent) {
  const auto scale = V::fromBits((V::setInteger(1023 + EXPONENT_BIAS) - exponent) << 52);
  const auto magic = V::set(6755399441055744.0);
  const auto zero = V::set(0.0);
  const auto scaled = x * scale;
  const auto nearest = (scaled + magic) - magic;
  const auto tooHigh = V::either(V::less(scaled, nearest), V::both(V::less(x, zero), V::equal(scaled, zero)));
  const auto floor = nearest - V::select(tooHigh, V::set(1.0), zero);
  return V::bits(floor + magic) & V::setInteger(LATTICE_BINS - 1);
}

template <class V>
inline typename V::I logSlot(typename V::D x, typename V::I exponent) {
  const auto bits = V::bits(x + V::set(0.0));
  const auto image = bits ^ ((bits >> 63) & V::setInteger(INT64_MAX));
  // A cell still empty has exponent 0: the mask keeps its shift defined, its slot is never used.
  const auto shift = (exponent - V::setInteger(EXPONENT_BIAS)) & V::setInteger(63);
  return (image >> shift) & V::setInteger(LATTICE_BINS - 1);
}

template <class V, class T, bool Log>
inline bool prepareCells(const LatticeTile& tile, const TileSamples& samples, Block& block, size_t i) {
  const auto low = V::load(tile.low + i), high = V::load(tile.high + i);
  const auto exponent = V::loadInteger(tile.exponent + i);
  auto inside = V::all();
  uint32_t slots[V::WIDTH];
  for (size_t s = 0; s < samples.samples; s++) {
    const auto x = V::load(static_cast<const T*>(samples.values[s]) - samples.first + i);
    inside = V::both(inside, V::both(V::lessEqual(low, x), V::lessEqual(x, high)));
    if constexpr (Log) V::storeLow(slots, offsetOf<V>(logSlot<V>(x, exponent)));
    else V::storeLow(slots, offsetOf<V>(linearSlot<V>(x, exponent)));
    for (size_t lane = 0; lane < V::WIDTH; lane++) {
      const uint32_t offset = static_cast<uint32_t>(cellOffset(i + lane)) + slots[lane];
      block.offsets[(i + lane - block.first) * samples.samples + s] = offset;
      __builtin_prefetch(tile.counters + offset, 1, 3);
    }
  }
  bool good = V::every(inside);
  for (size_t lane = 0; lane < V::WIDTH; lane++) good = good && tile.exponent[i + lane] != 0;
  return good;
}

template <class T, bool Log>
void prepare(const LatticeTile& tile, const TileSamples& samples, Block& block, size_t first, size_t last) {
  block.first = first;
  block.last = last;
  for (size_t group = 0; first + group * CELLS_PER_FLAG < last; group++) {
    const size_t begin = first + group * CELLS_PER_FLAG;
    bool good = true;
    overRange(begin, begin + CELLS_PER_FLAG < last ? begin + CELLS_PER_FLAG : last, [&](auto v, size_t i) {
      good = prepareCells<decltype(v), T, Log>(tile, samples, block, i) && good;
    });
    block.general[group] = !good;
  }
}

template <class T>
void countBlock(const LatticeTile& tile, const TileSamples& samples, const Block& block, bool log) {
  for (size_t group = 0; block.first + group * CELLS_PER_FLAG < block.last; group++) {
    const size_t begin = block.first + group * CELLS_PER_FLAG;
    const size_t end = begin + CELLS_PER_FLAG < block.last ? begin + CELLS_PER_FLAG : block.last;
    if (!block.general[group]) {
      const uint32_t* const offsets = block.offsets + (begin - block.first) * samples.samples;
      for (size_t j = 0; j < (end - begin) * samples.samples; j++) tile.counters[offsets[j]]++;
      continue;
    }
    for (size_t i = begin; i < end; i++)
      for (size_t s = 0; s < samples.samples; s++)
        latticeAdd(tile, i, static_cast<const T*>(samples.values[s])[i - samples.first], log, samples.skip);
  }
}

template <class T, bool Log>
void foldAll(const LatticeTile& tile, const TileSamples& samples) {
  Block blocks[2];
  const size_t cells = VALUES_PER_BLOCK / samples.samples / CELLS_PER_FLAG * CELLS_PER_FLAG;
  size_t turn = 0, done = samples.first;
  bool waiting = false;
  while (done < samples.last) {
    const size_t next = done + cells < samples.last ? done + cells : samples.last;
    prepare<T, Log>(tile, samples, blocks[turn], done, next);
    if (waiting) countBlock<T>(tile, samples, blocks[1 - turn], Log);
    waiting = true;
    turn = 1 - turn;
    done = next;
  }
  if (waiting) countBlock<T>(tile, samples, blocks[1 - turn], Log);
}

void fold(const LatticeTile& tile, bool log, const TileSamples& samples) {
  if (samples.dtype == DType::Float32)
    log ? foldAll<float, true>(tile, samples) : foldAll<float, false>(tile, samples);
  else
    log ? foldAll<double, true>(tile, samples) : foldAll<double, false>(tile, samples);
}

constexpr LatticeKernels kernels = {fold};

}  // namespace
}  // namespace melissa::MELISSA_ISA
