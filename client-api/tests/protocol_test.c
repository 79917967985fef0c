/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C codec against the golden vectors: encodes every sample from C, decodes and encodes again every file, refuses what
 * must be refused with the error that the index names. Argument: the folder protocol/vectors.
 */
#include "../src/generated/messages.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;
static int failures;
static int checks;
static mlp_buffer buffer;

static uint8_t *read_file(const char *name, size_t *size) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    fprintf(stderr, "cannot open %s\n", path);
    exit(2);
  }
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*size + 1); /* exact size + 1: sanitizers see a read beyond the frame */
  if (bytes == NULL || fread(bytes, 1, *size, file) != *size) exit(2);
  bytes[*size] = '\0';
  fclose(file);
  return bytes;
}

static void expect(int condition, const char *file, const char *what) {
  checks++;
  if (condition) return;
  failures++;
  fprintf(stderr, "FAIL %s: %s\n", file, what);
}

/* What encode_all_samples calls after each encoding into `buffer`. */
static void check(const char *file, mlp_status status) {
  size_t size;
  uint8_t *golden = read_file(file, &size);
  expect(status == MLP_OK, file, "encodes");
  expect(size == buffer.size && memcmp(golden, buffer.data, size) == 0, file, "encoded bytes equal the golden ones");
  free(golden);
}

#include "generated/samples.h"

static mlp_status decode_any(const uint8_t *frame, size_t size, int is_data, mlp_arena *arena, mlp_envelope *envelope, const mlp_shape **shape, void *message) {
  mlp_status status = is_data ? mlp_peek_data(frame, size, envelope) : mlp_peek_control(frame, size, envelope);
  if (status != MLP_OK) return status;
  *shape = mlp_shape_of(envelope->code);
  if (*shape == NULL) return MLP_EFRAME_CODE;
  return is_data ? mlp_decode_data(frame, size, arena, *shape, envelope, message)
                 : mlp_decode_control(frame, size, arena, *shape, envelope, message);
}

static uint64_t message_memory[256];

static void decode_and_encode_again(const char *file, int is_data) {
  size_t size;
  uint8_t *frame = read_file(file, &size);
  mlp_arena arena = {0};
  mlp_envelope envelope;
  const mlp_shape *shape = NULL;
  mlp_status status = decode_any(frame, size, is_data, &arena, &envelope, &shape, message_memory);
  expect(status == MLP_OK, file, mlp_status_name(status));
  if (status == MLP_OK) {
    status = is_data ? mlp_encode_data(&buffer, shape, message_memory, envelope.epoch)
                     : mlp_encode_control(&buffer, shape, message_memory, envelope.epoch, envelope.request);
    expect(status == MLP_OK && size == buffer.size && memcmp(frame, buffer.data, size) == 0, file, "same bytes after decode and encode");
    /* Every prefix is refused, and none reads beyond its end: each is copied to memory of its own size. */
    for (size_t cut = 0; cut < size && cut < 400; cut++) {
      uint8_t *part = malloc(cut > 0 ? cut : 1);
      memcpy(part, frame, cut);
      mlp_arena_reset(&arena);
      if (decode_any(part, cut, is_data, &arena, &envelope, &shape, message_memory) == MLP_OK) expect(0, file, "a cut frame is refused");
      free(part);
    }
  }
  mlp_arena_free(&arena);
  free(frame);
}

static mlp_status walk_frames(const uint8_t *bytes, size_t size, int encode_again) {
  mlp_data_header header;
  uint8_t again[MLP_DATA_HEADER_BYTES];
  for (size_t at = 0; at < size; at += header.frame_bytes) {
    mlp_status status = mlp_decode_data_header(bytes + at, size - at, &header);
    if (status != MLP_OK) return status;
    if (!encode_again) continue;
    mlp_encode_data_header(again, &header);
    expect(memcmp(again, bytes + at, sizeof again) == 0, "Data", "same header after decode and encode");
    mlp_data_header_set_epoch(again, header.epoch + 1);
    expect(memcmp(again, bytes + at, sizeof again) != 0, "Data", "another epoch is another header");
    mlp_data_header_set_epoch(again, header.epoch);
    expect(memcmp(again, bytes + at, sizeof again) == 0, "Data", "the old epoch is the old header");
  }
  return MLP_OK;
}

static void refused(const char *file, const char *kind, const char *error) {
  size_t size;
  uint8_t *bytes = read_file(file, &size);
  mlp_arena arena = {0};
  mlp_envelope envelope;
  const mlp_shape *shape = NULL;
  mlp_status status = strcmp(kind, "refused-frames") == 0
                          ? walk_frames(bytes, size, 0)
                          : decode_any(bytes, size, strcmp(kind, "refused-data") == 0, &arena, &envelope, &shape, message_memory);
  if (strcmp(mlp_status_name(status), error) != 0) {
    fprintf(stderr, "%s: got %s, expected %s\n", file, mlp_status_name(status), error);
    expect(0, file, "refused with the named error");
  } else {
    expect(1, file, "");
  }
  mlp_arena_free(&arena);
  free(bytes);
}

/* The value of "key":"…" in one line of index.json, whose lines this project writes itself. */
static int text_in(const char *line, const char *key, char *out, size_t capacity) {
  char pattern[64];
  snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
  const char *at = strstr(line, pattern);
  if (at == NULL) return 0;
  at += strlen(pattern);
  size_t size = strcspn(at, "\"");
  if (size >= capacity) return 0;
  memcpy(out, at, size);
  out[size] = '\0';
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  folder = argv[1];
  for (uint16_t code = 1; code < 200; code++) {
    const mlp_shape *shape = mlp_shape_of(code);
    expect(shape == NULL || shape->size <= sizeof message_memory, "shapes", "message_memory is large enough");
  }
  expect(mlp_crc32c("123456789", 9, 0) == 0xe3069283u, "crc32c", "the check value of the CRC catalogue");
  encode_all_samples();
  size_t size;
  char *index = (char *)read_file("index.json", &size);
  int entries = 0;
  for (char *line = strtok(index, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char file[256], kind[64], error[64];
    if (!text_in(line, "file", file, sizeof file) || !text_in(line, "kind", kind, sizeof kind)) continue;
    entries++;
    if (strcmp(kind, "control") == 0 || strcmp(kind, "data") == 0) {
      decode_and_encode_again(file, strcmp(kind, "data") == 0);
    } else if (strcmp(kind, "frames") == 0) {
      size_t frames_size;
      uint8_t *frames = read_file(file, &frames_size);
      expect(walk_frames(frames, frames_size, 1) == MLP_OK, file, "all frames decode");
      free(frames);
    } else {
      expect(text_in(line, "error", error, sizeof error), file, "the index names an error");
      refused(file, kind, error);
    }
  }
  expect(entries > 150, "index.json", "names all vectors");
  free(index);
  mlp_buffer_free(&buffer);
  printf("protocol: %d vectors, %d checks, %d failures\n", entries, checks, failures);
  return failures == 0 ? 0 : 1;
}
