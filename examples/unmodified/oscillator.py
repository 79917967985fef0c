#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A row of 20 damped oscillators, written by somebody who never heard of Melissa: it writes one file and ends.

    oscillator.py STIFFNESS DAMPING

displacement.npy has shape (50, 20): 50 times, 20 masses between two walls, the first one pulled out by 1.
"""
import sys

import numpy as np

MASSES = 20
TIMES = 50
SUBSTEPS = 20
TIME_STEP = 0.005


def main() -> None:
    stiffness, damping = (float(word) for word in sys.argv[1:3])
    place = np.zeros(MASSES)
    place[0] = 1.0
    speed = np.zeros(MASSES)
    history = np.empty((TIMES, MASSES))
    for time in range(TIMES):
        for _ in range(SUBSTEPS):
            padded = np.pad(place, 1)
            force = stiffness * (padded[:-2] - 2 * place + padded[2:]) - damping * speed
            speed = speed + TIME_STEP * force
            place = place + TIME_STEP * speed
        history[time] = place
    np.save("displacement.npy", history)


if __name__ == "__main__":
    main()
