/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handle is. The solver's thread (client.c, fields.c, send.c, calls.c, loop.c) and the handle's I/O thread (io.c,
 * requests.c, outgoing.c, incoming.c) share it under `lock`; the sockets belong to the I/O thread alone. The solver's thread
 * never waits without a limit, and the I/O thread never waits for the solver.
 */
#ifndef MELISSA_CLIENT_INTERNAL_H
#define MELISSA_CLIENT_INTERNAL_H

#include <pthread.h>
#include <sys/types.h>

#include "generated/messages.h"
#include "layout.h"
#include "melissa.h"
#include "pool.h"
#include "ring.h"
#include "session.h"
#include "settings.h"
#include "transport_zmq.h"

#define MLC_LIBRARY "libmelissa " MELISSA_VERSION_TEXT " c"
#ifndef MELISSA_VERSION_TEXT
#define MELISSA_VERSION_TEXT "0.1.0"
#endif

#define MLC_FIELD_NAME_BYTES_MAX 128
#define MLC_FIELDS_MAX 1024
#define MLC_REQUESTS_MAX 32
#define MLC_ERROR_BYTES 1024
/* An unanswered request is repeated after this: idempotent, so early is harmless; late delays a study whose head restarts. */
#define MLC_REQUEST_RETRY_MS 2000u
/* A rank whose connection is down this long may have come back elsewhere: ask the head. */
#define MLC_LINK_DOWN_MS 2000u
/* Simulations of a loop whose last frames are still on their way. */
#define MLC_DRAINING_MAX 64u
/* Unanswered Opens on one connection: each attempt may have a probe on its way too. */
#define MLC_OPENS_MAX (2u * (MLC_DRAINING_MAX + 2u))
/* Frames up to this size travel together in slabs of this size. */
#define MLC_BATCH_BYTES 65536u
#define MLC_SMALL_FRAME_BYTES 16384u

typedef struct mlc_study_field {
  char name[MLC_FIELD_NAME_BYTES_MAX + 1];
  uint16_t index;
  uint8_t dtype;
  uint32_t steps;
} mlc_study_field;

/** A field that the solver has announced. */
typedef struct mlc_field {
  char name[MLC_FIELD_NAME_BYTES_MAX + 1];
  uint64_t cells;
  int is_laid_out; /* 0 in a loop before its first simulation */
  uint8_t dtype;   /* on the wire */
  uint32_t steps;  /* 0: any number */
  mlc_layout layout;
  uint32_t next_step; /* for melissa_send */
} mlc_field;

/** One execution of one simulation: its sessions with the server ranks, by rank; NULL where nothing was sent. */
typedef struct mlc_attempt {
  struct mlc_attempt *next;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t first_step;
  mlc_session **sessions;
  melissa_status status; /* not MELISSA_OK: over, and why */
  int wants_hello;
  uint64_t hello_ms; /* when the last one was asked for */
  uint64_t steps_sent;
  int is_finished; /* of a loop: no more frames will come; closed when all is acknowledged */
} mlc_attempt;

typedef enum mlc_request_kind { MLC_REQUEST_FREE, MLC_REQUEST_CALL, MLC_REQUEST_HELLO, MLC_REQUEST_NEXT } mlc_request_kind;

/** A request to the head that is not settled yet. */
typedef struct mlc_request {
  mlc_request_kind kind;
  uint64_t number;
  mlp_buffer frame;
  uint64_t send_ms; /* when to send it (again) */
  uint32_t epoch;
  uint32_t simulation; /* HELLO: which attempt */
  uint16_t draw;
  uint16_t attempt;
  int only_reports;   /* NEXT: any answer settles it */
  uint64_t parked_ms; /* NEXT: since when the head has had nothing to give; 0: not answered yet */
  /* CALL: what came back. */
  int is_answered;
  melissa_status status; /* an answer that cannot be read */
  uint8_t *reply;
  size_t reply_size;
} mlc_request;

/** An Open that Opened has not answered yet. */
typedef struct mlc_open_sent {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
} mlc_open_sent;

