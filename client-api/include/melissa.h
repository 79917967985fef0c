/* SPDX-License-Identifier: Apache-2.0 */
/*
 * melissa.h — send the fields of one simulation to the study server.
 *
 * This file is the public contract of the client library: C99, no C++ and no MPI in it. Constants keep their value for
 * ever and an old value is never given a new meaning.
 *
 * Two ways to use it:
 *   - an own handle: melissa_client_open -> melissa_client_field (once per field) -> melissa_client_send (once per field
 *     and step) -> melissa_client_close;
 *   - the process's default handle, which Melissa's own calls use too (melissa_api_no_mpi.h, melissa/api.h):
 *     melissa_init… -> melissa_send or melissa_send_step -> melissa_finalize.
 *
 * Threads: one handle belongs to one thread at a time; handles are independent of each other. The library runs one thread
 * of its own per handle. After fork() the child's calls return MELISSA_ERROR_FORKED; exec() is fine.
 *
 * Where to: the environment, which the pilot sets (MELISSA_HEAD, MELISSA_SIMULATION, …). Without MELISSA_HEAD a solver
 * runs by hand: one line on stderr says so, and all calls do nothing and return MELISSA_ERROR_NOT_CONFIGURED.
 *
 * Every wait ends: MELISSA_TIMEOUT_SECONDS (default 60) for the connection to the head, the study's sendTimeoutSeconds for data.
 */
#ifndef MELISSA_H
#define MELISSA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MELISSA_API __attribute__((visibility("default")))
#else
#define MELISSA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What a call returns. */
typedef enum melissa_status {
  MELISSA_OK = 0,
  /** melissa_next_simulation: the study has no more simulations for this process. Not an error. */
  MELISSA_FINISHED = 1,
  MELISSA_ERROR_INVALID_ARGUMENT = 2,
  /** MELISSA_HEAD is not set: the solver was started by hand. */
  MELISSA_ERROR_NOT_CONFIGURED = 3,
  MELISSA_ERROR_UNREACHABLE = 4,
  MELISSA_ERROR_TIMEOUT = 5,
  /** The study no longer wants this simulation. */
  MELISSA_ERROR_CANCELLED = 6,
  MELISSA_ERROR_REFUSED = 7,
  MELISSA_ERROR_VERSION = 8,
  MELISSA_ERROR_NON_FINITE = 9,
  MELISSA_ERROR_UNKNOWN_FIELD = 10,
  MELISSA_ERROR_FIELD_SIZE = 11,
  MELISSA_ERROR_STEP = 12,
  MELISSA_ERROR_MEMORY = 13,
  MELISSA_ERROR_FORKED = 14,
  MELISSA_ERROR_MPI = 15,
  MELISSA_ERROR_CALL_ORDER = 16
} melissa_status;

/** A connection of one simulation to the server. Opaque: made by melissa_client_open, freed by melissa_client_close. */
typedef struct melissa_client melissa_client;

/**
 * How the processes of one solver act together, without this library knowing their runtime (MPI or any other). All
 * functions are collective over the same processes and return 0 for success.
 */
typedef struct melissa_collective {
  void *context;
  /** 0 … size − 1. Rank 0 speaks to the head. */
  int rank;
  int size;
  /** Copies `bytes` at `data` from rank 0 to all. */
  int (*broadcast)(void *context, void *data, size_t bytes);
  /** Gathers one number of each rank on rank 0, where `all` has `size` places; `all` is NULL elsewhere. */
  int (*gather)(void *context, uint64_t mine, uint64_t *all);
} melissa_collective;

/**
 * Connects to the study's head. Blocks until it has answered. Collective if `collective` is given.
 *
 * @param client      receives the handle; NULL after an error
 * @param collective  the processes of this solver; copied, its functions are called only in calls said to be collective;
 *                    NULL: this process is the whole solver
 * @return            MELISSA_OK, _NOT_CONFIGURED, _UNREACHABLE, _VERSION, _REFUSED, _CANCELLED, _INVALID_ARGUMENT, _MEMORY
 */
MELISSA_API melissa_status melissa_client_open(melissa_client **client, const melissa_collective *collective);

/**
 * Announces a field. Collective; once per field before it is sent. To announce it again with the same size does nothing.
 *
 * @param field  name as written in the study, NUL terminated, at most 128 bytes
 * @param cells  number of values (not bytes) of this rank in each step; 0 is allowed
 * @return       MELISSA_OK, _UNKNOWN_FIELD, _FIELD_SIZE, _REFUSED, _UNREACHABLE, _TIMEOUT, _CANCELLED
 */
