// SPDX-License-Identifier: Apache-2.0
/*
 * Kernels of the Sobol' consumer over one tile: whole pick-freeze groups (A, B, C_1..C_P and, with second order, D_1..D_P)
 * folded into co-moments. Called by group_fold.cpp.
 *
 * Streams of one accumulator, each TILE_CELLS doubles: A, then B (mean, M2 and, for Robust, M3, M4), then per parameter
 *   Martinez  C: mean, M2;          sum dA dC, sum dB dC
 *   Robust    C: mean, M2, M3, M4;  with A: c11 c21 c12 c22 c31 c13, with B: the same (first index A or B, second C)
 *   Jansen    sum (B-C)^2, sum (A-C)^2;                            [C: mean, M2 with second order]
 *   Saltelli  mean of C-A, co-moment of B and C-A, sum (A-C)^2;    [C: mean, M2 with second order]
 * then, with second order, per parameter D: mean, M2, and per ordered pair i != j the co-moment of C_i and D_j.
 */
#pragma once
#include "../moments/moments.h"

namespace melissa {

enum class SobolKind : uint8_t { Martinez, Robust, Jansen, Saltelli };

struct SobolLayout {
  SobolKind kind;
  uint32_t parameters;
  bool secondOrder;

  size_t memberStreams() const { return kind == SobolKind::Robust ? 4 : 2; }  // of A and of B
  size_t parameterStreams() const;
  size_t streamA() const { return 0; }
  size_t streamB() const { return memberStreams(); }
  size_t streamParameter(uint32_t i) const { return 2 * memberStreams() + i * parameterStreams(); }
  /** Mean of C_i, M2 follows; kept by Martinez and by second order. */
  size_t streamC(uint32_t i) const;
  size_t streamD(uint32_t j) const { return streamParameter(parameters) + 2 * j; }
  size_t streamPair(uint32_t i, uint32_t j) const { return streamD(parameters) + i * (parameters - 1) + (j < i ? j : j - 1); }
  size_t streams() const { return streamParameter(parameters) + (secondOrder ? 2 * parameters + parameters * (parameters - 1) : 0); }
  uint32_t groupSize() const { return 2 + parameters * (secondOrder ? 2 : 1); }
};

/** Groups whose updates keep the state in registers at a time. */
constexpr size_t GROUPS_PER_BATCH = 4;

/** Groups of one tile: members[g * groupSize + m] points to the value of cell `first`. */
struct TileGroups {
  DType dtype;
  size_t first, last;
  const void* const* members;
  size_t groups;           // 1..GROUPS_PER_BATCH; 1 when counts is given
  uint32_t count;          // groups folded before, the same for all cells, when counts is null
  const uint32_t* counts;  // or one a cell of the tile; read only
  const uint32_t* active;  // with counts: 1 where the group is to be folded, one a cell of the tile
  size_t ahead;            // bytes from this tile to the one that follows in this call, 0 = none: what to prefetch
};

struct SobolKernels {
  /** streams: the first stream of the accumulator in this tile. */
  void (*fold)(double* streams, const SobolLayout& layout, const TileGroups& groups);
  /** active[c] = 1 where all members of the (only) group are finite; returns whether all cells are. */
  bool (*finiteCells)(uint32_t* active, uint32_t members, const TileGroups& groups);
};

extern const SobolKernels sobolScalar, sobolAvx2, sobolAvx512, sobolNeon;

}  // namespace melissa
