/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pilot owes the head: leases that wait for a slot, reports of ended attempts that the head has not confirmed, and the
 * ids of those it has. Plain queues with bounds.
 */
#ifndef MELISSA_PILOT_LEASES_H
#define MELISSA_PILOT_LEASES_H

#include "limits.h"
#include "render.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiting {
  struct lease *leases; /* a ring */
  size_t first, count, capacity;
};

/** Takes the lease over; false, leaving it to the caller, when WAITING_LEASES_MAX wait already. */
bool waiting_push(struct waiting *waiting, struct lease lease);
bool waiting_pop(struct waiting *waiting, struct lease *lease);
/** The i-th from the oldest. */
const struct lease *waiting_at(const struct waiting *waiting, size_t i);
/** Takes the lease with this id out. */
bool waiting_take(struct waiting *waiting, uint64_t id, struct lease *lease);
void waiting_free(struct waiting *waiting);

struct report {
  uint64_t lease, request; /* request 0: confirmed, its place is freed when it is the oldest */
  uint8_t *frame;
  size_t size;
  int64_t sendAtMs;
  unsigned repeats;
};

struct reports {
  struct report items[UNCONFIRMED_MAX]; /* a ring, oldest first */
  size_t first, count;
  size_t bytes;
  uint64_t remembered[REMEMBERED_LEASES];
  size_t rememberedNext;
};

bool reports_full(const struct reports *reports);
/** Copies the frame. The caller has made sure that it is not full. */
struct report *reports_push(struct reports *reports, uint64_t lease, uint64_t request, const uint8_t *frame, size_t size);
struct report *reports_at(struct reports *reports, size_t i);
/** Drops the report of this request; false if there is none. */
bool reports_confirm(struct reports *reports, uint64_t request);
/** True when the lease has ended here, confirmed or not. */
bool reports_know(struct reports *reports, uint64_t lease);
void reports_free(struct reports *reports);

#endif
