/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The solver of the chaos studies: two small fields that depend on three parameters, sent in steps with a pause between
 * them, so that faults fall into the middle of a simulation. The values depend on nothing but the arguments and the global
 * index of the cell: any attempt, with any number of ranks, sends the same bits.
 *
 *   solver X Y Z STEPS CELLS PAUSE_US [v]      a last word "v": the second field is sent too
 */
#define _DEFAULT_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef CHAOS_MPI
#include <melissa/api.h>
#else
#include <melissa_api_no_mpi.h>
#endif

int main(int count, char **words) {
  int rank = 0, ranks = 1;
#ifdef CHAOS_MPI
  MPI_Init(&count, &words);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
#endif
  if (count < 7) {
    fprintf(stderr, "usage: solver X Y Z STEPS CELLS PAUSE_US [v]\n");
    return 2;
  }
  double x = strtod(words[1], NULL), y = strtod(words[2], NULL), z = strtod(words[3], NULL);
  int steps = atoi(words[4]), cells = atoi(words[5]), pause_us = atoi(words[6]), has_v = count > 7;
  int begin = (int)((long)cells * rank / ranks), end = (int)((long)cells * (rank + 1) / ranks), mine = end - begin;
  double *u = malloc((size_t)(mine + 1) * sizeof(double)), *v = malloc((size_t)(mine + 1) * sizeof(double));
  if (u == NULL || v == NULL) return 1;
#ifdef CHAOS_MPI
  melissa_init("u", mine, MPI_COMM_WORLD);
  if (has_v) melissa_init("v", mine, MPI_COMM_WORLD);
#else
  melissa_init_no_mpi("u", mine);
  if (has_v) melissa_init_no_mpi("v", mine);
#endif
  for (int step = 0; step < steps; step++) {
    for (int i = 0; i < mine; i++) {
      double place = 0.05 * (begin + i), phase = 0.3 * (step + 1);
      u[i] = x * sin(place + phase) + y * y * cos(2.0 * place) + 0.1 * z * x + 3.0;
      v[i] = x * place - z * sin(phase * y) + 10.0;
    }
    melissa_send("u", u);
    if (has_v) melissa_send("v", v);
    if (pause_us > 0) usleep((useconds_t)pause_us);
  }
  melissa_finalize();
  free(u);
  free(v);
#ifdef CHAOS_MPI
  MPI_Finalize();
#endif
  return 0;
}
