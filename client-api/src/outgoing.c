/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what the sessions want: opens connections, says Open, sends frames in batches, closes what has ended. */
#include <stdlib.h>
#include <string.h>

#include "io.h"

#define RING_WORTH_BYTES ((uint64_t)4 << 20)

/* The whole handle is of no use any more. */
void mlc_fail_handle(melissa_client *c, melissa_status status) {
  if (c->failure == MELISSA_OK) c->failure = status;
  pthread_cond_broadcast(&c->changed);
}

void mlc_fail_attempt(melissa_client *c, mlc_attempt *attempt, melissa_status status) {
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
int mlc_answer_open(mlc_server_rank *server, mlc_open_sent *which, int or_oldest) {
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

/* What is in the ring and not acknowledged is sent again by the socket. */
void mlc_leave_ring(mlc_server_rank *server) {
  mlc_ring_abandon(server->ring);
  server->ring = NULL;
  server->ring_is_used = 0;
}

/* The frames that a session may send now and whose memory the rank can see already, without the I/O thread. 1 if none is left. */
int mlc_commit_now(melissa_client *c, mlc_session *session, uint32_t rank, uint64_t now_ms) {
  const mlc_server_rank *server = &c->server_ranks[rank];
  if (!server->ring_is_used || !session->connected || session->state != MLC_SESSION_OPEN || session->reopen) return 0;
  while (session->sent < session->appended) {
    mlc_frame *frame = mlc_session_frame(session, session->sent + 1);
    mlc_slab *slab = frame->slab;
    if (slab->ring == NULL || session->payload_sent + frame->payload_bytes > session->credit_limit) return 0;
    if (mlc_ring_commit(slab) != MLC_COMMITTED) return 0;
    mlc_session_sent(session, session->sent + 1, now_ms);
  }
  return 1;
}

/* Making and mapping a ring costs some milliseconds: it must be worth them. A process that loops has many simulations to come. */
static int wants_ring(const melissa_client *c, uint32_t rank) {
  const mlc_server_rank *server = &c->server_ranks[rank];
  if (c->settings.only_sockets || (server->ring != NULL && !mlc_ring_is_closed(server->ring))) return 0;
  if (c->settings.loops) return 1;
  uint64_t bytes = 0;
  for (size_t i = 0; i < c->field_count; i++) {
    const mlc_field *field = &c->fields[i];
    for (size_t b = 0; field->is_laid_out && b < field->layout.block_count; b++)
      if (field->layout.blocks[b].server_rank == rank) bytes += mlp_data_payload_bytes(field->dtype, field->layout.blocks[b].count) * (field->steps > 0 ? field->steps : 1);
  }
  return bytes >= RING_WORTH_BYTES;
}

static int send_open(melissa_client *c, mlc_attempt *attempt, mlc_session *session, uint32_t rank) {
  mlc_server_rank *server = &c->server_ranks[rank];
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
  open.host = mlp_text_of(wants_ring(c, rank) ? c->settings.host : "");
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
  mlc_session *session = mlc_session_at(attempt, rank);
  mlc_server_rank *server = &c->server_ranks[rank];
  if (session == NULL || attempt->status != MELISSA_OK) return;
  if (server->link.socket == NULL && !mlc_session_is_idle(session)) {
    if (server->down_ms == 0) server->down_ms = now_ms;
    if (now_ms < server->reopen_ms) mlc_sooner(wake_ms, server->reopen_ms);
  }
  if (server->link.socket == NULL && !mlc_session_is_idle(session) && now_ms >= server->reopen_ms) {
    if (!mlc_link_open(&server->link, c->context, &c->settings, server->endpoint, server->server_key)) {
      mlc_error(c, MELISSA_ERROR_UNREACHABLE, "cannot use the server rank's address \"%s\"", server->endpoint);
      mlc_fail_attempt(c, attempt, MELISSA_ERROR_UNREACHABLE);
      return;
    }
  }
  for (;;) {
    mlc_action action = mlc_session_next(session, now_ms);
    if (action.kind == MLC_NOTHING) {
      mlc_sooner(wake_ms, action.wake_ms);
      return;
    }
    if (action.kind == MLC_TIMED_OUT) {
      mlc_error(c, MELISSA_ERROR_TIMEOUT, "server rank %u at %s acknowledged nothing for %u ms", rank, server->endpoint, session->limits.timeout_ms);
      mlc_fail_attempt(c, attempt, MELISSA_ERROR_TIMEOUT);
      return;
    }
    if (action.kind == MLC_NEED_EPOCH) {
      mlc_want_hello(c);
      mlc_sooner(wake_ms, session->progress_ms + session->limits.timeout_ms);
      return;
    }
    if (action.kind == MLC_SEND_OPEN) {
      if (!send_open(c, attempt, session, rank)) {
        mlc_sooner(wake_ms, now_ms + 10);
        return;
      }
      mlc_session_sent_open(session, now_ms);
      continue;
    }
    uint64_t sent = send_batch(c, session, &server->link, action.first, action.last);
    if (sent < action.first) {
      mlc_sooner(wake_ms, now_ms + 10);
      return;
    }
    mlc_session_sent(session, sent, now_ms);
  }
}

void mlc_send_close(melissa_client *c, const mlc_attempt *attempt) {
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) {
    if (mlc_session_at(attempt, rank) == NULL || !c->server_ranks[rank].link.connected) continue;
    mlp_close close_message = {attempt->simulation, attempt->draw, attempt->attempt, c->id, (uint32_t)c->collective.rank};
    if (mlp_encode_close(&c->out, &close_message, c->epoch) == MLP_OK)
      (void)mlc_link_send_copy(&c->server_ranks[rank].link, c->out.data, c->out.size);
  }
}

void mlc_attempt_step(melissa_client *c, mlc_attempt *attempt, uint64_t now_ms, uint64_t *wake_ms) {
  if (c->is_welcome)
    for (uint32_t rank = 0; rank < c->server_rank_count; rank++) session_step(c, attempt, rank, now_ms, wake_ms);
  mlc_hello_step(c, attempt, now_ms, wake_ms);
}

/* Attempts of a loop that have ended: closed and forgotten when all of theirs is acknowledged, or they failed. */
void mlc_draining_step(melissa_client *c, uint64_t now_ms, uint64_t *wake_ms) {
  for (mlc_attempt **at = &c->draining; *at != NULL;) {
    mlc_attempt *attempt = *at;
    mlc_attempt_step(c, attempt, now_ms, wake_ms);
    if (!mlc_attempt_is_idle(c, attempt) && attempt->status == MELISSA_OK) {
      at = &attempt->next;
      continue;
    }
    mlc_send_close(c, attempt);
    *at = attempt->next;
    c->draining_count--;
    mlc_attempt_free(c, attempt);
    pthread_cond_broadcast(&c->changed);
  }
}

/* A rank that is away for long may have come back elsewhere: the head knows. */
void mlc_ranks_step(melissa_client *c, uint64_t now_ms, uint64_t *wake_ms) {
  for (uint32_t rank = 0; rank < c->server_rank_count; rank++) {
    mlc_server_rank *server = &c->server_ranks[rank];
    if (server->down_ms == 0 || server->link.socket == NULL) continue;
    uint64_t due = (server->down_ms > c->ranks_asked_ms ? server->down_ms : c->ranks_asked_ms) + MLC_LINK_DOWN_MS;
    if (now_ms < due) {
      mlc_sooner(wake_ms, due);
      continue;
    }
    c->ranks_asked_ms = now_ms;
    mlc_want_hello(c);
  }
}

