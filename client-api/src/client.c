/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle's life: open, close, the end of the process, and what its ranks share. Fields are announced in fields.c, steps are sent
 * in send.c, calls to the head are in calls.c, and the I/O thread does the rest.
 */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPEN_RETRY_MS 2000u
#define PROBE_MS 3000u
#define EXIT_FLUSH_MS 5000u
#define POOL_FREE_BYTES_MAX ((size_t)256 << 20)

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static melissa_client *all_clients;
static _Thread_local char lost_error[MLC_ERROR_BYTES]; /* of a handle that is gone */

/* ---- small things ---- */

melissa_status mlc_error(melissa_client *c, melissa_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(c->error, sizeof c->error, format, arguments);
  va_end(arguments);
  return status;
}

melissa_status mlc_fail(melissa_client *c, melissa_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  pthread_mutex_lock(&c->lock);
  vsnprintf(c->error, sizeof c->error, format, arguments);
  pthread_mutex_unlock(&c->lock);
  va_end(arguments);
  return status;
}

int mlc_is_forked(const melissa_client *c) { return c->owner != getpid(); }

melissa_status mlc_failure(const melissa_client *c) {
  if (c->failure != MELISSA_OK) return c->failure;
  return c->current != NULL ? c->current->status : MELISSA_OK;
}

void mlc_wait(melissa_client *c, uint64_t deadline_ms) {
  struct timespec until = {(time_t)(deadline_ms / 1000u), (long)(deadline_ms % 1000u) * 1000000l};
  (void)pthread_cond_timedwait(&c->changed, &c->lock, &until);
}

int mlc_broadcast(melissa_client *c, void *data, size_t size) {
  return c->collective.size == 1 || size == 0 || c->collective.broadcast(c->collective.context, data, size) == 0;
}

melissa_status mlc_collective_failed(melissa_client *c) { return mlc_fail(c, MELISSA_ERROR_MPI, "a collective operation of the solver's communicator failed"); }

melissa_status mlc_share(melissa_client *c, melissa_status status, uint8_t **bytes, size_t *size) {
  struct { int32_t status; uint32_t unused; uint64_t size; char error[MLC_ERROR_BYTES]; } head;
  if (c->collective.size == 1) return status;
  memset(&head, 0, sizeof head);
  if (c->collective.rank == 0) {
    head.status = (int32_t)status;
    head.size = size == NULL ? 0 : *size;
    pthread_mutex_lock(&c->lock);
    memcpy(head.error, c->error, sizeof head.error);
    pthread_mutex_unlock(&c->lock);
  }
  if (!mlc_broadcast(c, &head, sizeof head)) return mlc_collective_failed(c);
  if (c->collective.rank != 0) {
    pthread_mutex_lock(&c->lock);
    memcpy(c->error, head.error, sizeof c->error);
    pthread_mutex_unlock(&c->lock);
    if (size != NULL) {
      *size = (size_t)head.size;
      *bytes = malloc(*size + 1);
      if (*bytes == NULL) abort(); /* the others already wait inside the next collective call */
    }
  }
  if (head.size > 0 && !mlc_broadcast(c, *bytes, (size_t)head.size)) return mlc_collective_failed(c);
  return (melissa_status)head.status;
}

/* ---- attempts ---- */

mlc_attempt *mlc_attempt_new(melissa_client *c, uint32_t simulation, uint16_t draw, uint16_t number, uint32_t first_step) {
  (void)c;
  mlc_attempt *attempt = calloc(1, sizeof *attempt);
  if (attempt == NULL) return NULL;
  attempt->simulation = simulation;
  attempt->draw = draw;
  attempt->attempt = number;
  attempt->first_step = first_step;
  return attempt;
}

void mlc_attempt_free(melissa_client *c, mlc_attempt *attempt) {
  for (uint32_t rank = 0; attempt->sessions != NULL && rank < c->server_rank_count; rank++) {
    if (attempt->sessions[rank] == NULL) continue;
    c->unacknowledged_bytes -= attempt->sessions[rank]->unacknowledged_bytes;
    mlc_session_free(attempt->sessions[rank]);
    free(attempt->sessions[rank]);
  }
  free(attempt->sessions);
  free(attempt);
}

