// SPDX-License-Identifier: Apache-2.0
#include "io/turn.h"

#include <algorithm>

namespace melissa {
namespace {

// A sender that is ahead waits for the others no longer than this; after that everything that is here is folded.
constexpr uint64_t WAIT_NS_MAX = 250'000'000;
// What a single sender gets at once. More would let it run far ahead of one whose next message is just arriving.
constexpr uint64_t ALONE_BYTES_MAX = 4ull << 20;

}  // namespace

int64_t stepOf(Bytes message) {
  mlp_data_header header{};
  return mlp_decode_data_header(raw(message), message.size(), &header) == MLP_OK ? static_cast<int64_t>(header.step) : Source::NO_STEP;
}

bool Turn::mayWait(uint64_t nowNs) { return waitingSinceNs_ == 0 || nowNs - waitingSinceNs_ < WAIT_NS_MAX; }

bool Turn::take(std::vector<Source*>& sources, RankCore& core, ReplySink& sink, uint64_t nowNs) {
  const auto later = [](const Next& a, const Next& b) { return a.step > b.step; };
  int64_t horizon = INT64_MAX;
  heap_.clear();
  for (Source* source : sources) {
    if (source->empty()) continue;
    heap_.push_back({source->step(), source});
    if (const int64_t last = source->lastStep(); last != Source::NO_STEP) horizon = std::min(horizon, last);
  }
  if (!mayWait(nowNs)) horizon = INT64_MAX;
  const bool alone = heap_.size() == 1;
  std::make_heap(heap_.begin(), heap_.end(), later);
  uint64_t given = 0;
  bool worked = false;
  bool waits = false;
  while (!heap_.empty() && !core.flushIsDue() && !(alone && given >= ALONE_BYTES_MAX)) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Next next = heap_.back();
    heap_.pop_back();
    if (next.source->empty()) continue;  // its ring was closed meanwhile
    if (next.step > horizon) {
      waits = true;
      break;  // so is all that is left
    }
    given += next.source->give(core, sink);
    worked = true;
    if (next.source->empty()) continue;
    next.step = next.source->step();
    heap_.push_back(next);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  if (!waits) waitingSinceNs_ = 0;
  else if (waitingSinceNs_ == 0) waitingSinceNs_ = nowNs;
  return worked;
}

}  // namespace melissa
