// SPDX-License-Identifier: Apache-2.0
/*
 * How one field of a simulation is cut: the kept cells that each client rank owns, and which overlaps (blocks) this rank gets.
 * Thousands of simulations share one layout, so layouts are interned and simulations keep a pointer.
 */
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "core/options.h"

namespace melissa {

struct LayoutBlock {
  uint32_t clientRank;
  uint64_t offset;  // first kept cell, global
  uint64_t count;
};

struct FieldLayout {
  uint32_t id = 0;
  uint32_t field = 0;
  std::vector<uint64_t> cells;  // per client rank
  std::vector<LayoutBlock> blocks;  // ascending by client rank; never empty overlaps
  uint64_t largestBlock = 0;  // cells

  /* Index of the client rank's block, or -1 when it has none here. */
  int64_t blockOf(uint32_t clientRank) const;
};

class LayoutTable {
 public:
  explicit LayoutTable(const RankOptions& options) : options_(options) {}

  /* Null when the cells do not add up to the field's, or the table is full; `why` says which. */
  const FieldLayout* intern(uint32_t field, std::vector<uint64_t> cells, std::string& why);
  const FieldLayout* byId(uint32_t id) const { return id < layouts_.size() ? &layouts_[id] : nullptr; }
  size_t size() const { return layouts_.size(); }
  void clear() {
    layouts_.clear();
    ids_.clear();
  }

 private:
  const RankOptions& options_;
  std::deque<FieldLayout> layouts_;
  std::map<std::pair<uint32_t, std::vector<uint64_t>>, uint32_t> ids_;
};

}  // namespace melissa
