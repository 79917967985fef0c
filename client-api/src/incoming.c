/* SPDX-License-Identifier: Apache-2.0 */
/* What the head and the ranks say: answers to requests go where they are waited for, the rest changes sessions and attempts. */
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "protocol/ring.h"

/* Calls `visit` for every session with `rank`. */
void mlc_for_sessions(melissa_client *c, uint32_t rank, void (*visit)(mlc_session *, uint64_t), uint64_t now_ms) {
  if (mlc_session_at(c->current, rank) != NULL) visit(mlc_session_at(c->current, rank), now_ms);
  for (mlc_attempt *attempt = c->draining; attempt != NULL; attempt = attempt->next)
    if (mlc_session_at(attempt, rank) != NULL) visit(mlc_session_at(attempt, rank), now_ms);
}
void mlc_visit_disconnected(mlc_session *session, uint64_t now_ms) {
  (void)now_ms;
  mlc_session_disconnected(session);
}

static void newer_epoch(melissa_client *c, uint32_t epoch) {
  if (epoch <= c->epoch || !c->is_welcome) return;
  mlc_want_hello(c);
}

static void visit_renewed(mlc_session *session, uint64_t now_ms) {
  (void)now_ms;
  mlc_session_epoch_renewed(session);
}
static void renew_sessions(melissa_client *c) {
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) mlc_for_sessions(c, rank, visit_renewed, 0);
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
    mlc_leave_ring(server);
    if (server->link.socket != NULL) {
      mlc_link_close(&server->link, 0); /* opened again, there, by session_step */
      server->open_count = 0;
      mlc_for_sessions(c, i, mlc_visit_disconnected, 0);
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
      mlc_fail_attempt(c, attempt, status);
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
    mlc_fail_handle(c, status_of_refusal(&refused));
    mlc_request_free(request);
  } else if (envelope->code == MLP_CODE_OK) {
    mlc_request_free(request); /* a report was taken */
  }
}

static void version_differs(melissa_client *c, const char *who) {
  mlc_fail_handle(c, MELISSA_ERROR_VERSION);
  mlc_error(c, MELISSA_ERROR_VERSION, "%s speaks another version of the protocol than this library (1); use the libmelissa of the server's release", who);
}

void mlc_control_frame(melissa_client *c, const uint8_t *frame, size_t size, uint64_t now_ms) {
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
    mlc_fail_attempt(c, c->current, MELISSA_ERROR_CANCELLED);
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
    mlc_fail_handle(c, status);
    return;
  }
  mlc_session *session = mlc_session_at(attempt, rank);
  if (session == NULL) return;
  if (session->state == MLC_SESSION_OPENING && refused->retry != 2) { /* else it is about a frame, and the Open is still to be answered */
    mlc_open_sent which = {refused->simulation, refused->draw, refused->attempt};
    (void)mlc_answer_open(&c->server_ranks[rank], &which, 0);
  }
  mlc_session_refused(session, refused->retry, now_ms);
  if (session->state != MLC_SESSION_FAILED) return;
  refused_error(c, status, refused->code, refused->message, refused->remedy);
  mlc_fail_attempt(c, attempt, status);
}

/* From now on what is sent goes through the memory that the rank offers, as soon as nothing is left in the socket (send.c). */
static void take_ring(melissa_client *c, uint32_t rank, const mlp_opened *opened) {
  mlc_server_rank *server = &c->server_ranks[rank];
  char offer[MLP_RING_TEXT_BYTES];
  if (c->settings.only_sockets || opened->ring.size == 0 || !mlp_text_copy(opened->ring, offer, sizeof offer)) return;
  if (server->ring != NULL && !mlc_ring_is_closed(server->ring)) return; /* told twice */
  mlc_leave_ring(server);
  server->ring = mlc_ring_attach(offer);
}

void mlc_data_frame(melissa_client *c, uint32_t rank, const uint8_t *frame, size_t size, uint64_t now_ms) {
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
    mlc_session *session = mlc_session_at(attempt, rank);
    uint64_t before = session == NULL ? 0 : session->unacknowledged_bytes;
    if (session != NULL) sound = mlc_session_acknowledged(session, ack.held, ack.credit_limit, now_ms);
    c->unacknowledged_bytes -= session == NULL ? 0 : before - session->unacknowledged_bytes;
  } else if (envelope.code == MLP_CODE_OPENED && mlp_decode_opened(frame, size, &c->arena, &envelope, &opened) == MLP_OK) {
    mlc_open_sent which = {opened.simulation, opened.draw, opened.attempt};
    (void)mlc_answer_open(&c->server_ranks[rank], &which, 1);
    attempt = attempt_of(c, which.simulation, which.draw, which.attempt);
    mlc_session *session = mlc_session_at(attempt, rank);
    uint64_t before = session == NULL ? 0 : session->unacknowledged_bytes;
    take_ring(c, rank, &opened);
    if (session != NULL) sound = mlc_session_opened(session, opened.instance, opened.held, opened.credit_limit, now_ms);
    c->unacknowledged_bytes -= session == NULL ? 0 : before - session->unacknowledged_bytes;
  } else if (envelope.code == MLP_CODE_DATA_REFUSED && mlp_decode_data_refused(frame, size, &c->arena, &envelope, &refused) == MLP_OK) {
    data_refused(c, rank, &refused, now_ms);
  }
  if (!sound) {
    mlc_error(c, MELISSA_ERROR_REFUSED, "server rank %u acknowledged frames that it was never sent", rank);
    mlc_fail_attempt(c, attempt, MELISSA_ERROR_REFUSED);
  }
}

