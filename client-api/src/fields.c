/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Announcing fields: the sizes of all ranks go to the head, its layout comes back to all ranks. Collective.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"

/* Slabs made in advance for a field whose steps are large: the next is filled while these are on their way. */
#define PREPARED_SLABS 3u

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
    return mlc_collective_failed(c);
  }
  uint8_t *reply = NULL;
  size_t size = 0;
  melissa_status status = MELISSA_OK;
  if (c->collective.rank == 0) {
    field_message message = {field, cells};
    uint32_t limit_ms = c->send_timeout_ms > c->settings.timeout_ms ? c->send_timeout_ms : c->settings.timeout_ms;
    status = mlc_call(c, encode_field, &message, limit_ms, &reply, &size);
    if (status == MELISSA_OK) {
      mlp_arena arena = {0};
      mlp_envelope envelope;
      mlp_field_layout layout;
      uint32_t retry_after_ms;
      status = mlc_read_reply(c, reply, size, &mlp_field_layout_shape, &arena, &envelope, &layout, &retry_after_ms);
      mlp_arena_free(&arena);
    }
  }
  status = mlc_share(c, status, &reply, &size);
  if (!mlc_broadcast(c, cells, cells_bytes)) status = mlc_collective_failed(c);
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
  if (strlen(name) > MLC_FIELD_NAME_BYTES_MAX) return mlc_fail(c, MELISSA_ERROR_INVALID_ARGUMENT, "a field's name has at most %d bytes", MLC_FIELD_NAME_BYTES_MAX);
  mlc_field *known = mlc_field_of(c, name);
  if (known != NULL) {
    if (known->cells == cells) return MELISSA_OK;
    return mlc_fail(c, MELISSA_ERROR_FIELD_SIZE, "field \"%s\" was announced with %llu cells on this rank, now with %zu; its size is fixed", name, (unsigned long long)known->cells, cells);
  }
  if (c->field_count == MLC_FIELDS_MAX) return mlc_fail(c, MELISSA_ERROR_INVALID_ARGUMENT, "a solver has at most %d fields", MLC_FIELDS_MAX);
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

