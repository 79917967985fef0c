// SPDX-License-Identifier: Apache-2.0
// The sizes and simple facts of FieldStatistics; folding, merging and deriving have files of their own.
#include "field_statistics.h"

#include "implementation.h"

namespace melissa {

FieldStatistics::FieldStatistics(const StatisticsSpec& spec) : impl_(new Impl{spec, Layout(spec)}) {}
FieldStatistics::~FieldStatistics() { delete impl_; }

const StatisticsSpec& FieldStatistics::spec() const { return impl_->spec; }

uint32_t FieldStatistics::groupSize() const {
  return impl_->spec.sobol == Estimator::None ? 0 : impl_->layout.sobol.groupSize();
}

bool FieldStatistics::hasCellConsumer() const { return impl_->layout.sampleCounts != 0; }

size_t FieldStatistics::tileBytes() const { return impl_->layout.tileBytes; }

size_t FieldStatistics::bytes(size_t cells) const { return (cells + TILE_CELLS - 1) / TILE_CELLS * tileBytes(); }

}  // namespace melissa
