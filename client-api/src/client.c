/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The solver's side of a handle: opening, announcing fields, sending, closing. It cuts a step into blocks, fills a send buffer
 * for each in one pass over the values, and hands them to the sessions; the I/O thread does the rest.
 */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/xxh3.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values travel as they lie in memory, which must be little-endian"
#endif

#define OPEN_RETRY_MS 2000u
#define PROBE_MS 3000u
#define FAULT_MS 5000u
#define EXIT_FLUSH_MS 2000u
#define POOL_FREE_BYTES_MAX ((size_t)256 << 20)
/* Slabs made in advance for a field whose steps are large: the next is filled while these are on their way. */
#define PREPARED_SLABS 3u

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

/* mlc_error for callers without the lock. */
static melissa_status fail(melissa_client *c, melissa_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
static melissa_status fail(melissa_client *c, melissa_status status, const char *format, ...) {
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

static int broadcast(melissa_client *c, void *data, size_t size) {
  return c->collective.size == 1 || size == 0 || c->collective.broadcast(c->collective.context, data, size) == 0;
}

static melissa_status collective_failed(melissa_client *c) { return fail(c, MELISSA_ERROR_MPI, "a collective operation of the solver's communicator failed"); }

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
  if (!broadcast(c, &head, sizeof head)) return collective_failed(c);
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
  if (head.size > 0 && !broadcast(c, *bytes, (size_t)head.size)) return collective_failed(c);
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
static mlc_session *session_of(melissa_client *c, uint32_t rank) {
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

/* ---- calls to the head ---- */

typedef int encode_call(melissa_client *c, mlc_request *request, const void *message);

/* Sends a request and waits for its answer; the reply's memory is the caller's. With `limit_ms` of silence: an error. */
static melissa_status call(melissa_client *c, encode_call *encode, const void *message, uint32_t limit_ms, uint8_t **reply, size_t *reply_size) {
  uint64_t deadline_ms = mlc_now_ms() + limit_ms;
  melissa_status status = MELISSA_OK;
  pthread_mutex_lock(&c->lock);
  mlc_request *request = mlc_request_take(c, MLC_REQUEST_CALL);
  if (request == NULL || !encode(c, request, message)) {
    if (request != NULL) mlc_request_free(request);
    status = mlc_error(c, MELISSA_ERROR_MEMORY, "no memory for a request to the head");
    pthread_mutex_unlock(&c->lock);
    return status;
  }
  mlc_io_wake(c);
  while (!request->is_answered && c->failure == MELISSA_OK && mlc_now_ms() < deadline_ms) mlc_wait(c, deadline_ms);
  if (c->failure != MELISSA_OK) {
    status = c->failure;
  } else if (!request->is_answered) {
    const char *state = c->control.connected ? "is connected but does not answer" : "cannot be reached";
    status = mlc_error(c, c->control.connected ? MELISSA_ERROR_TIMEOUT : MELISSA_ERROR_UNREACHABLE, "the head at %s %s (waited %u ms)", c->settings.head, state, limit_ms);
  } else if (request->reply == NULL) {
    status = mlc_error(c, request->status, "the head's address \"%s\" cannot be used", c->settings.head);
  } else {
    *reply = request->reply;
    *reply_size = request->reply_size;
    request->reply = NULL;
  }
  mlc_request_free(request);
  pthread_mutex_unlock(&c->lock);
  return status;
}

/* Reads a reply that must be of `shape`; a Refused becomes a status, with `retry_after_ms` where it is given. */
static melissa_status read_reply(melissa_client *c, const uint8_t *frame, size_t size, const mlp_shape *shape, mlp_arena *arena, mlp_envelope *envelope, void *message,
                                 uint32_t *retry_after_ms) {
  mlp_status decoded = mlp_decode_control(frame, size, arena, shape, envelope, message);
  *retry_after_ms = 0;
  if (decoded == MLP_OK) return MELISSA_OK;
  mlp_refused refused;
  if (mlp_decode_refused(frame, size, arena, envelope, &refused) != MLP_OK)
    return fail(c, MELISSA_ERROR_REFUSED, "the head's answer cannot be read (%s)", mlp_status_name(decoded));
  *retry_after_ms = refused.retry_after_ms;
  melissa_status status = MELISSA_ERROR_REFUSED;
  if (mlp_text_equals(refused.code, "ELEASE")) status = MELISSA_ERROR_CANCELLED;
  if (mlp_text_equals(refused.code, "EVERSION")) status = MELISSA_ERROR_VERSION;
  if (mlp_text_equals(refused.code, "EFIELD_UNKNOWN")) status = MELISSA_ERROR_UNKNOWN_FIELD;
  if (mlp_text_equals(refused.code, "EFIELD_SIZE")) status = MELISSA_ERROR_FIELD_SIZE;
  return fail(c, status, "%.*s: %.*s %.*s", (int)refused.code.size, refused.code.data, (int)refused.message.size, refused.message.data, (int)refused.remedy.size,
              refused.remedy.data);
}

static int encode_hello(melissa_client *c, mlc_request *request, const void *message) {
  (void)message;
  return mlc_encode_hello(c, c->current, request);
}

/* ClientHello until it is answered by Welcome or by a refusal for good; the Welcome's bytes in `reply`. */
static melissa_status say_hello(melissa_client *c, uint8_t **reply, size_t *reply_size) {
  uint64_t deadline_ms = mlc_now_ms() + c->settings.timeout_ms;
  for (;;) {
    uint64_t now_ms = mlc_now_ms();
    uint32_t left = now_ms < deadline_ms ? (uint32_t)(deadline_ms - now_ms) : 0;
    melissa_status status = call(c, encode_hello, NULL, left, reply, reply_size);
    if (status != MELISSA_OK) return status;
    mlp_arena arena = {0};
    mlp_envelope envelope;
    mlp_client_welcome welcome;
    uint32_t retry_after_ms;
    status = read_reply(c, *reply, *reply_size, &mlp_client_welcome_shape, &arena, &envelope, &welcome, &retry_after_ms);
    mlp_arena_free(&arena);
    if (status == MELISSA_OK) return status;
    free(*reply);
    *reply = NULL;
    if (retry_after_ms == 0 || mlc_now_ms() + retry_after_ms >= deadline_ms) return status;
    pthread_mutex_lock(&c->lock);
    for (uint64_t until_ms = mlc_now_ms() + retry_after_ms; mlc_now_ms() < until_ms && c->failure == MELISSA_OK;) mlc_wait(c, until_ms);
    pthread_mutex_unlock(&c->lock);
  }
}

melissa_status mlc_hello(melissa_client *c) {
  uint8_t *reply = NULL;
  size_t size = 0;
  melissa_status status = c->collective.rank == 0 ? say_hello(c, &reply, &size) : MELISSA_OK;
  status = mlc_share(c, status, &reply, &size);
  mlp_arena arena = {0};
  mlp_envelope envelope;
  mlp_client_welcome welcome;
  if (status == MELISSA_OK) {
    pthread_mutex_lock(&c->lock);
    if (mlp_decode_client_welcome(reply, size, &arena, &envelope, &welcome) != MLP_OK || !mlc_adopt_welcome(c, &welcome, envelope.epoch)) {
      status = mlc_error(c, MELISSA_ERROR_REFUSED, "the head's welcome contradicts itself");
    } else {
      if (!c->settings.loops) c->current->first_step = welcome.first_step;
      c->heartbeat_due_ms = mlc_now_ms() + c->heartbeat_ms;
    }
    pthread_mutex_unlock(&c->lock);
  }
  mlp_arena_free(&arena);
  free(reply);
  return status;
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
  for (uint32_t i = 0; i < c->server_rank_count; i++)
    if (c->server_ranks[i].tail != NULL) mlc_slab_drop(c->server_ranks[i].tail);
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

/* The process ends without melissa_finalize: what was sent gets a short time to arrive, and nothing may hang. */
static void at_exit(void) {
  if (pthread_mutex_trylock(&list_lock) != 0) return;
  for (melissa_client *c = all_clients; c != NULL; c = c->next) {
    if (mlc_is_forked(c)) continue;
    if (pthread_mutex_trylock(&c->lock) != 0) continue; /* exit() was called in the middle of one of our calls */
    uint64_t deadline_ms = mlc_now_ms() + EXIT_FLUSH_MS;
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
  if (!broadcast(c, &c->settings, sizeof c->settings) || !broadcast(c, &c->id, sizeof c->id)) return collective_failed(c);
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
  if (!mlc_io_start(c)) return fail(c, MELISSA_ERROR_MEMORY, "cannot start the I/O thread: %s", strerror(errno));
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

/* ---- fields ---- */

mlc_field *mlc_field_of(melissa_client *c, const char *name) {
  for (size_t i = 0; i < c->field_count; i++)
    if (strcmp(c->fields[i].name, name) == 0) return &c->fields[i];
  return NULL;
}

typedef struct field_message {
  mlc_field *field;
  const uint64_t *cells;
} field_message;

static int encode_field(melissa_client *c, mlc_request *request, const void *message) {
  const field_message *m = message;
  mlp_field field;
  memset(&field, 0, sizeof field);
  field.simulation = c->current->simulation;
  field.client = c->id;
  field.name = mlp_text_of(m->field->name);
  field.dtype = m->field->dtype;
  field.cells = m->cells;
  field.cells_count = (uint32_t)c->collective.size;
  return mlp_encode_field(&request->frame, &field, c->epoch, request->number) == MLP_OK;
}

/* With `lock` held. Every session hears of the field before its frames. */
static melissa_status adopt_layout(melissa_client *c, mlc_field *field, const uint8_t *reply, size_t size, const uint64_t *cells) {
  mlp_arena arena = {0};
  mlp_envelope envelope;
  mlp_field_layout message;
  melissa_status status = MELISSA_OK;
  if (mlp_decode_field_layout(reply, size, &arena, &envelope, &message) != MLP_OK ||
      mlc_layout_make(&field->layout, &message, cells, (uint32_t)c->collective.size, (uint32_t)c->collective.rank, c->server_rank_count) != 1) {
    status = mlc_error(c, MELISSA_ERROR_REFUSED, "the head's layout of field \"%s\" contradicts itself", field->name);
  } else {
    field->is_laid_out = 1;
    for (uint32_t rank = 0; c->current->sessions != NULL && rank < c->server_rank_count; rank++)
      if (c->current->sessions[rank] != NULL) mlc_session_reopen(c->current->sessions[rank]);
    size_t largest = 0;
    for (size_t i = 0; i < field->layout.block_count; i++) {
      size_t bytes = (size_t)mlp_data_frame_bytes(field->dtype, field->layout.blocks[i].count);
      if (bytes > largest) largest = bytes;
    }
    if (largest > MLC_SMALL_FRAME_BYTES && largest <= c->window_bytes / PREPARED_SLABS) {
      c->prepare_size = largest;
      c->prepare_count = PREPARED_SLABS;
      mlc_io_wake(c);
    }
  }
  mlp_arena_free(&arena);
  return status;
}

/* Rank 0 asks the head; all learn the layout and how many cells each of them has. Collective. */
static melissa_status lay_out(melissa_client *c, mlc_field *field) {
  for (size_t i = 0; i < c->study_field_count; i++) {
    if (strcmp(c->study_fields[i].name, field->name) != 0) continue;
    field->dtype = c->study_fields[i].dtype;
    field->steps = c->study_fields[i].steps;
  }
  size_t cells_bytes = (size_t)c->collective.size * sizeof(uint64_t);
  uint64_t *cells = calloc((size_t)c->collective.size, sizeof *cells);
  if (cells == NULL) abort(); /* the others already wait inside the collective call */
  cells[0] = field->cells;
  if (c->collective.size > 1 && c->collective.gather(c->collective.context, field->cells, c->collective.rank == 0 ? cells : NULL) != 0) {
    free(cells);
    return collective_failed(c);
  }
  uint8_t *reply = NULL;
  size_t size = 0;
  melissa_status status = MELISSA_OK;
  if (c->collective.rank == 0) {
    field_message message = {field, cells};
    uint32_t limit_ms = c->send_timeout_ms > c->settings.timeout_ms ? c->send_timeout_ms : c->settings.timeout_ms;
    status = call(c, encode_field, &message, limit_ms, &reply, &size);
    if (status == MELISSA_OK) {
      mlp_arena arena = {0};
      mlp_envelope envelope;
      mlp_field_layout layout;
      uint32_t retry_after_ms;
      status = read_reply(c, reply, size, &mlp_field_layout_shape, &arena, &envelope, &layout, &retry_after_ms);
      mlp_arena_free(&arena);
    }
  }
  status = mlc_share(c, status, &reply, &size);
  if (!broadcast(c, cells, cells_bytes)) status = collective_failed(c);
  if (status == MELISSA_OK) {
    pthread_mutex_lock(&c->lock);
    status = adopt_layout(c, field, reply, size, cells);
    pthread_mutex_unlock(&c->lock);
  }
  free(reply);
  free(cells);
  return status;
}

melissa_status mlc_lay_out_fields(melissa_client *c) {
  for (size_t i = 0; i < c->field_count; i++) {
    if (c->fields[i].is_laid_out) continue;
    melissa_status status = lay_out(c, &c->fields[i]);
    if (status != MELISSA_OK) return status;
  }
  return MELISSA_OK;
}

melissa_status melissa_client_field(melissa_client *c, const char *name, size_t cells) {
  if (c == NULL || name == NULL || name[0] == '\0') return MELISSA_ERROR_INVALID_ARGUMENT;
  if (mlc_is_forked(c)) return MELISSA_ERROR_FORKED;
  if (strlen(name) > MLC_FIELD_NAME_BYTES_MAX) return fail(c, MELISSA_ERROR_INVALID_ARGUMENT, "a field's name has at most %d bytes", MLC_FIELD_NAME_BYTES_MAX);
  mlc_field *known = mlc_field_of(c, name);
  if (known != NULL) {
    if (known->cells == cells) return MELISSA_OK;
    return fail(c, MELISSA_ERROR_FIELD_SIZE, "field \"%s\" was announced with %llu cells on this rank, now with %zu; its size is fixed", name, (unsigned long long)known->cells, cells);
  }
  if (c->field_count == MLC_FIELDS_MAX) return fail(c, MELISSA_ERROR_INVALID_ARGUMENT, "a solver has at most %d fields", MLC_FIELDS_MAX);
  pthread_mutex_lock(&c->lock); /* the I/O thread reads the array for Open */
  mlc_field *grown = realloc(c->fields, (c->field_count + 1) * sizeof *grown);
  if (grown == NULL) {
    pthread_mutex_unlock(&c->lock);
    return MELISSA_ERROR_MEMORY;
  }
  c->fields = grown;
  mlc_field *field = &c->fields[c->field_count];
  memset(field, 0, sizeof *field);
  strcpy(field->name, name);
  field->cells = cells;
  field->dtype = MLP_DTYPE_F64;
  c->field_count++;
  pthread_mutex_unlock(&c->lock);
  if (c->current == NULL) return MELISSA_OK; /* a loop before its first simulation: laid out then */
  melissa_status status = c->is_welcome ? MELISSA_OK : mlc_hello(c);
  if (status == MELISSA_OK) status = lay_out(c, field);
  if (status != MELISSA_OK) {
    pthread_mutex_lock(&c->lock);
    c->field_count--;
    pthread_mutex_unlock(&c->lock);
  }
  return status;
}

/* ---- faults ---- */

static int encode_fault(melissa_client *c, mlc_request *request, const void *message) {
  return mlp_encode_client_fault(&request->frame, message, c->epoch, request->number) == MLP_OK;
}

void mlc_fault(melissa_client *c, const char *code, const char *message, const char *field, uint32_t step, uint64_t cell) {
  if (c->current == NULL || !c->is_welcome) return;
  uint8_t *reply = NULL;
  size_t size = 0;
  if (c->collective.rank != 0 && !c->control_was_up) {
    if (call(c, encode_hello, NULL, FAULT_MS, &reply, &size) != MELISSA_OK) return;
    free(reply);
    reply = NULL;
  }
  mlp_client_fault fault;
  memset(&fault, 0, sizeof fault);
  fault.simulation = c->current->simulation;
  fault.draw = c->current->draw;
  fault.attempt = c->current->attempt;
  fault.client = c->id;
  fault.code = mlp_text_of(code);
  fault.message = mlp_text_of(message);
  fault.field = mlp_text_of(field);
  fault.step = step;
  fault.cell = cell;
  (void)call(c, encode_fault, &fault, FAULT_MS, &reply, &size);
  free(reply);
}

/* The attempt cannot go on: says so to the head and remembers it. */
static melissa_status fault(melissa_client *c, melissa_status status, const char *code, const char *field, uint32_t step, uint64_t cell) {
  char message[MLC_ERROR_BYTES];
  pthread_mutex_lock(&c->lock);
  memcpy(message, c->error, sizeof message);
  pthread_mutex_unlock(&c->lock);
  mlc_fault(c, code, message, field, step, cell);
  pthread_mutex_lock(&c->lock);
  memcpy(c->error, message, sizeof message);
  if (c->current != NULL && c->current->status == MELISSA_OK) c->current->status = status;
  pthread_mutex_unlock(&c->lock);
  return status;
}

/* ---- sending ---- */

static int is_finite_at(const void *values, uint8_t dtype, uint64_t i) {
  if (dtype == MLP_DTYPE_F32) {
    uint32_t bits;
    memcpy(&bits, (const uint8_t *)values + 4 * i, 4);
    return (bits & 0x7f800000u) != 0x7f800000u;
  }
  uint64_t bits;
  memcpy(&bits, (const uint8_t *)values + 8 * i, 8);
  return (bits & 0x7ff0000000000000ull) != 0x7ff0000000000000ull;
}

static void convert(uint8_t *to, const void *values, uint8_t dtype, mlc_run run) {
  if (dtype == MLP_DTYPE_F64) {
    const double *from = (const double *)values + run.begin;
    for (uint64_t i = 0; i < run.count; i++) {
      float value = (float)from[i];
      memcpy(to + 4 * i, &value, 4);
    }
  } else {
    const float *from = (const float *)values + run.begin;
    for (uint64_t i = 0; i < run.count; i++) {
      double value = from[i];
      memcpy(to + 8 * i, &value, 8);
    }
  }
}

/* Fills a block's payload in one pass where it is one run of the solver's own type; returns its hash. */
static uint64_t fill(uint8_t *to, const mlc_field *field, const mlc_block *block, const void *values, uint8_t dtype, int *non_finite) {
  const mlc_run *runs = field->layout.runs + block->first_run;
  size_t width = field->dtype == MLP_DTYPE_F32 ? 4 : 8;
  size_t bytes = (size_t)block->count * width;
  if (dtype == field->dtype && block->run_count == 1) return mlp_copy_hash(to, (const uint8_t *)values + width * runs[0].begin, bytes, dtype, non_finite);
  uint8_t *at = to;
  for (size_t i = 0; i < block->run_count; i++) {
    if (dtype == field->dtype) memcpy(at, (const uint8_t *)values + width * runs[i].begin, (size_t)runs[i].count * width);
    else convert(at, values, dtype, runs[i]);
    at += (size_t)runs[i].count * width;
  }
  return mlp_copy_hash(to, to, bytes, field->dtype, non_finite);
}

typedef struct prepared {
  mlc_slab *slab;
  size_t offset;
  size_t frame_bytes;
  uint64_t payload_hash;
  int non_finite;
} prepared;

/* A place for one frame: small ones behind each other in the rank's slab, so that they can travel together. */
static int take_place(melissa_client *c, uint32_t rank, prepared *p) {
  if (p->frame_bytes > MLC_SMALL_FRAME_BYTES) {
    p->slab = mlc_pool_take(&c->pool, p->frame_bytes);
    p->offset = 0;
    return p->slab != NULL;
  }
  mlc_slab **tail = &c->server_ranks[rank].tail;
  if (*tail != NULL && (*tail)->used + p->frame_bytes > (*tail)->capacity) {
    mlc_slab_drop(*tail);
    *tail = NULL;
  }
  if (*tail == NULL) *tail = mlc_pool_take(&c->pool, MLC_BATCH_BYTES);
  if (*tail == NULL) return 0;
  p->slab = *tail;
  p->offset = (*tail)->used;
  (*tail)->used += p->frame_bytes;
  mlc_slab_hold(*tail);
  return 1;
}

/* Waits until the step fits the send window; one step is always allowed when nothing else is on its way. */
static melissa_status reserve(melissa_client *c, uint64_t bytes) {
  melissa_status status;
  pthread_mutex_lock(&c->lock);
  while ((status = mlc_failure(c)) == MELISSA_OK && c->unacknowledged_bytes > 0 && c->unacknowledged_bytes + bytes > c->window_bytes) mlc_wait(c, mlc_now_ms() + 1000u);
  if (status == MELISSA_OK) c->unacknowledged_bytes += bytes;
  pthread_mutex_unlock(&c->lock);
  return status;
}

static void give_up(melissa_client *c, prepared *blocks, size_t count, uint64_t reserved) {
  for (size_t i = 0; i < count; i++) mlc_slab_drop(blocks[i].slab);
  pthread_mutex_lock(&c->lock);
  c->unacknowledged_bytes -= reserved;
  pthread_mutex_unlock(&c->lock);
}

/* Hands all blocks of the step to their sessions at once, so that a step is sent whole or not at all. */
static melissa_status commit(melissa_client *c, const mlc_field *field, uint32_t step, prepared *blocks) {
  melissa_status status = MELISSA_OK;
  uint64_t now_ms = mlc_now_ms();
  pthread_mutex_lock(&c->lock);
  for (size_t i = 0; i < field->layout.block_count; i++) {
    const mlc_block *block = &field->layout.blocks[i];
    mlc_session *session = session_of(c, block->server_rank);
    mlp_data_header header;
    memset(&header, 0, sizeof header);
    header.epoch = c->epoch;
    header.client = c->id;
    header.simulation = c->current->simulation;
    header.draw = c->current->draw;
    header.attempt = c->current->attempt;
    header.step = step;
    header.field = field->layout.index;
    header.dtype = field->dtype;
    header.flags = blocks[i].non_finite ? MLP_FLAG_NON_FINITE : 0;
    header.client_rank = (uint32_t)c->collective.rank;
    header.offset = block->offset;
    header.count = block->count;
    header.sequence = session == NULL ? 0 : session->appended + 1;
    header.payload_hash = blocks[i].payload_hash;
    mlp_encode_data_header(blocks[i].slab->data + blocks[i].offset, &header);
    mlc_frame frame = {mlp_data_payload_bytes(field->dtype, block->count), blocks[i].frame_bytes, blocks[i].offset, blocks[i].slab};
    if (session == NULL || mlc_session_append(session, frame, now_ms) == 0) {
      c->unacknowledged_bytes -= blocks[i].frame_bytes;
      mlc_slab_drop(blocks[i].slab);
      status = c->current->status = mlc_error(c, MELISSA_ERROR_MEMORY, "no memory for the send queue");
    }
  }
  c->current->steps_sent++;
  mlc_io_wake(c);
  pthread_mutex_unlock(&c->lock);
  return status;
}

static melissa_status refuse_non_finite(melissa_client *c, const mlc_field *field, uint32_t step, const void *values, uint8_t dtype) {
  for (size_t i = 0; i < field->layout.run_count; i++) {
    const mlc_run *run = &field->layout.runs[i];
    for (uint64_t at = run->begin; at < run->begin + run->count; at++) {
      int narrowed_away = dtype == MLP_DTYPE_F64 && field->dtype == MLP_DTYPE_F32 && is_finite_at(values, dtype, at);
      float narrow = narrowed_away ? (float)((const double *)values)[at] : 0.0f;
      if (narrowed_away ? is_finite_at(&narrow, MLP_DTYPE_F32, 0) : is_finite_at(values, dtype, at)) continue;
      uint64_t cell = field->layout.origin + at;
      fail(c, MELISSA_ERROR_NON_FINITE, "field \"%s\", step %u: the value of cell %llu is %s; the study rejects it (nonFinite: Reject)", field->name, step,
           (unsigned long long)cell, narrowed_away ? "too large for float32" : "not finite");
      return fault(c, MELISSA_ERROR_NON_FINITE, "ENONFINITE", field->name, step, cell);
    }
  }
  return fail(c, MELISSA_ERROR_NON_FINITE, "field \"%s\", step %u has a non-finite value", field->name, step);
}

melissa_status mlc_send(melissa_client *c, mlc_field *field, uint32_t step, const void *values, uint8_t dtype) {
  pthread_mutex_lock(&c->lock);
  melissa_status status = mlc_failure(c);
  if (status == MELISSA_OK && (c->current == NULL || !field->is_laid_out)) {
    status = mlc_error(c, MELISSA_ERROR_CALL_ORDER, "field \"%s\" is sent outside a simulation; call melissa_next_simulation first", field->name);
  } else if (status == MELISSA_OK && field->steps > 0 && step >= field->steps) {
    status = mlc_error(c, MELISSA_ERROR_STEP, "field \"%s\": step %u was sent, the study has steps 0 to %u; give time.steps in the study the number that the solver sends", field->name,
                       step, field->steps - 1);
  }
  pthread_mutex_unlock(&c->lock);
  if (status == MELISSA_ERROR_STEP) return fault(c, status, "ESTEP", field->name, step, 0);
  if (status != MELISSA_OK || !mlc_layout_keeps_step(&field->layout, step) || field->layout.block_count == 0) return status;

  size_t count = field->layout.block_count, ready = 0;
  prepared few[8], *blocks = count <= 8 ? few : malloc(count * sizeof *blocks);
  if (blocks == NULL) return MELISSA_ERROR_MEMORY;
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; i++) bytes += mlp_data_frame_bytes(field->dtype, field->layout.blocks[i].count);
  status = reserve(c, bytes);
  if (status == MELISSA_OK) {
    int non_finite = 0;
    for (; ready < count; ready++) {
      const mlc_block *block = &field->layout.blocks[ready];
      prepared *p = &blocks[ready];
      p->frame_bytes = (size_t)mlp_data_frame_bytes(field->dtype, block->count);
      if (!take_place(c, block->server_rank, p)) break;
      uint8_t *payload = p->slab->data + p->offset + MLP_DATA_HEADER_BYTES;
      size_t payload_bytes = (size_t)mlp_data_payload_bytes(field->dtype, block->count);
      p->payload_hash = fill(payload, field, block, values, dtype, &p->non_finite);
      memset(payload + payload_bytes, 0, p->frame_bytes - MLP_DATA_HEADER_BYTES - payload_bytes);
      non_finite |= p->non_finite;
    }
    if (ready < count || (non_finite && c->non_finite == 0)) {
      give_up(c, blocks, ready, bytes);
      status = ready < count ? fail(c, MELISSA_ERROR_MEMORY, "no memory for a send buffer") : refuse_non_finite(c, field, step, values, dtype);
    } else {
      status = commit(c, field, step, blocks);
    }
  }
  if (blocks != few) free(blocks);
  return status;
}

static melissa_status send_checked(melissa_client *c, const char *name, uint32_t step, const void *values, size_t count, uint8_t dtype) {
  if (c == NULL || name == NULL || (values == NULL && count > 0)) return MELISSA_ERROR_INVALID_ARGUMENT;
  if (mlc_is_forked(c)) return MELISSA_ERROR_FORKED;
  mlc_field *field = mlc_field_of(c, name);
  if (field == NULL) {
    fail(c, MELISSA_ERROR_UNKNOWN_FIELD, "field \"%.128s\" is sent but was not announced; call melissa_init or melissa_client_field for it first", name);
    return fault(c, MELISSA_ERROR_UNKNOWN_FIELD, "EFIELD_ANNOUNCED", name, step, 0);
  }
  if (count != field->cells) {
    fail(c, MELISSA_ERROR_FIELD_SIZE, "field \"%s\": %zu values are sent, %llu cells were announced on this rank", name, count, (unsigned long long)field->cells);
    return fault(c, MELISSA_ERROR_FIELD_SIZE, "EFIELD_SIZE", name, step, 0);
  }
  return mlc_send(c, field, step, values, dtype);
}

melissa_status melissa_client_send(melissa_client *c, const char *field, uint32_t step, const double *values, size_t count) {
  return send_checked(c, field, step, values, count, MLP_DTYPE_F64);
}
melissa_status melissa_client_send_f32(melissa_client *c, const char *field, uint32_t step, const float *values, size_t count) {
  return send_checked(c, field, step, values, count, MLP_DTYPE_F32);
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
    status = call(c, encode_bye, NULL, c->send_timeout_ms, &reply, &size);
    if (status != MELISSA_OK) return status;
    mlp_arena arena = {0};
    mlp_envelope envelope;
    mlp_ok ok;
    uint32_t retry_after_ms;
    status = read_reply(c, reply, size, &mlp_ok_shape, &arena, &envelope, &ok, &retry_after_ms);
    mlp_arena_free(&arena);
    free(reply);
    reply = NULL;
    if (status == MELISSA_OK || status == MELISSA_ERROR_CANCELLED) return status;
    if (tries == 0 && say_hello(c, &reply, &size) == MELISSA_OK) {
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
    if (c->collective.gather(c->collective.context, (uint64_t)status, c->collective.rank == 0 ? all : NULL) != 0) status = collective_failed(c);
    for (int i = 0; c->collective.rank == 0 && status == MELISSA_OK && i < c->collective.size; i++) {
      if (all[i] == MELISSA_OK) continue;
      status = fail(c, (melissa_status)all[i], "rank %d could not deliver its data", i);
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
