/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O thread of a handle: sends what the sessions and requests want, receives what the head and the ranks say, sleeps
 * otherwise. All decisions about frames are the sessions'; here are only sockets and the handling of messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "client.h"

/* At close: what the pipes still hold (Close, ClientBye's repetition) may take this long to leave. */
#define LINGER_MS 500
#define IDLE_MS 1000u
/* Between the end of a connection and the next try; doubled while no handshake succeeds. */
#define REOPEN_MS 20u
#define REOPEN_MAX_MS 1000u
/* Frames received from one socket before the others get a turn. */
#define RECEIVE_TURN 256

uint64_t mlc_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void mlc_io_wake(melissa_client *c) {
  if (!c->polls) return;
  c->polls = 0;
  while (write(c->wake[1], "w", 1) < 0 && errno == EINTR) continue;
}

static void sooner(uint64_t *wake_ms, uint64_t at_ms) {
  if (at_ms < *wake_ms) *wake_ms = at_ms;
}

/* ---- requests to the head ---- */

mlc_request *mlc_request_take(melissa_client *c, mlc_request_kind kind) {
  for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) {
    mlc_request *request = &c->requests[i];
    if (request->kind != MLC_REQUEST_FREE) continue;
    mlp_buffer kept = request->frame;
    memset(request, 0, sizeof *request);
    request->frame = kept;
    request->kind = kind;
    request->number = c->next_request++;
    request->epoch = c->epoch;
    return request;
  }
  return NULL;
}

void mlc_request_free(mlc_request *request) {
  free(request->reply);
  request->reply = NULL;
  request->kind = MLC_REQUEST_FREE;
}

int mlc_encode_hello(melissa_client *c, const mlc_attempt *attempt, mlc_request *request) {
  mlp_client_hello hello;
  memset(&hello, 0, sizeof hello);
  hello.token = mlp_text_of(c->settings.token);
  hello.client = c->id;
  hello.library = mlp_text_of(MLC_LIBRARY);
  hello.host = mlp_text_of(c->settings.host);
  hello.simulation = attempt->simulation;
  hello.draw = attempt->draw;
  hello.attempt = attempt->attempt;
  hello.ranks = (uint32_t)c->collective.size;
  request->simulation = attempt->simulation;
  request->draw = attempt->draw;
  request->attempt = attempt->attempt;
  return mlp_encode_client_hello(&request->frame, &hello, c->epoch, request->number) == MLP_OK;
}

/* The current attempt asks, because an ended one of a loop is no longer leased; only without a current one does an ended one. */
static void want_hello(melissa_client *c) {
  mlc_attempt *attempt = c->current != NULL && c->current->status == MELISSA_OK ? c->current : c->draining;
  if (attempt != NULL && attempt->status == MELISSA_OK) attempt->wants_hello = 1;
}

/* ClientHello for an attempt whose epoch, endpoints or leave to begin are in question. One at a time for each. */
static void hello_step(melissa_client *c, mlc_attempt *attempt, uint64_t now_ms, uint64_t *wake_ms) {
  if (!attempt->wants_hello || attempt->status != MELISSA_OK) return;
  if (attempt->hello_ms != 0 && now_ms < attempt->hello_ms + MLC_REQUEST_RETRY_MS / 4) {
    sooner(wake_ms, attempt->hello_ms + MLC_REQUEST_RETRY_MS / 4);
    return;
  }
  for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) {
    const mlc_request *r = &c->requests[i];
    if (r->kind == MLC_REQUEST_HELLO && r->simulation == attempt->simulation && r->draw == attempt->draw && r->attempt == attempt->attempt) return;
  }
  mlc_request *request = mlc_request_take(c, MLC_REQUEST_HELLO);
  if (request == NULL) {
    sooner(wake_ms, now_ms + 10);
    return;
  }
  if (!mlc_encode_hello(c, attempt, request)) {
    mlc_request_free(request);
    return;
  }
  attempt->wants_hello = 0;
  attempt->hello_ms = now_ms;
}

