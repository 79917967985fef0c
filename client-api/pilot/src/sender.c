/* SPDX-License-Identifier: Apache-2.0 */
#include "sender.h"

#include "npy.h"

#include <melissa.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS_PER_OUTPUT = 6 };

/* One field as it lies in a file. */
struct source {
  const char *field, *path;
  uint64_t cells;
  uint32_t steps;
  bool single;
  uint8_t *mapped;
  size_t size, dataOffset;
};

static bool map_file(struct source *source) {
  int file = open(source->path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) < 0) {
    printf("field \"%s\": the solver left no file %s: %s\n", source->field, source->path, strerror(errno));
    if (file >= 0) close(file);
    return false;
  }
  source->size = (size_t)status.st_size;
  if (source->size > 0) {
    source->mapped = mmap(NULL, source->size, PROT_READ, MAP_PRIVATE, file, 0);
    if (source->mapped == MAP_FAILED) {
      printf("field \"%s\": %s cannot be read: %s\n", source->field, source->path, strerror(errno));
      source->mapped = NULL;
      close(file);
      return false;
    }
  }
  close(file);
  return true;
}

/** Shape (steps, cells…), or (cells…) when there is one step; the cells' axes may be several. */
static bool check_npy(struct source *source) {
  struct npy npy;
  char error[256];
  if (!npy_parse(source->mapped, source->size, &npy, error, sizeof error)) {
    printf("field \"%s\": %s %s\n", source->field, source->path, error);
    return false;
  }
  uint64_t values = 1;
  char shape[512] = "(";
  size_t end = 1;
  for (unsigned i = 0; i < npy.axes; i++) {
    values *= npy.shape[i];
    if (end < sizeof shape - 32) end += (size_t)snprintf(shape + end, sizeof shape - end, i == 0 ? "%" PRIu64 : ", %" PRIu64, npy.shape[i]);
  }
  bool stepsFirst = npy.axes > 0 && npy.shape[0] == source->steps;
  if (values != source->cells * source->steps || !(stepsFirst || source->steps == 1)) {
    printf("field \"%s\": %s has shape %s), but the study says %" PRIu32 " steps of %" PRIu64 " cells\n", source->field,
           source->path, shape, source->steps, source->cells);
    return false;
  }
  source->single = npy.single;
  source->dataOffset = npy.dataOffset;
  if (source->size < npy.dataOffset + values * (npy.single ? 4 : 8)) {
    printf("field \"%s\": %s is cut short\n", source->field, source->path);
    return false;
  }
  return true;
}

static bool check_raw(struct source *source) {
  uint64_t wanted = source->cells * source->steps * (source->single ? 4 : 8);
  if (source->size == wanted) return true;
  printf("field \"%s\": %s has %zu bytes, but %" PRIu32 " steps of %" PRIu64 " cells in %s are %" PRIu64 "\n", source->field,
         source->path, source->size, source->steps, source->cells, source->single ? "float32" : "float64", wanted);
  return false;
}

/** A step's values, aligned: rows of a raw file need not lie on a multiple of their size. */
static const void *row_of(const struct source *source, uint32_t step, void *aligned) {
  size_t size = (size_t)source->cells * (source->single ? 4 : 8);
  if (size == 0) return aligned;
  const uint8_t *row = source->mapped + source->dataOffset + (size_t)step * size;
  if ((uintptr_t)row % 8 == 0) return row;
  memcpy(aligned, row, size);
  return aligned;
}

static melissa_status send_source(melissa_client *client, const struct source *source) {
  melissa_status status = melissa_client_field(client, source->field, (size_t)source->cells);
  void *aligned = malloc((size_t)source->cells * 8 + 8);
  if (aligned == NULL) status = MELISSA_ERROR_MEMORY;
  for (uint32_t step = 0; step < source->steps && status == MELISSA_OK; step++) {
    const void *row = row_of(source, step, aligned);
    status = source->single ? melissa_client_send_f32(client, source->field, step, row, (size_t)source->cells)
                            : melissa_client_send(client, source->field, step, row, (size_t)source->cells);
  }
  free(aligned);
  return status;
}

static bool read_words(struct source *source, char *const *words) {
  *source = (struct source){.field = words[0],
                            .path = words[2],
                            .cells = strtoull(words[3], NULL, 10),
                            .single = strcmp(words[4], "float32") == 0,
                            .steps = (uint32_t)strtoul(words[5], NULL, 10)};
  if (source->steps == 0 || source->cells > UINT64_MAX / 8 / source->steps) {
    printf("field \"%s\": the study's size is not usable\n", source->field);
    return false;
  }
  return map_file(source) && (strcmp(words[1], "npy") == 0 ? check_npy(source) : check_raw(source));
}

int sender_run(int count, char *const *words) {
  size_t outputs = (size_t)count / WORDS_PER_OUTPUT;
  if (count == 0 || count % WORDS_PER_OUTPUT != 0) {
    puts("--send-outputs is for the pilot's own use");
    return 2;
  }
  struct source *sources = calloc(outputs, sizeof *sources);
  if (sources == NULL) return 1;
  /* All files are looked at before anything is sent: a simulation is not sent in parts that can be known to be wrong. */
  bool ok = true;
  for (size_t i = 0; i < outputs && ok; i++) ok = read_words(&sources[i], words + i * WORDS_PER_OUTPUT);
  melissa_client *client = NULL;
  melissa_status status = ok ? melissa_client_open(&client, NULL) : MELISSA_OK;
  for (size_t i = 0; i < outputs && ok && status == MELISSA_OK; i++) {
    status = send_source(client, &sources[i]);
    if (status != MELISSA_OK) printf("field \"%s\": %s\n", sources[i].field, melissa_client_last_error(client));
  }
  if (ok && client == NULL && status != MELISSA_OK) printf("the output files could not be sent: %s\n", melissa_strerror(status));
  melissa_status closed = melissa_client_close(client);
  if (ok && status == MELISSA_OK && closed != MELISSA_OK) printf("the output files could not be sent: %s\n", melissa_strerror(closed));
  for (size_t i = 0; i < outputs; i++) {
    if (sources[i].mapped != NULL) munmap(sources[i].mapped, sources[i].size);
  }
  free(sources);
  return ok && status == MELISSA_OK && closed == MELISSA_OK ? 0 : 1;
}
