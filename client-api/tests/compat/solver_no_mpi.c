/* SPDX-License-Identifier: Apache-2.0 */
/* A solver as it is written for Melissa: C without MPI. */
#include <melissa_api_no_mpi.h>
#include <stdlib.h>

#define CELLS 18

int main(int argc, char **argv) {
  int steps = argc > 1 ? atoi(argv[1]) : 3;
  double values[CELLS];
  melissa_init_no_mpi("temperature", CELLS);
  melissa_init_no_mpi("pressure", CELLS);
  for (int step = 0; step < steps; step++) {
    for (int i = 0; i < CELLS; i++) values[i] = 1000.0 * step + i;
    melissa_send_no_mpi("temperature", values);
    for (int i = 0; i < CELLS; i++) values[i] += 0.5;
    melissa_send_with_metadata("pressure", values, "{}");
  }
  melissa_finalize();
  return 0;
}
