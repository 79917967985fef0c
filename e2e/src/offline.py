# SPDX-License-Identifier: Apache-2.0
"""Computes a study's statistics again, offline and in long double, from the raw fields that it kept, and compares.

usage: offline.py STUDY_DIRECTORY. Prints one JSON object: for every variable the largest |difference| / tolerance, where the
tolerance is the one that docs/statistics.md states (kappa = 1 + max|x|/sigma of the cell; exact for counts, extrema, exceedance).
A ratio of at most 1 is agreement. `nonFinite` is the number of values of each
field that are not finite. The raw fields are results of the same run, so rounding in the solver plays no part.
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
left_out = {}


def note(name, ratio):
    ratios[name] = max(ratios.get(name, 0.0), float(np.max(ratio)) if np.size(ratio) else 0.0)


def exact(name, ours, theirs):
    note(name, 0.0 if np.array_equal(np.asarray(ours, float), np.asarray(theirs, float), equal_nan=True) else np.inf)


def close(name, ours, reference, tolerance, valid=None):
    """Where the statistic is defined; elsewhere ours must say that it is not."""
    valid = np.ones(ours.shape, bool) if valid is None else valid
    assert np.isnan(ours[~valid]).all(), f"{name}: a degenerate cell has a value"
    assert not np.isnan(ours[valid]).any(), f"{name}: a cell with variation has none"
    note(name, np.abs(ours[valid] - reference[valid]) / tolerance[valid])


def undefined(names, columns):
    """What NaN and infinity have propagated into has no value."""
    for name in names:
        note(name, 0.0 if not np.isfinite(column_of(name)[columns]).any() else np.inf)


def raw(field):
    """Every kept value: simulation by column, where a column is one cell at one step."""
    files = [study_directory / "raw" / field["name"] / f"{i:06d}.npy" for i in range(study["sampling"]["simulations"])]
    values = np.stack([np.load(f) for f in files])  # simulation, kept step, kept cell
    assert values.dtype == ("<f4" if field["dtype"] == "Float32" else "<f8"), values.dtype
    return values.reshape(len(values), -1).astype(LD)


def column_of(name, *selection):
    data = results[name]
    for dimension, index in selection:
        data = data.isel({dimension: index})
    return np.asarray(data.values).reshape(-1)


def parts(finite):
    """Columns that leave out the same samples are computed together: pairs of samples and columns, both as indices."""
    patterns, part = np.unique(finite, axis=1, return_inverse=True)
    return [(np.flatnonzero(patterns[:, i]), np.flatnonzero(part.reshape(-1) == i)) for i in range(patterns.shape[1])]


def used(finite):
    """Samples and columns to compare by formula, and the columns that propagated values have spoilt."""
    if study["nonFinite"] == "Skip":
        return parts(finite), np.array([], int)
    sound = finite.all(0)
    return [(np.arange(len(finite)), np.flatnonzero(sound))], np.flatnonzero(~sound)


def pooled(values):
    """Moments and covariances take the members A and B of a group, which are independent."""
    size = study["sampling"]["groupSize"]
    return values if size == 1 else values[[i for i in range(len(values)) if i % size < 2]]


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


def spread(x):
    """sigma, whether it is more than rounding, and kappa = 1 + max|x| / sigma (1 where it is not)."""
    sigma, largest = x.std(0), np.abs(x).max(0)
    valid = sigma > LD(1e-10) * largest
    return sigma, valid, np.where(valid, 1 + largest / np.where(valid, sigma, 1), 1)


def compare_moments(name, x, columns, order):
    n = len(x)
    largest, mean = np.abs(x).max(0), x.mean(0)
    d = x - mean
    m2, m3, m4 = (d**2).mean(0), (d**3).mean(0), (d**4).mean(0)
    _, valid, kappa = spread(x)
    variance = m2 * n / (n - 1)
    if order >= 1:
        close(f"{name}_mean", column_of(f"{name}_mean")[columns], mean, 1e-13 * np.where(largest > 0, largest, 1))
    if order >= 2:
        close(f"{name}_variance", column_of(f"{name}_variance")[columns][valid], variance[valid], (1e-13 * kappa * variance)[valid])
        if f"{name}_degenerate" in results:
            exact(f"{name}_degenerate", column_of(f"{name}_degenerate")[columns], ~valid)
        else:
            assert valid.all(), f"{name}: degenerate cells, and no map of them"
    if order >= 3:
        skewness = np.where(valid, m3 / np.where(valid, m2, 1) ** LD(1.5), 0)
        close(f"{name}_skewness", column_of(f"{name}_skewness")[columns], skewness, 1e-12 * kappa * (1 + np.abs(skewness)), valid)
    if order >= 4:
        kurtosis = np.where(valid, m4 / np.where(valid, m2, 1) ** 2 - 3, 0)
        close(f"{name}_kurtosis", column_of(f"{name}_kurtosis")[columns], kurtosis, 1e-12 * kappa * (1 + np.abs(kurtosis)), valid)


def compare_orders(name, x, columns, statistics):
    """What depends on the multiset of values alone."""
    n = len(x)
    if statistics["extrema"]:
        exact(f"{name}_minimum", column_of(f"{name}_minimum")[columns], x.min(0))
        exact(f"{name}_maximum", column_of(f"{name}_maximum")[columns], x.max(0))
    for i, threshold in enumerate(statistics["exceedance"]):
        share = (x > threshold).sum(0).astype(float) / n
        exact(f"{name}_exceedance", column_of(f"{name}_exceedance", (dimension_of(name, "exceedance"), i))[columns], share)
    if not statistics["quantiles"] or statistics["quantileMethod"] != "Lattice":
        return
    width = column_of(f"{name}_histogram_width")[columns]
    order = np.sort(x, axis=0)
    for i, probability in enumerate(statistics["quantiles"]):
        ours = column_of(f"{name}_quantile", (dimension_of(name, "quantile"), i))[columns]
        low, high = order[int(np.floor((n - 1) * probability))], order[int(np.ceil((n - 1) * probability))]
        assert not np.isnan(ours).any(), f"{name}_quantile: a cell has none"
        error = np.maximum(low - ours, ours - high)  # at most 0 between the two order statistics
        note(f"{name}_quantile", np.maximum(error, 0) / np.where(width > 0, width, 1))


def compare_samples(name, x, statistics):
    finite = np.isfinite(x)
    left_out[name] = int((~finite).sum())
    sound, spoilt = used(finite)
    for samples, columns in sound:
        exact(f"{name}_count", column_of(f"{name}_count")[columns], np.full(len(columns), len(samples)))
        compare_moments(name, x[np.ix_(samples, columns)], columns, statistics["moments"])
        compare_orders(name, x[np.ix_(samples, columns)], columns, statistics)
    exact(f"{name}_count", column_of(f"{name}_count")[spoilt], np.full(len(spoilt), len(x)))
    undefined([f"{name}_{moment}" for moment in ("mean", "variance", "skewness", "kurtosis")[: statistics["moments"]]], spoilt)
    with np.errstate(invalid="ignore"):
        if statistics["extrema"]:
            exact(f"{name}_minimum", column_of(f"{name}_minimum")[spoilt], x[:, spoilt].min(0))
            exact(f"{name}_maximum", column_of(f"{name}_maximum")[spoilt], x[:, spoilt].max(0))


def dimension_of(name, statistic):
    return next(d for d in results[f"{name}_{statistic}"].dims if d in (statistic, "threshold", "parameter", f"{statistic}_{name}", f"threshold_{name}"))


def indices(estimator, a, b, c):
    if estimator == "Martinez":
        return correlation(b, c), 1 - correlation(a, c)
    both = np.concatenate([a, b])
    m, v = both.mean(0), both.var(0)
    total = ((a - c) ** 2).mean(0) / (2 * v)
    return (1 - ((b - c) ** 2).mean(0) / (2 * v) if estimator == "Jansen" else ((b - m) * (c - a)).mean(0) / v), total


def compare_sobol(name, members, columns, sobol):
    """members: member of the group, group, column."""
    p = len([q for q in study["parameters"] if q["distribution"]["kind"] != "Constant"])
    spreads = [spread(member) for member in members]
    valid = np.all([defined for _, defined, _ in spreads], axis=0)
    members, columns = members[..., valid], columns[valid]
    kappa = np.max([k for _, _, k in spreads], axis=0)[valid]
    a, b, c, d = members[0], members[1], members[2 : 2 + p], members[2 + p :]
    first = []
    for i in range(p):
        values = indices(sobol["estimator"], a, b, c[i])
        first.append(values[0])
        for kind, value in zip(("first", "total"), values):
            at = (dimension_of(name, f"sobol_{kind}"), i)
            close(f"{name}_sobol_{kind}", column_of(f"{name}_sobol_{kind}", at)[columns], value, 1e-12 * kappa * (1 + np.abs(value)))
            if sobol["interval"] == "Robust":
                compare_interval(f"{name}_sobol_{kind}", at, columns, kind, value, b if kind == "first" else a, c[i])
    for i in range(p if len(d) else 0):
        for j in range(i + 1, p):
            value = (correlation(c[i], d[j]) + correlation(c[j], d[i])) / 2 - first[i] - first[j]
            # A square over the parameters; only i < j is filled.
            axes = [dim for dim in results[f"{name}_sobol_second"].dims if "parameter" in dim]
            ours = column_of(f"{name}_sobol_second", (axes[0], i), (axes[1], j))[columns]
            close(f"{name}_sobol_second", ours, value, 1e-12 * kappa * (1 + np.abs(value)) * 3)


def compare_interval(name, at, columns, kind, value, u, v):
    r = value if kind == "first" else 1 - value
    low, high = robust(r, u, v)
    low, high = (low, high) if kind == "first" else (1 - high, 1 - low)
    sound = np.abs(r) < 1 - 1e-6  # at |r| = 1 the ends are limits of 0/0
    # An interval is a statement about 1/sqrt(n); nine digits of its ends are more than it knows.
    for end, bound in (("lower", low), ("upper", high)):
        note(f"{name}_{end}", np.abs(column_of(f"{name}_{end}", at)[columns] - bound)[sound] / 1e-9)


def compare_groups(name, x, sobol):
    sampling = study["sampling"]
    members = x.reshape(sampling["groups"], sampling["groupSize"], -1).swapaxes(0, 1)
    sound, spoilt = used(np.isfinite(members).all(0))
    for groups, columns in sound:
        exact(f"{name}_sobol_count", column_of(f"{name}_sobol_count")[columns], np.full(len(columns), len(groups)))
        compare_sobol(name, members[:, groups][..., columns], columns, sobol)
    for i in range(len([q for q in study["parameters"] if q["distribution"]["kind"] != "Constant"]) if len(spoilt) else 0):
        for kind in ("first", "total"):
            ours = column_of(f"{name}_sobol_{kind}", (dimension_of(name, f"sobol_{kind}"), i))[spoilt]
            note(f"{name}_sobol_{kind}", 0.0 if np.isnan(ours).all() else np.inf)


def compare_covariance(name, x, y):
    sound, spoilt = used(np.isfinite(x) & np.isfinite(y))
    for samples, columns in sound:
        u, v = x[np.ix_(samples, columns)], y[np.ix_(samples, columns)]
        exact(f"{name}_covariance_count", column_of(f"{name}_covariance_count")[columns], np.full(len(columns), len(u)))
        (su, valid_u, ku), (sv, valid_v, kv) = spread(u), spread(v)
        valid, kappa = valid_u & valid_v, ku + kv
        covariance = ((u - u.mean(0)) * (v - v.mean(0))).sum(0) / (len(u) - 1)
        ours = column_of(f"{name}_covariance")[columns]
        close(f"{name}_covariance", ours[valid], covariance[valid], (1e-12 * kappa * su * sv)[valid])
        r = np.zeros(len(columns), LD)
        r[valid] = correlation(u[:, valid], v[:, valid])
        close(f"{name}_correlation", column_of(f"{name}_correlation")[columns], r, 1e-12 * kappa * (1 + np.abs(r)), valid)
    undefined([f"{name}_covariance", f"{name}_correlation"], spoilt)


for field in study["fields"]:
    everything = raw(field)
    compare_samples(field["name"], pooled(everything), field["statistics"])
    if field["statistics"]["sobol"] is not None:
        compare_groups(field["name"], everything, field["statistics"]["sobol"])

for covariance in study["covariances"]:
    one, other = (study["fields"][i] for i in covariance["fields"])
    compare_covariance(f"{one['name']}_{other['name']}", pooled(raw(one)), pooled(raw(other)))

print(json.dumps({"largest": max(ratios.values()), "ratios": ratios, "nonFinite": left_out}))
