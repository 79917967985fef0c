#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Lorenz system as a solver that stays alive: one process integrates one parameter vector after another.

dx/dt = sigma (y - x), dy/dt = x (rho - z) - y, dz/dt = x y - beta z, by the classical Runge-Kutta scheme. Sends the point
(x, y, z) at 200 times in the first 2 time units, before chaos makes the trajectories incomparable.
"""
import numpy as np
from melissa_api import melissa_fetch_next_parameters, melissa_finalize, melissa_init, melissa_send

STEPS = 200
TIME_STEP = 0.01


def slope(point: np.ndarray, sigma: float, rho: float, beta: float) -> np.ndarray:
    x, y, z = point
    return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])


def advance(point: np.ndarray, *parameters: float) -> np.ndarray:
    k1 = slope(point, *parameters)
    k2 = slope(point + TIME_STEP / 2 * k1, *parameters)
    k3 = slope(point + TIME_STEP / 2 * k2, *parameters)
    k4 = slope(point + TIME_STEP * k3, *parameters)
    return point + TIME_STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def simulate(sigma: float, rho: float, beta: float) -> None:
    point = np.array([1.0, 1.0, 1.0])
    melissa_init("position", 3, None)
    for _ in range(STEPS):
        point = advance(point, sigma, rho, beta)
        melissa_send("position", point)


def main() -> None:
    while True:
        fetched = melissa_fetch_next_parameters()
        if fetched.is_terminated:
            break
        simulate(*(float(value) for value in fetched.parameters))
    melissa_finalize()


if __name__ == "__main__":
    main()