static void control_step(melissa_client *c, uint64_t now_ms, uint64_t *wake_ms) {
  for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) {
    mlc_request *request = &c->requests[i];
    if (request->kind == MLC_REQUEST_FREE || request->is_answered) continue;
    if (c->control.socket == NULL && !mlc_link_open(&c->control, c->context, &c->settings, c->settings.head, "")) {
      request->is_answered = 1;
      request->status = MELISSA_ERROR_UNREACHABLE;
      pthread_cond_broadcast(&c->changed);
      continue;
    }
    if (!c->control.connected) continue; /* the monitor wakes us */
    if (now_ms >= request->send_ms) {
      if (mlc_link_send_copy(&c->control, request->frame.data, request->frame.size)) {
        request->send_ms = now_ms + MLC_REQUEST_RETRY_MS;
        c->heartbeat_due_ms = now_ms + c->heartbeat_ms;
      } else {
        request->send_ms = now_ms + 20;
      }
    }
    if (request->send_ms != UINT64_MAX) sooner(wake_ms, request->send_ms);
  }
  if (c->collective.rank == 0 && c->is_welcome && c->control.connected && c->heartbeat_ms > 0 && c->current != NULL) {
    if (now_ms >= c->heartbeat_due_ms) {
      mlp_client_heartbeat beat = {c->current->simulation, c->id};
      if (mlp_encode_client_heartbeat(&c->out, &beat, c->epoch, c->next_request++) == MLP_OK)
        (void)mlc_link_send_copy(&c->control, c->out.data, c->out.size);
      c->heartbeat_due_ms = now_ms + c->heartbeat_ms;
    }
    sooner(wake_ms, c->heartbeat_due_ms);
  }
}

/* ---- sessions ---- */

static mlc_session *session_at(const mlc_attempt *attempt, uint32_t rank) {
  return attempt == NULL || attempt->sessions == NULL ? NULL : attempt->sessions[rank];
}

/* The whole handle is of no use any more. */
static void fail_handle(melissa_client *c, melissa_status status) {
  if (c->failure == MELISSA_OK) c->failure = status;
  pthread_cond_broadcast(&c->changed);
}

static void fail_attempt(melissa_client *c, mlc_attempt *attempt, melissa_status status) {
  if (attempt->status == MELISSA_OK) attempt->status = status;
  pthread_cond_broadcast(&c->changed);
}

/* Opened answers the Opens of a connection in their order, and names the attempt; both are used, so that a mistake of either
   side is survived. */
static void remember_open(mlc_server_rank *server, const mlc_attempt *attempt) {
  if (server->open_count == MLC_OPENS_MAX) memmove(server->opens, server->opens + 1, --server->open_count * sizeof *server->opens);
  mlc_open_sent one = {attempt->simulation, attempt->draw, attempt->attempt};
  server->opens[server->open_count++] = one;
}

/* Takes the Open of that attempt off the list: 1. With none of it, the oldest if `or_oldest`: 1. Else 0. */
static int answer_open(mlc_server_rank *server, mlc_open_sent *which, int or_oldest) {
  size_t at = 0;
  while (at < server->open_count && (server->opens[at].simulation != which->simulation || server->opens[at].draw != which->draw || server->opens[at].attempt != which->attempt)) at++;
  if (at == server->open_count) {
    if (!or_oldest || server->open_count == 0) return 0;
    at = 0;
  }
  *which = server->opens[at];
  server->open_count--;
  memmove(server->opens + at, server->opens + at + 1, (server->open_count - at) * sizeof *server->opens);
  return 1;
}

static int send_open(melissa_client *c, mlc_attempt *attempt, mlc_session *session, mlc_server_rank *server) {
  mlp_open_fields *fields = calloc(c->field_count + 1, sizeof *fields);
  if (fields == NULL) return 0;
  mlp_open open;
  memset(&open, 0, sizeof open);
  open.token = mlp_text_of(c->settings.token);
  open.client = c->id;
  open.client_rank = (uint32_t)c->collective.rank;
  open.client_ranks = (uint32_t)c->collective.size;
  open.simulation = attempt->simulation;
  open.draw = attempt->draw;
  open.attempt = attempt->attempt;
  open.first_unacknowledged = session->acknowledged + 1;
  open.host = mlp_text_of(c->settings.host);
  open.fields = fields;
  for (size_t i = 0; i < c->field_count; i++) {
    const mlc_field *field = &c->fields[i];
    if (!field->is_laid_out) continue;
    mlp_open_fields *one = &fields[open.fields_count++];
    one->index = field->layout.index;
    one->dtype = field->dtype;
    one->cells.data = (const uint8_t *)field->layout.kept_cells; /* already little-endian, see mlc_lay_out */
    one->cells.size = (uint32_t)(8u * (uint32_t)c->collective.size);
  }
  int sent = mlp_encode_open(&c->out, &open, c->epoch) == MLP_OK && mlc_link_send_copy(&server->link, c->out.data, c->out.size);
  if (sent) remember_open(server, attempt);
  free(fields);
  return sent;
}

/* A frame that is sent again under another epoch gets a new header. Its slab may still be read by an old connection: then in
   a copy. */
