/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of one output stream of one attempt: its head and its tail, with a line between them that says how much
 * was left out. Memory is allocated once, so a solver that writes a gigabyte neither blocks nor grows the pilot.
 */
#ifndef MELISSA_PILOT_CAPTURE_H
#define MELISSA_PILOT_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct capture {
  char *bytes;      /* first the head, then the tail as a ring */
  size_t capacity;  /* of both */
  size_t headSize;  /* bytes kept of the beginning */
  uint64_t written; /* all that came, kept or not */
};

/** Begins anew with room for `capacity` bytes; reuses the memory when the capacity is the same. */
void capture_reset(struct capture *capture, size_t capacity);
void capture_add(struct capture *capture, const char *bytes, size_t size);
/** Writes what was kept, at most `capacity` bytes, into `out` (of that size) and returns how many. */
size_t capture_render(const struct capture *capture, char *out);
void capture_free(struct capture *capture);

#endif