int mlc_attempt_is_idle(const melissa_client *c, const mlc_attempt *attempt) {
  for (uint32_t rank = 0; attempt->sessions != NULL && rank < c->server_rank_count; rank++)
    if (attempt->sessions[rank] != NULL && !mlc_session_is_idle(attempt->sessions[rank])) return 0;
  return 1;
}

static void release_slab(void *slab) { mlc_slab_drop(slab); }

/* With `lock` held: the session with a server rank, made when first needed. */
mlc_session *mlc_session_of(melissa_client *c, uint32_t rank) {
  mlc_attempt *attempt = c->current;
  if (attempt->sessions == NULL) attempt->sessions = calloc(c->server_rank_count, sizeof(mlc_session *));
  if (attempt->sessions == NULL) return NULL;
  if (attempt->sessions[rank] == NULL) {
    mlc_session *session = malloc(sizeof *session);
    if (session == NULL) return NULL;
    uint32_t third = c->send_timeout_ms / 3 + 1;
    mlc_session_limits limits = {OPEN_RETRY_MS < third ? OPEN_RETRY_MS : third, PROBE_MS < third ? PROBE_MS : third, c->send_timeout_ms};
    mlc_session_init(session, limits, release_slab);
    if (c->server_ranks[rank].link.connected) mlc_session_connected(session, mlc_now_ms());
    attempt->sessions[rank] = session;
  }
  return attempt->sessions[rank];
}

/* ---- open ---- */

static melissa_client *allocate(const melissa_collective *collective) {
  melissa_client *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  pthread_condattr_t attributes;
  pthread_mutex_init(&c->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&c->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  mlc_pool_init(&c->pool, POOL_FREE_BYTES_MAX);
  c->owner = getpid();
  c->wake[0] = c->wake[1] = -1;
  c->next_request = 1;
  c->collective.size = 1;
  if (collective != NULL) c->collective = *collective;
  return c;
}

static void destroy(melissa_client *c) {
  if (c->current != NULL) mlc_attempt_free(c, c->current);
  while (c->draining != NULL) {
    mlc_attempt *next = c->draining->next;
    mlc_attempt_free(c, c->draining);
    c->draining = next;
  }
  for (size_t i = 0; i < c->field_count; i++)
    if (c->fields[i].is_laid_out) mlc_layout_free(&c->fields[i].layout);
  for (uint32_t i = 0; i < c->server_rank_count; i++) {
    if (c->server_ranks[i].tail != NULL) mlc_slab_drop(c->server_ranks[i].tail);
    mlc_leave_ring(&c->server_ranks[i]);
  }
  for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) {
    mlc_request_free(&c->requests[i]);
    mlp_buffer_free(&c->requests[i].frame);
  }
  mlc_loop_free(c);
  free(c->fields);
  free(c->server_ranks);
  free(c->study_fields);
  mlc_pool_free(&c->pool);
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->lock);
  free(c);
}

static void unlist(melissa_client *c) {
  pthread_mutex_lock(&list_lock);
  for (melissa_client **at = &all_clients; *at != NULL; at = &(*at)->next) {
    if (*at != c) continue;
    *at = c->next;
    break;
  }
  pthread_mutex_unlock(&list_lock);
}

/*
 * A lock that the I/O thread or another caller holds is free again in microseconds; one that exit() itself was called
 * under (from a signal handler, in the middle of one of our calls) never is. Polled on the monotonic clock:
 * pthread_mutex_timedlock knows only the wall clock, which may be set back.
 */
static int locks_by(pthread_mutex_t *lock, uint64_t deadline_ms) {
  const struct timespec pause = {0, 200000};
  while (pthread_mutex_trylock(lock) != 0) {
    if (mlc_now_ms() >= deadline_ms) return 0;
    (void)nanosleep(&pause, NULL);
  }
  return 1;
}