static int renew_epoch(melissa_client *c, mlc_frame *frame) {
  mlc_slab *slab = frame->slab;
  mlp_data_header header;
  if (mlp_decode_data_header(slab->data + frame->offset, frame->frame_bytes, &header) != MLP_OK) return 0;
  if (header.epoch == c->epoch) return 1;
  mlc_slab *copy = mlc_pool_take(&c->pool, frame->frame_bytes);
  if (copy == NULL) return 0;
  memcpy(copy->data, slab->data + frame->offset, frame->frame_bytes);
  copy->used = frame->frame_bytes;
  mlp_data_header_set_epoch(copy->data, c->epoch);
  mlc_slab_drop(slab);
  frame->slab = copy;
  frame->offset = 0;
  return 1;
}

/* Neighbours in one slab travel as one message. Returns the last sequence sent, or first − 1. */
static uint64_t send_batch(melissa_client *c, mlc_session *session, mlc_link *link, uint64_t first, uint64_t last) {
  mlc_frame *frame = mlc_session_frame(session, first);
  if (!renew_epoch(c, frame)) return first - 1;
  mlc_slab *slab = frame->slab;
  size_t offset = frame->offset, size = frame->frame_bytes;
  uint64_t sequence = first;
  while (sequence < last) {
    mlc_frame *next = mlc_session_frame(session, sequence + 1);
    if (!renew_epoch(c, next)) break;
    if (next->slab != slab || next->offset != offset + size || size + next->frame_bytes > MLC_BATCH_BYTES) break;
    size += next->frame_bytes;
    sequence++;
  }
  return mlc_link_send_slab(link, slab, offset, size) ? sequence : first - 1;
}

static void session_step(melissa_client *c, mlc_attempt *attempt, uint32_t rank, uint64_t now_ms, uint64_t *wake_ms) {
  mlc_session *session = session_at(attempt, rank);
  mlc_server_rank *server = &c->server_ranks[rank];
  if (session == NULL || attempt->status != MELISSA_OK) return;
  if (server->link.socket == NULL && !mlc_session_is_idle(session)) {
    if (server->down_ms == 0) server->down_ms = now_ms;
    if (now_ms < server->reopen_ms) sooner(wake_ms, server->reopen_ms);
  }
  if (server->link.socket == NULL && !mlc_session_is_idle(session) && now_ms >= server->reopen_ms) {
    if (!mlc_link_open(&server->link, c->context, &c->settings, server->endpoint, server->server_key)) {
      mlc_error(c, MELISSA_ERROR_UNREACHABLE, "cannot use the server rank's address \"%s\"", server->endpoint);
      fail_attempt(c, attempt, MELISSA_ERROR_UNREACHABLE);
      return;
    }
  }
  for (;;) {
    mlc_action action = mlc_session_next(session, now_ms);
    if (action.kind == MLC_NOTHING) {
      sooner(wake_ms, action.wake_ms);
      return;
    }
    if (action.kind == MLC_TIMED_OUT) {
      mlc_error(c, MELISSA_ERROR_TIMEOUT, "server rank %u at %s acknowledged nothing for %u ms", rank, server->endpoint, session->limits.timeout_ms);
      fail_attempt(c, attempt, MELISSA_ERROR_TIMEOUT);
      return;
    }
    if (action.kind == MLC_NEED_EPOCH) {
      want_hello(c);
      sooner(wake_ms, session->progress_ms + session->limits.timeout_ms);
      return;
    }
    if (action.kind == MLC_SEND_OPEN) {
      if (!send_open(c, attempt, session, server)) {
        sooner(wake_ms, now_ms + 10);
        return;
      }
      mlc_session_sent_open(session, now_ms);
      continue;
    }
    uint64_t sent = send_batch(c, session, &server->link, action.first, action.last);
    if (sent < action.first) {
      sooner(wake_ms, now_ms + 10);
      return;
    }
    mlc_session_sent(session, sent, now_ms);
  }
}

static void send_close(melissa_client *c, const mlc_attempt *attempt) {
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) {
    if (session_at(attempt, rank) == NULL || !c->server_ranks[rank].link.connected) continue;
    mlp_close close_message = {attempt->simulation, attempt->draw, attempt->attempt, c->id, (uint32_t)c->collective.rank};
    if (mlp_encode_close(&c->out, &close_message, c->epoch) == MLP_OK)
      (void)mlc_link_send_copy(&c->server_ranks[rank].link, c->out.data, c->out.size);
  }
}

