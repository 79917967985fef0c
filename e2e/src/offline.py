# SPDX-License-Identifier: Apache-2.0
"""Computes a study's statistics again, offline and in long double, from the raw fields that it kept, and compares.

usage: offline.py STUDY_DIRECTORY. Prints one JSON object: for every variable the largest |difference| / tolerance, where the
tolerance is the one that docs/statistics.md states (kappa = 1 + max|x|/sigma of the cell; exact for counts, extrema, exceedance).
A ratio of at most 1 is agreement. The raw fields are results of the same run, so rounding in the solver plays no part.
"""
import json
import pathlib
import sys
import warnings

import numpy as np
import xarray as xr
from scipy import stats

warnings.simplefilter("error", RuntimeWarning)
study_directory = pathlib.Path(sys.argv[1])
study = json.loads((study_directory / "compiled.json").read_text())
results = xr.open_zarr(study_directory / "results" / "results.zarr", consolidated=True)
LD = np.longdouble
ratios = {}


def note(name, ratio):
    ratios[name] = max(ratios.get(name, 0.0), float(np.max(ratio)) if np.size(ratio) else 0.0)


def exact(name, ours, theirs):
    note(name, 0.0 if np.array_equal(np.asarray(ours, float), np.asarray(theirs, float), equal_nan=True) else np.inf)


def close(name, ours, reference, tolerance, valid):
    """Where the statistic is defined; elsewhere ours must say that it is not."""
    assert np.isnan(ours[~valid]).all(), f"{name}: a degenerate cell has a value"
    assert not np.isnan(ours[valid]).any(), f"{name}: a cell with variation has none"
    note(name, np.abs(ours[valid] - reference[valid]) / tolerance[valid])


def raw(field):
    files = [study_directory / "raw" / field["name"] / f"{i:06d}.npy" for i in range(study["sampling"]["simulations"])]
    return np.stack([np.load(f) for f in files])  # simulation, kept step, kept cell


def correlation(u, v):
    du, dv = u - u.mean(0), v - v.mean(0)
    return (du * dv).sum(0) / np.sqrt((du * du).sum(0) * (dv * dv).sum(0))


def robust(r, u, v):
    """Delta method on z = atanh r: sd of the mean of the influence function, over 1 - r^2."""
    su, sv = (u - u.mean(0)) / u.std(0), (v - v.mean(0)) / v.std(0)
    psi = su * sv - r * (su * su + sv * sv) / 2
    with np.errstate(all="ignore"):  # |r| = 1: the caller leaves those cells out
        half = LD(stats.norm.ppf(0.975)) * np.sqrt((psi * psi).mean(0) / len(u)) / (1 - r * r)
        z = np.arctanh(r)
        return np.tanh(z - half), np.tanh(z + half)


def cells_of(name, *selection):
    data = results[name]
    for dimension, index in selection:
        data = data.isel({dimension: index})
    return np.asarray(data.values).reshape(data.shape[0], -1)


def compare_samples(name, x, statistics):
    n = len(x)
    largest, mean = np.abs(x).max(0), x.mean(0)
    d = x - mean
    m2, m3, m4 = (d**2).mean(0), (d**3).mean(0), (d**4).mean(0)
    sigma = np.sqrt(m2)
    valid = sigma > LD(1e-10) * largest
    kappa = np.where(valid, 1 + largest / np.where(valid, sigma, 1), 1)
    exact(f"{name}_count", cells_of(f"{name}_count"), np.full(m2.shape, n))
    everywhere = np.ones_like(valid)
    if statistics["moments"] >= 1:
        close(f"{name}_mean", cells_of(f"{name}_mean"), mean, 1e-13 * np.where(largest > 0, largest, 1), everywhere)
    if statistics["moments"] >= 2:
        close(f"{name}_variance", cells_of(f"{name}_variance")[valid], (m2 * n / (n - 1))[valid], (1e-13 * kappa * m2 * n / (n - 1))[valid], valid[valid])
        exact(f"{name}_degenerate", cells_of(f"{name}_degenerate"), ~valid)
    if statistics["moments"] >= 3:
        skewness = np.where(valid, m3 / np.where(valid, m2, 1) ** LD(1.5), 0)
        close(f"{name}_skewness", cells_of(f"{name}_skewness"), skewness, 1e-12 * kappa * (1 + np.abs(skewness)), valid)
    if statistics["moments"] >= 4:
        kurtosis = np.where(valid, m4 / np.where(valid, m2, 1) ** 2 - 3, 0)
        close(f"{name}_kurtosis", cells_of(f"{name}_kurtosis"), kurtosis, 1e-12 * kappa * (1 + np.abs(kurtosis)), valid)
    if statistics["extrema"]:
        exact(f"{name}_minimum", cells_of(f"{name}_minimum"), x.min(0))
        exact(f"{name}_maximum", cells_of(f"{name}_maximum"), x.max(0))
    for i, threshold in enumerate(statistics["exceedance"]):
        share = (x > threshold).sum(0).astype(float) / n
        exact(f"{name}_exceedance", cells_of(f"{name}_exceedance", (dimension_of(name, "exceedance"), i)), share)
    if statistics["quantiles"] and statistics["quantileMethod"] == "Lattice":
        width = cells_of(f"{name}_histogram_width")
        for i, probability in enumerate(statistics["quantiles"]):
            ours = cells_of(f"{name}_quantile", (dimension_of(name, "quantile"), i))
            order = np.sort(x, axis=0)
            low = order[int(np.floor((n - 1) * probability))]
            high = order[int(np.ceil((n - 1) * probability))]
            error = np.maximum(low - ours, ours - high)  # 0 anywhere between the two order statistics
            note(f"{name}_quantile", np.maximum(error, 0) / np.where(width > 0, width, 1))
    return valid, kappa


