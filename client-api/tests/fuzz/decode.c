/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoders of every message, on control and data socket. Whatever is accepted must survive being encoded and decoded
 * again, byte for byte; whatever is refused must be refused without reading beyond its end.
 */
#include "fuzz.h"

#include <string.h>

#include "generated/messages.h"

static union {
  uint64_t aligned[1024];
  uint8_t bytes[8192];
} message;

static mlp_status decode(const uint8_t *frame, size_t size, int is_data, mlp_arena *arena, const mlp_shape **shape, mlp_envelope *envelope) {
  mlp_status status = is_data ? mlp_peek_data(frame, size, envelope) : mlp_peek_control(frame, size, envelope);
  if (status != MLP_OK) return status;
  *shape = mlp_shape_of(envelope->code);
  if (*shape == NULL) return MLP_EFRAME_CODE;
  FUZZ_CHECK((*shape)->size <= sizeof message);
  mlp_arena_reset(arena);
  return is_data ? mlp_decode_data(frame, size, arena, *shape, envelope, &message) : mlp_decode_control(frame, size, arena, *shape, envelope, &message);
}

static mlp_status encode(mlp_buffer *out, int is_data, const mlp_shape *shape, const mlp_envelope *envelope) {
  return is_data ? mlp_encode_data(out, shape, &message, envelope->epoch)
                 : mlp_encode_control(out, shape, &message, envelope->epoch, envelope->request);
}

static void one_message(const uint8_t *frame, size_t size, int is_data) {
  mlp_arena arena = {0};
  mlp_buffer first = {0}, second = {0};
  mlp_envelope envelope;
  const mlp_shape *shape = NULL;
  if (decode(frame, size, is_data, &arena, &shape, &envelope) == MLP_OK) {
    FUZZ_CHECK(encode(&first, is_data, shape, &envelope) == MLP_OK);
    FUZZ_CHECK(first.size == size);
    /* `message` still points into `frame`: decoding anew must point into the copy alone. */
    const mlp_shape *again = NULL;
    FUZZ_CHECK(decode(first.data, first.size, is_data, &arena, &again, &envelope) == MLP_OK && again == shape);
    FUZZ_CHECK(encode(&second, is_data, shape, &envelope) == MLP_OK);
    FUZZ_CHECK(second.size == first.size && memcmp(first.data, second.data, first.size) == 0);
  }
  mlp_buffer_free(&first);
  mlp_buffer_free(&second);
  mlp_arena_free(&arena);
}

/* Several Data frames in one message, as a rank walks through them. */
static void data_frames(const uint8_t *bytes, size_t size) {
  mlp_data_header header;
  for (size_t at = 0; at < size; at += header.frame_bytes) {
    if (mlp_decode_data_header(bytes + at, size - at, &header) != MLP_OK) return;
    FUZZ_CHECK(header.frame_bytes >= MLP_DATA_HEADER_BYTES && header.frame_bytes <= size - at);
    FUZZ_CHECK(mlp_data_payload_bytes(header.dtype, header.count) <= header.frame_bytes - MLP_DATA_HEADER_BYTES);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  one_message(data, size, 0);
  one_message(data, size, 1);
  data_frames(data, size);
  /* In memory of its own size, so that a sanitizer sees a read beyond the end. */
  uint8_t *sealed = malloc(size > 0 ? size : 1);
  if (sealed == NULL) return 0;
  memcpy(sealed, data, size);
  fuzz_seal(sealed, size);
  one_message(sealed, size, 1);
  if (size >= MLP_DATA_HEADER_BYTES) {
    fuzz_seal(sealed, MLP_DATA_HEADER_BYTES);
    data_frames(sealed, size);
  }
  free(sealed);
  return 0;
}