static void attempt_step(melissa_client *c, mlc_attempt *attempt, uint64_t now_ms, uint64_t *wake_ms) {
  if (c->is_welcome)
    for (uint32_t rank = 0; rank < c->server_rank_count; rank++) session_step(c, attempt, rank, now_ms, wake_ms);
  hello_step(c, attempt, now_ms, wake_ms);
}

/* Attempts of a loop that have ended: closed and forgotten when all of theirs is acknowledged, or they failed. */
static void draining_step(melissa_client *c, uint64_t now_ms, uint64_t *wake_ms) {
  for (mlc_attempt **at = &c->draining; *at != NULL;) {
    mlc_attempt *attempt = *at;
    attempt_step(c, attempt, now_ms, wake_ms);
    if (!mlc_attempt_is_idle(c, attempt) && attempt->status == MELISSA_OK) {
      at = &attempt->next;
      continue;
    }
    send_close(c, attempt);
    *at = attempt->next;
    c->draining_count--;
    mlc_attempt_free(c, attempt);
    pthread_cond_broadcast(&c->changed);
  }
}

/* A rank that is away for long may have come back elsewhere: the head knows. */
static void ranks_step(melissa_client *c, uint64_t now_ms, uint64_t *wake_ms) {
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) {
    mlc_server_rank *server = &c->server_ranks[rank];
    if (server->down_ms == 0 || server->link.socket == NULL) continue;
    uint64_t due = (server->down_ms > c->ranks_asked_ms ? server->down_ms : c->ranks_asked_ms) + MLC_LINK_DOWN_MS;
    if (now_ms < due) {
      sooner(wake_ms, due);
      continue;
    }
    c->ranks_asked_ms = now_ms;
    want_hello(c);
  }
}

/* ---- what comes in ---- */

/* Calls `visit` for every session with `rank`. */
static void for_sessions(melissa_client *c, uint32_t rank, void (*visit)(mlc_session *, uint64_t), uint64_t now_ms) {
  if (session_at(c->current, rank) != NULL) visit(session_at(c->current, rank), now_ms);
  for (mlc_attempt *attempt = c->draining; attempt != NULL; attempt = attempt->next)
    if (session_at(attempt, rank) != NULL) visit(session_at(attempt, rank), now_ms);
}
static void visit_disconnected(mlc_session *session, uint64_t now_ms) {
  (void)now_ms;
  mlc_session_disconnected(session);
}

static void newer_epoch(melissa_client *c, uint32_t epoch) {
  if (epoch <= c->epoch || !c->is_welcome) return;
  want_hello(c);
}

static void visit_renewed(mlc_session *session, uint64_t now_ms) {
  (void)now_ms;
  mlc_session_epoch_renewed(session);
}
static void renew_sessions(melissa_client *c) {
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) for_sessions(c, rank, visit_renewed, 0);
}

static mlc_attempt *attempt_of(melissa_client *c, uint32_t simulation, int draw, uint16_t attempt_number) {
  mlc_attempt *attempt = c->current;
  if (attempt != NULL && attempt->simulation == simulation && attempt->attempt == attempt_number && (draw < 0 || attempt->draw == draw)) return attempt;
  for (attempt = c->draining; attempt != NULL; attempt = attempt->next)
    if (attempt->simulation == simulation && attempt->attempt == attempt_number && (draw < 0 || attempt->draw == draw)) return attempt;
  return NULL;
}

static int same_endpoint(const mlc_server_rank *server, const mlp_client_welcome_server_ranks *told) {
  return mlp_text_equals(told->endpoint, server->endpoint) && mlp_text_equals(told->server_key, server->server_key);
}

