/* SPDX-License-Identifier: Apache-2.0 */
/* See ring.h. */
#if defined(__linux__)
#define _GNU_SOURCE /* flock, MAP_POPULATE */
#endif
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/ring.h"

#if !defined(MAP_POPULATE)
#define MAP_POPULATE 0
#endif

typedef struct place {
  uint64_t begin, end;
  int is_dropped;
} place;

struct mlc_ring {
  pthread_mutex_t lock; /* of all below that changes */
  unsigned holders;     /* the link, and each place that is taken */
  mlp_ring_header *shared;
  uint8_t *data;
  uint64_t capacity;
  int file; /* keeps the lock by which the rank knows that we live */
  int bell;
  int is_abandoned;
  uint64_t taken;     /* where the next place begins */
  uint64_t committed; /* head, as we wrote it */
  place *places;      /* ring of those taken, oldest first, from the oldest that is not dropped */
  size_t place_capacity, first, count;
};

static void unmap(mlc_ring *ring) {
  if (ring->shared != NULL) (void)munmap(ring->shared, (size_t)(MLP_RING_HEADER_BYTES + ring->capacity));
  if (ring->file >= 0) (void)close(ring->file);
  if (ring->bell >= 0) (void)close(ring->bell);
  pthread_mutex_destroy(&ring->lock);
  free(ring->places);
  free(ring);
}

/* Opens a descriptor of the rank's process: only memory of the right name, and only a pipe. Another process may have that number here. */
static int open_of(const mlp_ring_offer *offer, uint32_t descriptor, const char *begins, int flags) {
  char path[64], target[64];
  snprintf(path, sizeof path, "/proc/%u/fd/%u", offer->process, descriptor);
  ssize_t size = readlink(path, target, sizeof target - 1);
  if (size < 0) return -1;
  target[size] = '\0';
  if (strncmp(target, begins, strlen(begins)) != 0) return -1;
  return open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int map(mlc_ring *ring, const mlp_ring_offer *offer) {
  struct stat status;
  ring->file = open_of(offer, offer->memory, MLP_RING_LINK, O_RDWR);
  if (ring->file < 0 || fstat(ring->file, &status) != 0 || (uint64_t)status.st_size != MLP_RING_HEADER_BYTES + offer->capacity) return 0;
  void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->file, 0);
  if (memory == MAP_FAILED) return 0;
  ring->shared = memory;
  ring->data = (uint8_t *)memory + MLP_RING_HEADER_BYTES;
  const mlp_ring_header *h = ring->shared;
  if (h->magic != MLP_RING_MAGIC || h->version != MLP_RING_VERSION || h->cookie != offer->cookie || h->capacity != offer->capacity || h->head != 0) return 0;
  if (flock(ring->file, LOCK_EX | LOCK_NB) != 0) return 0; /* somebody else's already */
  /* For reading too, which is never done: a pipe with a reader raises no signal when the rank is gone. */
  ring->bell = open_of(offer, offer->bell, "pipe:", O_RDWR);
  return ring->bell >= 0;
}

mlc_ring *mlc_ring_attach(const char *text) {
  mlp_ring_offer offer;
  if (!mlp_ring_offer_parse(text, &offer)) return NULL;
  mlc_ring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) return NULL;
  pthread_mutex_init(&ring->lock, NULL);
  ring->file = ring->bell = -1;
  ring->capacity = offer.capacity;
  ring->holders = 1;
  if (!map(ring, &offer)) {
    unmap(ring);
    return NULL;
  }
  __atomic_store_n(&ring->shared->attached, 1u, __ATOMIC_RELEASE);
  return ring;
}

static void let_go(mlc_ring *ring) { /* with the lock held, which it gives back */
  unsigned left = --ring->holders;
  pthread_mutex_unlock(&ring->lock);
  if (left == 0) unmap(ring);
}

void mlc_ring_abandon(mlc_ring *ring) {
  if (ring == NULL) return;
  pthread_mutex_lock(&ring->lock);
  ring->is_abandoned = 1;
  __atomic_store_n(&ring->shared->closed, 1u, __ATOMIC_SEQ_CST);
  let_go(ring);
}

int mlc_ring_is_closed(const mlc_ring *ring) { return __atomic_load_n(&ring->shared->closed, __ATOMIC_ACQUIRE) != 0; }

int mlc_ring_fits(const mlc_ring *ring, size_t frame_bytes) { return 2u * mlp_ring_place(frame_bytes) <= ring->capacity; }

static int remember(mlc_ring *ring, uint64_t begin, uint64_t end) {
  if (ring->count == ring->place_capacity) {
    size_t capacity = ring->place_capacity == 0 ? 64 : 2 * ring->place_capacity;
    place *places = malloc(capacity * sizeof *places);
    if (places == NULL) return 0;
    for (size_t i = 0; i < ring->count; i++) places[i] = ring->places[(ring->first + i) % ring->place_capacity];
    free(ring->places);
    ring->places = places;
    ring->place_capacity = capacity;
    ring->first = 0;
  }
  place one = {begin, end, 0};
  ring->places[(ring->first + ring->count++) % ring->place_capacity] = one;
  return 1;
}

