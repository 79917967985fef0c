/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of a ring against a rank that the test plays: the layout to the byte, places that go round, and sudden death. */
#define _GNU_SOURCE
#include "../src/ring.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/protocol/ring.h"

static int failures, checks;
#define EXPECT(condition) (checks++, (condition) ? 0 : (failures++, fprintf(stderr, "FAIL %s:%d: %s\n", __func__, __LINE__, #condition)))

#define CAPACITY 1024u

_Static_assert(offsetof(mlp_ring_header, magic) == 0 && offsetof(mlp_ring_header, version) == 4 && offsetof(mlp_ring_header, cookie) == 8, "as in PROTOCOL.md");
_Static_assert(offsetof(mlp_ring_header, capacity) == 16 && offsetof(mlp_ring_header, head) == 64 && offsetof(mlp_ring_header, tail) == 128, "as in PROTOCOL.md");
_Static_assert(offsetof(mlp_ring_header, waits) == 192 && offsetof(mlp_ring_header, attached) == 196 && offsetof(mlp_ring_header, closed) == 200, "as in PROTOCOL.md");

typedef struct rank {
  int memory, bell[2];
  mlp_ring_header *shared;
  uint8_t *data;
  uint64_t read;
  char offer[MLP_RING_TEXT_BYTES];
} rank;

static rank a_rank(void) {
  rank r;
  memset(&r, 0, sizeof r);
  r.memory = memfd_create(MLP_RING_NAME, MFD_CLOEXEC);
  size_t size = MLP_RING_HEADER_BYTES + CAPACITY;
  if (r.memory < 0 || pipe2(r.bell, O_NONBLOCK | O_CLOEXEC) != 0 || ftruncate(r.memory, (off_t)size) != 0) abort();
  uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r.memory, 0);
  if (memory == MAP_FAILED) abort();
  r.shared = (mlp_ring_header *)memory;
  r.data = memory + MLP_RING_HEADER_BYTES;
  mlp_ring_header header = {MLP_RING_MAGIC, MLP_RING_VERSION, 0x1122334455667788u, CAPACITY, {0}, 0, {0}, 0, {0}, 0, 0, 0, 0};
  memcpy(memory, &header, sizeof header);
  mlp_ring_offer offer = {(uint32_t)getpid(), (uint32_t)r.memory, (uint32_t)r.bell[1], CAPACITY, header.cookie};
  mlp_ring_offer_print(r.offer, &offer);
  return r;
}
static void end(rank *r) {
  munmap(r->shared, MLP_RING_HEADER_BYTES + CAPACITY);
  close(r->memory);
  close(r->bell[0]);
  close(r->bell[1]);
}
/* The next frame, or NULL; everything read is free at once. */
static const uint8_t *next_frame(rank *r, uint64_t *bytes) {
  while (r->read < r->shared->head) {
    mlp_ring_record record;
    const uint8_t *at = r->data + r->read % CAPACITY;
    memcpy(&record, at, sizeof record);
    EXPECT(record.span % 64 == 0 && record.span > 0 && record.span <= r->shared->head - r->read);
    r->read += record.span;
    r->shared->tail = r->read;
    *bytes = record.bytes;
    if (record.kind == MLP_RING_FRAME) return at + MLP_RING_RECORD_BYTES;
    EXPECT(record.kind == MLP_RING_SKIP);
  }
  return NULL;
}
static mlc_slab *filled(mlc_ring *ring, size_t bytes, int with) {
  mlc_slab *slab = mlc_ring_take(ring, bytes);
  if (slab != NULL) memset(slab->data, with, bytes);
  return slab;
}
static int alive(const rank *r) {
  if (flock(r->memory, LOCK_EX | LOCK_NB) != 0) return 1;
  flock(r->memory, LOCK_UN);
  return 0;
}