/* The process ends without melissa_finalize: what was sent gets a short time to arrive, and nothing may hang. */
static void at_exit(void) {
  uint64_t deadline_ms = mlc_now_ms() + EXIT_FLUSH_MS;
  if (!locks_by(&list_lock, deadline_ms)) return;
  for (melissa_client *c = all_clients; c != NULL; c = c->next) {
    if (mlc_is_forked(c)) continue;
    if (!locks_by(&c->lock, deadline_ms)) continue;
    while (c->unacknowledged_bytes > 0 && mlc_failure(c) == MELISSA_OK && mlc_now_ms() < deadline_ms) mlc_wait(c, deadline_ms);
    pthread_mutex_unlock(&c->lock);
    mlc_io_stop(c);
  }
  pthread_mutex_unlock(&list_lock);
}

void mlc_dispose(melissa_client *c) {
  if (c == NULL) return;
  unlist(c);
  mlc_io_stop(c);
  destroy(c);
}

static void list(melissa_client *c) {
  static int registered;
  pthread_mutex_lock(&list_lock);
  if (!registered) registered = atexit(at_exit) == 0;
  c->next = all_clients;
  all_clients = c;
  pthread_mutex_unlock(&list_lock);
}

/* Rank 0's environment is everybody's: launchers do not always pass it on to other hosts. */
static melissa_status share_settings(melissa_client *c) {
  melissa_status status = MELISSA_OK;
  if (c->collective.rank == 0) {
    if (!mlc_settings_read(&c->settings, c->error, sizeof c->error)) status = MELISSA_ERROR_INVALID_ARGUMENT;
    else if (!c->settings.configured) status = mlc_error(c, MELISSA_ERROR_NOT_CONFIGURED, "MELISSA_HEAD is not set: the solver was not started by a study");
    mlc_random(&c->id, sizeof c->id);
  }
  status = mlc_share(c, status, NULL, NULL);
  if (status != MELISSA_OK) return status;
  char host[sizeof c->settings.host];
  mlc_settings own;
  if (c->collective.rank != 0) {
    (void)mlc_settings_read(&own, c->error, sizeof c->error);
    memcpy(host, own.host, sizeof host);
  }
  if (!mlc_broadcast(c, &c->settings, sizeof c->settings) || !mlc_broadcast(c, &c->id, sizeof c->id)) return mlc_collective_failed(c);
  if (c->collective.rank != 0 && own.configured) memcpy(c->settings.host, host, sizeof host);
  return MELISSA_OK;
}

melissa_status mlc_open(melissa_client **out, const melissa_collective *collective) {
  *out = NULL;
  if (collective != NULL && (collective->size < 1 || collective->rank < 0 || collective->rank >= collective->size)) return MELISSA_ERROR_INVALID_ARGUMENT;
  if (collective != NULL && collective->size > 1 && (collective->broadcast == NULL || collective->gather == NULL)) return MELISSA_ERROR_INVALID_ARGUMENT;
  melissa_client *c = allocate(collective);
  if (c == NULL) return MELISSA_ERROR_MEMORY;
  *out = c; /* the caller reads the error from it, then closes it */
  melissa_status status = share_settings(c);
  if (status != MELISSA_OK) return status;
  if (!c->settings.loops) {
    c->current = mlc_attempt_new(c, c->settings.simulation, c->settings.draw, c->settings.attempt, c->settings.resume_step);
    if (c->current == NULL) return MELISSA_ERROR_MEMORY;
  }
  if (!mlc_io_start(c)) return mlc_fail(c, MELISSA_ERROR_MEMORY, "cannot start the I/O thread: %s", strerror(errno));
  list(c);
  return c->settings.loops ? MELISSA_OK : mlc_hello(c);
}

melissa_status melissa_client_open(melissa_client **client, const melissa_collective *collective) {
  if (client == NULL) return MELISSA_ERROR_INVALID_ARGUMENT;
  melissa_status status = mlc_open(client, collective);
  if (status == MELISSA_OK) return status;
  melissa_client *failed = *client;
  snprintf(lost_error, sizeof lost_error, "%s", failed == NULL ? melissa_strerror(status) : melissa_client_last_error(failed));
  mlc_dispose(failed);
  *client = NULL;
  return status;
}

/* ---- close ---- */

