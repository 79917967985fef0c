/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the head: kept until they are answered, repeated with the same number, idempotent. And the heartbeat. */
#include <stdlib.h>
#include <string.h>

#include "io.h"

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
void mlc_want_hello(melissa_client *c) {
  mlc_attempt *attempt = c->current != NULL && c->current->status == MELISSA_OK ? c->current : c->draining;
  if (attempt != NULL && attempt->status == MELISSA_OK) attempt->wants_hello = 1;
}

/* ClientHello for an attempt whose epoch, endpoints or leave to begin are in question. One at a time for each. */
void mlc_hello_step(melissa_client *c, mlc_attempt *attempt, uint64_t now_ms, uint64_t *wake_ms) {
  if (!attempt->wants_hello || attempt->status != MELISSA_OK) return;
  if (attempt->hello_ms != 0 && now_ms < attempt->hello_ms + MLC_REQUEST_RETRY_MS / 4) {
    mlc_sooner(wake_ms, attempt->hello_ms + MLC_REQUEST_RETRY_MS / 4);
    return;
  }
  for (size_t i = 0; i < MLC_REQUESTS_MAX; i++) {
    const mlc_request *r = &c->requests[i];
    if (r->kind == MLC_REQUEST_HELLO && r->simulation == attempt->simulation && r->draw == attempt->draw && r->attempt == attempt->attempt) return;
  }
  mlc_request *request = mlc_request_take(c, MLC_REQUEST_HELLO);
  if (request == NULL) {
    mlc_sooner(wake_ms, now_ms + 10);
    return;
  }
  if (!mlc_encode_hello(c, attempt, request)) {
    mlc_request_free(request);
    return;
  }
  attempt->wants_hello = 0;
  attempt->hello_ms = now_ms;
}

void mlc_control_step(melissa_client *c, uint64_t now_ms, uint64_t *wake_ms) {
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
    if (request->send_ms != UINT64_MAX) mlc_sooner(wake_ms, request->send_ms);
  }
  if (c->collective.rank == 0 && c->is_welcome && c->control.connected && c->heartbeat_ms > 0 && c->current != NULL) {
    if (now_ms >= c->heartbeat_due_ms) {
      mlp_client_heartbeat beat = {c->current->simulation, c->id};
      if (mlp_encode_client_heartbeat(&c->out, &beat, c->epoch, c->next_request++) == MLP_OK)
        (void)mlc_link_send_copy(&c->control, c->out.data, c->out.size);
      c->heartbeat_due_ms = now_ms + c->heartbeat_ms;
    }
    mlc_sooner(wake_ms, c->heartbeat_due_ms);
  }
}

