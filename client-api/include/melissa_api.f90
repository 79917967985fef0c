! SPDX-License-Identifier: Apache-2.0
! Melissa's interfaces for Fortran 90 with mpif.h:
!     include "mpif.h"
!     include "melissa_api.f90"
! in the specification part. Names end in C_NULL_CHAR. With MPI or without; in new code prefer `use melissa`.
      integer, parameter :: MELISSA_COUPLING_NONE = 0
      integer, parameter :: MELISSA_COUPLING_ZMQ = 0
      integer, parameter :: MELISSA_COUPLING_DEFAULT = 0
      integer, parameter :: MELISSA_COUPLING_MPI = 1
      integer, parameter :: MELISSA_COUPLING_FLOWVR = 2

      interface
        subroutine melissa_init(field_name, local_vect_size, comm) bind(c, name='melissa_init_f')
          use, intrinsic :: iso_c_binding, only: c_char, c_int
          character(kind=c_char), dimension(*), intent(in) :: field_name
          integer(c_int), intent(in) :: local_vect_size
          integer(c_int), intent(in) :: comm
        end subroutine melissa_init

        subroutine melissa_init_no_mpi(field_name, local_vect_size) bind(c, name='melissa_init_no_mpi_f')
          use, intrinsic :: iso_c_binding, only: c_char, c_int
          character(kind=c_char), dimension(*), intent(in) :: field_name
          integer(c_int), intent(in) :: local_vect_size
        end subroutine melissa_init_no_mpi

        subroutine melissa_send(field_name, send_vect) bind(c, name='melissa_send')
          use, intrinsic :: iso_c_binding, only: c_char, c_double
          character(kind=c_char), dimension(*), intent(in) :: field_name
          real(c_double), dimension(*), intent(in) :: send_vect
        end subroutine melissa_send

        subroutine melissa_send_no_mpi(field_name, send_vect) bind(c, name='melissa_send_no_mpi')
          use, intrinsic :: iso_c_binding, only: c_char, c_double
          character(kind=c_char), dimension(*), intent(in) :: field_name
          real(c_double), dimension(*), intent(in) :: send_vect
        end subroutine melissa_send_no_mpi

        subroutine melissa_send_with_metadata(field_name, send_vect, metadata) &
            bind(c, name='melissa_send_with_metadata')
          use, intrinsic :: iso_c_binding, only: c_char, c_double
          character(kind=c_char), dimension(*), intent(in) :: field_name
          real(c_double), dimension(*), intent(in) :: send_vect
          character(kind=c_char), dimension(*), intent(in) :: metadata
        end subroutine melissa_send_with_metadata

        subroutine melissa_finalize() bind(c, name='melissa_finalize')
        end subroutine melissa_finalize
      end interface
