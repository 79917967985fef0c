/* SPDX-License-Identifier: Apache-2.0 */
#include "leases.h"

#include <stdlib.h>
#include <string.h>

bool waiting_push(struct waiting *waiting, struct lease lease) {
  if (waiting->count == WAITING_LEASES_MAX) return false;
  if (waiting->count == waiting->capacity) {
    size_t capacity = waiting->capacity == 0 ? 64 : waiting->capacity * 2;
    struct lease *leases = memory_new(capacity * sizeof *leases);
    for (size_t i = 0; i < waiting->count; i++) leases[i] = *waiting_at(waiting, i);
    free(waiting->leases);
    *waiting = (struct waiting){.leases = leases, .count = waiting->count, .capacity = capacity};
  }
  waiting->leases[(waiting->first + waiting->count) % waiting->capacity] = lease;
  waiting->count += 1;
  return true;
}

bool waiting_pop(struct waiting *waiting, struct lease *lease) {
  if (waiting->count == 0) return false;
  *lease = waiting->leases[waiting->first];
  waiting->first = (waiting->first + 1) % waiting->capacity;
  waiting->count -= 1;
  return true;
}

const struct lease *waiting_at(const struct waiting *waiting, size_t i) {
  return &waiting->leases[(waiting->first + i) % waiting->capacity];
}

bool waiting_take(struct waiting *waiting, uint64_t id, struct lease *lease) {
  for (size_t i = 0; i < waiting->count; i++) {
    if (waiting_at(waiting, i)->id != id) continue;
    *lease = *waiting_at(waiting, i);
    for (size_t j = i; j + 1 < waiting->count; j++) {
      waiting->leases[(waiting->first + j) % waiting->capacity] = *waiting_at(waiting, j + 1);
    }
    waiting->count -= 1;
    return true;
  }
  return false;
}

void waiting_free(struct waiting *waiting) {
  for (size_t i = 0; i < waiting->count; i++) free(waiting_at(waiting, i)->values);
  free(waiting->leases);
  *waiting = (struct waiting){0};
}

bool reports_full(const struct reports *reports) {
  return reports->count == UNCONFIRMED_MAX || reports->bytes >= UNCONFIRMED_BYTES_MAX;
}

struct report *reports_at(struct reports *reports, size_t i) {
  return &reports->items[(reports->first + i) % UNCONFIRMED_MAX];
}

struct report *reports_push(struct reports *reports, uint64_t lease, uint64_t request, const uint8_t *frame, size_t size) {
  struct report *report = reports_at(reports, reports->count);
  *report = (struct report){.lease = lease, .request = request, .frame = memory_new(size), .size = size};
  memcpy(report->frame, frame, size);
  reports->count += 1;
  reports->bytes += size;
  return report;
}

bool reports_confirm(struct reports *reports, uint64_t request) {
  bool found = false;
  for (size_t i = 0; i < reports->count && !found; i++) {
    struct report *report = reports_at(reports, i);
    if (report->request != request) continue;
    found = true;
    reports->bytes -= report->size;
    reports->remembered[reports->rememberedNext++ % REMEMBERED_LEASES] = report->lease;
    free(report->frame);
    *report = (struct report){0};
  }
  while (reports->count > 0 && reports->items[reports->first].request == 0) {
    reports->first = (reports->first + 1) % UNCONFIRMED_MAX;
    reports->count -= 1;
  }
  return found;
}

bool reports_know(struct reports *reports, uint64_t lease) {
  for (size_t i = 0; i < reports->count; i++) {
    const struct report *report = reports_at(reports, i);
    if (report->request != 0 && report->lease == lease) return true;
  }
  for (size_t i = 0; i < REMEMBERED_LEASES && i < reports->rememberedNext; i++) {
    if (reports->remembered[i] == lease) return true;
  }
  return false;
}

void reports_free(struct reports *reports) {
  for (size_t i = 0; i < reports->count; i++) free(reports_at(reports, i)->frame);
}
