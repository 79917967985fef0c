/* SPDX-License-Identifier: Apache-2.0 */
/* See codec.h. Numbers are put together byte by byte, so the same source is right on any byte order. */
#include "codec.h"

#include <stdlib.h>
#include <string.h>

#define PROTOCOL_VERSION 1u
#define PROTOCOL_VERSION_OLDEST 1u
#define CRC_AT 12u
#define ARENA_BLOCK_BYTES 16384u

const char *mlp_status_name(mlp_status status) {
  switch (status) {
    case MLP_OK: return "OK";
    case MLP_EFRAME_SHORT: return "EFRAME_SHORT";
    case MLP_EFRAME_LONG: return "EFRAME_LONG";
    case MLP_EFRAME_MAGIC: return "EFRAME_MAGIC";
    case MLP_EVERSION: return "EVERSION";
    case MLP_EFRAME_CODE: return "EFRAME_CODE";
    case MLP_EFRAME_LIMIT: return "EFRAME_LIMIT";
    case MLP_EFRAME_TEXT: return "EFRAME_TEXT";
    case MLP_EFRAME_CRC: return "EFRAME_CRC";
    case MLP_EFRAME_PAYLOAD: return "EFRAME_PAYLOAD";
    case MLP_ENOMEM: return "ENOMEM";
  }
  return "EFRAME_CODE";
}

mlp_text mlp_text_of(const char *terminated) {
  mlp_text text = {terminated, terminated == NULL ? 0 : (uint32_t)strlen(terminated)};
  return text;
}

int mlp_text_equals(mlp_text text, const char *terminated) {
  return strlen(terminated) == text.size && (text.size == 0 || memcmp(text.data, terminated, text.size) == 0);
}

int mlp_text_copy(mlp_text text, char *out, size_t capacity) {
  if (capacity == 0) return 0;
  size_t size = text.size < capacity ? text.size : capacity - 1;
  if (size > 0) memcpy(out, text.data, size);
  out[size] = '\0';
  return size == text.size;
}

/* ---- memory ---- */

struct mlp_arena_block {
  struct mlp_arena_block *next;
  size_t capacity;
  size_t used;
};

static size_t aligned(size_t size) { return (size + 15u) & ~(size_t)15u; }

static void *arena_take(mlp_arena *arena, size_t size) {
  size = aligned(size);
  struct mlp_arena_block *block = arena->blocks;
  if (block == NULL || block->capacity - block->used < size) {
    size_t capacity = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
    struct mlp_arena_block *fresh = (struct mlp_arena_block *)malloc(aligned(sizeof *fresh) + capacity);
    if (fresh == NULL) return NULL;
    fresh->next = block;
    fresh->capacity = capacity;
    fresh->used = 0;
    arena->blocks = fresh;
    block = fresh;
  }
  uint8_t *memory = (uint8_t *)block + aligned(sizeof *block) + block->used;
  block->used += size;
  return memory;
}

/* Keeps one ordinary block, so that a steady stream of frames allocates nothing, and gives back what one large frame took. */
void mlp_arena_reset(mlp_arena *arena) {
  struct mlp_arena_block *kept = NULL;
  while (arena->blocks != NULL) {
    struct mlp_arena_block *next = arena->blocks->next;
    if (kept == NULL && arena->blocks->capacity == ARENA_BLOCK_BYTES) {
      kept = arena->blocks;
    } else {
      free(arena->blocks);
    }
    arena->blocks = next;
  }
  if (kept != NULL) {
    kept->next = NULL;
    kept->used = 0;
  }
  arena->blocks = kept;
}

void mlp_arena_free(mlp_arena *arena) {
  while (arena->blocks != NULL) {
    struct mlp_arena_block *next = arena->blocks->next;
    free(arena->blocks);
    arena->blocks = next;
  }
}

void mlp_buffer_free(mlp_buffer *buffer) {
  free(buffer->data);
  buffer->data = NULL;
  buffer->size = buffer->capacity = 0;
}