typedef struct mlc_server_rank {
  char endpoint[512];
  char server_key[64];
  mlc_link link;
  mlc_slab *tail;           /* of the solver's thread: where small frames go next */
  mlc_ring *ring;           /* NULL, or memory shared with the rank */
  int ring_is_used;         /* everything new goes through it; set by the solver's thread once the socket is quiet */
  uint64_t reopen_ms;       /* not before this */
  uint32_t reopen_delay_ms;
  uint64_t down_ms; /* since when there is no connection; 0: there is */
  mlc_open_sent opens[MLC_OPENS_MAX];
  size_t open_count;
} mlc_server_rank;

typedef struct mlc_next_simulation {
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t first_step;
  char *values;
} mlc_next_simulation;

/** Of a solver that loops. */
typedef struct mlc_loop {
  mlc_next_simulation *waiting; /* leased, not begun: a ring */
  size_t capacity;
  size_t first;
  size_t count;
  int is_terminated;
  int is_closing;
  int is_wanted;      /* melissa_next_simulation waits for one */
  double mean_wall_seconds; /* of the last simulations, 0 before the first */
  mlp_next_simulations_finished *finished; /* not reported yet */
  size_t finished_count;
  size_t finished_capacity;
  uint64_t begun_ms; /* the current one */
  uint64_t report_ms; /* when finished ones are reported at the latest */
  char *names;  /* parameter names, joined by U+001F; NULL before they are known */
  char *values; /* of the current simulation, likewise */
} mlc_loop;

struct melissa_client {
  struct melissa_client *next; /* of all handles of the process, for its end */
  pid_t owner; /* a forked child is somebody else */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t io_thread;
  int io_runs;
  int stops; /* the I/O thread is to end */
  int polls; /* it sleeps: wake it through the pipe */
  int wake[2];

  mlc_settings settings;
  melissa_collective collective; /* size 1 and no functions for a single process */
  uint64_t id;
  int is_welcome;

  uint32_t epoch;
  uint32_t heartbeat_ms;
  uint32_t send_timeout_ms;
  uint64_t window_bytes;
  uint8_t non_finite;
  mlc_study_field *study_fields;
  size_t study_field_count;
  mlc_server_rank *server_ranks;
  uint32_t server_rank_count;

  mlc_field *fields;
  size_t field_count;
  mlc_attempt *current;
  mlc_attempt *draining;
  size_t draining_count;
  uint64_t unacknowledged_bytes; /* of all sessions, and what a send has reserved */

  mlc_request requests[MLC_REQUESTS_MAX];
  uint64_t next_request;
  uint64_t heartbeat_due_ms;
  uint64_t ranks_asked_ms;
  mlc_loop loop;
  mlc_pool pool;
  size_t prepare_size; /* slabs that the I/O thread makes in advance */
  size_t prepare_count;

  /* of the I/O thread */
  void *context;
  mlc_link control;
  int control_was_up;
  uint64_t head_heard_ms;
  mlp_arena arena;
  mlp_buffer out;

  melissa_status failure; /* for ever, of the handle */
  char error[MLC_ERROR_BYTES]; /* under `lock` */
  char shown[MLC_ERROR_BYTES]; /* what melissa_client_last_error handed out */
};

