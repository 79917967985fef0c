/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that a solver writes on stdout, separated by white space, turned into raw values in an anonymous memory file while
 * they arrive. Memory is bounded by the field's declared size; the first word that is not a number, and numbers beyond the
 * declared size, are remembered and make the attempt fail.
 */
#ifndef MELISSA_PILOT_NUMBERS_H
#define MELISSA_PILOT_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct numbers {
  int descriptor; /* of the memory file, -1 when not in use */
  bool single;    /* float32 */
  uint64_t wanted, count;
  char word[64];
  size_t wordSize;
  char problem[192]; /* empty: none so far */
  unsigned char pending[8192];
  size_t pendingSize;
};

/** Begins a field of `wanted` values. Returns 0 or an errno. */
int numbers_begin(struct numbers *numbers, uint64_t wanted, bool single);
void numbers_add(struct numbers *numbers, const char *bytes, size_t size);
/** Ends the last word and checks the count; false with a sentence in `problem`. */
bool numbers_finish(struct numbers *numbers);
void numbers_end(struct numbers *numbers);

#endif
