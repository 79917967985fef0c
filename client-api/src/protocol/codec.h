/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C codec of the protocol: generic encoder and decoder over the tables in ../generated/messages.c. The client library,
 * the pilot and the rank's engine (C++) call it through the typed wrappers of ../generated/messages.h.
 *
 * A decoder trusts nothing: every length is checked against what is left of the frame and against its limit before
 * anything is read or allocated. Strings and bytes are views into the frame and live as long as it; lists are decoded
 * into the caller's arena, whose memory is bounded by a small multiple of the frame.
 */
#ifndef MELISSA_PROTOCOL_CODEC_H
#define MELISSA_PROTOCOL_CODEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the decoder says about a frame; the names are those of docs/errors.md. */
typedef enum mlp_status {
  MLP_OK = 0,
  MLP_EFRAME_SHORT = 1,
  MLP_EFRAME_LONG = 2,
  MLP_EFRAME_MAGIC = 3,
  MLP_EVERSION = 4,
  MLP_EFRAME_CODE = 5,
  MLP_EFRAME_LIMIT = 6,
  MLP_EFRAME_TEXT = 7,
  MLP_EFRAME_CRC = 8,
  MLP_EFRAME_PAYLOAD = 9,
  MLP_ENOMEM = 10
} mlp_status;

/** "EFRAME_SHORT" and so on. Never NULL. */
const char *mlp_status_name(mlp_status status);

#define MLP_CONTROL_MAGIC 0x43534c4du
#define MLP_DATA_MAGIC 0x44534c4du
#define MLP_ENVELOPE_BYTES 24u
#define MLP_STRING_BYTES_MAX 65536u
#define MLP_LIST_ITEMS_MAX 1048576u
#define MLP_CONTROL_FRAME_BYTES_MAX (64u * 1024u * 1024u)
#define MLP_DATA_FRAME_BYTES_MAX (1024u * 1024u * 1024u)

/** UTF-8, not NUL terminated. */
typedef struct mlp_text {
  const char *data;
  uint32_t size;
} mlp_text;

typedef struct mlp_bytes {
  const uint8_t *data;
  uint32_t size;
} mlp_bytes;

/** The text of a NUL terminated string; NULL is empty. */
mlp_text mlp_text_of(const char *terminated);
/** 1 if `text` has the same bytes as `terminated`. */
int mlp_text_equals(mlp_text text, const char *terminated);
/** Copies into `out` with a NUL, cutting at `capacity` - 1; returns 1 if all of it fitted. */
int mlp_text_copy(mlp_text text, char *out, size_t capacity);

/** The first 24 bytes of every message. `crc` is 0 in control messages. */
typedef struct mlp_envelope {
  uint16_t version;
  uint16_t code;
  uint32_t epoch;
  uint32_t crc;
  uint64_t request;
} mlp_envelope;

/** A growable output buffer. Zero-initialise it; mlp_buffer_free when done. It keeps its memory between frames. */
typedef struct mlp_buffer {
  uint8_t *data;
  size_t size;
  size_t capacity;
} mlp_buffer;

void mlp_buffer_free(mlp_buffer *buffer);

/** Memory for decoded lists. Zero-initialise it; reset before each frame, free at the end. */
typedef struct mlp_arena {
  struct mlp_arena_block *blocks;
} mlp_arena;

void mlp_arena_reset(mlp_arena *arena);
void mlp_arena_free(mlp_arena *arena);

/* ---- what the generated tables are made of ---- */

typedef enum mlp_kind {
  MLP_KIND_U8,
  MLP_KIND_U16,
  MLP_KIND_U32,
  MLP_KIND_U64,
  MLP_KIND_I32,
  MLP_KIND_F64,
  MLP_KIND_STRING,
  MLP_KIND_BYTES,
  MLP_KIND_RECORD
} mlp_kind;

