// SPDX-License-Identifier: Apache-2.0
/*
 * What a rank is told about its study before it starts: the compiled, complete form of EngineOptions (src/native.ts). Made by
 * the addon or by a test, read by everybody, changed by nobody except for the epoch, which lives in the core.
 */
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "statistics/field_statistics.h"

namespace melissa {

struct FieldOptions {
  uint16_t index = 0;  // in Data frames
  std::string name;
  uint64_t keptCells = 0;  // of the whole field
  uint64_t cellBegin = 0;  // this rank's part, in kept index
  uint64_t cellEnd = 0;
  std::vector<uint32_t> keptSteps;  // ascending
  StatisticsSpec statistics;

  uint64_t cells() const { return cellEnd - cellBegin; }
};

struct CovarianceOptions {
  uint32_t first = 0;  // positions in RankOptions::fields
  uint32_t second = 0;
};

struct RankOptions {
  std::string study;
  std::string fingerprint;
  uint32_t rank = 0;
  uint32_t ranks = 1;
  uint32_t epoch = 0;
  std::string token;
  std::string host;
  uint64_t instance = 0;  // random per process: tells clients that a rank was restarted
  uint32_t simulations = 0;
  uint32_t groupSize = 1;
  bool partialWhole = false;
  std::vector<FieldOptions> fields;
  std::vector<CovarianceOptions> covariances;
  uint64_t heldBytesMax = 0;
  uint64_t receiveBudgetBytes = 0;
  uint64_t sendWindowBytes = 0;
  bool keepRawAll = false;
  std::vector<uint32_t> keepRawIds;  // ascending
};

/* Empty when the options agree with each other, otherwise the sentence that says what does not. */
std::string contradiction(const RankOptions& options);

}  // namespace melissa
