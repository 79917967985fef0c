// SPDX-License-Identifier: Apache-2.0
/*
 * Folds whole pick-freeze groups into the Sobol' consumer: tile by tile, in batches that share an accumulator and, when
 * counts differ between cells or values are skipped, group by group. Called by the engine.
 */
#include <algorithm>
#include <vector>

#include "dispatch.h"
#include "implementation.h"

namespace melissa {
namespace {

void foldCellByCell(const Layout& layout, const Tile& tile, uint32_t block, TileGroups groups, const uint32_t* active) {
  CountRecord& record = tile.groupRecord(block);
  uint32_t* const counts = tile.groupCounts(block);
  expandCounts(record, counts);
  groups.counts = counts;
  groups.active = active;
  kernels().sobol.fold(tile.accumulator(block), layout.sobol, groups);
  for (size_t c = groups.first; c < groups.last; c++) counts[c] += active[c];
  collapseCounts(record, counts);
}

/** Up to GROUPS_PER_BATCH groups of one accumulator. */
void foldBatch(const Layout& layout, const Tile& tile, uint32_t block, bool skip, TileGroups groups) {
  CountRecord& record = tile.groupRecord(block);
  uint32_t active[FieldStatistics::TILE_CELLS];
  const size_t total = groups.groups;
  const void* const* const members = groups.members;
  bool whole = true;
  TileGroups one = groups;
  one.groups = 1;
  for (size_t g = 0; skip && g < total && whole; g++) {
    one.members = members + g * layout.sobol.groupSize();
    whole = kernels().sobol.finiteCells(active, layout.sobol.groupSize(), one);
  }
  if (whole && staysUniform(record, groups.first, groups.last)) {
    groups.count = record.count;
    kernels().sobol.fold(tile.accumulator(block), layout.sobol, groups);
    addUniform(record, groups.last, total);
    return;
  }
  for (size_t g = 0; g < total; g++) {
    one.members = members + g * layout.sobol.groupSize();
    if (skip) kernels().sobol.finiteCells(active, layout.sobol.groupSize(), one);
    else std::fill(active + groups.first, active + groups.last, 1U);
    foldCellByCell(layout, tile, block, one, active);
  }
}

}  // namespace

void FieldStatistics::foldGroups(std::byte* state, size_t begin, size_t end, const void* const* members,
                                 const uint64_t* groupIndex, size_t groups) const {
  const Layout& layout = impl_->layout;
  if (layout.blocks == 0) return;
  const size_t size = layout.sobol.groupSize();
  const bool skip = impl_->spec.nonFinite == NonFinite::Skip;
  const auto blockOf = [&](size_t g) {
    return layout.blocks > 1 ? static_cast<uint32_t>(groupIndex[g] % layout.blocks) : 0U;
  };
  std::vector<const void*> starts(size * std::min(groups, GROUPS_PER_BATCH));
  overTiles(begin, end, [&](size_t index, size_t first, size_t last, size_t before) {
    const Tile tile(layout, state + index * layout.tileBytes);
    const size_t ahead = before + (last - first) < end - begin ? layout.tileBytes : 0;
    for (size_t done = 0; done < groups;) {
      size_t count = 1;
      while (count < GROUPS_PER_BATCH && done + count < groups && blockOf(done + count) == blockOf(done)) count++;
      for (size_t m = 0; m < count * size; m++)
        starts[m] = static_cast<const std::byte*>(members[done * size + m]) + before * sizeOf(impl_->spec.dtype);
      foldBatch(layout, tile, blockOf(done), skip,
                {impl_->spec.dtype, first, last, starts.data(), count, 0, nullptr, nullptr, done == 0 ? ahead : 0});
      done += count;
    }
  });
}

}  // namespace melissa
