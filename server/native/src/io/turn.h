// SPDX-License-Identifier: Apache-2.0
/*
 * Which of the messages that have arrived the core is given next. Simulations at the same step are folded together, which costs
 * little more than folding one of them; but two solvers that send without a pause are seldom at the same step by themselves.
 * So, while several have something here, what is beyond the last step that all of them have brought waits for those behind, and its
 * sender with it, since credit comes with folding. They fall into step and stay there. The thread never rests for this: the sender
 * that is furthest behind is always served, and nothing waits longer than WAIT_NS_MAX.
 */
#pragma once
#include <cstdint>
#include <vector>

#include "core/rank_core.h"

namespace melissa {

/* The messages of one sender, in its order; each is given when those before it were. */
class Source {
 public:
  static constexpr int64_t NO_STEP = -1;

  virtual ~Source() = default;
  virtual bool empty() const = 0;
  /* Of the next message: the step of its first frame; NO_STEP when it has no data. */
  virtual int64_t step() const = 0;
  /* The highest step that is here, as far as one looks; NO_STEP when there are no data. */
  virtual int64_t lastStep() const = 0;
  /* Gives the next message to the core; its bytes. */
  virtual uint64_t give(RankCore& core, ReplySink& sink) = 0;
};

/* The step that a message begins with, or NO_STEP. */
int64_t stepOf(Bytes message);

class Turn {
 public:
  /* Gives messages until a flush is due or what is left should wait. True when something was given. */
  bool take(std::vector<Source*>& sources, RankCore& core, ReplySink& sink, uint64_t nowNs);

 private:
  struct Next {
    int64_t step;
    Source* source;
  };
  bool mayWait(uint64_t nowNs);

  std::vector<Next> heap_;
  uint64_t waitingSinceNs_ = 0;  // 0: nothing waits
};

}  // namespace melissa
