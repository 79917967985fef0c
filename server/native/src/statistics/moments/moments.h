// SPDX-License-Identifier: Apache-2.0
/*
 * Kernels of the per-cell consumer over one tile: moments to order 4 with extrema in one pass, exceedance counts,
 * Robbins-Monro quantiles, and the bookkeeping of counts. Called by sample_fold.cpp; kernel.h is the text, one file per
 * instruction set compiles it, dispatch.cpp chooses.
 */
#pragma once
#include <cstddef>
#include <cstdint>

#include "../field_statistics.h"

namespace melissa {

/** Samples whose updates keep the state in registers at a time: more would only lengthen the chain of additions. */
constexpr size_t SAMPLES_PER_BATCH = 8;

/** Samples of one tile: values[s] points to the value of cell `first`. */
struct TileSamples {
  DType dtype;
  size_t first, last;
  const void* const* values;
  size_t samples;          // 1..SAMPLES_PER_BATCH
  uint32_t count;          // samples folded before, the same for all cells, when counts is null
  const uint32_t* counts;  // or one a cell of the tile; read only
  bool skip;               // leave non-finite values out (needs counts)
  size_t ahead;            // bytes from this tile to the one that follows in this call, 0 = none: what to prefetch
};

struct MomentsKernels {
  /** streams: mean, M2, M3, M4, minimum, maximum; the first `moments` and, with extrema, the last two are used. */
  void (*fold)(double* const* streams, int moments, bool extrema, const TileSamples& samples);
  /** counters: one array of TILE_CELLS per threshold. Strictly greater. */
  void (*exceed)(uint32_t* counters, const double* thresholds, size_t thresholdCount, const TileSamples& samples);
  /** One sample; extrema already hold it. rates: n^-gamma, one a cell of the tile. */
  void (*robbinsMonro)(double* quantiles, const double* probabilities, size_t quantileCount, const double* minimum,
                       const double* maximum, const double* rates, const TileSamples& samples);
  /** Adds to counts (the array that samples.counts points to) what was folded. */
  void (*count)(uint32_t* counts, const TileSamples& samples);
  bool (*allFinite)(const TileSamples& samples);
};

extern const MomentsKernels momentsScalar, momentsAvx2, momentsAvx512, momentsNeon;

}  // namespace melissa
