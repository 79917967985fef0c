/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A solver that asks what one call of melissa_send costs it: between sends it waits as if it computed, and copies the same values into a
 * pool of touched buffers in turn, as many as the send queue is deep, which is the least that a send that returns at once can do.
 * Writes the times of both, in nanoseconds, to BENCH_OUT/<process>.json. Usage: send_cost <cells> <steps> <pool> <microseconds>
 */
#include <melissa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const size_t cells = (size_t)atol(argv[1]), pool = (size_t)atol(argv[3]);
  const int steps = atoi(argv[2]);
  const struct timespec pause = {0, atol(argv[4]) * 1000};
  const char *folder = getenv("BENCH_OUT");
  double *values = malloc(cells * sizeof *values), **buffers = calloc(pool, sizeof *buffers);
  double *sends = calloc((size_t)steps, sizeof *sends), *copies = calloc((size_t)steps, sizeof *copies);
  if (folder == NULL || values == NULL || buffers == NULL || sends == NULL || copies == NULL) return 2;
  for (size_t i = 0; i < cells; i++) values[i] = 0.5 * (double)(i % 977);
  for (size_t b = 0; b < pool; b++) {
    if (posix_memalign((void **)&buffers[b], 64, cells * sizeof **buffers) != 0) return 2;
    memcpy(buffers[b], values, cells * sizeof *values);
  }
  melissa_client *client = NULL;
  melissa_status status = melissa_client_open(&client, NULL);
  if (status == MELISSA_OK) status = melissa_client_field(client, "x", cells);
  double sum = 0;
  for (int step = 0; step < steps && status == MELISSA_OK; step++) {
    nanosleep(&pause, NULL);
    const double before = now_ns();
    status = melissa_client_send(client, "x", (uint32_t)step, values, cells);
    sends[step] = now_ns() - before;
    nanosleep(&pause, NULL);
    const double copied = now_ns();
    memcpy(buffers[(size_t)step % pool], values, cells * sizeof *values);
    copies[step] = now_ns() - copied;
    sum += buffers[(size_t)step % pool][cells - 1];
  }
  if (status == MELISSA_OK) status = melissa_client_close(client);
  char path[4096];
  snprintf(path, sizeof path, "%s/%ld.json", folder, (long)getpid());
  FILE *file = fopen(path, "w");
  if (file == NULL) return 1;
  fprintf(file, "{\"status\":%d,\"sum\":%g,\"sends\":[", (int)status, sum);
  for (int step = 0; step < steps; step++) fprintf(file, "%s%.0f", step == 0 ? "" : ",", sends[step]);
  fprintf(file, "],\"copies\":[");
  for (int step = 0; step < steps; step++) fprintf(file, "%s%.0f", step == 0 ? "" : ",", copies[step]);
  fprintf(file, "]}\n");
  return fclose(file) != 0 || status != MELISSA_OK;
}