/* Room for `size` more bytes at the end, or NULL with `*status` set. */
static uint8_t *grow(mlp_buffer *out, size_t size, mlp_status *status) {
  size_t need = out->size + size;
  if (need > MLP_CONTROL_FRAME_BYTES_MAX) {
    *status = MLP_EFRAME_LIMIT;
    return NULL;
  }
  if (need > out->capacity) {
    size_t capacity = out->capacity < 512 ? 512 : out->capacity;
    while (capacity < need) capacity *= 2;
    uint8_t *data = (uint8_t *)realloc(out->data, capacity);
    if (data == NULL) {
      *status = MLP_ENOMEM;
      return NULL;
    }
    out->data = data;
    out->capacity = capacity;
  }
  uint8_t *room = out->data + out->size;
  out->size = need;
  return room;
}

/* ---- numbers ---- */

static void put(uint8_t *out, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) out[i] = (uint8_t)(value >> (8 * i));
}
static uint64_t get(const uint8_t *in, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++) value |= (uint64_t)in[i] << (8 * i);
  return value;
}

static const uint8_t wire_bytes[] = {1, 2, 4, 8, 4, 8, 4, 4};     /* least size on the wire, by kind */
static const uint8_t memory_bytes[] = {1, 2, 4, 8, 4, 8, sizeof(mlp_text), sizeof(mlp_bytes)};

static size_t record_wire_bytes(const mlp_shape *record) {
  size_t bytes = 0;
  for (size_t i = 0; i < record->member_count; i++) bytes += wire_bytes[record->members[i].kind];
  return bytes;
}

/* ---- encoding ---- */

static mlp_status put_members(mlp_buffer *out, const mlp_shape *shape, const uint8_t *from);

static mlp_status put_value(mlp_buffer *out, mlp_kind kind, const mlp_shape *record, const uint8_t *from) {
  mlp_status status = MLP_OK;
  if (kind == MLP_KIND_RECORD) return put_members(out, record, from);
  if (kind == MLP_KIND_STRING || kind == MLP_KIND_BYTES) {
    mlp_bytes view; /* mlp_text has the same layout */
    memcpy(&view, from, sizeof view);
    if (kind == MLP_KIND_STRING && view.size > MLP_STRING_BYTES_MAX) return MLP_EFRAME_LIMIT;
    uint8_t *room = grow(out, 4 + (size_t)view.size, &status);
    if (room == NULL) return status;
    put(room, view.size, 4);
    if (view.size > 0) memcpy(room + 4, view.data, view.size);
    return MLP_OK;
  }
  uint64_t value = 0;
  switch (kind) {
    case MLP_KIND_U8: value = *from; break;
    case MLP_KIND_U16: { uint16_t v; memcpy(&v, from, sizeof v); value = v; break; }
    case MLP_KIND_U32:
    case MLP_KIND_I32: { uint32_t v; memcpy(&v, from, sizeof v); value = v; break; }
    default: memcpy(&value, from, sizeof value); break; /* u64, and f64 by its bits */
  }
  uint8_t *room = grow(out, wire_bytes[kind], &status);
  if (room == NULL) return status;
  put(room, value, wire_bytes[kind]);
  return MLP_OK;
}

static mlp_status put_members(mlp_buffer *out, const mlp_shape *shape, const uint8_t *from) {
  for (size_t i = 0; i < shape->member_count; i++) {
    const mlp_member *member = &shape->members[i];
    mlp_status status = MLP_OK;
    if (!member->is_list) {
      status = put_value(out, member->kind, member->record, from + member->offset);
      if (status != MLP_OK) return status;
      continue;
    }
    const uint8_t *items;
    uint32_t count;
    memcpy(&items, from + member->offset, sizeof items);
    memcpy(&count, from + member->count_offset, sizeof count);
    if (count > MLP_LIST_ITEMS_MAX) return MLP_EFRAME_LIMIT;
    uint8_t *room = grow(out, 4, &status);
    if (room == NULL) return status;
    put(room, count, 4);
    size_t stride = member->kind == MLP_KIND_RECORD ? member->record->size : memory_bytes[member->kind];
    for (uint32_t item = 0; item < count; item++) {
      status = put_value(out, member->kind, member->record, items + item * stride);
      if (status != MLP_OK) return status;
    }
  }
  return MLP_OK;
}

