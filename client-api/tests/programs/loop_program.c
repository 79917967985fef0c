/* SPDX-License-Identifier: Apache-2.0 */
/* A looping solver: for each simulation `steps` steps of four cells, value = first parameter + step; with 0 steps a no-op. */
#include <melissa.h>
#include <melissa_api_no_mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int steps = argc > 1 ? atoi(argv[1]) : 2, simulations = 0;
  melissa_status status;
  if (steps > 0) melissa_init_no_mpi("temperature", 4);
  while ((status = melissa_next_simulation()) == MELISSA_OK) {
    simulations++;
    for (int step = 0; step < steps; step++) {
      double x = melissa_parameter(0) + step;
      double values[4] = {x, x, x, x};
      melissa_send("temperature", values);
    }
    if (steps > 0) {
      printf("simulation %lld %s=%s of %zu\n", (long long)melissa_simulation(), melissa_parameter_name(0), melissa_parameter_text(0), melissa_parameter_count());
      fflush(stdout);
    }
  }
  melissa_finalize();
  printf("looped %d status %d\n", simulations, (int)status);
  return status == MELISSA_FINISHED && melissa_last_status() == MELISSA_OK ? 0 : 1;
}
