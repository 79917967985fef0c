/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heat equation on a square plate, instrumented for Melissa. Explicit finite differences; the left and right edges
 * are held at two temperatures, top and bottom at 300 K; the plate starts at a third.
 *
 *   heat INITIAL LEFT RIGHT [STEPS [SIDE]]        temperatures in kelvin; 100 steps of a plate of 100 x 100 cells
 *
 * One source for both builds: with -DHEAT_MPI the rows are shared out among the ranks of MPI. Every cell is computed by
 * the same operations in the same order in both, in heat.f90 and in heat.py, so all of them send the same bits (compile with
 * -ffp-contract=off).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HEAT_MPI
#include <melissa/api.h>
#else
#include <melissa_api_no_mpi.h>
#endif

enum { SUBSTEPS = 10 }; /* time steps of the scheme between two that are sent */
static const double RATIO = 0.2;     /* diffusivity · time step / spacing²; stable up to 0.25 */
static const double AMBIENT = 300.0; /* top and bottom, K */

/* A rank's rows with a frame of one cell around them: the frame holds the edges or the neighbours' rows. */
struct plate {
  int side, rows; /* rows of this rank */
  double *now, *next;
};

static double *row_of(double *cells, const struct plate *plate, int row) { return cells + (size_t)row * (plate->side + 2); }

static void fill(double *cells, const struct plate *plate, double initial, double left, double right) {
  for (int i = 0; i < plate->rows + 2; i++) {
    double *row = row_of(cells, plate, i);
    row[0] = left;
    row[plate->side + 1] = right;
    /* The frame's first and last row: overwritten by the neighbour's where there is one. */
    for (int j = 1; j <= plate->side; j++) row[j] = i == 0 || i == plate->rows + 1 ? AMBIENT : initial;
  }
}

static void advance(struct plate *plate) {
  for (int i = 1; i <= plate->rows; i++) {
    const double *north = row_of(plate->now, plate, i - 1), *here = row_of(plate->now, plate, i);
    const double *south = row_of(plate->now, plate, i + 1);
    double *restrict next = row_of(plate->next, plate, i);
    for (int j = 1; j <= plate->side; j++) {
      next[j] = here[j] + RATIO * (((north[j] + south[j]) + (here[j - 1] + here[j + 1])) - 4.0 * here[j]);
    }
  }
  double *swap = plate->now;
  plate->now = plate->next;
  plate->next = swap;
}

#ifdef HEAT_MPI
static int rank = 0, ranks = 1;

static void exchange(struct plate *plate) {
  int above = rank > 0 ? rank - 1 : MPI_PROC_NULL, below = rank + 1 < ranks ? rank + 1 : MPI_PROC_NULL;
  int n = plate->side;
  MPI_Sendrecv(row_of(plate->now, plate, 1) + 1, n, MPI_DOUBLE, above, 0,
               row_of(plate->now, plate, plate->rows + 1) + 1, n, MPI_DOUBLE, below, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Sendrecv(row_of(plate->now, plate, plate->rows) + 1, n, MPI_DOUBLE, below, 1,
               row_of(plate->now, plate, 0) + 1, n, MPI_DOUBLE, above, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}
#endif

int main(int count, char **words) {
#ifdef HEAT_MPI
  MPI_Init(&count, &words);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
#endif
  if (count < 4) {
    fprintf(stderr, "usage: heat INITIAL LEFT RIGHT [STEPS [SIDE]]\n");
    return 2;
  }
  double initial = strtod(words[1], NULL), left = strtod(words[2], NULL), right = strtod(words[3], NULL);
  int steps = count > 4 ? atoi(words[4]) : 100, side = count > 5 ? atoi(words[5]) : 100;

  struct plate plate = {.side = side, .rows = side};
#ifdef HEAT_MPI
  plate.rows = side / ranks + (rank < side % ranks ? 1 : 0);
  if (side < ranks) MPI_Abort(MPI_COMM_WORLD, 2); /* a rank without a row has no neighbour to give */
#endif
  size_t frame = (size_t)(plate.rows + 2) * (side + 2);
  plate.now = malloc(frame * sizeof(double));
  plate.next = malloc(frame * sizeof(double));
  double *sent = malloc((size_t)plate.rows * side * sizeof(double));
  if (plate.now == NULL || plate.next == NULL || sent == NULL) return 1;
  fill(plate.now, &plate, initial, left, right);
  fill(plate.next, &plate, initial, left, right);

#ifdef HEAT_MPI
  melissa_init("temperature", plate.rows * side, MPI_COMM_WORLD);
#else
  melissa_init_no_mpi("temperature", plate.rows * side);
#endif
  for (int step = 0; step < steps; step++) {
    for (int substep = 0; substep < SUBSTEPS; substep++) {
#ifdef HEAT_MPI
      exchange(&plate);
#endif
      advance(&plate);
    }
    for (int i = 0; i < plate.rows; i++) {
      memcpy(sent + (size_t)i * side, row_of(plate.now, &plate, i + 1) + 1, (size_t)side * sizeof(double));
    }
    melissa_send("temperature", sent);
  }
  melissa_finalize();

  free(plate.now);
  free(plate.next);
  free(sent);
#ifdef HEAT_MPI
  MPI_Finalize();
#endif
  return 0;
}
