// SPDX-License-Identifier: Apache-2.0
/*
 * The quantile lattice: per cell 128 uint32 counters on bins [j 2^k, (j+1) 2^k), where k is the smallest exponent whose
 * 128 bins cover every finite value seen (and not below what keeps j exact in a double). With `log` the same bins lie on the
 * order-preserving integer image of the double instead of on its value. Bin j lives in slot j & 127, so that a
 * window that moves leaves its counters where they are; coarsening adds neighbours. Because floor(floor(v/2^k)/2) =
 * floor(v/2^(k+1)), the state is a function of the multiset of values alone: any order, any merge, the same bits.
 *
 * A cache line holds 4 neighbouring slots of 4 neighbouring cells. A value costs a line wherever it falls; where the field is
 * smooth, neighbours fall into neighbouring slots and share it. (16 slots of one cell: a line a value, however smooth.)
 *
 * Stored exponents are k + EXPONENT_BIAS, so that all-zero memory is the empty lattice.
 */
#pragma once
#include "../moments/moments.h"

namespace melissa {

constexpr size_t LATTICE_BINS = 128;
constexpr int32_t EXPONENT_BIAS = 2048;

constexpr size_t CELLS_PER_LINE = 4, SLOTS_PER_LINE = 4;

/** Where the first counter of a cell lies in the tile, and where slot `slot` lies from there. */
constexpr size_t cellOffset(size_t cell) {
  return cell / CELLS_PER_LINE * (CELLS_PER_LINE * LATTICE_BINS) + cell % CELLS_PER_LINE * SLOTS_PER_LINE;
}
constexpr size_t slotOffset(size_t slot) {
  return slot / SLOTS_PER_LINE * (CELLS_PER_LINE * SLOTS_PER_LINE) + slot % SLOTS_PER_LINE;
}

/** The streams of one tile, each with one entry a cell; counters with LATTICE_BINS. */
struct LatticeTile {
  double* low;           // smallest and largest finite value
  double* high;
  int32_t* exponent;     // 0 = no finite value yet
  uint32_t* nonFinite;   // values that are in no bin (never with Skip, which does not count them at all)
  uint32_t* counters;

  uint32_t& counter(size_t cell, int64_t index) const {
    return counters[cellOffset(cell) + slotOffset(static_cast<size_t>(index) % LATTICE_BINS)];
  }
};

struct LatticeKernels {
  void (*fold)(const LatticeTile& tile, bool log, const TileSamples& samples);
};

/** Bin index of a finite value at exponent k. */
int64_t latticeIndex(double value, int k, bool log);
/** Lower edge of a bin; with log the image's inverse, infinite beyond the largest double. */
double latticeEdge(int64_t index, int k, bool log);
/** Adds one value to cell `cell`: the general case that the kernels leave to it (first value, new extreme, non-finite). */
void latticeAdd(const LatticeTile& tile, size_t cell, double value, bool log, bool skip);
/** Adds the lattice of `from` to that of `into`. */
void latticeMerge(const LatticeTile& into, const LatticeTile& from, size_t cell, bool log);
/**
 * Estimate of quantile q in numpy's `linear` definition. Each of the two order statistics is placed inside its own bin, so
 * that the estimate is off by at most the width of the bins it lies in. NaN when empty or when a non-finite value was counted.
 */
double latticeQuantile(const LatticeTile& tile, size_t cell, double q, bool log);

extern const LatticeKernels latticeScalar, latticeAvx2, latticeAvx512, latticeNeon;

}  // namespace melissa
