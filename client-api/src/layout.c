/* SPDX-License-Identifier: Apache-2.0 */
/* See layout.h. A client rank's kept cells are consecutive in kept index, so a block is an interval; only its source may be in runs. */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

typedef struct range {
  uint64_t begin;
  uint64_t end;
} range;

static range overlap(range a, range b) {
  range both = {a.begin > b.begin ? a.begin : b.begin, a.end < b.end ? a.end : b.end};
  if (both.end < both.begin) both.end = both.begin;
  return both;
}

/* Regions ascending, disjoint, inside the field; the partition ascending and as long as what is kept. */
static int is_sound(const mlp_field_layout *m, const range *regions, size_t region_count, uint64_t total, uint32_t server_ranks) {
  uint64_t kept = 0, before = 0;
  for (size_t i = 0; i < region_count; i++) {
    if (regions[i].begin < before || regions[i].end <= regions[i].begin || regions[i].end > total) return 0;
    before = regions[i].end;
    kept += regions[i].end - regions[i].begin;
  }
  if (m->partition_count != server_ranks + 1u || m->partition[0] != 0 || m->partition[server_ranks] != kept) return 0;
  for (uint32_t i = 0; i < server_ranks; i++)
    if (m->partition[i] > m->partition[i + 1]) return 0;
  for (uint32_t i = 0; i < m->steps_count; i++)
    if (m->steps[i].stride == 0) return 0;
  return 1;
}

/* Kept cells inside `cells`, and the kept index of the first of them. */
static range kept_range(const range *regions, size_t region_count, range cells) {
  uint64_t before = 0, inside = 0;
  for (size_t i = 0; i < region_count; i++) {
    range ahead = {0, cells.begin};
    ahead = overlap(regions[i], ahead);
    before += ahead.end - ahead.begin;
    range mine = overlap(regions[i], cells);
    inside += mine.end - mine.begin;
  }
  range kept = {before, before + inside};
  return kept;
}

/* The runs of one block: kept interval `want` mapped back to the solver's array, which begins at global cell `origin`. */
static void cut_runs(mlc_layout *layout, mlc_block *block, range want, const range *regions, size_t region_count, uint64_t origin) {
  uint64_t kept = 0;
  block->first_run = layout->run_count;
  for (size_t i = 0; i < region_count; i++) {
    range here = {kept, kept + (regions[i].end - regions[i].begin)};
    range both = overlap(here, want);
    if (both.end > both.begin) {
      mlc_run run = {regions[i].begin + (both.begin - kept) - origin, both.end - both.begin};
      layout->runs[layout->run_count++] = run;
    }
    kept = here.end;
  }
  block->run_count = layout->run_count - block->first_run;
}

static void cut_blocks(mlc_layout *layout, const mlp_field_layout *m, uint32_t server_ranks, const range *regions, size_t region_count, range mine) {
  range kept = kept_range(regions, region_count, mine);
  for (uint32_t r = 0; r < server_ranks; r++) {
    range part = {m->partition[r], m->partition[r + 1]};
    range both = overlap(kept, part);
    if (both.end == both.begin) continue;
    mlc_block *block = &layout->blocks[layout->block_count++];
    block->server_rank = r;
    block->offset = both.begin;
    block->count = both.end - both.begin;
    cut_runs(layout, block, both, regions, region_count, mine.begin);
  }
}

int mlc_layout_make(mlc_layout *layout, const mlp_field_layout *m, const uint64_t *cells, uint32_t client_ranks, uint32_t client_rank, uint32_t server_ranks) {
  memset(layout, 0, sizeof *layout);
  layout->index = m->index;
  uint64_t total = 0;
  range mine = {0, 0};
  for (uint32_t i = 0; i < client_ranks; i++) {
    if (i == client_rank) mine.begin = total;
    total += cells[i];
    if (i == client_rank) mine.end = total;
  }
  layout->origin = mine.begin;
  size_t region_count = m->regions_count > 0 ? m->regions_count : 1;
  range *regions = malloc(region_count * sizeof *regions);
  layout->blocks = calloc(server_ranks + 1u, sizeof *layout->blocks);
  layout->runs = calloc(region_count + server_ranks + 1u, sizeof *layout->runs);
  layout->kept_cells = calloc(client_ranks + 1u, sizeof *layout->kept_cells);
  layout->steps = calloc(m->steps_count + 1u, sizeof *layout->steps);
  if (regions == NULL || layout->blocks == NULL || layout->runs == NULL || layout->kept_cells == NULL || layout->steps == NULL) {
    free(regions);
    mlc_layout_free(layout);
    return -1;
  }
  regions[0].begin = 0;
  regions[0].end = total;
  for (uint32_t i = 0; i < m->regions_count; i++) {
    regions[i].begin = m->regions[i].begin;
    regions[i].end = m->regions[i].end;
  }
  if (m->regions_count == 0 && total == 0) region_count = 0;
  if (!is_sound(m, regions, region_count, total, server_ranks)) {
    free(regions);
    mlc_layout_free(layout);
    return 0;
  }
  if (m->steps_count > 0) memcpy(layout->steps, m->steps, m->steps_count * sizeof *m->steps);
  layout->step_range_count = m->steps_count;
  uint64_t begin = 0;
  for (uint32_t i = 0; i < client_ranks; i++) {
    range one = {begin, begin + cells[i]};
    range kept = kept_range(regions, region_count, one);
    layout->kept_cells[i] = kept.end - kept.begin;
    begin = one.end;
  }
  cut_blocks(layout, m, server_ranks, regions, region_count, mine);
  free(regions);
  return 1;
}

void mlc_layout_free(mlc_layout *layout) {
  free(layout->blocks);
  free(layout->runs);
  free(layout->kept_cells);
  free(layout->steps);
  memset(layout, 0, sizeof *layout);
}

int mlc_layout_keeps_step(const mlc_layout *layout, uint32_t step) {
  if (layout->step_range_count == 0) return 1;
  for (size_t i = 0; i < layout->step_range_count; i++) {
    const mlp_field_layout_steps *range = &layout->steps[i];
    if (step >= range->begin && step < range->end && (step - range->begin) % range->stride == 0) return 1;
  }
  return 0;
}
