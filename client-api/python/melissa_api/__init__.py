# SPDX-License-Identifier: Apache-2.0
"""Sends the fields of a running simulation to the study server.

    from melissa_api import melissa_init, melissa_send, melissa_finalize

    melissa_init("temperature", values.size, comm)   # once per field; comm: an mpi4py communicator, or nothing
    melissa_send("temperature", values)              # once per field and time step
    melissa_finalize()

A solver that runs many simulations in one process:

    while True:
        f = melissa_fetch_next_parameters()
        if f.is_terminated:
            break
        run(f.parameters)

Arrays are NumPy arrays (or whatever ``numpy.asarray`` takes) of float64 or float32; contiguous ones are read where they
are. Errors raise :class:`MelissaError`; without MELISSA_HEAD in the environment the calls do nothing.
"""
from ._client import (
    MelissaError,
    NextParameters,
    melissa_fetch_next_parameters,
    melissa_finalize,
    melissa_init,
    melissa_resume_step,
    melissa_send,
    melissa_send_float32,
    melissa_send_step,
    melissa_simulation,
    melissa_version,
)

__all__ = [
    "MelissaError",
    "NextParameters",
    "melissa_fetch_next_parameters",
    "melissa_finalize",
    "melissa_init",
    "melissa_resume_step",
    "melissa_send",
    "melissa_send_float32",
    "melissa_send_step",
    "melissa_simulation",
    "melissa_version",
]
