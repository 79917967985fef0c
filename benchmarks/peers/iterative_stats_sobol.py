# SPDX-License-Identifier: Apache-2.0
"""Martinez' indices by iterative-stats, six parameters: groups of eight fields; prints the median rate in values as JSON."""
import json
import sys
import time

import numpy as np
from iterative_stats.sensitivity.sensitivity_martinez import IterativeSensitivityMartinez

P = 6
n = int(sys.argv[1])
statistics = IterativeSensitivityMartinez(nb_parms=P, dim=n)
group = np.random.default_rng(0).standard_normal((P + 2, n))
statistics.increment(group)
times = []
for _ in range(3):
    begun = time.perf_counter()
    statistics.increment(group)
    times.append(time.perf_counter() - begun)
print(json.dumps({"valuesPerSecond": (P + 2) * n / sorted(times)[len(times) // 2]}))
