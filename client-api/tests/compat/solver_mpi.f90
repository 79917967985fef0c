! SPDX-License-Identifier: Apache-2.0
! A solver as it is written for Melissa: Fortran 90 with MPI.
program solver
  use, intrinsic :: iso_c_binding
  implicit none
  include "mpif.h"
  include "melissa_api.f90"
  integer :: rank, nprocs, ierr, step, i, comm, first
  integer(c_int) :: cells
  real(c_double), allocatable :: values(:)
  character(len=12) :: name = "temperature" // C_NULL_CHAR
  character(len=9) :: other = "pressure" // C_NULL_CHAR

  call mpi_init(ierr)
  comm = MPI_COMM_WORLD
  call mpi_comm_rank(comm, rank, ierr)
  call mpi_comm_size(comm, nprocs, ierr)
  cells = 5 + rank
  if (rank == 1) cells = 0
  first = 0
  call mpi_exscan(cells, first, 1, MPI_INTEGER, MPI_SUM, comm, ierr)
  if (rank == 0) first = 0
  allocate(values(cells + 1))
  call melissa_init(name, cells, comm)
  call melissa_init(other, cells, comm)
  do step = 0, 2
    do i = 1, cells
      values(i) = 1000d0 * step + first + i - 1
    end do
    call melissa_send(name, values)
    values = values + 0.5d0
    call melissa_send(other, values)
  end do
  call melissa_finalize()
  call mpi_finalize(ierr)
end program solver
