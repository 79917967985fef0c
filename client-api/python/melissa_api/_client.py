# SPDX-License-Identifier: Apache-2.0
"""The calls of the package. An mpi4py communicator is used through mpi4py itself: rank 0 broadcasts and gathers with its methods, so
any MPI that mpi4py runs on will do, whatever MPI libmelissa was made with."""
import ctypes
import sys

import numpy as np

from ._library import BROADCAST, GATHER, Collective, load

_library = load()

_OK, _FINISHED, _NOT_CONFIGURED = 0, 1, 3
_cells = {}  # field → number of values on this rank
_collective = None  # kept alive as long as the library may call it


class MelissaError(RuntimeError):
    """A call failed. ``status`` is the number of melissa.h; the text says what happened and what to do."""

    def __init__(self, status, detail):
        remedy = _library.melissa_strerror(status).decode()
        super().__init__(f"{detail} {remedy}" if detail else remedy)
        self.status = status


_told = False


def _check(status):
    global _told
    if status in (_OK, _FINISHED):
        return
    if status == _NOT_CONFIGURED:
        if not _told:
            print("melissa: MELISSA_HEAD is not set: the solver runs without a study and sends nothing.", file=sys.stderr)
        _told = True
        return
    raise MelissaError(status, _library.melissa_last_error().decode(errors="replace"))


def _is_communicator(value):
    return hasattr(value, "Get_rank") and hasattr(value, "Get_size")


def _collective_of(comm):
    """The library's view of an mpi4py communicator; None for a solver of one process."""
    global _collective
    if not _is_communicator(comm) or comm.Get_size() == 1:
        return None
    if _collective is not None:
        return ctypes.byref(_collective)
    rank = comm.Get_rank()

    def broadcast(_context, data, size):
        try:
            buffer = (ctypes.c_char * size).from_address(data)
            comm.Bcast([buffer, _byte()], root=0)
            return 0
        except Exception as error:  # must not pass through C
            print(f"melissa: broadcast failed: {error}", file=sys.stderr)
            return 1

    def gather(_context, mine, everything):
        try:
            numbers = comm.gather(mine, root=0)
            for i, number in enumerate(numbers or []):
                everything[i] = number
            return 0
        except Exception as error:
            print(f"melissa: gather failed: {error}", file=sys.stderr)
            return 1

    _collective = Collective(None, rank, comm.Get_size(), BROADCAST(broadcast), GATHER(gather))
    return ctypes.byref(_collective)


def _byte():
    from mpi4py import MPI

    return MPI.BYTE


def _array(values, dtype=None):
    array = np.asarray(values)
    if dtype is None and array.dtype not in (np.float32, np.float64):
        dtype = np.float64
    return np.ascontiguousarray(array, dtype=dtype)


def melissa_init(field, size=None, comm=None, coupling=None):
    """Announces a field; once per field, before it is sent; collective over ``comm``.

    ``melissa_init(field, size, comm)`` as Melissa 2 has it, with its optional fourth argument ``coupling`` (not used), or
    ``melissa_init(field, comm)`` as Melissa 3 has it: then the size is that of the first array sent, and that first send is
    collective too.

    size: number of values of this rank in each step. comm: an mpi4py communicator, or None (or 0) for one process.
    """
    if _is_communicator(size) or (size is None and comm is None) or (size is not None and comm is None and coupling is None and not np.isscalar(size)):
        _cells[field] = None
        _pending[field] = size if _is_communicator(size) else comm
        return
    _cells[field] = int(size)
    _check(_library.melissa_init_collective(field.encode(), int(size), _collective_of(comm)))


_pending = {}  # fields of Melissa 3's form: their communicator, until the first array tells the size


def _announce(field, size):
    if field in _pending:
        comm = _pending.pop(field)
        melissa_init(field, size, comm)
    elif field not in _cells:
        raise MelissaError(10, f'field "{field}" was not announced.')
    if size != _cells[field]:
        raise MelissaError(11, f'field "{field}": {size} values are sent, {_cells[field]} were announced.')


def _send(field, array):
    _announce(field, array.size)
    call = _library.melissa_send_float32 if array.dtype == np.float32 else _library.melissa_send
    call(field.encode(), array.ctypes.data)
    _check(_library.melissa_last_status())


def melissa_send(field, values):
    """Sends the next time step of ``field``. float32 and float64 are taken as they are, other types as float64."""
    _send(field, _array(values))


def melissa_send_float32(field, values):
    """Sends the next time step of ``field`` as float32."""
    _send(field, _array(values, np.float32))


def melissa_send_step(field, step, values):
    """Sends time step ``step``, counted from 0: for solvers that go on from their own files (melissa_resume_step)."""
    array = _array(values)
    _announce(field, array.size)
    call = _library.melissa_send_step_f32 if array.dtype == np.float32 else _library.melissa_send_step
    _check(call(field.encode(), int(step), array.ctypes.data, array.size))


def melissa_resume_step():
    """First step that the server does not have yet; melissa_send counts steps from it afterwards."""
    return _library.melissa_resume_step()


def melissa_finalize():
    """Waits until the server has everything. Collective."""
    global _collective
    _cells.clear()
    _pending.clear()
    _library.melissa_finalize()
    _collective = None
    _check(_library.melissa_last_status())


class NextParameters:
    """What melissa_fetch_next_parameters returns.

    is_terminated: True when the study has no more simulations. sim_id: the simulation's id. parameters: its values as
    floats (as strings where they are not numbers), in the order of ``names``.
    """

    def __init__(self, is_terminated, sim_id, parameters, names):
        self.is_terminated = is_terminated
        self.sim_id = sim_id
        self.parameters = parameters
        self.names = names

    def __repr__(self):
        return f"NextParameters(is_terminated={self.is_terminated}, sim_id={self.sim_id}, parameters={self.parameters})"


def _parameter(index):
    text = _library.melissa_parameter_text(index).decode()
    try:
        return float(text)
    except ValueError:
        return text


def melissa_fetch_next_parameters(comm=None):
    """Ends the simulation before and begins the next one; blocks until there is one or the study is over. Collective."""
    status = _library.melissa_next_simulation_collective(_collective_of(comm))
    _check(status)
    if status != _OK:
        return NextParameters(True, -1, [], [])
    count = _library.melissa_parameter_count()
    names = [(_library.melissa_parameter_name(i) or b"").decode() for i in range(count)]
    return NextParameters(False, _library.melissa_simulation(), [_parameter(i) for i in range(count)], names)


def melissa_simulation():
    """Id of the current simulation, −1 if there is none."""
    return _library.melissa_simulation()


def melissa_version():
    """Version of libmelissa."""
    return _library.melissa_version().decode()
