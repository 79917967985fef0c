/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void capture_reset(struct capture *capture, size_t capacity) {
  if (capacity != capture->capacity || capture->bytes == NULL) {
    capture->bytes = memory_resize(capture->bytes, capacity);
    capture->capacity = capacity;
    capture->headSize = capacity / 2;
  }
  capture->written = 0;
}

void capture_add(struct capture *capture, const char *bytes, size_t size) {
  if (capture->written < capture->headSize) {
    size_t room = capture->headSize - (size_t)capture->written;
    size_t part = size < room ? size : room;
    memcpy(capture->bytes + capture->written, bytes, part);
    capture->written += part;
    bytes += part;
    size -= part;
  }
  size_t ringSize = capture->capacity - capture->headSize;
  if (size == 0 || ringSize == 0) {
    capture->written += size;
    return;
  }
  if (size > ringSize) {
    capture->written += size - ringSize;
    bytes += size - ringSize;
    size = ringSize;
  }
  char *ring = capture->bytes + capture->headSize;
  size_t at = (size_t)((capture->written - capture->headSize) % ringSize);
  size_t first = size < ringSize - at ? size : ringSize - at;
  memcpy(ring + at, bytes, first);
  memcpy(ring, bytes + first, size - first);
  capture->written += size;
}

size_t capture_render(const struct capture *capture, char *out) {
  if (capture->written <= capture->capacity) {
    /* The ring has not wrapped: head and tail lie one after the other. */
    memcpy(out, capture->bytes, (size_t)capture->written);
    return (size_t)capture->written;
  }
  size_t ringSize = capture->capacity - capture->headSize;
  char line[80];
  /* The line takes room from the tail; count the bytes left out with its length, which does not depend on the count's. */
  size_t lineSize = (size_t)snprintf(line, sizeof line, "\n[… %20" PRIu64 " bytes left out …]\n", (uint64_t)0);
  size_t tailSize = ringSize > lineSize ? ringSize - lineSize : 0;
  uint64_t leftOut = capture->written - capture->headSize - tailSize;
  snprintf(line, sizeof line, "\n[… %20" PRIu64 " bytes left out …]\n", leftOut);
  if (lineSize > ringSize) lineSize = ringSize;

  memcpy(out, capture->bytes, capture->headSize);
  size_t end = capture->headSize;
  memcpy(out + end, line, lineSize);
  end += lineSize;
  const char *ring = capture->bytes + capture->headSize;
  size_t begin = (size_t)((capture->written - capture->headSize - tailSize) % ringSize);
  for (size_t i = 0; i < tailSize; i++) out[end + i] = ring[(begin + i) % ringSize];
  return end + tailSize;
}

void capture_free(struct capture *capture) {
  free(capture->bytes);
  *capture = (struct capture){0};
}
