/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include "limits.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool text_append(struct text *text, const void *bytes, size_t size) {
  if (size > RENDERED_BYTES_MAX || text->size + size > RENDERED_BYTES_MAX) return false;
  if (text->size + size + 1 > text->capacity) {
    size_t capacity = text->capacity == 0 ? 256 : text->capacity;
    while (capacity < text->size + size + 1) capacity *= 2;
    text->data = memory_resize(text->data, capacity);
    text->capacity = capacity;
  }
  if (size > 0) memcpy(text->data + text->size, bytes, size);
  text->size += size;
  text->data[text->size] = '\0';
  return true;
}

bool text_append_string(struct text *text, const char *string) { return text_append(text, string, strlen(string)); }

void text_clear(struct text *text) {
  text->size = 0;
  if (text->data != NULL) text->data[0] = '\0';
}

void text_free(struct text *text) {
  free(text->data);
  *text = (struct text){0};
}

void strings_clear(struct strings *strings) {
  text_clear(&strings->bytes);
  strings->count = 0;
}

void strings_begin(struct strings *strings) {
  if (strings->count + 1 >= strings->capacity) {
    strings->capacity = strings->capacity == 0 ? 64 : strings->capacity * 2;
    strings->offsets = memory_resize(strings->offsets, strings->capacity * sizeof *strings->offsets);
    strings->pointers = memory_resize(strings->pointers, strings->capacity * sizeof *strings->pointers);
  }
  strings->offsets[strings->count++] = strings->bytes.size;
}

bool strings_end(struct strings *strings) { return text_append(&strings->bytes, "", 1); }

bool strings_add(struct strings *strings, const char *string) {
  strings_begin(strings);
  return text_append_string(&strings->bytes, string) && strings_end(strings);
}

char **strings_pointers(struct strings *strings) {
  strings_begin(strings);
  strings->count -= 1;
  for (size_t i = 0; i < strings->count; i++) strings->pointers[i] = strings->bytes.data + strings->offsets[i];
  strings->pointers[strings->count] = NULL;
  return strings->pointers;
}

void strings_free(struct strings *strings) {
  text_free(&strings->bytes);
  free(strings->offsets);
  free(strings->pointers);
  *strings = (struct strings){0};
}

void *memory_new(size_t size) {
  void *memory = calloc(1, size == 0 ? 1 : size);
  if (memory == NULL) abort();
  return memory;
}

void *memory_resize(void *memory, size_t size) {
  void *resized = realloc(memory, size == 0 ? 1 : size);
  if (resized == NULL) abort();
  return resized;
}

char *memory_string(const char *bytes, size_t size) {
  char *copy = memory_new(size + 1);
  if (size > 0) memcpy(copy, bytes, size);
  return copy;
}

double clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int64_t clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
