// SPDX-License-Identifier: Apache-2.0
// What a FieldStatistics is made of; known to the files that implement it and to nobody else.
#pragma once
#include "layout.h"

namespace melissa {

struct FieldStatistics::Impl {
  StatisticsSpec spec;
  Layout layout;
};

inline size_t sizeOf(DType dtype) { return dtype == DType::Float32 ? 4 : 8; }

}  // namespace melissa
