! SPDX-License-Identifier: Apache-2.0
! heat.c in Fortran, without MPI: the same scheme, the same operations in the same order, the same bits.
!   heat-fortran INITIAL LEFT RIGHT [STEPS [SIDE]]
program heat
  use, intrinsic :: iso_c_binding
  implicit none
  include 'melissa_api.f90'
  integer, parameter :: substeps = 10
  real(c_double), parameter :: ratio = 0.2_c_double, ambient = 300.0_c_double
  character(kind=c_char, len=*), parameter :: field = 'temperature' // c_null_char
  real(c_double), allocatable :: now(:, :), next(:, :), sent(:, :)
  real(c_double) :: initial, left, right
  integer :: steps, side, step, substep, i, j

  if (command_argument_count() < 3) then
    write (0, '(a)') 'usage: heat-fortran INITIAL LEFT RIGHT [STEPS [SIDE]]'
    stop 2
  end if
  initial = real_argument(1)
  left = real_argument(2)
  right = real_argument(3)
  steps = 100
  side = 100
  if (command_argument_count() > 3) steps = nint(real_argument(4))
  if (command_argument_count() > 4) side = nint(real_argument(5))

  ! Fortran's first index runs fastest: it is the column, so that memory is in C order of (row, column).
  allocate (now(0:side + 1, 0:side + 1), next(0:side + 1, 0:side + 1), sent(side, side))
  now = initial
  now(:, 0) = ambient
  now(:, side + 1) = ambient
  now(0, :) = left
  now(side + 1, :) = right
  next = now

  call melissa_init_no_mpi(field, side * side)
  do step = 1, steps
    do substep = 1, substeps
      do i = 1, side
        do j = 1, side
          next(j, i) = now(j, i) + ratio * (((now(j, i - 1) + now(j, i + 1)) + (now(j - 1, i) + now(j + 1, i))) &
                                            - 4.0_c_double * now(j, i))
        end do
      end do
      call swap()
    end do
    sent = now(1:side, 1:side)
    call melissa_send(field, sent)
  end do
  call melissa_finalize()

contains
  subroutine swap()
    real(c_double), allocatable :: held(:, :)
    call move_alloc(now, held)
    call move_alloc(next, now)
    call move_alloc(held, next)
  end subroutine swap

  function real_argument(index) result(value)
    integer, intent(in) :: index
    real(c_double) :: value
    character(len=64) :: word
    call get_command_argument(index, word)
    read (word, *) value
  end function real_argument
end program heat
