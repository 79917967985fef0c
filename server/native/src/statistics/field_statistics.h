// SPDX-License-Identifier: Apache-2.0
/*
 * The statistics of one field at one time step over a contiguous range of cells: the border between the engine (which
 * knows frames, sessions, bits and checkpoints) and the kernels (which know numbers).
 *
 * The state is flat memory without pointers: `bytes(cells)` bytes, 64-byte aligned, cut into tiles of TILE_CELLS cells;
 * each tile holds its streams (mean, M2, ... one array of TILE_CELLS doubles each) one after another, so that a fold walks
 * memory forward and a checkpoint is a copy. A range of whole tiles is a range of bytes (`tileBytes`).
 *
 * Counts: a tile keeps one count per consumer while all its cells agree, and one count per cell after they differ (a block that
 * covers a part of it, or a skipped non-finite value). All-zero memory is the empty state.
 *
 * Every fold touches [begin, end) only. Bit-for-bit: the result depends on the order of folds, never on the instruction
 * set, nor on how many samples are folded in one call, nor on how the range is cut into calls.
 */
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace melissa {

enum class DType : uint8_t { Float32 = 1, Float64 = 2 };
enum class NonFinite : uint8_t { Reject = 0, Skip = 1, Propagate = 2 };
enum class Estimator : uint8_t { None = 0, Martinez = 1, Jansen = 2, Saltelli = 3 };
enum class Interval : uint8_t { None = 0, Fisher = 1, Robust = 2, Jackknife = 3 };

struct StatisticsSpec {
  DType dtype = DType::Float64;
  NonFinite nonFinite = NonFinite::Reject;
  int moments = 0;  // 0..4
  bool extrema = false;
  std::vector<double> thresholds;
  std::vector<double> quantiles;
  bool robbinsMonro = false;  // quantiles by Robbins-Monro instead of the lattice
  bool logSpacing = false;
  bool histogram = false;  // keeps the lattice even without quantiles
  uint64_t plannedSamples = 0;  // N of Robbins-Monro
  Estimator sobol = Estimator::None;
  Interval interval = Interval::None;
  bool secondOrder = false;
  uint32_t sobolParameters = 0;  // P; a group has P + 2 members, 2P + 2 with second order
  uint32_t jackknifeBlocks = 0;
  double level = 0.95;
};

struct ConvergenceResult {
  double widest;       // widest interval over eligible cells, NaN when there is none
  double medianWidth;  // median of all eligible widths (all parameters, first and total)
  uint64_t cells;      // eligible cells
};

class FieldStatistics {
 public:
  static constexpr size_t TILE_CELLS = 512;

  explicit FieldStatistics(const StatisticsSpec& spec);
  ~FieldStatistics();
  FieldStatistics(const FieldStatistics&) = delete;
  FieldStatistics& operator=(const FieldStatistics&) = delete;

  const StatisticsSpec& spec() const;
  uint32_t groupSize() const;  // 0 without Sobol'
  bool hasCellConsumer() const;  // moments, extrema, thresholds or quantiles are on
  size_t tileBytes() const;
  size_t bytes(size_t cells) const;  // whole tiles

  /* Per-cell consumer: n samples, one after another, each with end - begin values for cells [begin, end). */
  void foldSamples(std::byte* state, size_t begin, size_t end, const void* const* values, size_t n) const;

  /*
   * Sobol' consumer: `groups` whole groups, members[g * groupSize() + m] in the order A, B, C_1..C_P, D_1..D_P.
   * groupIndex[g] selects the jackknife block (groupIndex % jackknifeBlocks); it may be null without Jackknife.
   */
  void foldGroups(std::byte* state, size_t begin, size_t end, const void* const* members, const uint64_t* groupIndex, size_t groups) const;

  /* Adds the state `from` to `into`, both over `cells` cells. Not available with Robbins-Monro: returns false. */
  bool merge(std::byte* into, const std::byte* from, size_t cells) const;

  /*
   * Derived values of cells [begin, end). Names: count, mean, standardError, variance, skewness, kurtosis, minimum, maximum,
   * exceedance (argument: threshold; probability), quantile (argument), histogramCounts (argument: bin 0..127), histogramLower,
   * histogramWidth, degenerate, sobolCount, sobolFirst, sobolTotal, sobolFirstLower, sobolFirstUpper, sobolTotalLower,
   * sobolTotalUpper (argument: parameter), sobolSecond (argument: i * P + j). Returns false for a name the spec does not have.
   */
  bool derive(const std::byte* state, size_t begin, size_t end, std::string_view statistic, uint32_t argument, double* out) const;

  /* Over cells [0, cells) whose pooled variance is >= minVariance and that are not degenerate. */
  ConvergenceResult convergence(const std::byte* state, size_t cells, double minVariance) const;
  double maxVariance(const std::byte* state, size_t cells) const;

 private:
  struct Impl;
  Impl* impl_;
};

/* Covariance between two fields at one step: state of its own, pairs folded when both blocks of a sample are there. */
class CovarianceStatistics {
 public:
  CovarianceStatistics(DType first, DType second, NonFinite nonFinite);
  size_t tileBytes() const;
  size_t bytes(size_t cells) const;
  void foldPairs(std::byte* state, size_t begin, size_t end, const void* const* first, const void* const* second, size_t n) const;
  bool merge(std::byte* into, const std::byte* from, size_t cells) const;
  /* Names: covarianceCount, covariance (ddof 1), correlation. */
  bool derive(const std::byte* state, size_t begin, size_t end, std::string_view statistic, double* out) const;

 private:
  DType first_, second_;
  NonFinite nonFinite_;
};

}  // namespace melissa
