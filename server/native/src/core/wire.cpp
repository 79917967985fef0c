// SPDX-License-Identifier: Apache-2.0
#include "core/wire.h"

namespace melissa {

Bytes ReplyWriter::opened(uint32_t epoch, uint64_t instance, const Session& session, std::string_view ring) {
  mlp_opened message{};
  message.instance = instance;
  message.held = session.held;
  message.credit_limit = session.creditLimit;
  message.ring = text(ring);
  message.simulation = session.simulation;
  message.draw = session.draw;
  message.attempt = session.attempt;
  (void)mlp_encode_opened(&buffer_, &message, epoch);
  return bytes();
}

Bytes ReplyWriter::ack(uint32_t epoch, const Session& session) {
  mlp_ack message{};
  message.simulation = session.simulation;
  message.attempt = session.attempt;
  message.held = session.held;
  message.credit_limit = session.creditLimit;
  (void)mlp_encode_ack(&buffer_, &message, epoch);
  return bytes();
}

Bytes ReplyWriter::refused(uint32_t epoch, uint32_t simulation, uint16_t draw, uint16_t attempt, const Refusal& refusal) {
  mlp_data_refused message{};
  message.simulation = simulation;
  message.draw = draw;
  message.attempt = attempt;
  message.retry = refusal.retry;
  message.code = text(refusal.code);
  message.message = text(refusal.message);
  message.remedy = text(refusal.remedy);
  (void)mlp_encode_data_refused(&buffer_, &message, epoch);
  return bytes();
}

mlp_status RequestReader::open(Bytes frame, mlp_envelope& envelope, mlp_open& message) {
  mlp_arena_reset(&arena_);
  return mlp_decode_open(raw(frame), frame.size(), &arena_, &envelope, &message);
}

mlp_status RequestReader::close(Bytes frame, mlp_envelope& envelope, mlp_close& message) {
  mlp_arena_reset(&arena_);
  return mlp_decode_close(raw(frame), frame.size(), &arena_, &envelope, &message);
}

std::vector<uint64_t> unpackU64(mlp_bytes bytes) {
  std::vector<uint64_t> values(bytes.size / 8);
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t b = 0; b < 8; ++b) values[i] |= static_cast<uint64_t>(bytes.data[i * 8 + b]) << (8 * b);
  return values;
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference = static_cast<unsigned char>(difference | (a[i] ^ other));
  }
  return difference == 0;
}

}  // namespace melissa
