! SPDX-License-Identifier: Apache-2.0
!> Sends the fields of a running simulation to the study server.
!!
!! Names are ordinary character strings. Values are real(real32) or real(real64); arrays of any rank are passed by their
!! first element or as contiguous arrays of rank one. Order of calls:
!!
!!     call melissa_init('temperature', size(values), comm)    ! or without comm: a solver without MPI
!!     call melissa_send('temperature', values)                ! once per field and time step
!!     call melissa_finalize()
module melissa
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int32_t, c_int64_t, c_size_t, c_double, c_float, c_ptr, &
    c_null_char, c_f_pointer, c_associated
  implicit none
  private
  public :: melissa_init, melissa_send, melissa_send_step, melissa_finalize
  public :: melissa_next_simulation, melissa_simulation, melissa_parameter_count, melissa_parameter, melissa_resume_step
  public :: melissa_last_status, melissa_message

  integer, parameter, public :: MELISSA_OK = 0
  integer, parameter, public :: MELISSA_FINISHED = 1
  integer, parameter, public :: MELISSA_ERROR_NOT_CONFIGURED = 3
  integer, parameter, public :: MELISSA_ERROR_CANCELLED = 6

  !> Announces a field; collective over `comm` (the Fortran handle) where it is given.
  interface melissa_init
    module procedure init_alone, init_mpi
  end interface

  !> Sends the next time step of a field.
  interface melissa_send
    module procedure send_real64, send_real32
  end interface

  !> Sends step `step`, counted from 0; returns a status.
  interface melissa_send_step
    module procedure send_step_real64, send_step_real32
  end interface

  interface
    subroutine c_init(field, cells, comm) bind(c, name='melissa_init_f')
      import :: c_char, c_int
      character(kind=c_char), intent(in) :: field(*)
      integer(c_int), intent(in) :: cells
      integer(c_int), intent(in) :: comm
    end subroutine c_init

    subroutine c_init_alone(field, cells) bind(c, name='melissa_init_no_mpi_f')
      import :: c_char, c_int
      character(kind=c_char), intent(in) :: field(*)
      integer(c_int), intent(in) :: cells
    end subroutine c_init_alone

    subroutine c_send(field, values) bind(c, name='melissa_send')
      import :: c_char, c_double
      character(kind=c_char), intent(in) :: field(*)
      real(c_double), intent(in) :: values(*)
    end subroutine c_send

    subroutine c_send_float32(field, values) bind(c, name='melissa_send_float32')
      import :: c_char, c_float
      character(kind=c_char), intent(in) :: field(*)
      real(c_float), intent(in) :: values(*)
    end subroutine c_send_float32

    function c_send_step(field, step, values, count) bind(c, name='melissa_send_step') result(status)
      import :: c_char, c_int, c_int32_t, c_double, c_size_t
      character(kind=c_char), intent(in) :: field(*)
      integer(c_int32_t), value :: step
      real(c_double), intent(in) :: values(*)
      integer(c_size_t), value :: count
      integer(c_int) :: status
    end function c_send_step

    function c_send_step_f32(field, step, values, count) bind(c, name='melissa_send_step_f32') result(status)
      import :: c_char, c_int, c_int32_t, c_float, c_size_t
      character(kind=c_char), intent(in) :: field(*)
      integer(c_int32_t), value :: step
      real(c_float), intent(in) :: values(*)
      integer(c_size_t), value :: count
      integer(c_int) :: status
    end function c_send_step_f32

    !> Waits until the server has everything.
    subroutine melissa_finalize() bind(c, name='melissa_finalize')
    end subroutine melissa_finalize

    !> Begins the next simulation of a looping solver: MELISSA_OK or MELISSA_FINISHED.
    function melissa_next_simulation() bind(c, name='melissa_next_simulation') result(status)
      import :: c_int
      integer(c_int) :: status
    end function melissa_next_simulation

    !> Id of the current simulation, -1 if there is none.
    function melissa_simulation() bind(c, name='melissa_simulation') result(id)
      import :: c_int64_t
      integer(c_int64_t) :: id
    end function melissa_simulation

    function melissa_parameter_count() bind(c, name='melissa_parameter_count') result(count)
      import :: c_size_t
      integer(c_size_t) :: count
    end function melissa_parameter_count

    function c_parameter(index) bind(c, name='melissa_parameter') result(value)
      import :: c_size_t, c_double
      integer(c_size_t), value :: index
      real(c_double) :: value
    end function c_parameter

    !> First step that the server does not have; melissa_send counts from it afterwards.
    function melissa_resume_step() bind(c, name='melissa_resume_step') result(step)
      import :: c_int32_t
      integer(c_int32_t) :: step
    end function melissa_resume_step

    !> What became of the last call.
    function melissa_last_status() bind(c, name='melissa_last_status') result(status)
      import :: c_int
      integer(c_int) :: status
    end function melissa_last_status

    function c_strerror(status) bind(c, name='melissa_strerror') result(text)
      import :: c_int, c_ptr
      integer(c_int), value :: status
      type(c_ptr) :: text
    end function c_strerror
  end interface

contains

  subroutine init_alone(field, cells)
    character(*), intent(in) :: field
    integer, intent(in) :: cells
    call c_init_alone(trim(field)//c_null_char, int(cells, c_int))
  end subroutine init_alone

  subroutine init_mpi(field, cells, comm)
    character(*), intent(in) :: field
    integer, intent(in) :: cells, comm
    call c_init(trim(field)//c_null_char, int(cells, c_int), int(comm, c_int))
  end subroutine init_mpi

  subroutine send_real64(field, values)
    character(*), intent(in) :: field
    real(c_double), intent(in), contiguous :: values(:)
    call c_send(trim(field)//c_null_char, values)
  end subroutine send_real64

  subroutine send_real32(field, values)
    character(*), intent(in) :: field
    real(c_float), intent(in), contiguous :: values(:)
    call c_send_float32(trim(field)//c_null_char, values)
  end subroutine send_real32

  integer function send_step_real64(field, step, values) result(status)
    character(*), intent(in) :: field
    integer, intent(in) :: step
    real(c_double), intent(in), contiguous :: values(:)
    status = int(c_send_step(trim(field)//c_null_char, int(step, c_int32_t), values, size(values, kind=c_size_t)))
  end function send_step_real64

  integer function send_step_real32(field, step, values) result(status)
    character(*), intent(in) :: field
    integer, intent(in) :: step
    real(c_float), intent(in), contiguous :: values(:)
    status = int(c_send_step_f32(trim(field)//c_null_char, int(step, c_int32_t), values, size(values, kind=c_size_t)))
  end function send_step_real32

  !> Parameter `index`, counted from 1, of the current simulation.
  real(c_double) function melissa_parameter(index) result(value)
    integer, intent(in) :: index
    value = c_parameter(int(index - 1, c_size_t))
  end function melissa_parameter

  !> What a status means and what to do about it.
  function melissa_message(status) result(message)
    integer, intent(in) :: status
    character(:), allocatable :: message
    character(kind=c_char), pointer :: text(:)
    type(c_ptr) :: address
    integer :: i
    address = c_strerror(int(status, c_int))
    message = ''
    if (.not. c_associated(address)) return
    call c_f_pointer(address, text, [1024])
    do i = 1, size(text)
      if (text(i) == c_null_char) exit
      message = message//text(i)
    end do
  end function melissa_message
end module melissa