int mlc_adopt_welcome(melissa_client *c, const mlp_client_welcome *w, uint32_t epoch) {
  if (w->server_ranks_count == 0 || w->server_ranks_count > 65536) return 0;
  if (c->is_welcome && w->server_ranks_count != c->server_rank_count) return 0;
  if (!c->is_welcome) {
    c->server_ranks = calloc(w->server_ranks_count, sizeof *c->server_ranks);
    c->study_fields = calloc(w->fields_count + 1u, sizeof *c->study_fields);
    if (c->server_ranks == NULL || c->study_fields == NULL) return 0;
    c->server_rank_count = w->server_ranks_count;
    for (uint32_t i = 0; i < w->fields_count; i++) {
      mlc_study_field *field = &c->study_fields[c->study_field_count];
      if (!mlp_text_copy(w->fields[i].name, field->name, sizeof field->name)) continue;
      field->index = w->fields[i].index;
      field->dtype = w->fields[i].dtype;
      field->steps = w->fields[i].steps;
      c->study_field_count++;
    }
    c->window_bytes = w->send_window_bytes;
    c->send_timeout_ms = w->send_timeout_ms > 0 ? w->send_timeout_ms : c->settings.timeout_ms;
    c->heartbeat_ms = w->heartbeat_ms;
    c->non_finite = w->non_finite;
  }
  c->epoch = epoch;
  for (uint32_t i = 0; i < w->server_ranks_count; i++) {
    mlc_server_rank *server = &c->server_ranks[i];
    if (c->is_welcome && same_endpoint(server, &w->server_ranks[i])) continue;
    if (!mlp_text_copy(w->server_ranks[i].endpoint, server->endpoint, sizeof server->endpoint)) return 0;
    if (!mlp_text_copy(w->server_ranks[i].server_key, server->server_key, sizeof server->server_key)) return 0;
    if (server->link.socket != NULL) {
      mlc_link_close(&server->link, 0); /* opened again, there, by session_step */
      server->open_count = 0;
      for_sessions(c, i, visit_disconnected, 0);
    }
  }
  c->is_welcome = 1;
  return 1;
}

static melissa_status status_of_refusal(const mlp_refused *refused) {
  if (mlp_text_equals(refused->code, "EVERSION")) return MELISSA_ERROR_VERSION;
  if (mlp_text_equals(refused->code, "ELEASE")) return MELISSA_ERROR_CANCELLED;
  return MELISSA_ERROR_REFUSED;
}

static void refused_error(melissa_client *c, melissa_status status, mlp_text code, mlp_text message, mlp_text remedy) {
  mlc_error(c, status, "%.*s: %.*s %.*s", (int)code.size, code.data == NULL ? "" : code.data, (int)message.size, message.data == NULL ? "" : message.data,
            (int)remedy.size, remedy.data == NULL ? "" : remedy.data);
}

/* The answer to a ClientHello that nobody waits for. */
static void hello_answered(melissa_client *c, mlc_request *request, const mlp_envelope *envelope, const uint8_t *frame, size_t size, uint64_t now_ms) {
  mlc_attempt *attempt = attempt_of(c, request->simulation, request->draw, request->attempt);
  mlp_client_welcome welcome;
  mlp_refused refused;
  mlp_envelope again;
  if (envelope->code == MLP_CODE_CLIENT_WELCOME && mlp_decode_client_welcome(frame, size, &c->arena, &again, &welcome) == MLP_OK) {
    if (envelope->epoch >= c->epoch && mlc_adopt_welcome(c, &welcome, envelope->epoch)) {
      if (attempt != NULL) attempt->wants_hello = 0;
      renew_sessions(c);
    }
  } else if (envelope->code == MLP_CODE_REFUSED && mlp_decode_refused(frame, size, &c->arena, &again, &refused) == MLP_OK) {
    if (refused.retry_after_ms > 0) {
      request->send_ms = now_ms + refused.retry_after_ms;
      return;
    }
    if (attempt != NULL && attempt->is_finished) {
      c->epoch = envelope->epoch; /* no longer leased, as it has been reported; the ranks decide about its last frames */
      renew_sessions(c);
    } else if (attempt != NULL) {
      melissa_status status = status_of_refusal(&refused);
      refused_error(c, status, refused.code, refused.message, refused.remedy);
      fail_attempt(c, attempt, status);
    }
  }
  mlc_request_free(request);
}

static void call_answered(melissa_client *c, mlc_request *request, const uint8_t *frame, size_t size) {
  request->is_answered = 1;
  pthread_cond_broadcast(&c->changed);
  request->reply = malloc(size + 1);
  if (request->reply == NULL) {
    request->status = MELISSA_ERROR_MEMORY;
    return;
  }
  memcpy(request->reply, frame, size);
  request->reply_size = size;
}

static void next_answered(melissa_client *c, mlc_request *request, const mlp_envelope *envelope, const uint8_t *frame, size_t size, uint64_t now_ms) {
  mlp_next_simulations_reply reply;
  mlp_refused refused;
  mlp_envelope again;
  if (envelope->code == MLP_CODE_NEXT_SIMULATIONS_REPLY && mlp_decode_next_simulations_reply(frame, size, &c->arena, &again, &reply) == MLP_OK) {
    mlc_loop_answer(c, &reply);
    if (reply.simulations_count == 0 && !reply.terminated && !request->only_reports) {
      request->parked_ms = now_ms;
      request->send_ms = UINT64_MAX; /* the head pushes the answer; mlc_loop_step asks anew after a while */
      return;
    }
    mlc_request_free(request);
  } else if (envelope->code == MLP_CODE_REFUSED && mlp_decode_refused(frame, size, &c->arena, &again, &refused) == MLP_OK) {
    if (refused.retry_after_ms > 0) {
      request->send_ms = now_ms + refused.retry_after_ms;
      return;
    }
    refused_error(c, status_of_refusal(&refused), refused.code, refused.message, refused.remedy);
    fail_handle(c, status_of_refusal(&refused));
    mlc_request_free(request);
  } else if (envelope->code == MLP_CODE_OK) {
    mlc_request_free(request); /* a report was taken */
  }
}

