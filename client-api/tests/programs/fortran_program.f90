! SPDX-License-Identifier: Apache-2.0
! The Fortran module without MPI: float32 and float64, with and without step numbers.
program fortran_program
  use melissa
  use, intrinsic :: iso_fortran_env, only: real32, real64
  implicit none
  real(real64) :: values(18)
  real(real32) :: narrow(18)
  integer :: step, i, status
  call melissa_init('temperature', size(values))
  call melissa_init('pressure', size(narrow))
  do step = 0, 2
    values = [(1000d0 * step + i, i = 0, 17)]
    narrow = real(values, real32) + 0.5
    status = melissa_send_step('temperature', step, values)
    if (status /= MELISSA_OK) print *, melissa_message(status)
    call melissa_send('pressure', narrow)
  end do
  call melissa_finalize()
  print '(a,i0)', 'done ', melissa_last_status()
end program fortran_program
