/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A solver of one simulation that computes: before each step it leaves, it spends so much processor time of its own thread, and what
 * the library's thread does comes on top. Steps go to the study; without a study (MELISSA_HEAD is not set) they go nowhere; with a folder they
 * go to one raw file there, and with `sync` that file is forced to the disk and out of memory, as files are that do not fit in it. The
 * values of a step depend on simulation and step alone.
 * Usage: computing <cells> <steps> <CPU microseconds a step> <simulation> [<folder> [sync]]
 */
#include <fcntl.h>
#include <melissa.h>
#include <melissa_api_no_mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Between two looks at the clock: some microseconds. */
#define TURNS 4096

static double own_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Makes the values of a step, and computes on until `seconds` have gone since `begun`; what comes out is of no use but not thrown away. */
static double compute(double *values, size_t cells, long simulation, int step, double begun, double seconds) {
  for (size_t i = 0; i < cells; i++) values[i] = (double)((i + 31 * (size_t)simulation + 7 * (size_t)step) % 977) * (1 + 0.001 * (double)(simulation % 101));
  double x = 0.5;
  while (own_seconds() - begun < seconds)
    for (int turn = 0; turn < TURNS; turn++) x = 3.9 * x * (1 - x);
  return x;
}

static int write_all(int file, const void *data, size_t size) {
  const char *at = data;
  for (size_t done = 0; done < size;) {
    ssize_t n = write(file, at + done, size - done);
    if (n <= 0) return 0;
    done += (size_t)n;
  }
  return 1;
}

static int leave(int file, int synced) {
  if (synced && (fsync(file) != 0 || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)) return 0;
  return close(file) == 0;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  const size_t cells = (size_t)atol(argv[1]);
  const int steps = atoi(argv[2]);
  const double seconds = 1e-6 * atof(argv[3]);
  const long simulation = atol(argv[4]);
  const char *folder = argc > 5 ? argv[5] : NULL;
  double *values = malloc((cells + 1) * sizeof *values), useless = 0;
  if (values == NULL) return 2;
  int file = -1;
  if (folder != NULL) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%ld.raw", folder, simulation);
    if ((file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) < 0) return 1;
  } else melissa_init_no_mpi("x", (int)cells);
  for (int step = 0; step < steps; step++) {
    useless += compute(values, cells, simulation, step, own_seconds(), seconds);
    if (folder == NULL) melissa_send("x", values);
    else if (!write_all(file, values, cells * sizeof *values)) return 1;
  }
  if (folder != NULL) return leave(file, argc > 6 && strcmp(argv[6], "sync") == 0) ? useless < 0 : 1;
  const int by_hand = melissa_last_status() == MELISSA_ERROR_NOT_CONFIGURED;
  melissa_finalize();
  return useless < 0 || !(by_hand || melissa_last_status() == MELISSA_OK);
}