static void version_differs(melissa_client *c, const char *who) {
  fail_handle(c, MELISSA_ERROR_VERSION);
  mlc_error(c, MELISSA_ERROR_VERSION, "%s speaks another version of the protocol than this library (1); use the libmelissa of the server's release", who);
}

static void control_frame(melissa_client *c, const uint8_t *frame, size_t size, uint64_t now_ms) {
  mlp_envelope envelope;
  mlp_status status = mlp_peek_control(frame, size, &envelope);
  if (status == MLP_EVERSION) version_differs(c, "the head");
  if (status != MLP_OK) return;
  c->head_heard_ms = now_ms;
  if (envelope.epoch < c->epoch) return; /* a frozen head that woke up */
  if (envelope.code == MLP_CODE_CLIENT_STOP) {
    mlp_client_stop stop;
    if (mlp_decode_client_stop(frame, size, &c->arena, &envelope, &stop) != MLP_OK || c->current == NULL) return;
    mlc_error(c, MELISSA_ERROR_CANCELLED, "%.*s", (int)stop.reason.size, stop.reason.data == NULL ? "" : stop.reason.data);
    fail_attempt(c, c->current, MELISSA_ERROR_CANCELLED);
    return;
  }
  for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) {
    mlc_request *request = &c->requests[i];
    if (request->kind == MLC_REQUEST_FREE || request->is_answered || request->number != envelope.request) continue;
    if (request->kind == MLC_REQUEST_HELLO) hello_answered(c, request, &envelope, frame, size, now_ms);
    else if (request->kind == MLC_REQUEST_NEXT) next_answered(c, request, &envelope, frame, size, now_ms);
    else call_answered(c, request, frame, size);
    break;
  }
  newer_epoch(c, envelope.epoch); /* after the message, which may have been the Welcome that brings it */
}

static void data_refused(melissa_client *c, uint32_t rank, const mlp_data_refused *refused, uint64_t now_ms) {
  mlc_attempt *attempt = attempt_of(c, refused->simulation, refused->draw, refused->attempt);
  melissa_status status = MELISSA_ERROR_REFUSED;
  if (mlp_text_equals(refused->code, "EVERSION")) status = MELISSA_ERROR_VERSION;
  if (mlp_text_equals(refused->code, "EATTEMPT") || mlp_text_equals(refused->code, "ELEASE")) status = MELISSA_ERROR_CANCELLED;
  if (refused->simulation == UINT32_MAX && refused->retry == 0) { /* the rank could not even read whose frame it was */
    refused_error(c, status, refused->code, refused->message, refused->remedy);
    fail_handle(c, status);
    return;
  }
  mlc_session *session = session_at(attempt, rank);
  if (session == NULL) return;
  if (session->state == MLC_SESSION_OPENING && refused->retry != 2) { /* else it is about a frame, and the Open is still to be answered */
    mlc_open_sent which = {refused->simulation, refused->draw, refused->attempt};
    (void)answer_open(&c->server_ranks[rank], &which, 0);
  }
  mlc_session_refused(session, refused->retry, now_ms);
  if (session->state != MLC_SESSION_FAILED) return;
  refused_error(c, status, refused->code, refused->message, refused->remedy);
  fail_attempt(c, attempt, status);
}