static void the_layout_is_that_of_the_protocol(void) {
  rank r = a_rank();
  mlc_ring *ring = mlc_ring_attach(r.offer);
  EXPECT(ring != NULL && r.shared->attached == 1 && alive(&r));
  mlc_slab *slab = filled(ring, 70, 0xab);
  EXPECT(r.shared->head == 0); /* what is not committed is not there */
  EXPECT(mlc_ring_commit(slab) == MLC_COMMITTED && r.shared->head == 192);
  static const uint8_t golden[24] = {192, 0, 0, 0, 0, 0, 0, 0, 70, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  EXPECT(memcmp(r.data, golden, sizeof golden) == 0 && r.data[64] == 0xab && r.data[133] == 0xab);
  mlc_slab_drop(slab);
  mlc_ring_abandon(ring);
  EXPECT(r.shared->closed == 1 && !alive(&r));
  end(&r);
}

static void offers_that_cannot_be_taken_are_not(void) {
  rank r = a_rank();
  char other[MLP_RING_TEXT_BYTES];
  mlp_ring_offer offer;
  EXPECT(mlp_ring_offer_parse(r.offer, &offer) == 1 && offer.capacity == CAPACITY && offer.cookie == 0x1122334455667788u);
  offer.cookie++;
  mlp_ring_offer_print(other, &offer);
  EXPECT(mlc_ring_attach(other) == NULL); /* another ring of that number */
  offer.cookie--;
  offer.memory = (uint32_t)r.bell[0];
  mlp_ring_offer_print(other, &offer);
  EXPECT(mlc_ring_attach(other) == NULL); /* no memory at all */
  EXPECT(mlc_ring_attach("") == NULL && mlc_ring_attach("2 1 1 1 64 0") == NULL && mlc_ring_attach("1 1 1 1 63 0") == NULL);
  EXPECT(r.shared->attached == 0);
  mlc_ring *ring = mlc_ring_attach(r.offer);
  EXPECT(ring != NULL && mlc_ring_attach(r.offer) == NULL); /* taken */
  mlc_ring_abandon(ring);
  end(&r);
}

static void places_go_round_and_wait_until_both_sides_are_done(void) {
  rank r = a_rank();
  mlc_ring *ring = mlc_ring_attach(r.offer);
  EXPECT(mlc_ring_fits(ring, 448) && !mlc_ring_fits(ring, 449));
  for (int i = 0; i < 1000; i++) {
    size_t bytes = 1 + (size_t)(i * 37) % 400;
    mlc_slab *slab = filled(ring, bytes, i & 0xff);
    EXPECT(slab != NULL && mlc_ring_commit(slab) == MLC_COMMITTED);
    EXPECT(mlc_ring_commit(slab) == MLC_COMMIT_NEVER); /* once */
    uint64_t got = 0;
    const uint8_t *frame = next_frame(&r, &got);
    EXPECT(frame != NULL && got == bytes && frame[0] == (i & 0xff) && frame[bytes - 1] == (i & 0xff));
    mlc_slab_drop(slab);
  }
  mlc_slab *slabs[8];
  int taken = 0;
  while (taken < 8 && (slabs[taken] = filled(ring, 100, taken)) != NULL) taken++;
  EXPECT(taken == 5);
  for (int i = 0; i < taken; i++) EXPECT(mlc_ring_commit(slabs[i]) == MLC_COMMITTED);
  uint64_t bytes;
  for (int i = 0; i < taken; i++) EXPECT(next_frame(&r, &bytes) != NULL);
  EXPECT(mlc_ring_take(ring, 100) == NULL); /* read, and not acknowledged: may have to be sent again */
  mlc_slab_drop(slabs[1]);
  EXPECT(mlc_ring_take(ring, 100) == NULL); /* the oldest still is */
  mlc_slab_drop(slabs[0]);
  mlc_slab *more = mlc_ring_take(ring, 100);
  EXPECT(more != NULL);
  mlc_slab_drop(more);
  for (int i = 2; i < taken; i++) mlc_slab_drop(slabs[i]);
  mlc_ring_abandon(ring);
  end(&r);
}

static void frames_are_committed_in_order_and_what_is_given_up_is_stepped_over(void) {
  rank r = a_rank();
  mlc_ring *ring = mlc_ring_attach(r.offer);
  mlc_slab *a = filled(ring, 10, 'a'), *b = filled(ring, 10, 'b'), *c = filled(ring, 10, 'c');
  uint64_t bytes;
  EXPECT(mlc_ring_commit(c) == MLC_COMMIT_LATER && r.shared->head == 0);
  EXPECT(mlc_ring_commit(a) == MLC_COMMITTED);
  EXPECT(*next_frame(&r, &bytes) == 'a' && next_frame(&r, &bytes) == NULL);
  mlc_slab_drop(b); /* the step was refused */
  EXPECT(mlc_ring_commit(c) == MLC_COMMITTED);
  EXPECT(*next_frame(&r, &bytes) == 'c' && next_frame(&r, &bytes) == NULL);
  mlc_ring_abandon(ring);
  EXPECT(c->data[0] == 'c'); /* can still be sent by the socket */
  EXPECT(mlc_ring_commit(c) == MLC_COMMIT_NEVER);
  mlc_slab_drop(a);
  mlc_slab_drop(c);
  end(&r);
}

static void the_bell_rings_for_a_rank_that_sleeps(void) {
  rank r = a_rank();
  mlc_ring *ring = mlc_ring_attach(r.offer);
  char rings[8];
  mlc_slab *a = filled(ring, 10, 'a'), *b = filled(ring, 10, 'b');
  EXPECT(mlc_ring_commit(a) == MLC_COMMITTED && read(r.bell[0], rings, sizeof rings) < 0);
  r.shared->waits = 1;
  EXPECT(mlc_ring_commit(b) == MLC_COMMITTED && read(r.bell[0], rings, sizeof rings) == 1 && r.shared->waits == 0);
  mlc_slab_drop(a);
  mlc_slab_drop(b);
  mlc_ring_abandon(ring);
  end(&r);
}

/* Killed in the middle of a write: what was committed counts, the place that was being filled does not exist, and the rank knows. */
static void a_client_killed_while_it_writes_loses_that_place_only(void) {
  rank r = a_rank();
  pid_t child = fork();
  if (child == 0) {
    mlc_ring *ring = mlc_ring_attach(r.offer);
    if (ring == NULL) _exit(1);
    mlc_slab *whole = filled(ring, 200, 'w');
    if (mlc_ring_commit(whole) != MLC_COMMITTED) _exit(1);
    mlc_slab *half = mlc_ring_take(ring, 300);
    memset(half->data, 'h', 150);
    raise(SIGKILL);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT(r.shared->attached == 1 && r.shared->closed == 0 && !alive(&r));
  uint64_t bytes = 0;
  const uint8_t *frame = next_frame(&r, &bytes);
  EXPECT(frame != NULL && bytes == 200 && frame[0] == 'w' && frame[199] == 'w');
  EXPECT(next_frame(&r, &bytes) == NULL);
  end(&r);
}

/* The rank is gone: the memory stays until the last place is dropped, and the bell raises no signal. */
static void a_rank_that_died_takes_nothing_with_it(void) {
  rank r = a_rank();
  mlc_ring *ring = mlc_ring_attach(r.offer);
  mlc_slab *a = filled(ring, 10, 'a'), *b = filled(ring, 10, 'b');
  EXPECT(mlc_ring_commit(a) == MLC_COMMITTED);
  r.shared->waits = 1;
  end(&r);
  EXPECT(mlc_ring_commit(b) == MLC_COMMITTED); /* nobody reads it; it is sent again when the connection is found dead */
  mlc_ring_abandon(ring);
  EXPECT(a->data[0] == 'a' && b->data[9] == 'b');
  mlc_slab_drop(a);
  mlc_slab_drop(b);
}

int main(void) {
  the_layout_is_that_of_the_protocol();
  offers_that_cannot_be_taken_are_not();
  places_go_round_and_wait_until_both_sides_are_done();
  frames_are_committed_in_order_and_what_is_given_up_is_stepped_over();
  the_bell_rings_for_a_rank_that_sleeps();
  a_client_killed_while_it_writes_loses_that_place_only();
  a_rank_that_died_takes_nothing_with_it();
  printf("%d checks, %d failures\n", checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}
