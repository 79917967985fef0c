# SPDX-License-Identifier: Apache-2.0
"""Programs a second of HyperQueue with one worker of two cores, from submission to the last end."""
import json
import signal
import sys
import time

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

count = int(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the cluster is ended too
with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=2))
    client = cluster.client()
    job = Job()
    for _ in range(count):
        job.program(["/bin/true"])
    begun = time.perf_counter()
    client.wait_for_jobs([client.submit(job)])
    rate = count / (time.perf_counter() - begun)
print(json.dumps({"perSecond": rate}))
