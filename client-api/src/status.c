/* SPDX-License-Identifier: Apache-2.0 */
#include "melissa.h"

#ifndef MELISSA_VERSION_TEXT
#define MELISSA_VERSION_TEXT "0.1.0"
#endif

const char *melissa_version(void) { return MELISSA_VERSION_TEXT; }

const char *melissa_strerror(melissa_status status) {
  switch (status) {
    case MELISSA_OK: return "Success.";
    case MELISSA_FINISHED: return "The study has no more simulations for this process; leave the loop and call melissa_finalize.";
    case MELISSA_ERROR_INVALID_ARGUMENT: return "An argument or an environment variable of the library is not valid; see the message and melissa.h.";
    case MELISSA_ERROR_NOT_CONFIGURED: return "MELISSA_HEAD is not set, so nothing is sent; start the solver with `melissa run`, or ignore this when you run it by hand.";
    case MELISSA_ERROR_UNREACHABLE: return "The study's head cannot be reached; check that the study runs and that this host can connect to the address in MELISSA_HEAD.";
    case MELISSA_ERROR_TIMEOUT: return "The server made no progress within its time limit; look at the study's status, and raise server.sendTimeoutSeconds if it was only slow.";
    case MELISSA_ERROR_CANCELLED: return "The study no longer wants this simulation (it was cancelled, redrawn or leased again); end the solver.";
    case MELISSA_ERROR_REFUSED: return "The server refused a request; its message says why and what to do.";
    case MELISSA_ERROR_VERSION: return "Library and server speak different versions of the protocol; link the solver with the libmelissa of the server's release.";
    case MELISSA_ERROR_NON_FINITE: return "A value is NaN or infinite and the study rejects such samples; correct the solver, or set nonFinite: Skip in the study.";
    case MELISSA_ERROR_UNKNOWN_FIELD: return "The field is not in the study, or was not announced with melissa_init; use the name from `fields` in the study.";
    case MELISSA_ERROR_FIELD_SIZE: return "The number of values differs from what was announced or from the study's field; give both the same size.";
    case MELISSA_ERROR_STEP: return "More time steps were sent than the study has; give time.steps in the study the number that the solver sends.";
    case MELISSA_ERROR_MEMORY: return "Not enough memory; lower server.sendWindow in the study or give the solver more.";
    case MELISSA_ERROR_FORKED: return "The call was made in a child after fork(); only the process that opened the connection can use it.";
    case MELISSA_ERROR_MPI: return "MPI is not usable here; call melissa_init between MPI_Init and MPI_Finalize, with the solver's own communicator.";
    case MELISSA_ERROR_CALL_ORDER: return "A call came out of order; announce a field before sending it, and in a loop begin a simulation first.";
  }
  return "Unknown status; the library may be older than the header that it was compiled with.";
}
