! Heat in a square plate, explicit in time. The three calls that begin with melissa_ are all that a study asks of a
! solver: started by hand, without a study, they do nothing.
!
!   usage: solver INITIAL LEFT RIGHT DIFFUSIVITY      (K, K, K, m2/s)
program solver
  use, intrinsic :: iso_c_binding, only: c_double, c_null_char
  implicit none
  include "melissa_api.f90"

  integer, parameter :: cells = 40     ! along each side, as in `shape` of the manifest
  integer, parameter :: steps = 50     ! as in `time.steps` of the manifest
  integer, parameter :: substeps = 16  ! keep each small step stable
  real(c_double) :: now(cells, cells), next(cells, cells)
  real(c_double) :: initial, left, right, diffusivity, factor
  character(len=64) :: word
  integer :: t, i, x, y

  if (command_argument_count() /= 4) then
    write (0, *) "usage: solver INITIAL LEFT RIGHT DIFFUSIVITY"
    stop 2
  end if
  call get_command_argument(1, word); read (word, *) initial
  call get_command_argument(2, word); read (word, *) left
  call get_command_argument(3, word); read (word, *) right
  call get_command_argument(4, word); read (word, *) diffusivity
  factor = diffusivity * (0.02d0 / substeps) / 0.025d0**2

  now = initial
  call melissa_init_no_mpi("temperature"//c_null_char, cells * cells)
  do t = 1, steps
    do i = 1, substeps
      ! Sides left and right are held; nothing flows through top and bottom. x varies fastest, as in the manifest.
      do y = 1, cells
        do x = 1, cells
          next(x, y) = now(x, y) + factor * (west(x, y) + east(x, y) + now(x, max(y - 1, 1)) &
                                             + now(x, min(y + 1, cells)) - 4 * now(x, y))
        end do
      end do
      now = next
    end do
    call melissa_send_no_mpi("temperature"//c_null_char, now)
  end do
  call melissa_finalize()

contains
  real(c_double) function west(x, y)
    integer, intent(in) :: x, y
    west = left
    if (x > 1) west = now(x - 1, y)
  end function west

  real(c_double) function east(x, y)
    integer, intent(in) :: x, y
    east = right
    if (x < cells) east = now(x + 1, y)
  end function east
end program solver