static mlp_status encode(mlp_buffer *out, const mlp_shape *shape, const void *message, uint32_t magic, uint32_t epoch, uint64_t request) {
  mlp_status status = MLP_OK;
  out->size = 0;
  uint8_t *room = grow(out, MLP_ENVELOPE_BYTES, &status);
  if (room == NULL) return status;
  put(room, magic, 4);
  put(room + 4, PROTOCOL_VERSION, 2);
  put(room + 6, shape->code, 2);
  put(room + 8, epoch, 4);
  put(room + 12, 0, 4);
  put(room + 16, request, 8);
  return put_members(out, shape, (const uint8_t *)message);
}

static uint32_t crc_without_itself(const uint8_t *frame, size_t size) {
  static const uint8_t zeros[4];
  uint32_t crc = mlp_crc32c(frame, CRC_AT, 0);
  crc = mlp_crc32c(zeros, sizeof zeros, crc);
  return mlp_crc32c(frame + CRC_AT + 4, size - CRC_AT - 4, crc);
}

mlp_status mlp_encode_control(mlp_buffer *out, const mlp_shape *shape, const void *message, uint32_t epoch, uint64_t request) {
  return encode(out, shape, message, MLP_CONTROL_MAGIC, epoch, request);
}

mlp_status mlp_encode_data(mlp_buffer *out, const mlp_shape *shape, const void *message, uint32_t epoch) {
  mlp_status status = encode(out, shape, message, MLP_DATA_MAGIC, epoch, 0);
  if (status == MLP_OK) put(out->data + CRC_AT, crc_without_itself(out->data, out->size), 4);
  return status;
}

/* ---- decoding ---- */

typedef struct reader {
  const uint8_t *at;
  size_t left;
  mlp_arena *arena;
} reader;

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF; what TextDecoder's fatal mode accepts. */
static int is_utf8(const uint8_t *s, size_t size) {
  for (size_t i = 0; i < size;) {
    uint8_t c = s[i];
    if (c < 0x80) {
      i++;
      continue;
    }
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || size - i <= more) return 0;
    uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (s[i + 1] < low || s[i + 1] > high) return 0;
    for (unsigned j = 2; j <= more; j++)
      if ((s[i + j] & 0xc0) != 0x80) return 0;
    i += more + 1;
  }
  return 1;
}

static mlp_status get_members(reader *in, const mlp_shape *shape, uint8_t *into);

static mlp_status get_value(reader *in, mlp_kind kind, const mlp_shape *record, uint8_t *into) {
  if (kind == MLP_KIND_RECORD) return get_members(in, record, into);
  unsigned bytes = wire_bytes[kind];
  if (in->left < bytes) return MLP_EFRAME_SHORT;
  uint64_t value = get(in->at, bytes);
  in->at += bytes;
  in->left -= bytes;
  switch (kind) {
    case MLP_KIND_U8: *into = (uint8_t)value; return MLP_OK;
    case MLP_KIND_U16: { uint16_t v = (uint16_t)value; memcpy(into, &v, sizeof v); return MLP_OK; }
    case MLP_KIND_U32:
    case MLP_KIND_I32: { uint32_t v = (uint32_t)value; memcpy(into, &v, sizeof v); return MLP_OK; }
    case MLP_KIND_U64:
    case MLP_KIND_F64: memcpy(into, &value, sizeof value); return MLP_OK;
    default: break;
  }
  if (kind == MLP_KIND_STRING && value > MLP_STRING_BYTES_MAX) return MLP_EFRAME_LIMIT;
  if (value > in->left) return MLP_EFRAME_SHORT;
  if (kind == MLP_KIND_STRING && !is_utf8(in->at, (size_t)value)) return MLP_EFRAME_TEXT;
  mlp_bytes view = {in->at, (uint32_t)value};
  memcpy(into, &view, sizeof view);
  in->at += value;
  in->left -= (size_t)value;
  return MLP_OK;
}

