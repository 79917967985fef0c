# SPDX-License-Identifier: Apache-2.0
"""Writes what the sampling designs are compared with, once, from SciPy: `python make.py`.

Needs scipy. The results are committed: sequences.json and distributions.json beside this file, and
../joe-kuo.ts, the initial direction numbers of Joe and Kuo for the first 256 dimensions.
"""
import decimal
import json
import pathlib

import numpy as np
import scipy
from scipy import stats
from scipy.stats import qmc

HERE = pathlib.Path(__file__).parent
DIMENSIONS = 256


def direction_numbers():
    """One text a dimension: primitive polynomial, then the initial direction numbers, in base 36."""
    table = np.load(pathlib.Path(scipy.__file__).parent / "stats" / "_sobol_direction_numbers.npz")
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"

    def base36(value):
        text = ""
        while value:
            value, digit = divmod(value, 36)
            text = digits[digit] + text
        return text or "0"

    lines = []
    for dimension in range(1, DIMENSIONS):
        polynomial = int(table["poly"][dimension])
        degree = polynomial.bit_length() - 1
        numbers = [int(v) for v in table["vinit"][dimension][:degree]]
        lines.append(" ".join(base36(v) for v in [polynomial, *numbers]))
    return lines


def write_direction_numbers():
    body = "\n".join(direction_numbers())
    (HERE.parent / "joe-kuo.ts").write_text(
        "// SPDX-License-Identifier: Apache-2.0 AND BSD-3-Clause\n"
        "/**\n"
        " * Initial direction numbers of Sobol' sequences for dimensions 2 to 256, from the table new-joe-kuo-6.21201 of\n"
        " * S. Joe and F. Y. Kuo, Constructing Sobol sequences with better two-dimensional projections (2008),\n"
        " * doi:10.1137/070709359. Made by vectors/make.py. One line a dimension: the primitive polynomial with all its bits, then the\n"
        " * numbers m_1, m_2, …, in base 36.\n"
        " *\n"
        " * The table is copyright (c) 2008, Frances Y. Kuo and Stephen Joe, under the BSD licence: redistribution and use in source\n"
        " * and binary forms, with or without modification, are permitted provided that this notice, these conditions and the\n"
        " * following disclaimer are retained, and that the names of the copyright holders, the University of New South Wales and the\n"
        " * University of Waikato are not used to endorse products derived from it without prior written permission. It is provided\n"
        ' * by the copyright holders "as is", and any express or implied warranties are disclaimed.\n'
        " */\n"
        f"export const JOE_KUO = `\n{body}\n`;\n"
    )


def sequences():
    bases = {"Sobol": lambda d: qmc.Sobol(d, scramble=False), "Halton": lambda d: qmc.Halton(d, scramble=False)}
    cases = []
    for method, make in bases.items():
        for dimensions, skip, points in [(1, 0, 64), (3, 0, 32), (12, 1, 16), (40, 1000, 4), (256, 0, 4), (256, 1048571, 3)]:
            engine = make(dimensions)
            if skip:
                engine.fast_forward(skip)
            cases.append({"method": method, "dimensions": dimensions, "skip": skip, "points": engine.random(points).tolist()})
    return cases


def distributions():
    u = np.array([1e-300, 1e-100, 1e-20, 1e-9, 1e-4, 0.01, 0.075, 0.2, 0.425, 0.5, 0.6, 0.9, 0.925, 0.99, 0.9999, 1 - 1e-9, 1 - 2**-53])
    truncated = lambda mean, sd, low, high: stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)
    cases = [
        ({"kind": "Uniform", "min": -3, "max": 5}, stats.uniform(-3, 8)),
        ({"kind": "LogUniform", "min": 1e-3, "max": 1e4}, stats.loguniform(1e-3, 1e4)),
        ({"kind": "Normal", "mean": 0, "sd": 1}, stats.norm()),
        ({"kind": "Normal", "mean": 300, "sd": 20}, stats.norm(300, 20)),
        ({"kind": "LogNormal", "mu": 0.5, "sigma": 0.25}, stats.lognorm(0.25, scale=np.exp(0.5))),
        ({"kind": "Triangular", "min": 1, "mode": 2, "max": 5}, stats.triang(0.25, 1, 4)),
        ({"kind": "Triangular", "min": 1, "mode": 1, "max": 5}, stats.triang(0, 1, 4)),
        ({"kind": "TruncatedNormal", "mean": 0, "sd": 1, "min": -1, "max": 2}, truncated(0, 1, -1, 2)),
        ({"kind": "TruncatedNormal", "mean": 10, "sd": 2, "min": 11, "max": 40}, truncated(10, 2, 11, 40)),
        ({"kind": "TruncatedNormal", "mean": 0, "sd": 1, "min": 8, "max": 9}, truncated(0, 1, 8, 9)),
        ({"kind": "TruncatedNormal", "mean": 0, "sd": 1, "min": -31, "max": -30}, truncated(0, 1, -31, -30)),
        ({"kind": "TruncatedNormal", "mean": 0, "sd": 1, "min": -9, "max": 30}, truncated(0, 1, -9, 30)),
    ]
    return [{"distribution": d, "u": u.tolist(), "values": frozen.ppf(u).tolist()} for d, frozen in cases]


def lower_tail(x):
    """Probability below x, x < -4, to 50 digits: Laplace's continued fraction. SciPy's own is off by 1e-13 at -37."""
    y, fraction = decimal.Decimal(-x), decimal.Decimal(0)
    for k in range(4000, 0, -1):
        fraction = k / (y + fraction)
    pi = decimal.Decimal("3.14159265358979323846264338327950288419716939937511")
    return float((-(y * y) / 2).exp() / (2 * pi).sqrt() / (y + fraction))


def normal_cdf():
    decimal.getcontext().prec = 50
    x = np.concatenate([np.linspace(-37.5, 8, 92), [-0.66291, -0.6629, -5.656854, -1e-12, 0.0, 1e-12, 0.66291]])
    from scipy.special import ndtr

    return {"x": x.tolist(), "values": [lower_tail(v) if v < -4 else float(ndtr(v)) for v in x.tolist()]}


if __name__ == "__main__":
    write_direction_numbers()
    (HERE / "sequences.json").write_text(json.dumps({"scipy": scipy.__version__, "cases": sequences()}) + "\n")
    (HERE / "distributions.json").write_text(
        json.dumps({"scipy": scipy.__version__, "cases": distributions(), "normalCdf": normal_cdf()}) + "\n"
    )
