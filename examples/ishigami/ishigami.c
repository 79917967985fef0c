/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Ishigami function, f(x) = sin x1 + 7 sin² x2 + 0.1 x3⁴ sin x1: a solver that costs nothing and whose Sobol' indices
 * are known. One process computes many simulations: it asks for the next parameters until there are none.
 */
#include <math.h>
#include <melissa_api_no_mpi.h>
#include <stdio.h>

int main(void) {
  melissa_status status;
  while ((status = melissa_next_simulation()) == MELISSA_OK) {
    double x1 = melissa_parameter(0), x2 = melissa_parameter(1), x3 = melissa_parameter(2);
    double value = sin(x1) + 7.0 * (sin(x2) * sin(x2)) + 0.1 * ((x3 * x3) * (x3 * x3)) * sin(x1);
    melissa_init_no_mpi("f", 1);
    melissa_send("f", &value);
  }
  melissa_finalize();
  if (status == MELISSA_FINISHED) return 0;
  fprintf(stderr, "ishigami: %s\n", melissa_strerror(status));
  return 1;
}