uint64_t mlc_now_ms(void);
/** With `lock` held: formats the handle's last error; returns `status`. */
melissa_status mlc_error(melissa_client *client, melissa_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* io.c */
int mlc_io_start(melissa_client *client);
/** Ends the thread; what is queued in the sockets gets `linger_ms`. */
void mlc_io_stop(melissa_client *client);
/** With `lock` held: there is something new to do. */
void mlc_io_wake(melissa_client *client);
/** With `lock` held: gives up the memory shared with a rank, if there is one. */
void mlc_leave_ring(mlc_server_rank *server);
/** With `lock` held, from the solver's thread: commits what the session may send and lies in the ring; 1 if nothing is left to send. */
int mlc_commit_now(melissa_client *client, mlc_session *session, uint32_t rank, uint64_t now_ms);
/** With `lock` held: a free place for a request with a fresh number, or NULL. */
mlc_request *mlc_request_take(melissa_client *client, mlc_request_kind kind);
void mlc_request_free(mlc_request *request);
/** With `lock` held: encodes a ClientHello for an attempt. */
int mlc_encode_hello(melissa_client *client, const mlc_attempt *attempt, mlc_request *request);
/** With `lock` held: takes over what a ClientWelcome says. 1, or 0 if it contradicts itself or what is known. */
int mlc_adopt_welcome(melissa_client *client, const mlp_client_welcome *welcome, uint32_t epoch);

/* client.c */
/** mlc_error for callers without the lock. */
melissa_status mlc_fail(melissa_client *client, melissa_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** 1, or 0 if the solver's communicator failed. */
int mlc_broadcast(melissa_client *client, void *data, size_t size);
melissa_status mlc_collective_failed(melissa_client *client);
/** With `lock` held: the current attempt's session with a server rank, made when first needed; NULL without memory. */
mlc_session *mlc_session_of(melissa_client *client, uint32_t rank);
melissa_status mlc_open(melissa_client **out, const melissa_collective *collective);
/** Ends the I/O thread and frees the handle without a word to the server. NULL is allowed. */
void mlc_dispose(melissa_client *client);
/** melissa_client_close; the last error's text is copied before the handle goes. */
melissa_status mlc_close(melissa_client *client, char *error, size_t error_size);
melissa_status mlc_hello(melissa_client *client);
melissa_status mlc_lay_out_fields(melissa_client *client);
mlc_field *mlc_field_of(melissa_client *client, const char *name);
melissa_status mlc_send(melissa_client *client, mlc_field *field, uint32_t step, const void *values, uint8_t dtype);
/** Tells the head that the attempt's data cannot be used. */
void mlc_fault(melissa_client *client, const char *code, const char *message, const char *field, uint32_t step, uint64_t cell);
/** Rank 0's status, error text and `size` bytes at `*bytes` become everybody's. Others receive memory to free. */
melissa_status mlc_share(melissa_client *client, melissa_status status, uint8_t **bytes, size_t *size);
/** What the handle or its current attempt failed with, or MELISSA_OK; `lock` held. */
melissa_status mlc_failure(const melissa_client *client);
mlc_attempt *mlc_attempt_new(melissa_client *client, uint32_t simulation, uint16_t draw, uint16_t attempt, uint32_t first_step);
void mlc_attempt_free(melissa_client *client, mlc_attempt *attempt);
int mlc_attempt_is_idle(const melissa_client *client, const mlc_attempt *attempt);
/** Waits on `changed` until `deadline_ms` at the latest; `lock` held. */
void mlc_wait(melissa_client *client, uint64_t deadline_ms);
int mlc_is_forked(const melissa_client *client);

/* calls.c */
typedef int mlc_encode_call(melissa_client *client, mlc_request *request, const void *message);
/** Sends a request and waits for its answer, whose memory is the caller's; an error after `limit_ms` of silence. */
melissa_status mlc_call(melissa_client *client, mlc_encode_call *encode, const void *message, uint32_t limit_ms, uint8_t **reply, size_t *reply_size);
/** Reads a reply that must be of `shape`; a Refused becomes a status, with `retry_after_ms` where it is given. */
melissa_status mlc_read_reply(melissa_client *client, const uint8_t *frame, size_t size, const mlp_shape *shape, mlp_arena *arena, mlp_envelope *envelope,
                              void *message, uint32_t *retry_after_ms);
/** ClientHello until it is answered by Welcome or by a refusal for good; the Welcome's bytes in `reply`. */
melissa_status mlc_say_hello(melissa_client *client, uint8_t **reply, size_t *reply_size);
/** The attempt cannot go on for what `error` says: tells the head and remembers `status`, which it returns. */
melissa_status mlc_fault_attempt(melissa_client *client, melissa_status status, const char *code, const char *field, uint32_t step, uint64_t cell);

/* loop.c */
/** Ends the current simulation and begins the next; its names and values are in the loop. Collective. */
melissa_status mlc_loop_next(melissa_client *client);
void mlc_loop_answer(melissa_client *client, const mlp_next_simulations_reply *reply);
void mlc_loop_free(melissa_client *client);
/** With `lock` held: asks for more or reports, if it is time to. */
void mlc_loop_step(melissa_client *client, uint64_t now_ms, uint64_t *wake_ms);
/** Reports everything finished and waits for the answer. */
melissa_status mlc_loop_close(melissa_client *client);

#endif
