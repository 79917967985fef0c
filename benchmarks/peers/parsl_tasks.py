# SPDX-License-Identifier: Apache-2.0
"""Tasks a second of Parsl's high-throughput executor with two workers: a Python no-op, or a program through subprocess."""
import json
import signal
import sys
import tempfile
import time

import parsl
from parsl import python_app
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

kind, count = sys.argv[1], int(sys.argv[2])
executor = HighThroughputExecutor(
    label="htex", address="127.0.0.1", max_workers_per_node=2, cpu_affinity="none", provider=LocalProvider(init_blocks=1, max_blocks=1)
)
# Parsl's own processes live in sessions of their own: whoever ends this one ends them.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
parsl.load(Config(executors=[executor], run_dir=tempfile.mkdtemp(), strategy="none"))


@python_app
def nothing():
    return 0


@python_app
def program():
    import subprocess

    return subprocess.call(["/bin/true"])


app = nothing if kind == "nothing" else program
try:
    for future in [app() for _ in range(20)]:
        future.result()
    begun = time.perf_counter()
    for future in [app() for _ in range(count)]:
        assert future.result() == 0
    print(json.dumps({"perSecond": count / (time.perf_counter() - begun)}), flush=True)
finally:
    parsl.dfk().cleanup()
