// SPDX-License-Identifier: Apache-2.0
#include "core/options.h"

#include <algorithm>

#include "core/limits.h"

namespace melissa {
namespace {

std::string fieldContradiction(const FieldOptions& field, uint32_t groupSize) {
  const std::string name = "field \"" + field.name + "\": ";
  if (field.cellBegin > field.cellEnd || field.cellEnd > field.keptCells) return name + "this rank's part lies outside the kept cells";
  if (field.keptSteps.empty()) return name + "no step is kept";
  if (!std::is_sorted(field.keptSteps.begin(), field.keptSteps.end()) ||
      std::adjacent_find(field.keptSteps.begin(), field.keptSteps.end()) != field.keptSteps.end())
    return name + "kept steps are not ascending";
  if (field.statistics.sobol != Estimator::None) {
    const uint32_t parameters = field.statistics.sobolParameters;
    const uint32_t members = field.statistics.secondOrder ? 2 * parameters + 2 : parameters + 2;
    // A group may have more members: another field's second-order indices need them.
    if (members > groupSize) return name + "the group is too small for the number of Sobol' parameters";
  }
  return {};
}

}  // namespace

std::string contradiction(const RankOptions& options) {
  if (options.groupSize == 0) return "the group size is 0";
  if (options.simulations % options.groupSize != 0) return "the number of simulations is not a multiple of the group size";
  if (options.rank >= options.ranks) return "the rank is not below the number of ranks";
  if (options.fields.size() > FIELDS_MAX) return "there are too many fields";
  for (const FieldOptions& field : options.fields)
    if (std::string why = fieldContradiction(field, options.groupSize); !why.empty()) return why;
  for (const CovarianceOptions& pair : options.covariances) {
    if (pair.first >= options.fields.size() || pair.second >= options.fields.size()) return "a covariance names a field that does not exist";
    if (pair.first == pair.second) return "a covariance names the same field twice";
    const FieldOptions& a = options.fields[pair.first];
    const FieldOptions& b = options.fields[pair.second];
    if (a.keptCells != b.keptCells || a.cellBegin != b.cellBegin || a.cellEnd != b.cellEnd)
      return "the fields \"" + a.name + "\" and \"" + b.name + "\" of a covariance do not have the same cells";
  }
  return {};
}

}  // namespace melissa
