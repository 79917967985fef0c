// SPDX-License-Identifier: Apache-2.0
/* What the core tells its owner: what became complete, what is alive, what was refused for good, and counters. */
#pragma once
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

namespace melissa {

struct Completion {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint8_t state;  // 1 everything is here, 2 folded by every consumer
};

struct Fault {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  std::string code;
  std::string message;
};

struct Activity {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t firstStep;
};

struct Counters {
  uint64_t framesTotal = 0;
  uint64_t bytesTotal = 0;
  uint64_t foldedUnitsTotal = 0;
  uint64_t duplicatesTotal = 0;
  uint64_t refusedTotal = 0;
  uint64_t groupsFolded = 0;
  uint64_t foldNanoseconds = 0;
};

struct Report {
  std::vector<Completion> completed;
  std::vector<Activity> active;
  std::vector<Fault> faults;
  Counters counters;
  uint64_t heldBytes = 0;
  uint32_t connections = 0;
};

}  // namespace melissa
