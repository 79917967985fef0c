// SPDX-License-Identifier: Apache-2.0
// One count per tile or one per cell: the same answer, and the same bytes for the same counts.
#include "counts.h"

#include "testing.h"

using namespace melissa;
using namespace testing;

namespace {

constexpr size_t TILE = FieldStatistics::TILE_CELLS;

struct Tracked {
  CountRecord record{};
  uint32_t counts[TILE] = {};

  void fold(size_t first, size_t last) {
    if (staysUniform(record, first, last)) return addUniform(record, last, 1);
    expandCounts(record, counts);
    for (size_t c = first; c < last; c++) counts[c]++;
    collapseCounts(record, counts);
  }
  bool equals(const Tracked& other) const {
    return std::memcmp(&record, &other.record, sizeof record) == 0 && std::memcmp(counts, other.counts, sizeof counts) == 0;
  }
};

TEST("counts follow any sequence of ranges, and equal counts have equal bytes", [] {
  Random random(77);
  for (int trial = 0; trial < 300; trial++) {
    Tracked tracked, replayed;
    uint32_t want[TILE] = {};
    for (int step = 0; step < 12; step++) {
      const size_t cuts[] = {0, 1, 100, 511, TILE};
      const size_t a = random.below(4), b = a + 1 + random.below(4 - a);
      tracked.fold(cuts[a], cuts[b]);
      for (size_t c = cuts[a]; c < cuts[b]; c++) want[c]++;
    }
    for (size_t c = 0; c < TILE; c++) check(countOf(tracked.record, tracked.counts, c) == want[c], "count of a cell");
    // The same counts, reached cell by cell.
    expandCounts(replayed.record, replayed.counts);
    std::memcpy(replayed.counts, want, sizeof want);
    collapseCounts(replayed.record, replayed.counts);
    check(tracked.equals(replayed), "two histories, two forms");
  }
});

TEST("a tile that is always folded over the same cells never needs a count per cell", [] {
  Tracked tracked;
  for (int step = 0; step < 5; step++) tracked.fold(0, 300);
  check(tracked.record.perCell == 0 && tracked.record.count == 5 && tracked.record.extent == 300, "not uniform");
});

TEST("a tile goes back to one count when its cells agree again", [] {
  Tracked tracked;
  tracked.fold(0, 200);
  tracked.fold(200, TILE);
  check(tracked.record.perCell == 0 && tracked.record.count == 1 && tracked.record.extent == TILE, "still per cell");
});

}  // namespace

int main() { return runAll(); }
