// SPDX-License-Identifier: Apache-2.0
/* What people and the head ask of the statistics, answered between folds. */
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/rank_core.h"

namespace melissa {

// A covariance is asked for as field COVARIANCE_FIELD + its index.
inline constexpr uint64_t COVARIANCE_FIELD = 65536;

struct StatisticQuestion {
  uint64_t field;  // index of a field, or COVARIANCE_FIELD + index of a covariance
  uint32_t step;  // a kept step
  std::string statistic;
  uint32_t argument;
  uint64_t begin;  // cells of this rank's part
  uint64_t end;
};

/* False with a sentence when there is no such statistic, step or range. */
bool readStatistic(const RankCore& core, const StatisticQuestion& question, std::vector<double>& values, std::string& why);

/* One a (field, kept step), fields in order. */
std::vector<double> maxVariance(const RankCore& core);

struct Convergence {
  uint64_t groups = 0;
  double widest = 0;
  double medianWidth = 0;
  uint64_t cells = 0;
};
/*
 * Over all fields and steps with Sobol' statistics. `minVariance` as maxVariance gives them. The median is that of the steps'
 * medians, weighted by their eligible cells.
 */
Convergence convergence(const RankCore& core, const std::vector<double>& minVariance);

}  // namespace melissa
