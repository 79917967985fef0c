// SPDX-License-Identifier: Apache-2.0
/*
 * Kernels of the covariance between two fields over one tile. Streams: mean and M2 of the first field, mean and M2 of the
 * second, sum of the products of their deviations. Called by covariance_statistics.cpp.
 */
#pragma once
#include "../moments/moments.h"

namespace melissa {

constexpr size_t COVARIANCE_STREAMS = 5;

struct TilePairs {
  DType firstDType, secondDType;
  size_t first, last;
  const void* const* firstValues;   // [sample], pointing to the value of cell `first`
  const void* const* secondValues;
  size_t samples;          // 1..SAMPLES_PER_BATCH; 1 when counts is given
  uint32_t count;          // pairs folded before, the same for all cells, when counts is null
  const uint32_t* counts;  // or one a cell of the tile; read only
  const uint32_t* active;  // with counts: 1 where the pair is to be folded
};

struct CovarianceKernels {
  void (*fold)(double* streams, const TilePairs& pairs);
  /** active[c] = 1 where both values of the (only) pair are finite; returns whether all cells are. */
  bool (*finiteCells)(uint32_t* active, const TilePairs& pairs);
};

extern const CovarianceKernels covarianceScalar, covarianceAvx2, covarianceAvx512, covarianceNeon;

}  // namespace melissa
