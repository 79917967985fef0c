/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the head that wait for an answer, from the solver's thread: ClientHello, and the report of a fault. Fields and the
 * good-bye use them too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define FAULT_MS 5000u

/* Sends a request and waits for its answer; the reply's memory is the caller's. With `limit_ms` of silence: an error. */
melissa_status mlc_call(melissa_client *c, mlc_encode_call *encode, const void *message, uint32_t limit_ms, uint8_t **reply, size_t *reply_size) {
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
  /* Who speaks for an attempt that the head does not know (any more) gets no answer to anything else: its end ends the wait. */
  while (!request->is_answered && mlc_failure(c) == MELISSA_OK && mlc_now_ms() < deadline_ms) mlc_wait(c, deadline_ms);
  if (c->failure != MELISSA_OK || !request->is_answered) status = mlc_failure(c);
  if (status != MELISSA_OK) {
    /* its text is there already */
  } else if (!request->is_answered) {
    const char *state = c->control.connected                                             ? "is connected but does not answer"
                        : c->settings.has_curve && c->control.failed_handshakes > 0 ? "breaks off the handshake: its key is not that in server.pub; check MELISSA_CURVE_DIR"
                                                                                         : "cannot be reached";
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
melissa_status mlc_read_reply(melissa_client *c, const uint8_t *frame, size_t size, const mlp_shape *shape, mlp_arena *arena, mlp_envelope *envelope, void *message,
                                 uint32_t *retry_after_ms) {
  mlp_status decoded = mlp_decode_control(frame, size, arena, shape, envelope, message);
  *retry_after_ms = 0;
  if (decoded == MLP_OK) return MELISSA_OK;
  mlp_refused refused;
  if (mlp_decode_refused(frame, size, arena, envelope, &refused) != MLP_OK)
    return mlc_fail(c, MELISSA_ERROR_REFUSED, "the head's answer cannot be read (%s)", mlp_status_name(decoded));
  *retry_after_ms = refused.retry_after_ms;
  melissa_status status = MELISSA_ERROR_REFUSED;
  if (mlp_text_equals(refused.code, "ELEASE")) status = MELISSA_ERROR_CANCELLED;
  if (mlp_text_equals(refused.code, "EVERSION")) status = MELISSA_ERROR_VERSION;
  if (mlp_text_equals(refused.code, "EFIELD_UNKNOWN")) status = MELISSA_ERROR_UNKNOWN_FIELD;
  if (mlp_text_equals(refused.code, "EFIELD_SIZE")) status = MELISSA_ERROR_FIELD_SIZE;
  return mlc_fail(c, status, "%.*s: %.*s %.*s", (int)refused.code.size, refused.code.data, (int)refused.message.size, refused.message.data, (int)refused.remedy.size,
              refused.remedy.data);
}

static int encode_hello(melissa_client *c, mlc_request *request, const void *message) {
  (void)message;
  return mlc_encode_hello(c, c->current, request);
}

/* ClientHello until it is answered by Welcome or by a refusal for good; the Welcome's bytes in `reply`. */
melissa_status mlc_say_hello(melissa_client *c, uint8_t **reply, size_t *reply_size) {
  uint64_t deadline_ms = mlc_now_ms() + c->settings.timeout_ms;
  for (;;) {
    uint64_t now_ms = mlc_now_ms();
    uint32_t left = now_ms < deadline_ms ? (uint32_t)(deadline_ms - now_ms) : 0;
    melissa_status status = mlc_call(c, encode_hello, NULL, left, reply, reply_size);
    if (status != MELISSA_OK) return status;
    mlp_arena arena = {0};
    mlp_envelope envelope;
    mlp_client_welcome welcome;
    uint32_t retry_after_ms;
    status = mlc_read_reply(c, *reply, *reply_size, &mlp_client_welcome_shape, &arena, &envelope, &welcome, &retry_after_ms);
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
  melissa_status status = c->collective.rank == 0 ? mlc_say_hello(c, &reply, &size) : MELISSA_OK;
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

/* ---- faults ---- */

static int encode_fault(melissa_client *c, mlc_request *request, const void *message) {
  return mlp_encode_client_fault(&request->frame, message, c->epoch, request->number) == MLP_OK;
}

void mlc_fault(melissa_client *c, const char *code, const char *message, const char *field, uint32_t step, uint64_t cell) {
  if (c->current == NULL || !c->is_welcome) return;
  uint8_t *reply = NULL;
  size_t size = 0;
  if (c->collective.rank != 0 && !c->control_was_up) {
    if (mlc_call(c, encode_hello, NULL, FAULT_MS, &reply, &size) != MELISSA_OK) return;
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
  (void)mlc_call(c, encode_fault, &fault, FAULT_MS, &reply, &size);
  free(reply);
}

/* The attempt cannot go on: says so to the head and remembers it. */
melissa_status mlc_fault_attempt(melissa_client *c, melissa_status status, const char *code, const char *field, uint32_t step, uint64_t cell) {
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

