// SPDX-License-Identifier: Apache-2.0
#include "core/questions.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace melissa {
namespace {

int64_t positionOfStep(const std::vector<uint32_t>& steps, uint32_t step) {
  const auto at = std::lower_bound(steps.begin(), steps.end(), step);
  return at != steps.end() && *at == step ? at - steps.begin() : -1;
}

double weightedMedian(std::vector<std::pair<double, uint64_t>> medians) {
  std::sort(medians.begin(), medians.end());
  uint64_t total = 0;
  for (const auto& [width, cells] : medians) total += cells;
  uint64_t below = 0;
  for (const auto& [width, cells] : medians) {
    below += cells;
    if (2 * below >= total) return width;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

bool readCovariance(const RankCore& core, const StatisticQuestion& q, std::vector<double>& values, std::string& why) {
  const uint64_t pair = q.field - COVARIANCE_FIELD;
  const RankOptions& options = core.options();
  if (pair >= options.covariances.size()) {
    why = "there is no such covariance";
    return false;
  }
  const int64_t step = positionOfStep(core.arena().pairSteps(static_cast<uint32_t>(pair)), q.step);
  if (step < 0) {
    why = "step " + std::to_string(q.step) + " is not kept by both fields";
    return false;
  }
  if (q.begin > q.end || q.end > options.fields[options.covariances[pair].first].cells()) {
    why = "the cells lie outside this rank's part";
    return false;
  }
  values.resize(q.end - q.begin);
  if (values.empty()) return true;
  const uint32_t p = static_cast<uint32_t>(pair);
  const std::byte* slab = core.arena().slab(core.arena().pairSlab(p, static_cast<uint32_t>(step)));
  if (core.arena().covariance(p).derive(slab, q.begin, q.end, q.statistic, values.data())) return true;
  {
    why = "a covariance has no statistic \"" + q.statistic + "\"";
    return false;
  }
}

}  // namespace

bool readStatistic(const RankCore& core, const StatisticQuestion& q, std::vector<double>& values, std::string& why) {
  if (q.field >= COVARIANCE_FIELD) return readCovariance(core, q, values, why);
  const std::vector<FieldOptions>& fields = core.options().fields;
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const FieldOptions& f) { return f.index == q.field; });
  if (field == fields.end()) {
    why = "there is no field " + std::to_string(q.field);
    return false;
  }
  const int64_t step = positionOfStep(field->keptSteps, q.step);
  if (step < 0) {
    why = "field \"" + field->name + "\" does not keep step " + std::to_string(q.step);
    return false;
  }
  if (q.begin > q.end || q.end > field->cells()) {
    why = "the cells lie outside this rank's part";
    return false;
  }
  values.resize(q.end - q.begin);
  if (values.empty()) return true;
  const uint32_t f = static_cast<uint32_t>(field - fields.begin());
  const std::byte* slab = core.arena().slab(core.arena().fieldSlab(f, static_cast<uint32_t>(step)));
  if (core.arena().statistics(f).derive(slab, q.begin, q.end, q.statistic, q.argument, values.data())) return true;
  {
    why = "field \"" + field->name + "\" has no statistic \"" + q.statistic + "\" with argument " + std::to_string(q.argument);
    return false;
  }
}

std::vector<double> maxVariance(const RankCore& core) {
  std::vector<double> all;
  for (uint32_t f = 0; f < core.options().fields.size(); ++f) {
    const FieldOptions& field = core.options().fields[f];
    for (uint32_t step = 0; step < field.keptSteps.size(); ++step) {
      const std::byte* slab = field.cells() == 0 ? nullptr : core.arena().slab(core.arena().fieldSlab(f, step));
      all.push_back(slab == nullptr ? std::numeric_limits<double>::quiet_NaN() : core.arena().statistics(f).maxVariance(slab, field.cells()));
    }
  }
  return all;
}

Convergence convergence(const RankCore& core, const std::vector<double>& minVariance) {
  Convergence result{core.groupsFolded(), std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN(), 0};
  std::vector<std::pair<double, uint64_t>> medians;
  size_t at = 0;
  for (uint32_t f = 0; f < core.options().fields.size(); ++f) {
    const FieldOptions& field = core.options().fields[f];
    for (uint32_t step = 0; step < field.keptSteps.size(); ++step, ++at) {
      if (field.statistics.sobol == Estimator::None || field.cells() == 0) continue;
      const std::byte* slab = core.arena().slab(core.arena().fieldSlab(f, step));
      const ConvergenceResult one = core.arena().statistics(f).convergence(slab, field.cells(), minVariance[at]);
      if (one.cells == 0) continue;
      result.cells += one.cells;
      // NaN until the first; a NaN of a step stays, as it means that nothing is known of some cell.
      if (std::isnan(result.widest) || one.widest > result.widest || std::isnan(one.widest)) result.widest = one.widest;
      if (!std::isnan(one.medianWidth)) medians.emplace_back(one.medianWidth, one.cells);
    }
  }
  result.medianWidth = weightedMedian(std::move(medians));
  return result;
}

}  // namespace melissa
