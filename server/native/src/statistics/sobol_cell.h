// SPDX-License-Identifier: Apache-2.0
/*
 * The Sobol' sums of one cell and one parameter, taken out of the streams: what estimators, intervals, merging and the
 * convergence rule are computed from. Estimators (C_i = A with column i of B):
 *   Martinez   S = corr(B, C_i), ST = 1 - corr(A, C_i)                                   doi:10.1145/3126908.3126922
 *   Jansen     S = 1 - E(B-C_i)^2 / 2V, ST = E(A-C_i)^2 / 2V                            doi:10.1016/S0010-4655(98)00154-4
 *   Saltelli   S = E[(B-m)(C_i-A)] / V, ST as Jansen                                     doi:10.1016/j.cpc.2009.09.018
 * with m, V mean and variance (ddof 0) of A and B together.
 */
#pragma once
#include "implementation.h"
#include "intervals.h"

namespace melissa {

struct SobolSums {
  double n = 0;
  Univariate4 a, b, c;
  Bivariate withA, withB;                   // A and C_i, B and C_i
  double squareA = 0, squareB = 0;          // sums of (A-C_i)^2, (B-C_i)^2
  Univariate4 difference;                   // C_i - A: its mean
  double differenceB = 0;                   // co-moment of B and C_i - A
};

/** Sums of block `block` at `cell` for parameter i. */
SobolSums sobolSums(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, uint32_t i);
/** Of all blocks together. */
SobolSums sobolSums(const Layout& layout, const Tile& tile, size_t cell, uint32_t i);
/** Writes back what belongs to the parameter (C_i, its pairs), not A and B. */
void storeParameter(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, uint32_t i, const SobolSums& sums);
void storeMembers(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, const SobolSums& sums);
SobolSums merged(const SobolSums& x, const SobolSums& y);

/** Variance (ddof 0) of A and B together. */
double pooledVariance(const SobolSums& sums);
/** Their standard deviation is at most 1e-10 of their size: what remains is rounding, and no index means anything. */
bool sobolDegenerate(const SobolSums& sums);

struct Indices {
  double first, total;
};
/** NaN where degenerate or n < 2. */
Indices sobolIndices(SobolKind kind, const SobolSums& sums);

struct IndexBounds {
  Bounds first, total;
};
/** Quantile of the level, computed once per call and not per cell. */
double levelQuantile(const StatisticsSpec& spec);
/** Whether the specification has intervals. */
bool hasIntervals(const StatisticsSpec& spec);
IndexBounds sobolBounds(const StatisticsSpec& spec, const Layout& layout, const Tile& tile, size_t cell, uint32_t i,
                        const SobolSums& all, double quantile);

/** S_ij = corr(C_i, D_j) - S_i - S_j, mean of both orders; NaN for i = j. */
double sobolSecond(const Layout& layout, const Tile& tile, size_t cell, uint32_t i, uint32_t j);

/** Co-moment of C_i and D_j with both members' mean and M2. */
struct PairSums {
  double n = 0;
  Univariate4 c, d;
  Bivariate cd;
};
PairSums pairSums(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, uint32_t i, uint32_t j);
PairSums merged(const PairSums& x, const PairSums& y);

}  // namespace melissa