MELISSA_API melissa_status melissa_client_field(melissa_client *client, const char *field, size_t cells);

/**
 * Sends one time step of one field. Not collective. Copies into the send queue; blocks while the server holds the sender
 * back, at most the study's sendTimeoutSeconds without any progress.
 *
 * @param client   handle from melissa_client_open
 * @param field    field name as announced
 * @param step     time step, from 0; a step that was sent before (by an earlier attempt too) is counted once
 * @param values   `count` values; read before the call returns and never kept
 * @param count    number of values (not bytes) of this rank, as announced
 * @return         MELISSA_OK, _INVALID_ARGUMENT, _UNKNOWN_FIELD, _FIELD_SIZE, _STEP, _NON_FINITE, _TIMEOUT, _REFUSED, or
 *                 _CANCELLED when the study no longer wants this simulation
 */
MELISSA_API melissa_status melissa_client_send(melissa_client *client, const char *field, uint32_t step, const double *values, size_t count);
/** The same for float32 values. */
MELISSA_API melissa_status melissa_client_send_f32(melissa_client *client, const char *field, uint32_t step, const float *values, size_t count);

/**
 * Waits until the server has everything, says good-bye and frees the handle, also after an error. Collective. NULL is
 * allowed.
 */
MELISSA_API melissa_status melissa_client_close(melissa_client *client);

/**
 * What the server or the library said about the last error of this handle, with its remedy. NULL as handle: about the last
 * melissa_client_open or melissa_client_close of this thread. Never NULL; valid until the next call.
 */
MELISSA_API const char *melissa_client_last_error(const melissa_client *client);

/** First step that the server does not have yet: where a solver that restarts from its own files may go on. */
MELISSA_API uint32_t melissa_client_resume_step(const melissa_client *client);

/* ---- the default handle, shared with Melissa's own calls ---- */

/** melissa_init for any runtime: opens the default handle at the first call, then announces the field. Collective. */
MELISSA_API melissa_status melissa_init_collective(const char *field, size_t cells, const melissa_collective *collective);

/**
 * First step that the server does not have yet, or 0. A solver that calls it promises to start there: melissa_send counts
 * steps from it afterwards. Without this call melissa_send counts each field from 0.
 */
MELISSA_API uint32_t melissa_resume_step(void);

/** melissa_client_send on the default handle, for solvers that number their steps themselves. */
MELISSA_API melissa_status melissa_send_step(const char *field, uint32_t step, const double *values, size_t count);
MELISSA_API melissa_status melissa_send_step_f32(const char *field, uint32_t step, const float *values, size_t count);

/** melissa_send for float32 values: the next step of the field. */
MELISSA_API void melissa_send_float32(const char *field, const float *values);

/**
 * Ends the simulation before (if any) and gets the next one, for solvers that run many simulations in one process
 * (`client.loop: true` in the study). Blocks until there is one or the study is over. Collective if melissa_init… was.
 * Steps count from 0 again. melissa_init may come before the loop or inside it.
 *
 * Outside a loop study the first call returns the process's one simulation and the second MELISSA_FINISHED, so the
 * same solver runs in both.
 *
 * @return MELISSA_OK: parameters can be read; MELISSA_FINISHED; or an error
 */
MELISSA_API melissa_status melissa_next_simulation(void);
/** The same for solvers whose processes act together and that call it before the first melissa_init. */
MELISSA_API melissa_status melissa_next_simulation_collective(const melissa_collective *collective);

/** Id of the current simulation, 0 … N − 1; −1 if there is none. */
MELISSA_API int64_t melissa_simulation(void);
/** Number of parameters of the current simulation. */
MELISSA_API size_t melissa_parameter_count(void);
/** Value of parameter `index`, NaN if it is not a number or there is none. */
MELISSA_API double melissa_parameter(size_t index);
/** The value as it is written; NULL if there is none. Valid until the next simulation. */
MELISSA_API const char *melissa_parameter_text(size_t index);
/** Its name in the study; NULL if there is none or names are not known. */
MELISSA_API const char *melissa_parameter_name(size_t index);

/** The default handle's last error, as melissa_client_last_error. */
MELISSA_API const char *melissa_last_error(void);
/** What became of the last call on the default handle: for callers of the calls that return void. */
MELISSA_API melissa_status melissa_last_status(void);

/* ---- about the library ---- */

/** One sentence saying what the status means and what to do about it. Never NULL, never freed. */
MELISSA_API const char *melissa_strerror(melissa_status status);

/** "0.1.0". */
MELISSA_API const char *melissa_version(void);

#ifdef __cplusplus
}
#endif
#endif