static void data_frame(melissa_client *c, uint32_t rank, const uint8_t *frame, size_t size, uint64_t now_ms) {
  mlp_envelope envelope;
  mlp_status status = mlp_peek_data(frame, size, &envelope);
  if (status == MLP_EVERSION) version_differs(c, "a server rank");
  if (status != MLP_OK) return;
  newer_epoch(c, envelope.epoch);
  mlp_opened opened;
  mlp_ack ack;
  mlp_data_refused refused;
  int sound = 1;
  mlc_attempt *attempt = NULL;
  if (envelope.code == MLP_CODE_ACK && mlp_decode_ack(frame, size, &c->arena, &envelope, &ack) == MLP_OK) {
    attempt = attempt_of(c, ack.simulation, -1, ack.attempt);
    mlc_session *session = session_at(attempt, rank);
    uint64_t before = session == NULL ? 0 : session->unacknowledged_bytes;
    if (session != NULL) sound = mlc_session_acknowledged(session, ack.held, ack.credit_limit, now_ms);
    c->unacknowledged_bytes -= session == NULL ? 0 : before - session->unacknowledged_bytes;
  } else if (envelope.code == MLP_CODE_OPENED && mlp_decode_opened(frame, size, &c->arena, &envelope, &opened) == MLP_OK) {
    mlc_open_sent which = {opened.simulation, opened.draw, opened.attempt};
    (void)answer_open(&c->server_ranks[rank], &which, 1);
    attempt = attempt_of(c, which.simulation, which.draw, which.attempt);
    mlc_session *session = session_at(attempt, rank);
    uint64_t before = session == NULL ? 0 : session->unacknowledged_bytes;
    if (session != NULL) sound = mlc_session_opened(session, opened.instance, opened.held, opened.credit_limit, now_ms);
    c->unacknowledged_bytes -= session == NULL ? 0 : before - session->unacknowledged_bytes;
  } else if (envelope.code == MLP_CODE_DATA_REFUSED && mlp_decode_data_refused(frame, size, &c->arena, &envelope, &refused) == MLP_OK) {
    data_refused(c, rank, &refused, now_ms);
  }
  if (!sound) {
    mlc_error(c, MELISSA_ERROR_REFUSED, "server rank %u acknowledged frames that it was never sent", rank);
    fail_attempt(c, attempt, MELISSA_ERROR_REFUSED);
  }
}

/* ---- the loop ---- */

static void watch_rank(melissa_client *c, uint32_t rank, uint64_t now_ms) {
  mlc_server_rank *server = &c->server_ranks[rank];
  for (mlc_link_event event; (event = mlc_link_watch(&server->link)) != MLC_LINK_NOTHING;) {
    if (event == MLC_LINK_UP) {
      server->down_ms = 0;
      server->reopen_delay_ms = 0;
      for_sessions(c, rank, mlc_session_connected, now_ms);
      continue;
    }
    if (server->link.is_refused) {
      mlc_error(c, MELISSA_ERROR_REFUSED, "server rank %u refuses this client's key; check MELISSA_CURVE_DIR", rank);
      fail_handle(c, MELISSA_ERROR_REFUSED);
    }
    /* A fresh socket: what the old one still has queued must not reach the rank before the next Open. */
    mlc_link_close(&server->link, 0);
    server->open_count = 0;
    server->reopen_delay_ms = server->reopen_delay_ms == 0 ? REOPEN_MS : 2 * server->reopen_delay_ms > REOPEN_MAX_MS ? REOPEN_MAX_MS : 2 * server->reopen_delay_ms;
    server->reopen_ms = now_ms + server->reopen_delay_ms;
    if (server->down_ms == 0) server->down_ms = now_ms;
    for_sessions(c, rank, visit_disconnected, now_ms);
    return;
  }
}

static void watch_control(melissa_client *c, uint64_t now_ms) {
  for (mlc_link_event event; (event = mlc_link_watch(&c->control)) != MLC_LINK_NOTHING;) {
    if (event == MLC_LINK_UP) {
      for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) c->requests[i].send_ms = 0;
      if (c->control_was_up && c->is_welcome) want_hello(c); /* it may be another head, which does not know us */
      c->control_was_up = 1;
    } else if (c->control.is_refused) {
      mlc_error(c, MELISSA_ERROR_REFUSED, "the head refuses this client's key; check MELISSA_CURVE_DIR");
      fail_handle(c, MELISSA_ERROR_REFUSED);
    }
    (void)now_ms;
  }
}

static void receive_all(melissa_client *c, uint64_t now_ms) {
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (int turn = 0; turn < RECEIVE_TURN && c->control.socket != NULL && mlc_link_receive(&c->control, &message); turn++) {
    mlp_arena_reset(&c->arena);
    control_frame(c, zmq_msg_data(&message), zmq_msg_size(&message), now_ms);
  }
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) {
    for (int turn = 0; turn < RECEIVE_TURN && c->server_ranks[rank].link.socket != NULL && mlc_link_receive(&c->server_ranks[rank].link, &message); turn++) {
      mlp_arena_reset(&c->arena);
      data_frame(c, rank, zmq_msg_data(&message), zmq_msg_size(&message), now_ms);
    }
  }
  zmq_msg_close(&message);
}

