# SPDX-License-Identifier: Apache-2.0
"""Second of two steps: reads the files of finished solvers and computes, for every step and cell, mean to fourth moment and extrema.

A file is <simulation>.raw: steps x cells of float64. Each step of every file is read once, by one read; what is computed goes block by
block, so that NumPy's temporaries stay in the cache. Results are saved as .npy. With a folder of a study's own results, says by how
much mean and variance of the last step differ at most. Usage: numpy_two_step.py <folder> <cells> <steps> <simulations> [<npy folder>]
"""
import json
import os
import sys

import numpy as np

BLOCK_VALUES = 1 << 17

folder = sys.argv[1]
cells, steps, simulations = (int(word) for word in sys.argv[2:5])
names = ["mean", "variance", "skewness", "kurtosis", "minimum", "maximum"]
out = {name: np.empty((steps, cells)) for name in names}
fields = np.empty((simulations, cells))
files = [open(os.path.join(folder, f"{s}.raw"), "rb", buffering=0) for s in range(simulations)]
width = max(1, BLOCK_VALUES // simulations)
for step in range(steps):
    for s, file in enumerate(files):
        if file.readinto(fields[s]) != 8 * cells:
            raise SystemExit(f"the file of simulation {s} is short")
    for begin in range(0, cells, width):
        x = fields[:, begin : begin + width]
        here = (step, slice(begin, begin + width))
        mean = x.mean(axis=0)
        d = x - mean
        d2 = d * d
        m2 = d2.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            out["skewness"][here] = (d2 * d).mean(axis=0) / m2**1.5
            out["kurtosis"][here] = (d2 * d2).mean(axis=0) / m2**2 - 3
        out["mean"][here] = mean
        out["variance"][here] = m2 * simulations / max(1, simulations - 1)
        out["minimum"][here] = x.min(axis=0)
        out["maximum"][here] = x.max(axis=0)
for name in names:
    np.save(os.path.join(folder, f"{name}.npy"), out[name])
differs = None
if len(sys.argv) > 5:
    differs = 0.0
    for name in ["mean", "variance"]:
        ours = np.load(os.path.join(sys.argv[5], f"x_{name}.npy")).reshape(-1, cells)[-1]
        differs = max(differs, float(np.max(np.abs(ours - out[name][-1]) / np.maximum(np.abs(ours), 1))))
print(json.dumps({"differs": differs}))
