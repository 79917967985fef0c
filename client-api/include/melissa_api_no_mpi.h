/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Melissa's calls for solvers without MPI. They return nothing: errors are told on stderr and to the study; with
 * MELISSA_ON_ERROR=abort in the environment the process ends with them. melissa.h has the same with a status.
 */
#ifndef MELISSA_API_NO_MPI_H
#define MELISSA_API_NO_MPI_H

#include "melissa.h"

#define MELISSA_COUPLING_NONE 0
#define MELISSA_COUPLING_ZMQ 0
#define MELISSA_COUPLING_DEFAULT 0
#define MELISSA_COUPLING_MPI 1
#define MELISSA_COUPLING_FLOWVR 2

#ifdef __cplusplus
extern "C" {
#endif

/** Once per field, before it is sent. `local_vect_size`: number of values in each step. */
MELISSA_API void melissa_init_no_mpi(const char *field_name, const int local_vect_size);
MELISSA_API void melissa_init_no_mpi_f(const char *field_name, int *local_vect_size);
/** The next step of the field; `send_vect` may be changed as soon as the call returns. */
MELISSA_API void melissa_send_no_mpi(const char *field_name, const double *send_vect);
MELISSA_API void melissa_send(const char *field_name, const double *send_vect);
/** As melissa_send; `metadata` is accepted for compatibility and not used. */
MELISSA_API void melissa_send_with_metadata(const char *field_name, const double *send_vect, const char *metadata);
/** Waits until the server has everything. */
MELISSA_API void melissa_finalize(void);

#ifdef __cplusplus
}
#endif
#endif
