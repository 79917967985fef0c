/* SPDX-License-Identifier: Apache-2.0 */
#include "numbers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int numbers_begin(struct numbers *numbers, uint64_t wanted, bool single) {
  *numbers = (struct numbers){.descriptor = memfd_create("melissa-stdout", MFD_CLOEXEC), .single = single, .wanted = wanted};
  return numbers->descriptor < 0 ? errno : 0;
}

static void flush(struct numbers *numbers) {
  for (size_t done = 0; done < numbers->pendingSize;) {
    ssize_t part = write(numbers->descriptor, numbers->pending + done, numbers->pendingSize - done);
    if (part < 0 && errno != EINTR) {
      snprintf(numbers->problem, sizeof numbers->problem, "the numbers on stdout could not be kept: %s", strerror(errno));
      break;
    }
    if (part > 0) done += (size_t)part;
  }
  numbers->pendingSize = 0;
}

static void end_word(struct numbers *numbers) {
  if (numbers->wordSize == 0) return;
  numbers->word[numbers->wordSize] = '\0';
  numbers->wordSize = 0;
  char *rest;
  double value = strtod(numbers->word, &rest);
  if (*rest != '\0') {
    if (numbers->problem[0] == '\0') {
      snprintf(numbers->problem, sizeof numbers->problem, "\"%.40s\" on stdout is not a number (after %" PRIu64 " numbers)",
               numbers->word, numbers->count);
    }
    return;
  }
  numbers->count += 1;
  if (numbers->count > numbers->wanted || numbers->problem[0] != '\0') return;
  if (numbers->pendingSize + sizeof value > sizeof numbers->pending) flush(numbers);
  float narrow = (float)value;
  const void *bytes = numbers->single ? (const void *)&narrow : (const void *)&value;
  size_t size = numbers->single ? sizeof narrow : sizeof value;
  memcpy(numbers->pending + numbers->pendingSize, bytes, size);
  numbers->pendingSize += size;
}

void numbers_add(struct numbers *numbers, const char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    char c = bytes[i];
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      end_word(numbers);
    } else if (numbers->wordSize < sizeof numbers->word - 1) {
      numbers->word[numbers->wordSize++] = c;
    } else {
      /* No number is this long: spoil the word so that it is reported as it begins. */
      numbers->word[sizeof numbers->word - 2] = '#';
    }
  }
}

bool numbers_finish(struct numbers *numbers) {
  end_word(numbers);
  flush(numbers);
  if (numbers->problem[0] == '\0' && numbers->count != numbers->wanted) {
    snprintf(numbers->problem, sizeof numbers->problem, "stdout holds %" PRIu64 " numbers, but the field has %" PRIu64 " values",
             numbers->count, numbers->wanted);
  }
  return numbers->problem[0] == '\0';
}

void numbers_end(struct numbers *numbers) {
  if (numbers->descriptor >= 0) close(numbers->descriptor);
  numbers->descriptor = -1;
}
