# SPDX-License-Identifier: Apache-2.0
"""Finds libmelissa and states the types of its functions (client-api/include/melissa.h)."""
import ctypes
import os
from pathlib import Path

BROADCAST = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
GATHER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint64))


class Collective(ctypes.Structure):
    """melissa_collective: how the ranks of a communicator act together."""

    _fields_ = [
        ("context", ctypes.c_void_p),
        ("rank", ctypes.c_int),
        ("size", ctypes.c_int),
        ("broadcast", BROADCAST),
        ("gather", GATHER),
    ]


def candidates():
    """Where libmelissa may be, in order: MELISSA_LIBRARY, beside this file, the build folder of a checkout, the system's."""
    named = os.environ.get("MELISSA_LIBRARY")
    if named:
        return [named]
    here = Path(__file__).resolve().parent
    found = [here / "libmelissa.so", here.parent / "libmelissa.so"]
    found += [parent / "build" / "client-api" / "libmelissa.so" for parent in list(here.parents)[:5]]
    return [str(path) for path in found if path.exists()] + ["libmelissa.so.0", "libmelissa.so"]


def load():
    reasons = []
    for path in candidates():
        try:
            return declare(ctypes.CDLL(path))
        except OSError as error:
            reasons.append(str(error))
    raise ImportError("libmelissa was not found; set MELISSA_LIBRARY to its path. Tried: " + "; ".join(reasons))


def declare(library):
    text, number, array = ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
    signatures = {
        "melissa_init_collective": (number, [text, ctypes.c_size_t, ctypes.POINTER(Collective)]),
        "melissa_next_simulation_collective": (number, [ctypes.POINTER(Collective)]),
        "melissa_send_step": (number, [text, ctypes.c_uint32, array, ctypes.c_size_t]),
        "melissa_send_step_f32": (number, [text, ctypes.c_uint32, array, ctypes.c_size_t]),
        "melissa_send": (None, [text, array]),
        "melissa_send_float32": (None, [text, array]),
        "melissa_finalize": (None, []),
        "melissa_last_status": (number, []),
        "melissa_last_error": (text, []),
        "melissa_strerror": (text, [number]),
        "melissa_version": (text, []),
        "melissa_resume_step": (ctypes.c_uint32, []),
        "melissa_simulation": (ctypes.c_int64, []),
        "melissa_parameter_count": (ctypes.c_size_t, []),
        "melissa_parameter": (ctypes.c_double, [ctypes.c_size_t]),
        "melissa_parameter_text": (text, [ctypes.c_size_t]),
        "melissa_parameter_name": (text, [ctypes.c_size_t]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
