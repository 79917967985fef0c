/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A solver that computes nothing: it loops over simulations and sends the same values at every step, as fast as the server takes
 * them; without cells it only asks for simulations. On its end it writes what it did and when (monotonic seconds of the machine) to
 * BENCH_OUT/<process>.json. Usage: sender <cells> <steps> [f32]
 */
#include <melissa.h>
#include <melissa_api_no_mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const size_t cells = (size_t)atol(argv[1]);
  const int steps = atoi(argv[2]), narrow = argc > 3 && strcmp(argv[3], "f32") == 0;
  double *values = malloc((cells + 1) * sizeof *values);
  float *floats = malloc((cells + 1) * sizeof *floats);
  const char *folder = getenv("BENCH_OUT");
  if (values == NULL || floats == NULL || folder == NULL) return 2;
  for (size_t i = 0; i < cells; i++) floats[i] = (float)(values[i] = 0.5 * (double)(i % 977));
  if (cells > 0) melissa_init_no_mpi("x", (int)cells);
  double begun = 0;
  long simulations = 0;
  melissa_status status;
  while ((status = melissa_next_simulation()) == MELISSA_OK) {
    if (simulations++ == 0) begun = now();
    for (int step = 0; step < steps && cells > 0; step++) {
      if (narrow) melissa_send_float32("x", floats);
      else melissa_send("x", values);
    }
  }
  melissa_finalize(); /* returns when the server holds everything */
  char path[4096];
  snprintf(path, sizeof path, "%s/%ld.json", folder, (long)getpid());
  FILE *file = fopen(path, "w");
  if (file == NULL) return 1;
  fprintf(file, "{\"begun\":%.9f,\"ended\":%.9f,\"simulations\":%ld,\"status\":%d}\n", begun, now(), simulations, (int)melissa_last_status());
  return fclose(file) != 0 || status != MELISSA_FINISHED || melissa_last_status() != MELISSA_OK;
}