static mlp_ring_record *record_at(mlc_ring *ring, uint64_t position) { return (mlp_ring_record *)(ring->data + position % ring->capacity); }

static void write_record(mlc_ring *ring, uint64_t position, uint64_t span, uint64_t bytes, mlp_ring_kind kind) {
  mlp_ring_record record = {span, bytes, (uint32_t)kind, 0};
  memcpy(record_at(ring, position), &record, sizeof record);
}

/* Free is what the rank has read and we need no more. */
static int has_room(mlc_ring *ring, uint64_t bytes) {
  uint64_t tail = __atomic_load_n(&ring->shared->tail, __ATOMIC_ACQUIRE);
  uint64_t needed = ring->count == 0 ? ring->taken : ring->places[ring->first].begin;
  if (tail > ring->committed) return 0; /* nonsense: the rank cannot have read what was not there */
  return ring->taken + bytes - (tail < needed ? tail : needed) <= ring->capacity;
}

mlc_slab *mlc_ring_take(mlc_ring *ring, size_t frame_bytes) {
  uint64_t span = mlp_ring_place(frame_bytes);
  mlc_slab *slab = calloc(1, sizeof *slab);
  if (slab == NULL) return NULL;
  pthread_mutex_lock(&ring->lock);
  uint64_t left = ring->capacity - ring->taken % ring->capacity, begin = ring->taken;
  uint64_t gap = left < span ? left : 0;
  if (ring->is_abandoned || !has_room(ring, gap + span) || !remember(ring, begin, begin + gap + span)) {
    pthread_mutex_unlock(&ring->lock);
    free(slab);
    return NULL;
  }
  if (gap > 0) write_record(ring, begin, gap, 0, MLP_RING_SKIP);
  write_record(ring, begin + gap, span, frame_bytes, MLP_RING_FRAME);
  ring->taken = begin + gap + span;
  ring->holders++;
  slab->ring = ring;
  slab->ring_begin = begin;
  slab->data = (uint8_t *)record_at(ring, begin + gap) + MLP_RING_RECORD_BYTES;
  slab->capacity = span - MLP_RING_RECORD_BYTES;
  slab->holders = 1;
  pthread_mutex_unlock(&ring->lock);
  return slab;
}

/* The place that begins there, or NULL. */
static place *find(mlc_ring *ring, uint64_t begin) {
  size_t low = 0, high = ring->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    place *at = &ring->places[(ring->first + middle) % ring->place_capacity];
    if (at->begin == begin) return at;
    if (at->begin < begin) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

/* 1 if no place between `committed` and `begin` still waits for its frame to be committed. */
static int is_next(mlc_ring *ring, uint64_t begin) {
  if (ring->committed == begin) return 1;
  for (size_t i = 0; i < ring->count; i++) {
    const place *at = &ring->places[(ring->first + i) % ring->place_capacity];
    if (at->begin >= begin) return 1;
    if (at->begin >= ring->committed && !at->is_dropped) return 0;
  }
  return 1;
}

static void ring_the_bell(mlc_ring *ring) {
  if (__atomic_exchange_n(&ring->shared->waits, 0u, __ATOMIC_SEQ_CST) == 0) return;
  while (write(ring->bell, "r", 1) < 0 && errno == EINTR) continue; /* a full pipe rings already */
}

mlc_commit mlc_ring_commit(mlc_slab *slab) {
  mlc_ring *ring = slab->ring;
  pthread_mutex_lock(&ring->lock);
  const place *mine = find(ring, slab->ring_begin);
  mlc_commit done = MLC_COMMIT_LATER;
  if (ring->is_abandoned || mine == NULL || slab->ring_begin < ring->committed) {
    done = MLC_COMMIT_NEVER;
  } else if (is_next(ring, slab->ring_begin)) {
    ring->committed = mine->end;
    __atomic_store_n(&ring->shared->head, ring->committed, __ATOMIC_SEQ_CST);
    done = MLC_COMMITTED;
  }
  pthread_mutex_unlock(&ring->lock);
  if (done == MLC_COMMITTED) ring_the_bell(ring);
  return done;
}

void mlc_ring_drop(mlc_slab *slab) {
  mlc_ring *ring = slab->ring;
  pthread_mutex_lock(&ring->lock);
  place *mine = find(ring, slab->ring_begin);
  if (mine != NULL) {
    mine->is_dropped = 1;
    /* Never committed, and never will be: the rank steps over it. */
    if (mine->begin >= ring->committed) write_record(ring, mine->begin, mine->end - mine->begin, 0, MLP_RING_SKIP);
  }
  while (ring->count > 0 && ring->places[ring->first].is_dropped) {
    ring->first = (ring->first + 1) % ring->place_capacity;
    ring->count--;
  }
  free(slab);
  let_go(ring);
}
