/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of this client rank's cells go to which server rank: pure arithmetic over FieldLayout. Every kept cell of the rank is in
 * exactly one block, in ascending kept index.
 */
#ifndef MELISSA_LAYOUT_H
#define MELISSA_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "generated/messages.h"

/** Consecutive cells of the solver's array. */
typedef struct mlc_run {
  uint64_t begin;
  uint64_t count;
} mlc_run;

/** What one server rank gets of each step. */
typedef struct mlc_block {
  uint32_t server_rank;
  uint64_t offset; /* kept index of the first cell */
  uint64_t count;
  size_t first_run;
  size_t run_count;
} mlc_block;

typedef struct mlc_layout {
  uint16_t index;
  uint64_t origin; /* global index of the first cell of this rank */
  mlc_block *blocks;
  size_t block_count;
  mlc_run *runs;
  size_t run_count;
  uint64_t *kept_cells; /* per client rank */
  mlp_field_layout_steps *steps;
  size_t step_range_count;
} mlc_layout;

/** 1 and a filled `layout`; 0 if the message contradicts itself; −1 when out of memory. */
int mlc_layout_make(mlc_layout *layout, const mlp_field_layout *message, const uint64_t *cells, uint32_t client_ranks, uint32_t client_rank, uint32_t server_ranks);
void mlc_layout_free(mlc_layout *layout);
/** 1 if the study wants this step of the field. */
int mlc_layout_keeps_step(const mlc_layout *layout, uint32_t step);

#endif