def dimension_of(name, statistic):
    return next(d for d in results[f"{name}_{statistic}"].dims if d in (statistic, "threshold", "parameter", f"{statistic}_{name}", f"threshold_{name}"))


def indices(estimator, a, b, c):
    if estimator == "Martinez":
        return correlation(b, c), 1 - correlation(a, c)
    both = np.concatenate([a, b])
    m, v = both.mean(0), both.var(0)
    total = ((a - c) ** 2).mean(0) / (2 * v)
    return (1 - ((b - c) ** 2).mean(0) / (2 * v) if estimator == "Jansen" else ((b - m) * (c - a)).mean(0) / v), total


def compare_sobol(name, x, sampling, sobol, kappa):
    size = sampling["groupSize"]
    parameters = [p for p in study["parameters"] if p["distribution"]["kind"] != "Constant"]
    p = len(parameters)
    members = x.reshape(sampling["groups"], size, *x.shape[1:]).swapaxes(0, 1)
    a, b, c, d = members[0], members[1], members[2 : 2 + p], members[2 + p :]
    largest = np.abs(members).max((0, 1))
    valid = np.min([m.std(0) for m in members], axis=0) > LD(1e-10) * largest
    worst = 1 + largest / np.where(valid, np.min([m.std(0) for m in members], axis=0), 1)
    kappa = np.maximum(kappa, np.where(valid, worst, 1))
    first = []
    for i in range(p):
        values = indices(sobol["estimator"], a[..., valid], b[..., valid], c[i][..., valid])
        first.append(values[0])
        for kind, value in zip(("first", "total"), values):
            at = (dimension_of(name, f"sobol_{kind}"), i)
            ours = cells_of(f"{name}_sobol_{kind}", at)
            note(f"{name}_sobol_{kind}", np.abs(ours[valid] - value) / (1e-12 * kappa[valid] * (1 + np.abs(value))))
            if sobol["interval"] == "Robust":
                r = value if kind == "first" else 1 - value
                low, high = robust(r, (b if kind == "first" else a)[..., valid], c[i][..., valid])
                low, high = (low, high) if kind == "first" else (1 - high, 1 - low)
                # An interval is a statement about 1/sqrt(n); nine digits of its ends are more than it knows.
                for end, bound in (("lower", low), ("upper", high)):
                    ours = cells_of(f"{name}_sobol_{kind}_{end}", at)[valid]
                    sound = np.abs(r) < 1 - 1e-6  # at |r| = 1 the ends are limits of 0/0
                    note(f"{name}_sobol_{kind}_{end}", np.abs(ours - bound)[sound] / 1e-9)
    for i in range(p if len(d) else 0):
        for j in range(i + 1, p):
            one = correlation(c[i][..., valid], d[j][..., valid])
            other = correlation(c[j][..., valid], d[i][..., valid])
            value = (one + other) / 2 - first[i] - first[j]
            # A square over the parameters; only i < j is filled.
            data = results[f"{name}_sobol_second"]
            axes = [dim for dim in data.dims if "parameter" in dim]
            ours = np.asarray(data.isel({axes[0]: i, axes[1]: j}).values).reshape(data.shape[0], -1)
            note(f"{name}_sobol_second", np.abs(ours[valid] - value) / (1e-12 * kappa[valid] * (1 + np.abs(value)) * 3))


for field in study["fields"]:
    everything = raw(field).astype(LD)
    size = study["sampling"]["groupSize"]
    pooled = everything if size == 1 else everything[[i for i in range(len(everything)) if i % size < 2]]
    _, kappa = compare_samples(field["name"], pooled, field["statistics"])
    if field["statistics"]["sobol"] is not None:
        compare_sobol(field["name"], everything, study["sampling"], field["statistics"]["sobol"], kappa)

for covariance in study["covariances"]:
    one, other = (study["fields"][i] for i in covariance["fields"])
    x, y = raw(one).astype(LD), raw(other).astype(LD)
    size = study["sampling"]["groupSize"]
    name = next(v for v in results.data_vars if v.endswith("_covariance"))
    reference = ((x - x.mean(0)) * (y - y.mean(0))).sum(0) / (len(x) - 1)
    scale = x.std(0) * y.std(0)
    kappa = 1 + np.abs(x).max(0) / x.std(0) + np.abs(y).max(0) / y.std(0)
    note(name, np.abs(cells_of(name) - reference) / (1e-12 * kappa * scale))

print(json.dumps({"largest": max(ratios.values()), "ratios": ratios}))