static size_t poll_items(melissa_client *c, zmq_pollitem_t *items) {
  size_t count = 0;
  zmq_pollitem_t wake = {NULL, c->wake[0], ZMQ_POLLIN, 0};
  items[count++] = wake;
  for (uint32_t i = 0; i <= c->server_rank_count; i++) {
    const mlc_link *link = i == 0 ? &c->control : &c->server_ranks[i - 1].link;
    if (link->socket == NULL) continue;
    zmq_pollitem_t socket = {link->socket, 0, ZMQ_POLLIN, 0}, monitor = {link->monitor, 0, ZMQ_POLLIN, 0};
    items[count++] = socket;
    items[count++] = monitor;
  }
  return count;
}

/* With `lock` held: everything that can be done now. Returns when to come back. */
static uint64_t step(melissa_client *c) {
  uint64_t now_ms = mlc_now_ms(), wake_ms = now_ms + IDLE_MS;
  watch_control(c, now_ms);
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) watch_rank(c, rank, now_ms);
  uint64_t before = c->unacknowledged_bytes;
  receive_all(c, now_ms);
  if (c->current != NULL) attempt_step(c, c->current, now_ms, &wake_ms);
  draining_step(c, now_ms, &wake_ms);
  ranks_step(c, now_ms, &wake_ms);
  mlc_loop_step(c, now_ms, &wake_ms);
  control_step(c, now_ms, &wake_ms);
  if (c->unacknowledged_bytes < before) pthread_cond_broadcast(&c->changed);
  return wake_ms;
}

static void prepare_slabs(melissa_client *c) {
  size_t size = c->prepare_size, count = c->prepare_count;
  c->prepare_count = 0;
  if (count == 0) return;
  pthread_mutex_unlock(&c->lock);
  mlc_pool_prepare(&c->pool, size, count);
  pthread_mutex_lock(&c->lock);
}

static void close_all(melissa_client *c) {
  mlc_link_close(&c->control, LINGER_MS);
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) mlc_link_close(&c->server_ranks[rank].link, LINGER_MS);
}

static void *run(void *argument) {
  melissa_client *c = argument;
  zmq_pollitem_t *items = NULL;
  size_t capacity = 0;
  pthread_mutex_lock(&c->lock);
  while (!c->stops) {
    uint64_t wake_ms = step(c);
    prepare_slabs(c);
    size_t need = 2u * (c->server_rank_count + 1u) + 1u;
    if (need > capacity) {
      zmq_pollitem_t *grown = realloc(items, need * sizeof *items);
      if (grown == NULL) {
        fail_handle(c, MELISSA_ERROR_MEMORY);
        break;
      }
      items = grown;
      capacity = need;
    }
    size_t count = poll_items(c, items);
    uint64_t now_ms = mlc_now_ms();
    c->polls = 1;
    pthread_mutex_unlock(&c->lock);
    (void)zmq_poll(items, (int)count, wake_ms > now_ms ? (long)(wake_ms - now_ms) : 0);
    char drained[64];
    while (read(c->wake[0], drained, sizeof drained) == (ssize_t)sizeof drained) continue;
    pthread_mutex_lock(&c->lock);
    c->polls = 0;
  }
  if (c->current != NULL) send_close(c, c->current);
  close_all(c);
  pthread_mutex_unlock(&c->lock);
  free(items);
  return NULL;
}

static int open_pipe(int *ends) {
  if (pipe(ends) != 0) return 0;
  for (int i = 0; i < 2; i++) {
    (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  return 1;
}

int mlc_io_start(melissa_client *c) {
  if (!open_pipe(c->wake)) return 0;
  c->context = zmq_ctx_new();
  if (c->context == NULL) return 0;
  /* Signals are the solver's business: neither this thread nor ZeroMQ's may be chosen to handle them. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  c->io_runs = pthread_create(&c->io_thread, NULL, run, c) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return c->io_runs;
}

void mlc_io_stop(melissa_client *c) {
  if (c->io_runs) {
    pthread_mutex_lock(&c->lock);
    c->stops = 1;
    c->polls = 1;
    mlc_io_wake(c);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->io_thread, NULL);
    c->io_runs = 0;
  }
  if (c->context != NULL) zmq_ctx_term(c->context); /* ends within LINGER_MS: every socket is closed */
  c->context = NULL;
  for (int i = 0; i < 2; i++)
    if (c->wake[i] >= 0) close(c->wake[i]);
  c->wake[0] = c->wake[1] = -1;
  mlp_arena_free(&c->arena);
  mlp_buffer_free(&c->out);
}
