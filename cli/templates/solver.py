#!/usr/bin/env python3
"""Heat in a square plate, explicit in time.

The three calls that begin with melissa_ are all that a study asks of a solver: started by hand, without a study, they
do nothing.

usage: solver.py INITIAL LEFT RIGHT DIFFUSIVITY      (K, K, K, m2/s)
"""
import sys

import numpy as np
from melissa_api import melissa_finalize, melissa_init, melissa_send

CELLS = 40  # along each side, as in `shape` of the manifest
STEPS = 50  # as in `time.steps` of the manifest
SUBSTEPS = 16  # keep each small step stable


def advance(now, left, right, factor):
    """One small step: sides left and right are held; nothing flows through top and bottom."""
    wide = np.pad(now, 1, mode="edge")
    wide[:, 0] = left
    wide[:, -1] = right
    neighbours = wide[1:-1, :-2] + wide[1:-1, 2:] + wide[:-2, 1:-1] + wide[2:, 1:-1]
    return now + factor * (neighbours - 4 * now)


def main():
    if len(sys.argv) != 5:
        sys.exit(f"usage: {sys.argv[0]} INITIAL LEFT RIGHT DIFFUSIVITY")
    initial, left, right, diffusivity = map(float, sys.argv[1:])
    factor = diffusivity * (0.02 / SUBSTEPS) / 0.025**2

    temperature = np.full((CELLS, CELLS), initial)
    melissa_init("temperature", temperature.size)
    for _ in range(STEPS):
        for _ in range(SUBSTEPS):
            temperature = advance(temperature, left, right, factor)
        melissa_send("temperature", temperature)
    melissa_finalize()


if __name__ == "__main__":
    main()
