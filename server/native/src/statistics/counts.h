// SPDX-License-Identifier: Apache-2.0
/*
 * How many samples each cell of a tile has seen. As long as all folds cover the same cells [0, extent), one number in the
 * tile's header says it; after a partial fold or a skipped value there is one number a cell, until they agree again. The form
 * is canonical: equal counts have equal bytes, whichever way they were reached. Zero bytes mean: nothing folded.
 */
#pragma once
#include <cstddef>
#include <cstdint>

namespace melissa {

struct CountRecord {
  uint32_t count;    // of cells [0, extent); the others have none. Unused while perCell
  uint16_t extent;
  uint16_t perCell;  // 1: the tile's array of counts holds
};

/** Whether folding every cell of [first, last) once leaves one number for the tile. */
bool staysUniform(const CountRecord& record, size_t first, size_t last);

/** Adds n folds to such a tile. */
void addUniform(CountRecord& record, size_t last, size_t n);

/** Makes `counts` (TILE_CELLS entries) hold, if it does not yet. */
void expandCounts(CountRecord& record, uint32_t* counts);

/** Goes back to one number where that says the same. */
void collapseCounts(CountRecord& record, uint32_t* counts);

uint32_t countOf(const CountRecord& record, const uint32_t* counts, size_t cell);

}  // namespace melissa
