/* SPDX-License-Identifier: Apache-2.0 */
/*
 * melissa_init and melissa_init_f for every MPI, without MPI's headers: docs/decisions/0001-mpi-shim.md. MPI's functions are weak
 * symbols, resolved by whatever MPI library the solver brings and absent in a solver without MPI. Two families of binary
 * interfaces exist: Open MPI (handles are pointers, predefined ones are addresses of its data) and MPICH (handles are int; Intel
 * MPI, MVAPICH, Cray). A communicator argument arrives in the same register in both.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "compat.h"

#define WEAK __attribute__((weak))

/* The true prototypes differ between the families; calls go through the casts below. */
extern int MPI_Initialized(int *flag) WEAK;
extern int MPI_Finalized(int *flag) WEAK;
extern void MPI_Comm_rank(void) WEAK;
extern void MPI_Comm_size(void) WEAK;
extern void MPI_Bcast(void) WEAK;
extern void MPI_Gather(void) WEAK;
extern void *MPI_Comm_f2c(int handle) WEAK;
extern char ompi_mpi_comm_world[] WEAK;
extern char ompi_mpi_byte[] WEAK;

/* Read through volatile: the compiler must neither assume that a weak symbol has an address, nor see what type is called. */
typedef void any_function(void);
static any_function *volatile const comm_rank = MPI_Comm_rank;
static any_function *volatile const comm_size = MPI_Comm_size;
static any_function *volatile const bcast = MPI_Bcast;
static any_function *volatile const gather_all = MPI_Gather;
static void *volatile const open_mpi_world = ompi_mpi_comm_world;
static void *volatile const open_mpi_byte = ompi_mpi_byte;

/* MPICH's ABI fixes this number for MPI_BYTE. */
#define MPICH_BYTE 0x4c00010d

typedef int query_by_pointer(void *comm, int *out);
typedef int query_by_int(int comm, int *out);
typedef int bcast_by_pointer(void *data, int count, void *type, int root, void *comm);
typedef int bcast_by_int(void *data, int count, int type, int root, int comm);
typedef int gather_by_pointer(const void *mine, int count, void *type, void *all, int all_count, void *all_type, int root, void *comm);
typedef int gather_by_int(const void *mine, int count, int type, void *all, int all_count, int all_type, int root, int comm);

typedef union comm_handle {
  void *pointer;
  int number;
} comm_handle;

/* Communicators of the calls so far: a handle is copied, so it must outlive the call. */
static comm_handle used_comm;

static int is_open_mpi(void) { return open_mpi_world != NULL && open_mpi_byte != NULL; }

static int broadcast(void *context, void *data, size_t bytes) {
  const comm_handle *comm = context;
  for (char *at = data; bytes > 0;) {
    int part = bytes > INT_MAX ? INT_MAX : (int)bytes;
    int failed = is_open_mpi() ? ((bcast_by_pointer *)bcast)(at, part, open_mpi_byte, 0, comm->pointer)
                               : ((bcast_by_int *)bcast)(at, part, MPICH_BYTE, 0, comm->number);
    if (failed != 0) return failed;
    at += part;
    bytes -= (size_t)part;
  }
  return 0;
}

static int gather(void *context, uint64_t mine, uint64_t *all) {
  const comm_handle *comm = context;
  return is_open_mpi() ? ((gather_by_pointer *)gather_all)(&mine, 8, open_mpi_byte, all, 8, open_mpi_byte, 0, comm->pointer)
                       : ((gather_by_int *)gather_all)(&mine, 8, MPICH_BYTE, all, 8, MPICH_BYTE, 0, comm->number);
}

static melissa_status init(const char *field, int cells, comm_handle comm) {
  int initialized = 0, finalized = 0;
  if (field == NULL || cells < 0) return MELISSA_ERROR_INVALID_ARGUMENT;
  if (MPI_Initialized == NULL || comm_rank == NULL || comm_size == NULL || bcast == NULL || gather_all == NULL) return MELISSA_ERROR_MPI;
  if (MPI_Initialized(&initialized) != 0 || !initialized) return MELISSA_ERROR_MPI;
  if (MPI_Finalized != NULL && MPI_Finalized(&finalized) == 0 && finalized) return MELISSA_ERROR_MPI;
  used_comm = comm;
  melissa_collective collective = {&used_comm, 0, 1, broadcast, gather};
  int failed = is_open_mpi() ? ((query_by_pointer *)comm_rank)(comm.pointer, &collective.rank) | ((query_by_pointer *)comm_size)(comm.pointer, &collective.size)
                             : ((query_by_int *)comm_rank)(comm.number, &collective.rank) | ((query_by_int *)comm_size)(comm.number, &collective.size);
  if (failed != 0) return MELISSA_ERROR_MPI;
  return melissa_init_collective(field, (size_t)cells, &collective);
}

/* `comm` is the solver's MPI_Comm: a pointer or an int in the same register. */
MELISSA_API void melissa_init(const char *field_name, const int local_vect_size, void *comm);
void melissa_init(const char *field_name, const int local_vect_size, void *comm) {
  comm_handle handle = {0};
  if (is_open_mpi()) handle.pointer = comm;
  else handle.number = (int)(intptr_t)comm;
  mlc_report("melissa_init", init(field_name, local_vect_size, handle));
}

MELISSA_API void melissa_init_f(const char *field_name, int *local_vect_size, int *comm);
void melissa_init_f(const char *field_name, int *local_vect_size, int *comm) {
  comm_handle handle = {0};
  if (is_open_mpi() && MPI_Comm_f2c != NULL) handle.pointer = MPI_Comm_f2c(*comm);
  else handle.number = *comm; /* MPICH's Fortran and C handles are the same number */
  mlc_report("melissa_init", init(field_name, *local_vect_size, handle));
}
