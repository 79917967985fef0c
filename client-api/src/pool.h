/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send buffers. A slab is filled once by the solver's thread, read by the transport as often as it is sent, and comes back
 * when the last holder lets go: the session (until acknowledged) and each message in flight. Slabs are kept and touched
 * before use, because the page faults of a fresh buffer cost more than the copy into it.
 */
#ifndef MELISSA_POOL_H
#define MELISSA_POOL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlc_pool {
  pthread_mutex_t lock;
  struct mlc_slab *free_slabs;
  size_t free_bytes;
  size_t free_bytes_max;
} mlc_pool;

typedef struct mlc_slab {
  struct mlc_slab *next;
  mlc_pool *pool;
  uint8_t *data; /* 64-byte aligned */
  size_t capacity;
  size_t used; /* by the thread that fills it */
  unsigned holders;
  struct mlc_ring *ring; /* NULL, or: a place in memory shared with a rank, which begins there */
  uint64_t ring_begin;
} mlc_slab;

void mlc_pool_init(mlc_pool *pool, size_t free_bytes_max);
/** Only after the transport has let go of everything. */
void mlc_pool_free(mlc_pool *pool);
/** A slab of at least `size` bytes with one holder, or NULL. */
mlc_slab *mlc_pool_take(mlc_pool *pool, size_t size);
/** Makes `count` slabs of `size` bytes in advance and touches them. */
void mlc_pool_prepare(mlc_pool *pool, size_t size, size_t count);
void mlc_slab_hold(mlc_slab *slab);
/** From any thread. */
void mlc_slab_drop(mlc_slab *slab);
/** 1 if nobody but the caller holds it. */
int mlc_slab_is_mine_alone(mlc_slab *slab);

#endif