static mlp_status get_members(reader *in, const mlp_shape *shape, uint8_t *into) {
  for (size_t i = 0; i < shape->member_count; i++) {
    const mlp_member *member = &shape->members[i];
    mlp_status status;
    if (!member->is_list) {
      status = get_value(in, member->kind, member->record, into + member->offset);
      if (status != MLP_OK) return status;
      continue;
    }
    if (in->left < 4) return MLP_EFRAME_SHORT;
    uint32_t count = (uint32_t)get(in->at, 4);
    in->at += 4;
    in->left -= 4;
    int is_record = member->kind == MLP_KIND_RECORD;
    size_t least = is_record ? record_wire_bytes(member->record) : wire_bytes[member->kind];
    size_t stride = is_record ? member->record->size : memory_bytes[member->kind];
    if (count > MLP_LIST_ITEMS_MAX) return MLP_EFRAME_LIMIT;
    if ((uint64_t)count * least > in->left) return MLP_EFRAME_SHORT;
    uint8_t *items = NULL;
    if (count > 0) {
      items = (uint8_t *)arena_take(in->arena, count * stride);
      if (items == NULL) return MLP_ENOMEM;
      memset(items, 0, count * stride);
    }
    for (uint32_t item = 0; item < count; item++) {
      status = get_value(in, member->kind, member->record, items + item * stride);
      if (status != MLP_OK) return status;
    }
    memcpy(into + member->offset, &items, sizeof items);
    memcpy(into + member->count_offset, &count, sizeof count);
  }
  return MLP_OK;
}

static mlp_status peek(const uint8_t *frame, size_t size, uint32_t magic, size_t size_max, mlp_envelope *envelope) {
  if (size < 4) return MLP_EFRAME_SHORT;
  if (get(frame, 4) != magic) return MLP_EFRAME_MAGIC;
  if (size < 6) return MLP_EFRAME_SHORT;
  envelope->version = (uint16_t)get(frame + 4, 2);
  if (envelope->version < PROTOCOL_VERSION_OLDEST || envelope->version > PROTOCOL_VERSION) return MLP_EVERSION;
  if (size > size_max) return MLP_EFRAME_LIMIT;
  if (size < MLP_ENVELOPE_BYTES) return MLP_EFRAME_SHORT;
  envelope->code = (uint16_t)get(frame + 6, 2);
  envelope->epoch = (uint32_t)get(frame + 8, 4);
  envelope->crc = (uint32_t)get(frame + CRC_AT, 4);
  envelope->request = get(frame + 16, 8);
  return MLP_OK;
}

mlp_status mlp_peek_control(const uint8_t *frame, size_t size, mlp_envelope *envelope) {
  return peek(frame, size, MLP_CONTROL_MAGIC, MLP_CONTROL_FRAME_BYTES_MAX, envelope);
}

mlp_status mlp_peek_data(const uint8_t *frame, size_t size, mlp_envelope *envelope) {
  return peek(frame, size, MLP_DATA_MAGIC, MLP_DATA_FRAME_BYTES_MAX, envelope);
}

static mlp_status decode(const uint8_t *frame, size_t size, mlp_arena *arena, const mlp_shape *shape, const mlp_envelope *envelope, void *message) {
  if (envelope->code != shape->code) return MLP_EFRAME_CODE;
  reader in = {frame + MLP_ENVELOPE_BYTES, size - MLP_ENVELOPE_BYTES, arena};
  memset(message, 0, shape->size);
  mlp_status status = get_members(&in, shape, (uint8_t *)message);
  if (status != MLP_OK) return status;
  return in.left == 0 ? MLP_OK : MLP_EFRAME_LONG;
}

mlp_status mlp_decode_control(const uint8_t *frame, size_t size, mlp_arena *arena, const mlp_shape *shape, mlp_envelope *envelope, void *message) {
  mlp_status status = mlp_peek_control(frame, size, envelope);
  if (status != MLP_OK) return status;
  return decode(frame, size, arena, shape, envelope, message);
}

