// SPDX-License-Identifier: Apache-2.0
#include "core/layout.h"

#include <algorithm>

#include "core/limits.h"

namespace melissa {

int64_t FieldLayout::blockOf(uint32_t clientRank) const {
  const auto at = std::lower_bound(blocks.begin(), blocks.end(), clientRank, [](const LayoutBlock& b, uint32_t r) { return b.clientRank < r; });
  return at != blocks.end() && at->clientRank == clientRank ? at - blocks.begin() : -1;
}

const FieldLayout* LayoutTable::intern(uint32_t field, std::vector<uint64_t> cells, std::string& why) {
  const FieldOptions& study = options_.fields[field];
  if (const auto known = ids_.find({field, cells}); known != ids_.end()) return &layouts_[known->second];
  uint64_t sum = 0;
  for (uint64_t n : cells) {
    if (n > study.keptCells - sum) {
      sum = study.keptCells + 1;
      break;
    }
    sum += n;
  }
  if (sum != study.keptCells) {
    why = "field \"" + study.name + "\": the client ranks' kept cells do not add up to " + std::to_string(study.keptCells);
    return nullptr;
  }
  if (layouts_.size() >= LAYOUTS_MAX) {
    why = "there are more than " + std::to_string(LAYOUTS_MAX) + " different partitions of fields";
    return nullptr;
  }
  FieldLayout layout;
  layout.id = static_cast<uint32_t>(layouts_.size());
  layout.field = field;
  layout.cells = std::move(cells);
  uint64_t offset = 0;
  for (uint32_t rank = 0; rank < layout.cells.size(); ++rank) {
    const uint64_t begin = std::max(offset, study.cellBegin);
    const uint64_t end = std::min(offset + layout.cells[rank], study.cellEnd);
    if (begin < end) {
      layout.blocks.push_back({rank, begin, end - begin});
      layout.largestBlock = std::max(layout.largestBlock, end - begin);
    }
    offset += layout.cells[rank];
  }
  layouts_.push_back(std::move(layout));
  const FieldLayout& added = layouts_.back();
  ids_.emplace(std::make_pair(field, added.cells), added.id);
  return &added;
}

}  // namespace melissa
