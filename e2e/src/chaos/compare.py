# SPDX-License-Identifier: Apache-2.0
"""Compares the results of two runs of one study that folded the same samples in another order.

Reads lines of JSON {"one": DIR, "other": DIR} and answers each with a line {"largest": ratio, "ratios": {variable: ratio}}, where a
ratio is |difference| / tolerance: counts, extrema, exceedance, quantiles and histogram must be bit-equal (any difference is
infinite); with kappa = 1 + max|x|/sigma of the cell the mean may differ by 1e-13 max|x|, the variance by 1e-13 kappa of itself,
everything else by 1e-12 kappa (1 + |value|). Ends of confidence intervals are roots of such values: where an index is within
1e-6 of +-1 its interval is a limit of 0/0 and is left out; elsewhere half as many digits are asked for.
"""
import json
import sys

import numpy as np
import zarr

EXACT = ("_count", "_minimum", "_maximum", "_exceedance", "_quantile", "_histogram_lower", "_histogram_width", "_histogram_counts", "_degenerate")
FIELDS = ("u", "v")


def read(directory):
    return {name: np.asarray(array[...]) for name, array in zarr.open(f"{directory}/results/results.zarr", mode="r").arrays()}


def scale_of(reference, name):
    """max|x| and kappa of each cell; where the study has no extrema, four sigma around the mean stand for them."""
    field = next((f for f in FIELDS if name.startswith(f + "_")), "u")
    mean = reference[f"{field}_mean"]
    variance = reference.get(f"{field}_variance")
    sigma = np.sqrt(variance) if variance is not None else np.abs(mean) * 1e-2
    if f"{field}_maximum" in reference:
        largest = np.maximum(np.abs(reference[f"{field}_minimum"]), np.abs(reference[f"{field}_maximum"]))
    else:
        largest = np.abs(mean) + 4 * sigma
    with np.errstate(all="ignore"):
        kappa = np.where(sigma > 1e-10 * largest, 1 + largest / sigma, 1.0)
    return largest, kappa


def spread(values, like):
    """Values per step and cell against a variable with further axes (parameter, pair of parameters) after time."""
    return values.reshape(values.shape[:1] + (1,) * (like.ndim - values.ndim) + values.shape[1:])


def ratio_of(name, reference, other):
    one, two = reference[name], other[name]
    if one.shape != two.shape:
        return float("inf")
    if one.dtype.kind not in "fiu" or any(name.endswith(end) for end in EXACT):
        same = np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
        return 0.0 if same else float("inf")
    if not np.array_equal(np.isnan(one), np.isnan(two)):
        return float("inf")
    if f"{name.split('_')[0]}_mean" not in reference:
        return 0.0 if np.array_equal(one, two, equal_nan=True) else float("inf")
    largest, kappa = (spread(v, one) for v in scale_of(reference, name))
    if name.endswith("_mean"):
        tolerance = 1e-13 * largest + 0 * one
    elif name.endswith(("_variance", "_standard_error")):
        tolerance = 1e-13 * kappa * np.abs(one)
    elif name.endswith(("_lower", "_upper")):
        tolerance = 1e-6 * kappa * (1 + np.abs(one))
        index = reference[name.rsplit("_", 1)[0]]
        one, two = (np.where(np.abs(index) < 1 - 1e-6, v, 0.0) for v in (one, two))
    else:
        tolerance = 1e-12 * kappa * (1 + np.abs(one))
    with np.errstate(all="ignore"):
        ratio = np.where(one == two, 0.0, np.abs(one - two) / tolerance)
    return float(np.nanmax(ratio)) if ratio.size and not np.isnan(ratio).all() else 0.0


def main():
    for line in sys.stdin:
        try:
            ask = json.loads(line)
            reference, other = read(ask["one"]), read(ask["other"])
            ratios = {name: ratio_of(name, reference, other) for name in reference}
            for name in set(reference) ^ set(other):
                ratios[name] = float("inf")
            # JSON has no infinity.
            ratios = {name: min(ratio, 1e300) for name, ratio in ratios.items()}
            answer = {"largest": max(ratios.values(), default=1e300), "ratios": ratios}
        except Exception as problem:  # the answer names it; the next question is answered as well
            answer = {"largest": 1e300, "ratios": {f"{type(problem).__name__}: {problem}": 1e300}}
        print(json.dumps(answer), flush=True)


main()