mlp_status mlp_decode_data(const uint8_t *frame, size_t size, mlp_arena *arena, const mlp_shape *shape, mlp_envelope *envelope, void *message) {
  mlp_status status = peek(frame, size, MLP_DATA_MAGIC, MLP_CONTROL_FRAME_BYTES_MAX, envelope);
  if (status != MLP_OK) return status;
  if (envelope->crc != crc_without_itself(frame, size)) return MLP_EFRAME_CRC;
  return decode(frame, size, arena, shape, envelope, message);
}

/* ---- Data frames ---- */

void mlp_encode_data_header(uint8_t *out, const mlp_data_header *h) {
  put(out, MLP_DATA_MAGIC, 4);
  put(out + 4, PROTOCOL_VERSION, 2);
  put(out + 6, MLP_DATA_CODE, 2);
  put(out + 8, h->epoch, 4);
  put(out + 12, 0, 4);
  put(out + 16, h->client, 8);
  put(out + 24, h->simulation, 4);
  put(out + 28, h->draw, 2);
  put(out + 30, h->attempt, 2);
  put(out + 32, h->step, 4);
  put(out + 36, h->field, 2);
  put(out + 38, h->dtype, 1);
  put(out + 39, h->flags, 1);
  put(out + 40, h->client_rank, 4);
  put(out + 44, 0, 4);
  put(out + 48, h->offset, 8);
  put(out + 56, h->count, 8);
  put(out + 64, h->sequence, 8);
  put(out + 72, h->payload_hash, 8);
  put(out + 80, mlp_data_frame_bytes(h->dtype, h->count), 8);
  put(out + 88, 0, 8);
  put(out + CRC_AT, crc_without_itself(out, MLP_DATA_HEADER_BYTES), 4);
}

void mlp_data_header_set_epoch(uint8_t *frame, uint32_t epoch) {
  put(frame + 8, epoch, 4);
  put(frame + CRC_AT, crc_without_itself(frame, MLP_DATA_HEADER_BYTES), 4);
}

mlp_status mlp_decode_data_header(const uint8_t *frame, size_t size, mlp_data_header *h) {
  mlp_envelope envelope;
  mlp_status status = mlp_peek_data(frame, size, &envelope);
  if (status != MLP_OK) return status;
  if (size < MLP_DATA_HEADER_BYTES) return MLP_EFRAME_SHORT;
  if (envelope.code != MLP_DATA_CODE) return MLP_EFRAME_CODE;
  if (envelope.crc != crc_without_itself(frame, MLP_DATA_HEADER_BYTES)) return MLP_EFRAME_CRC;
  h->epoch = envelope.epoch;
  h->client = get(frame + 16, 8);
  h->simulation = (uint32_t)get(frame + 24, 4);
  h->draw = (uint16_t)get(frame + 28, 2);
  h->attempt = (uint16_t)get(frame + 30, 2);
  h->step = (uint32_t)get(frame + 32, 4);
  h->field = (uint16_t)get(frame + 36, 2);
  h->dtype = frame[38];
  h->flags = frame[39];
  h->client_rank = (uint32_t)get(frame + 40, 4);
  h->offset = get(frame + 48, 8);
  h->count = get(frame + 56, 8);
  h->sequence = get(frame + 64, 8);
  h->payload_hash = get(frame + 72, 8);
  h->frame_bytes = get(frame + 80, 8);
  if (h->dtype != MLP_DTYPE_F32 && h->dtype != MLP_DTYPE_F64) return MLP_EFRAME_LIMIT;
  if (h->count > MLP_DATA_FRAME_BYTES_MAX / 4) return MLP_EFRAME_LIMIT; /* so that the product below cannot wrap */
  if (h->frame_bytes != mlp_data_frame_bytes(h->dtype, h->count)) return MLP_EFRAME_LIMIT;
  if (h->frame_bytes > size) return MLP_EFRAME_SHORT;
  return MLP_OK;
}
