#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""heat.c in Python with NumPy: the same scheme, the same operations in the same order, the same bits.

    heat.py INITIAL LEFT RIGHT [STEPS [SIDE]]
"""
import sys

import numpy as np
from melissa_api import melissa_finalize, melissa_init, melissa_send

SUBSTEPS = 10
RATIO = 0.2
AMBIENT = 300.0


def advance(now: np.ndarray, following: np.ndarray) -> None:
    """Both have shape (side + 2, side + 2); only the inner cells of `following` are written."""
    here = now[1:-1, 1:-1]
    north, south = now[:-2, 1:-1], now[2:, 1:-1]
    west, east = now[1:-1, :-2], now[1:-1, 2:]
    following[1:-1, 1:-1] = here + RATIO * (((north + south) + (west + east)) - 4.0 * here)


def main() -> int:
    if len(sys.argv) < 4:
        print("usage: heat.py INITIAL LEFT RIGHT [STEPS [SIDE]]", file=sys.stderr)
        return 2
    initial, left, right = (float(word) for word in sys.argv[1:4])
    steps = int(sys.argv[4]) if len(sys.argv) > 4 else 100
    side = int(sys.argv[5]) if len(sys.argv) > 5 else 100
    now = np.full((side + 2, side + 2), initial)
    now[0, :] = now[-1, :] = AMBIENT
    now[:, 0], now[:, -1] = left, right
    following = now.copy()

    melissa_init("temperature", side * side, None)
    for _ in range(steps):
        for _ in range(SUBSTEPS):
            advance(now, following)
            now, following = following, now
        melissa_send("temperature", np.ascontiguousarray(now[1:-1, 1:-1]))
    melissa_finalize()
    return 0


if __name__ == "__main__":
    sys.exit(main())
