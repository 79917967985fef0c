// SPDX-License-Identifier: Apache-2.0
/* Restores the newest sound checkpoint of a rank into a fresh core, and says why it passed over newer ones. */
#pragma once
#include "checkpoint/format.h"
#include "core/rank_core.h"

namespace melissa {

struct Restored {
  uint64_t number = 0;  // 0: none
  std::vector<std::string> refused;
};

Restored restoreNewest(const std::string& folder, const CheckpointIdentity& identity, uint64_t wanted, RankCore& core);

}  // namespace melissa
