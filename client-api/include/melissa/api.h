/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Melissa's calls for solvers with MPI. All ranks of the communicator call melissa_init once per field, melissa_send once
 * per field and step, melissa_finalize before MPI_Finalize. In a job of several programs give the program's own
 * communicator (split by MPI_APPNUM), not MPI_COMM_WORLD. melissa_send is not collective.
 */
#ifndef MELISSA_API_H
#define MELISSA_API_H

#include <mpi.h>

#include "../melissa_api_no_mpi.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Once per field, collective. `local_vect_size`: number of values of this rank in each step, 0 allowed. */
MELISSA_API void melissa_init(const char *field_name, const int local_vect_size, MPI_Comm comm);
/** The same for Fortran communicators. */
MELISSA_API void melissa_init_f(const char *field_name, int *local_vect_size, MPI_Fint *comm);

#ifdef __cplusplus
}
#endif
#endif
