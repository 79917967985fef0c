/* SPDX-License-Identifier: Apache-2.0 */
/* A solver as it is written for Melissa: C with MPI. Value = 1000 * step + global cell + 0.5 * (second field). */
#include <melissa/api.h>
#include <mpi.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int rank, size, app_id = 0;
  int *appnum = NULL, flag = 0;
  MPI_Comm comm;
  MPI_Init(&argc, &argv);
  MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &appnum, &flag);
  if (flag) app_id = *appnum;
  MPI_Comm_split(MPI_COMM_WORLD, app_id, 0, &comm);
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  int steps = argc > 1 ? atoi(argv[1]) : 3;
  int cells = rank == 1 ? 0 : 5 + rank; /* an empty rank and uneven others */
  int first = 0;
  MPI_Exscan(&cells, &first, 1, MPI_INT, MPI_SUM, comm);
  if (rank == 0) first = 0;
  double *values = malloc((size_t)(cells + 1) * sizeof *values);
  melissa_init("temperature", cells, comm);
  melissa_init("pressure", cells, comm);
  for (int step = 0; step < steps; step++) {
    for (int i = 0; i < cells; i++) values[i] = 1000.0 * step + first + i;
    melissa_send("temperature", values);
    for (int i = 0; i < cells; i++) values[i] += 0.5;
    melissa_send("pressure", values);
  }
  melissa_finalize();
  free(values);
  MPI_Comm_free(&comm);
  MPI_Finalize();
  return 0;
}
