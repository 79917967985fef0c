C SPDX-License-Identifier: Apache-2.0
C A solver as it is written for Melissa: fixed form with MPI.
      program solver
      use, intrinsic :: iso_c_binding
      implicit none
      include "mpif.h"
      include "melissa_api.f"
      integer rank, ierr, step, i, first
      integer cells
      double precision values(64)

      call mpi_init(ierr)
      call mpi_comm_rank(MPI_COMM_WORLD, rank, ierr)
      cells = 5 + rank
      if (rank .eq. 1) cells = 0
      first = 0
      call mpi_exscan(cells, first, 1, MPI_INTEGER, MPI_SUM,
     &     MPI_COMM_WORLD, ierr)
      if (rank .eq. 0) first = 0
      call melissa_init("temperature"//C_NULL_CHAR, cells,
     &     MPI_COMM_WORLD)
      call melissa_init("pressure"//C_NULL_CHAR, cells,
     &     MPI_COMM_WORLD)
      do step = 0, 2
        do i = 1, cells
          values(i) = 1000d0 * step + first + i - 1
        end do
        call melissa_send("temperature"//C_NULL_CHAR, values)
        do i = 1, cells
          values(i) = values(i) + 0.5d0
        end do
        call melissa_send("pressure"//C_NULL_CHAR, values)
      end do
      call melissa_finalize()
      call mpi_finalize(ierr)
      end program solver
