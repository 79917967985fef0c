/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte string with a bound, and an arena of strings built on it. Used for everything that is rendered from
 * templates; an attempt resets its arena instead of freeing string by string. Running out of memory ends the pilot:
 * its leases then run out and are leased again.
 */
#ifndef MELISSA_PILOT_TEXT_H
#define MELISSA_PILOT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
  char *data; /* NUL terminated when not NULL */
  size_t size;
  size_t capacity;
};

/** Appends; returns false, leaving the text as it was, when it would exceed RENDERED_BYTES_MAX. */
bool text_append(struct text *text, const void *bytes, size_t size);
bool text_append_string(struct text *text, const char *string);
void text_clear(struct text *text);
void text_free(struct text *text);

/** Strings one after another in one block of memory, and the NULL-terminated array of them that exec wants. */
struct strings {
  struct text bytes;
  size_t *offsets;
  char **pointers;
  size_t count, capacity;
};

void strings_clear(struct strings *strings);
/** Begins a string; what is appended to `bytes` until strings_end belongs to it. */
void strings_begin(struct strings *strings);
bool strings_end(struct strings *strings);
bool strings_add(struct strings *strings, const char *string);
/** Valid until the next change. */
char **strings_pointers(struct strings *strings);
void strings_free(struct strings *strings);

/** malloc and realloc that never return NULL. */
void *memory_new(size_t size);
void *memory_resize(void *memory, size_t size);
/** Copies `size` bytes and adds a NUL. */
char *memory_string(const char *bytes, size_t size);

/** Milliseconds of a clock that never goes back. */
int64_t clock_ms(void);
double clock_seconds(void);

#endif