/* The sessions' own time limit ends this wait: a session without progress fails. */
static melissa_status flush(melissa_client *c) {
  melissa_status status;
  pthread_mutex_lock(&c->lock);
  while ((status = mlc_failure(c)) == MELISSA_OK && ((c->current != NULL && !mlc_attempt_is_idle(c, c->current)) || c->draining != NULL)) mlc_wait(c, mlc_now_ms() + 1000u);
  pthread_mutex_unlock(&c->lock);
  return status;
}

static int encode_bye(melissa_client *c, mlc_request *request, const void *message) {
  (void)message;
  mlp_client_bye bye = {c->current->simulation, c->id, c->current->steps_sent};
  return mlp_encode_client_bye(&request->frame, &bye, c->epoch, request->number) == MLP_OK;
}

/* ClientBye; a head that came back meanwhile is told who we are first. */
static melissa_status say_bye(melissa_client *c) {
  melissa_status status = MELISSA_OK;
  for (int tries = 0; tries < 2; tries++) {
    uint8_t *reply = NULL;
    size_t size = 0;
    status = mlc_call(c, encode_bye, NULL, c->send_timeout_ms, &reply, &size);
    if (status != MELISSA_OK) return status;
    mlp_arena arena = {0};
    mlp_envelope envelope;
    mlp_ok ok;
    uint32_t retry_after_ms;
    status = mlc_read_reply(c, reply, size, &mlp_ok_shape, &arena, &envelope, &ok, &retry_after_ms);
    mlp_arena_free(&arena);
    free(reply);
    reply = NULL;
    if (status == MELISSA_OK || status == MELISSA_ERROR_CANCELLED) return status;
    if (tries == 0 && mlc_say_hello(c, &reply, &size) == MELISSA_OK) {
      mlp_client_welcome welcome;
      pthread_mutex_lock(&c->lock);
      if (mlp_decode_client_welcome(reply, size, &arena, &envelope, &welcome) == MLP_OK) (void)mlc_adopt_welcome(c, &welcome, envelope.epoch);
      pthread_mutex_unlock(&c->lock);
      mlp_arena_free(&arena);
    }
    free(reply);
  }
  return status;
}

/* Good-bye is said when every rank's data has arrived; all ranks return with the same status. */
static melissa_status finish(melissa_client *c) {
  melissa_status status = flush(c);
  if (c->collective.size > 1) {
    uint64_t *all = calloc((size_t)c->collective.size, sizeof *all);
    if (all == NULL) abort();
    if (c->collective.gather(c->collective.context, (uint64_t)status, c->collective.rank == 0 ? all : NULL) != 0) status = mlc_collective_failed(c);
    for (int i = 0; c->collective.rank == 0 && status == MELISSA_OK && i < c->collective.size; i++) {
      if (all[i] == MELISSA_OK) continue;
      status = mlc_fail(c, (melissa_status)all[i], "rank %d could not deliver its data", i);
    }
    free(all);
  }
  if (c->collective.rank == 0 && status == MELISSA_OK) {
    if (c->settings.loops) status = mlc_loop_close(c);
    else if (c->is_welcome) status = say_bye(c);
  }
  return mlc_share(c, status, NULL, NULL);
}

melissa_status mlc_close(melissa_client *c, char *error, size_t error_size) {
  melissa_status status = finish(c);
  if (error_size > 0) snprintf(error, error_size, "%s", melissa_client_last_error(c));
  mlc_dispose(c);
  return status;
}

melissa_status melissa_client_close(melissa_client *c) {
  if (c == NULL) return MELISSA_OK;
  if (mlc_is_forked(c)) return MELISSA_ERROR_FORKED; /* the parent's; its memory is left alone */
  return mlc_close(c, lost_error, sizeof lost_error);
}

const char *melissa_client_last_error(const melissa_client *client) {
  if (client == NULL) return lost_error;
  melissa_client *c = (melissa_client *)(uintptr_t)client; /* the text is copied under the lock, the handle stays as it is */
  pthread_mutex_lock(&c->lock);
  memcpy(c->shown, c->error, sizeof c->shown);
  pthread_mutex_unlock(&c->lock);
  return c->shown;
}

uint32_t melissa_client_resume_step(const melissa_client *c) { return c == NULL || c->current == NULL ? 0 : c->current->first_step; }
