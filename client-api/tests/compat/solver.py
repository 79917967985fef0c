# SPDX-License-Identifier: Apache-2.0
"""A solver as it is written for Melissa: Python, with mpi4py when the first argument is "mpi"."""
import sys

import numpy as np
from melissa_api import melissa_init, melissa_send, melissa_finalize

if len(sys.argv) > 1 and sys.argv[1] == "mpi":
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    rank = comm.Get_rank()
    cells = 0 if rank == 1 else 5 + rank
    first = sum(comm.allgather(cells)[:rank])
else:
    comm, cells, first = 0, 18, 0
melissa_init("temperature", cells, comm, 0)
melissa_init("pressure", cells, comm)
for step in range(3):
    values = 1000.0 * step + first + np.arange(cells, dtype=np.float64)
    melissa_send("temperature", values)
    melissa_send("pressure", values + 0.5)
melissa_finalize()
