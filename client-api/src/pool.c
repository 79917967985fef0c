/* SPDX-License-Identifier: Apache-2.0 */
/* See pool.h. */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "pool.h"

#include "ring.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define GRAIN ((size_t)64 << 10)

static size_t rounded(size_t size, size_t to) { return (size + to - 1) / to * to; }

static mlc_slab *make(mlc_pool *pool, size_t size) {
  size_t capacity = size <= GRAIN ? GRAIN : rounded(size, size >= HUGE_PAGE ? HUGE_PAGE : GRAIN);
  mlc_slab *slab = calloc(1, sizeof *slab);
  if (slab == NULL) return NULL;
  void *data = NULL;
  if (posix_memalign(&data, capacity >= HUGE_PAGE ? HUGE_PAGE : 4096, capacity) != 0) {
    free(slab);
    return NULL;
  }
#if defined(MADV_HUGEPAGE)
  if (capacity >= HUGE_PAGE) (void)madvise(data, capacity, MADV_HUGEPAGE); /* a wish; nothing depends on it */
#endif
  slab->pool = pool;
  slab->data = data;
  slab->capacity = capacity;
  return slab;
}

static void destroy(mlc_slab *slab) {
  free(slab->data);
  free(slab);
}

void mlc_pool_init(mlc_pool *pool, size_t free_bytes_max) {
  pthread_mutex_init(&pool->lock, NULL);
  pool->free_slabs = NULL;
  pool->free_bytes = 0;
  pool->free_bytes_max = free_bytes_max;
}

void mlc_pool_free(mlc_pool *pool) {
  while (pool->free_slabs != NULL) {
    mlc_slab *next = pool->free_slabs->next;
    destroy(pool->free_slabs);
    pool->free_slabs = next;
  }
  pthread_mutex_destroy(&pool->lock);
}

/* The first free slab that fits without wasting more than half of itself. */
static mlc_slab *take_free(mlc_pool *pool, size_t size) {
  pthread_mutex_lock(&pool->lock);
  mlc_slab **at = &pool->free_slabs;
  while (*at != NULL && ((*at)->capacity < size || ((*at)->capacity > GRAIN && (*at)->capacity / 2 > size))) at = &(*at)->next;
  mlc_slab *slab = *at;
  if (slab != NULL) {
    *at = slab->next;
    pool->free_bytes -= slab->capacity;
  }
  pthread_mutex_unlock(&pool->lock);
  return slab;
}

mlc_slab *mlc_pool_take(mlc_pool *pool, size_t size) {
  mlc_slab *slab = take_free(pool, size);
  if (slab == NULL) slab = make(pool, size);
  if (slab == NULL) return NULL;
  slab->next = NULL;
  slab->used = 0;
  __atomic_store_n(&slab->holders, 1u, __ATOMIC_RELAXED);
  return slab;
}

static void give_back(mlc_slab *slab) {
  if (slab->ring != NULL) {
    mlc_ring_drop(slab);
    return;
  }
  mlc_pool *pool = slab->pool;
  pthread_mutex_lock(&pool->lock);
  int keep = pool->free_bytes + slab->capacity <= pool->free_bytes_max;
  if (keep) {
    slab->next = pool->free_slabs;
    pool->free_slabs = slab;
    pool->free_bytes += slab->capacity;
  }
  pthread_mutex_unlock(&pool->lock);
  if (!keep) destroy(slab);
}

void mlc_pool_prepare(mlc_pool *pool, size_t size, size_t count) {
  for (size_t i = 0; i < count; i++) {
    mlc_slab *slab = make(pool, size);
    if (slab == NULL) return;
    memset(slab->data, 0, slab->capacity);
    give_back(slab);
  }
}

void mlc_slab_hold(mlc_slab *slab) { __atomic_add_fetch(&slab->holders, 1u, __ATOMIC_RELAXED); }

void mlc_slab_drop(mlc_slab *slab) {
  if (__atomic_sub_fetch(&slab->holders, 1u, __ATOMIC_ACQ_REL) == 0) give_back(slab);
}

int mlc_slab_is_mine_alone(mlc_slab *slab) { return __atomic_load_n(&slab->holders, __ATOMIC_ACQUIRE) == 1u; }