typedef struct mlp_member {
  mlp_kind kind;
  int is_list;
  size_t offset;       /* of the value, or of the pointer to the items */
  size_t count_offset; /* of the uint32_t number of items, for lists */
  const struct mlp_shape *record;
} mlp_member;

typedef struct mlp_shape {
  const char *name;
  uint16_t code; /* 0 for a record inside a list */
  size_t size;   /* sizeof the C struct */
  const mlp_member *members;
  size_t member_count;
} mlp_shape;

/** Replaces the content of `out` by the frame of `message`. MLP_OK, MLP_ENOMEM or MLP_EFRAME_LIMIT. */
mlp_status mlp_encode_control(mlp_buffer *out, const mlp_shape *shape, const void *message, uint32_t epoch, uint64_t request);
mlp_status mlp_encode_data(mlp_buffer *out, const mlp_shape *shape, const void *message, uint32_t epoch);

/** Decodes a frame that must be of `shape`. `message` is complete only after MLP_OK. */
mlp_status mlp_decode_control(const uint8_t *frame, size_t size, mlp_arena *arena, const mlp_shape *shape, mlp_envelope *envelope, void *message);
mlp_status mlp_decode_data(const uint8_t *frame, size_t size, mlp_arena *arena, const mlp_shape *shape, mlp_envelope *envelope, void *message);

/** Envelope of a frame, so that the caller can choose the decoder by `code`. Checks magic, version, size; not the CRC. */
mlp_status mlp_peek_control(const uint8_t *frame, size_t size, mlp_envelope *envelope);
mlp_status mlp_peek_data(const uint8_t *frame, size_t size, mlp_envelope *envelope);

/* ---- Data frames ---- */

#define MLP_DATA_CODE 100u
#define MLP_DATA_HEADER_BYTES 96u
#define MLP_DTYPE_F32 1u
#define MLP_DTYPE_F64 2u
#define MLP_FLAG_NON_FINITE 1u

/** The header of a Data frame less its constants and checksum; offsets and counts in values of the field's kept index. */
typedef struct mlp_data_header {
  uint32_t epoch;
  uint64_t client;
  uint32_t simulation;
  uint16_t draw;
  uint16_t attempt;
  uint32_t step;
  uint16_t field;
  uint8_t dtype;
  uint8_t flags;
  uint32_t client_rank;
  uint64_t offset;
  uint64_t count;
  uint64_t sequence;
  uint64_t payload_hash;
  uint64_t frame_bytes;
} mlp_data_header;

/** Bytes of the values, and of the whole frame with header and padding. */
static inline uint64_t mlp_data_payload_bytes(uint8_t dtype, uint64_t count) { return count * (dtype == MLP_DTYPE_F32 ? 4u : 8u); }
static inline uint64_t mlp_data_frame_bytes(uint8_t dtype, uint64_t count) {
  return (MLP_DATA_HEADER_BYTES + mlp_data_payload_bytes(dtype, count) + 7u) & ~(uint64_t)7u;
}

/** Writes 96 bytes at `out`, `frame_bytes` and checksum computed. The caller writes payload and zero padding behind it. */
void mlp_encode_data_header(uint8_t *out, const mlp_data_header *header);
/**
 * Reads the header of the Data frame at `frame`, of which `size` bytes are here. After MLP_OK the whole frame
 * (`frame_bytes`) lies inside `size` and agrees with `count`; the payload's hash is left to the caller, who reads it anyway.
 */
mlp_status mlp_decode_data_header(const uint8_t *frame, size_t size, mlp_data_header *header);
/** Sets the epoch of an encoded frame and seals it again: a frame that is resent after a new ClientHello carries the new epoch. */
void mlp_data_header_set_epoch(uint8_t *frame, uint32_t epoch);

/** CRC-32C of `size` bytes, continuing from `previous` (0 at the start). */
uint32_t mlp_crc32c(const void *bytes, size_t size, uint32_t previous);

#ifdef __cplusplus
}
#endif
#endif
