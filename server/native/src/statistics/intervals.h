// SPDX-License-Identifier: Apache-2.0
/*
 * Confidence intervals of Sobol' indices: Fisher's z, the delta method on z ("Robust"), and the grouped jackknife. Pure
 * functions of sums that the kernels have kept; called by sobol_cell.cpp and convergence.cpp.
 */
#pragma once
#include <cstddef>

#include "comoments.h"

namespace melissa {

struct Bounds {
  double lower, upper;
};

/** Standard normal quantile, 0 < probability < 1. */
double normalQuantile(double probability);
/** Quantile of Student's t with that many (whole) degrees of freedom, 0.5 <= probability < 1. */
double studentQuantile(double probability, int freedom);

/** Pearson's r of two variables from n samples' sums; NaN unless both vary. Never beyond 1. */
double correlation(double c11, double xM2, double yM2);

/** tanh(atanh(r) -+ quantile / sqrt(n - 3)); NaN for n <= 3. */
Bounds fisherBounds(double r, double n, double quantile);

/**
 * tanh(atanh(r) -+ quantile * sd), sd = sqrt(mean psi^2 / n) / (1 - r^2), psi = uv - r (u^2 + v^2) / 2 of the standardised
 * pair: the delta method without an assumption of normality.
 */
Bounds robustBounds(double r, const Bivariate& c, const Univariate4& x, const Univariate4& y, double n, double quantile);

/**
 * Delete-a-group jackknife with groups of unequal size (doi:10.1023/A:1008800423698): estimate -+ t sd.
 * without[b]: the estimate without block b, sizes[b] > 0 its samples, `blocks` >= 2 of them.
 */
Bounds jackknifeBounds(double estimate, const double* without, const double* sizes, size_t blocks, double level);

}  // namespace melissa
