/*
 * Heat in a square plate, explicit in time. The three calls that begin with melissa_ are all that a study asks of a
 * solver: started by hand, without a study, they do nothing.
 *
 *   usage: solver INITIAL LEFT RIGHT DIFFUSIVITY      (K, K, K, m2/s)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <melissa_api_no_mpi.h>

#define CELLS 40    /* along each side, as in `shape` of the manifest */
#define STEPS 50    /* as in `time.steps` of the manifest */
#define SUBSTEPS 16 /* keep each small step stable */

static double now[CELLS][CELLS], next[CELLS][CELLS];

/* Sides left and right are held; nothing flows through top and bottom. */
static void advance(double left, double right, double factor) {
  for (int y = 0; y < CELLS; y++) {
    for (int x = 0; x < CELLS; x++) {
      double west = x == 0 ? left : now[y][x - 1];
      double east = x == CELLS - 1 ? right : now[y][x + 1];
      double north = now[y == 0 ? 0 : y - 1][x];
      double south = now[y == CELLS - 1 ? y : y + 1][x];
      next[y][x] = now[y][x] + factor * (west + east + north + south - 4 * now[y][x]);
    }
  }
  memcpy(now, next, sizeof now);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: %s INITIAL LEFT RIGHT DIFFUSIVITY\n", argv[0]);
    return 2;
  }
  const double initial = atof(argv[1]), left = atof(argv[2]), right = atof(argv[3]), diffusivity = atof(argv[4]);
  const double spacing = 0.025, step = 0.02 / SUBSTEPS;

  for (int i = 0; i < CELLS * CELLS; i++) now[i / CELLS][i % CELLS] = initial;

  melissa_init_no_mpi("temperature", CELLS * CELLS);
  for (int t = 0; t < STEPS; t++) {
    for (int i = 0; i < SUBSTEPS; i++) advance(left, right, diffusivity * step / (spacing * spacing));
    melissa_send_no_mpi("temperature", &now[0][0]);
  }
  melissa_finalize();
  return 0;
}
