C SPDX-License-Identifier: Apache-2.0
C Melissa's interfaces in fixed form. Names end in C_NULL_CHAR.
      integer MELISSA_COUPLING_NONE
      integer MELISSA_COUPLING_ZMQ
      integer MELISSA_COUPLING_DEFAULT
      integer MELISSA_COUPLING_MPI
      integer MELISSA_COUPLING_FLOWVR
      parameter (MELISSA_COUPLING_NONE = 0)
      parameter (MELISSA_COUPLING_ZMQ = 0)
      parameter (MELISSA_COUPLING_DEFAULT = 0)
      parameter (MELISSA_COUPLING_MPI = 1)
      parameter (MELISSA_COUPLING_FLOWVR = 2)

      interface
        subroutine melissa_init(field_name, local_vect_size, comm)
     &      bind(c, name='melissa_init_f')
          use, intrinsic :: iso_c_binding, only: c_char, c_int
          character(kind=c_char), dimension(*), intent(in) :: field_name
          integer(c_int), intent(in) :: local_vect_size
          integer(c_int), intent(in) :: comm
        end subroutine melissa_init

        subroutine melissa_init_no_mpi(field_name, local_vect_size)
     &      bind(c, name='melissa_init_no_mpi_f')
          use, intrinsic :: iso_c_binding, only: c_char, c_int
          character(kind=c_char), dimension(*), intent(in) :: field_name
          integer(c_int), intent(in) :: local_vect_size
        end subroutine melissa_init_no_mpi

        subroutine melissa_send(field_name, send_vect)
     &      bind(c, name='melissa_send')
          use, intrinsic :: iso_c_binding, only: c_char, c_double
          character(kind=c_char), dimension(*), intent(in) :: field_name
          real(c_double), dimension(*), intent(in) :: send_vect
        end subroutine melissa_send

        subroutine melissa_send_no_mpi(field_name, send_vect)
     &      bind(c, name='melissa_send_no_mpi')
          use, intrinsic :: iso_c_binding, only: c_char, c_double
          character(kind=c_char), dimension(*), intent(in) :: field_name
          real(c_double), dimension(*), intent(in) :: send_vect
        end subroutine melissa_send_no_mpi

        subroutine melissa_finalize() bind(c, name='melissa_finalize')
        end subroutine melissa_finalize
      end interface
