# SPDX-License-Identifier: Apache-2.0
"""Mean to fourth central moment, minimum and maximum in NumPy, in place; prints the median rate as JSON."""
import json
import sys
import time

import numpy as np

n = int(sys.argv[1])
x = np.random.default_rng(0).standard_normal(n)
mean, m2, m3, m4 = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
low, high = np.full(n, np.inf), np.full(n, -np.inf)


def fold(x, k):
    """The recurrences of Pébay (2008), as the server's kernels compute them."""
    d = x - mean
    dn = d / k
    dn2 = dn * dn
    t = d * dn * (k - 1)
    np.add(m4, t * dn2 * (k * k - 3 * k + 3) + 6 * dn2 * m2 - 4 * dn * m3, out=m4)
    np.add(m3, t * dn * (k - 2) - 3 * dn * m2, out=m3)
    np.add(m2, t, out=m2)
    np.add(mean, dn, out=mean)
    np.minimum(low, x, out=low)
    np.maximum(high, x, out=high)


for k in range(1, 4):
    fold(x, k)
times = []
for k in range(4, 11):
    begun = time.perf_counter()
    fold(x, k)
    times.append(time.perf_counter() - begun)
print(json.dumps({"valuesPerSecond": n / sorted(times)[len(times) // 2]}))
