/* SPDX-License-Identifier: Apache-2.0 */
/*
 * melissa_send: cuts a step into blocks, fills a send buffer for each in one pass over the values, and hands them to the
 * sessions all at once. Blocks while the send window is full.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "protocol/xxh3.h"

/* The I/O thread tells of every acknowledgement; this is for what it does not tell. */
#define RING_WAIT_MS 20u

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values travel as they lie in memory, which must be little-endian"
#endif

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

/* 1 if nothing that was sent to the rank is unacknowledged; `lock` held. */
static int is_quiet(const melissa_client *c, uint32_t rank) {
  if (c->current->sessions != NULL && c->current->sessions[rank] != NULL && !mlc_session_is_idle(c->current->sessions[rank])) return 0;
  for (const mlc_attempt *attempt = c->draining; attempt != NULL; attempt = attempt->next)
    if (attempt->sessions != NULL && attempt->sessions[rank] != NULL && !mlc_session_is_idle(attempt->sessions[rank])) return 0;
  return 1;
}

/*
 * Frames reach the rank in their order on one way only: before the first one goes through a new ring, and before one that is too large
 * for it goes by the socket again, everything on the other way must be acknowledged.
 */
static void choose_way(melissa_client *c, uint32_t rank, size_t frame_bytes) {
  mlc_server_rank *server = &c->server_ranks[rank];
  pthread_mutex_lock(&c->lock);
  while (server->ring != NULL && mlc_failure(c) == MELISSA_OK) {
    int fits = mlc_ring_fits(server->ring, frame_bytes);
    if (server->ring_is_used == fits) break;
    if (is_quiet(c, rank)) {
      if (fits) server->ring_is_used = 1;
      else mlc_leave_ring(server);
      break;
    }
    mlc_wait(c, mlc_now_ms() + RING_WAIT_MS);
  }
  pthread_mutex_unlock(&c->lock);
}

/* A place in the ring, or NULL where there is none to wait for. Places become free as the rank folds and acknowledges. */
static mlc_slab *take_shared(melissa_client *c, uint32_t rank, size_t frame_bytes) {
  mlc_server_rank *server = &c->server_ranks[rank];
  mlc_slab *slab = NULL;
  pthread_mutex_lock(&c->lock);
  while (server->ring_is_used && mlc_failure(c) == MELISSA_OK && (slab = mlc_ring_take(server->ring, frame_bytes)) == NULL) {
    if (mlc_ring_is_closed(server->ring)) mlc_leave_ring(server);
    else mlc_wait(c, mlc_now_ms() + RING_WAIT_MS);
  }
  pthread_mutex_unlock(&c->lock);
  return slab;
}

/* A place for one frame: small ones behind each other in the rank's slab, so that they can travel together. */
static int take_place(melissa_client *c, uint32_t rank, prepared *p) {
  choose_way(c, rank, p->frame_bytes);
  p->slab = take_shared(c, rank, p->frame_bytes);
  p->offset = 0;
  if (p->slab != NULL) return 1;
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
    mlc_session *session = mlc_session_of(c, block->server_rank);
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
  int all_sent = status == MELISSA_OK;
  for (size_t i = 0; i < field->layout.block_count && status == MELISSA_OK; i++) {
    uint32_t rank = field->layout.blocks[i].server_rank;
    all_sent = mlc_commit_now(c, c->current->sessions[rank], rank, now_ms) && all_sent;
  }
  if (!all_sent) mlc_io_wake(c);
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
      mlc_fail(c, MELISSA_ERROR_NON_FINITE, "field \"%s\", step %u: the value of cell %llu is %s; the study rejects it (nonFinite: Reject)", field->name, step,
           (unsigned long long)cell, narrowed_away ? "too large for float32" : "not finite");
      return mlc_fault_attempt(c, MELISSA_ERROR_NON_FINITE, "ENONFINITE", field->name, step, cell);
    }
  }
  return mlc_fail(c, MELISSA_ERROR_NON_FINITE, "field \"%s\", step %u has a non-finite value", field->name, step);
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
  if (status == MELISSA_ERROR_STEP) return mlc_fault_attempt(c, status, "ESTEP", field->name, step, 0);
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
      status = ready < count ? mlc_fail(c, MELISSA_ERROR_MEMORY, "no memory for a send buffer") : refuse_non_finite(c, field, step, values, dtype);
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
    mlc_fail(c, MELISSA_ERROR_UNKNOWN_FIELD, "field \"%.128s\" is sent but was not announced; call melissa_init or melissa_client_field for it first", name);
    return mlc_fault_attempt(c, MELISSA_ERROR_UNKNOWN_FIELD, "EFIELD_ANNOUNCED", name, step, 0);
  }
  if (count != field->cells) {
    mlc_fail(c, MELISSA_ERROR_FIELD_SIZE, "field \"%s\": %zu values are sent, %llu cells were announced on this rank", name, count, (unsigned long long)field->cells);
    return mlc_fault_attempt(c, MELISSA_ERROR_FIELD_SIZE, "EFIELD_SIZE", name, step, 0);
  }
  return mlc_send(c, field, step, values, dtype);
}

melissa_status melissa_client_send(melissa_client *c, const char *field, uint32_t step, const double *values, size_t count) {
  return send_checked(c, field, step, values, count, MLP_DTYPE_F64);
}
melissa_status melissa_client_send_f32(melissa_client *c, const char *field, uint32_t step, const float *values, size_t count) {
  return send_checked(c, field, step, values, count, MLP_DTYPE_F32);
}

