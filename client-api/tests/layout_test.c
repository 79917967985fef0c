/* SPDX-License-Identifier: Apache-2.0 */
/* Redistribution: whatever regions, client ranks and server ranks, every kept cell travels once, and from the right place. */
#include "../src/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures, checks;
#define EXPECT(condition) (checks++, (condition) ? 0 : (failures++, fprintf(stderr, "FAIL %s:%d: %s\n", __func__, __LINE__, #condition)))

static unsigned long long state = 1;
static uint64_t below(uint64_t bound) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return bound == 0 ? 0 : (state >> 33) % bound;
}

/* Compares with the obvious way: list all kept cells, give each to the server rank whose part holds its kept index. */
static void every_cell_travels_once(void) {
  uint32_t client_ranks = 1 + (uint32_t)below(5), server_ranks = 1 + (uint32_t)below(4);
  uint64_t cells[5], total = 0;
  for (uint32_t i = 0; i < client_ranks; i++) total += cells[i] = below(3) == 0 ? 0 : below(30);
  mlp_field_layout_regions regions[8];
  mlp_field_layout message;
  memset(&message, 0, sizeof message);
  message.index = 3;
  uint8_t *kept = calloc(total + 1, 1);
  uint64_t at = 0, kept_count = 0;
  while (below(4) > 0 && message.regions_count < 8 && at < total) {
    mlp_field_layout_regions one;
    one.begin = at + below(total - at);
    one.end = one.begin + 1 + below(total - one.begin);
    at = one.end;
    regions[message.regions_count++] = one;
    for (uint64_t i = one.begin; i < one.end; i++) kept[i] = 1;
  }
  if (message.regions_count == 0) memset(kept, 1, total);
  for (uint64_t i = 0; i < total; i++) kept_count += kept[i];
  uint64_t partition[5] = {0};
  for (uint32_t r = 1; r < server_ranks; r++) partition[r] = partition[r - 1] + below(kept_count - partition[r - 1] + 1);
  partition[server_ranks] = kept_count;
  message.regions = regions;
  message.partition = partition;
  message.partition_count = server_ranks + 1;

  uint64_t global = 0, kept_index = 0;
  for (uint32_t rank = 0; rank < client_ranks; rank++) {
    mlc_layout layout;
    EXPECT(mlc_layout_make(&layout, &message, cells, client_ranks, rank, server_ranks) == 1);
    size_t block = 0, run = 0;
    uint64_t in_block = 0, in_run = 0, kept_here = 0;
    for (uint64_t local = 0; local < cells[rank]; local++, global++) {
      if (!kept[global]) continue;
      EXPECT(block < layout.block_count);
      if (block >= layout.block_count) break;
      const mlc_block *b = &layout.blocks[block];
      const mlc_run *r = &layout.runs[b->first_run + run];
      EXPECT(b->offset + in_block == kept_index && kept_index >= partition[b->server_rank] && kept_index < partition[b->server_rank + 1]);
      EXPECT(r->begin + in_run == local && layout.origin + local == global);
      kept_index++;
      kept_here++;
      if (++in_run == r->count) run++, in_run = 0;
      if (++in_block == b->count) {
        EXPECT(run == b->run_count);
        block++, in_block = 0, run = 0;
      }
    }
    EXPECT(block == layout.block_count && layout.kept_cells[rank] == kept_here);
    mlc_layout_free(&layout);
  }
  free(kept);
}

static void contradictions_are_refused(void) {
  const uint64_t cells[1] = {100};
  const struct { mlp_field_layout_regions regions[2]; uint32_t count; uint64_t partition[2]; } cases[] = {
      {{{0, 50}, {40, 60}}, 2, {0, 70}},  /* overlap */
      {{{50, 60}, {0, 10}}, 2, {0, 20}},  /* descending */
      {{{0, 101}, {0, 0}}, 1, {0, 101}},  /* beyond the field */
      {{{5, 5}, {0, 0}}, 1, {0, 0}},      /* empty */
      {{{0, 50}, {0, 0}}, 1, {0, 51}},    /* partition of something else */
      {{{0, 50}, {0, 0}}, 1, {1, 50}},    /* first cells belong to nobody */
      {{{0, UINT64_MAX}, {0, 0}}, 1, {0, UINT64_MAX}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mlp_field_layout message;
    mlc_layout layout;
    memset(&message, 0, sizeof message);
    message.regions = cases[i].regions;
    message.regions_count = cases[i].count;
    message.partition = cases[i].partition;
    message.partition_count = 2;
    EXPECT(mlc_layout_make(&layout, &message, cells, 1, 0, 1) == 0);
    EXPECT(mlc_layout_make(&layout, &message, cells, 1, 0, 2) == 0);
  }
}

static void steps(void) {
  mlp_field_layout_steps ranges[2] = {{0, 10, 3}, {20, 22, 1}};
  mlc_layout layout;
  memset(&layout, 0, sizeof layout);
  EXPECT(mlc_layout_keeps_step(&layout, 12345));
  layout.steps = ranges;
  layout.step_range_count = 2;
  const uint32_t kept[] = {0, 3, 6, 9, 20, 21};
  for (uint32_t step = 0, at = 0; step < 30; step++) {
    int expected = at < 6 && kept[at] == step;
    EXPECT(mlc_layout_keeps_step(&layout, step) == expected);
    at += (uint32_t)expected;
  }
}

int main(void) {
  for (int i = 0; i < 5000; i++) every_cell_travels_once();
  contradictions_are_refused();
  steps();
  printf("layout: %d checks, %d failures\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
