// SPDX-License-Identifier: Apache-2.0
#include "counts.h"

#include <cstring>

#include "field_statistics.h"

namespace melissa {

constexpr size_t TILE = FieldStatistics::TILE_CELLS;

bool staysUniform(const CountRecord& record, size_t first, size_t last) {
  return record.perCell == 0 && first == 0 && (record.count == 0 || record.extent == last);
}

void addUniform(CountRecord& record, size_t last, size_t n) {
  record.count += static_cast<uint32_t>(n);
  record.extent = static_cast<uint16_t>(last);
}

void expandCounts(CountRecord& record, uint32_t* counts) {
  if (record.perCell != 0) return;
  for (size_t c = 0; c < TILE; c++) counts[c] = c < record.extent ? record.count : 0;
  record = {0, 0, 1};
}

void collapseCounts(CountRecord& record, uint32_t* counts) {
  const uint32_t count = counts[0];
  size_t extent = 0;
  if (count != 0)
    while (extent < TILE && counts[extent] == count) extent++;
  for (size_t c = extent; c < TILE; c++)
    if (counts[c] != 0) return;
  record = {count, static_cast<uint16_t>(extent), 0};
  std::memset(counts, 0, TILE * sizeof *counts);
}

uint32_t countOf(const CountRecord& record, const uint32_t* counts, size_t cell) {
  if (record.perCell != 0) return counts[cell];
  return cell < record.extent ? record.count : 0;
}

}  // namespace melissa
