// SPDX-License-Identifier: Apache-2.0
/*
 * The data protocol as the core sees it: thin C++ over the generated C codec (client-api/src). Text inside decoded messages are
 * views into the frame.
 */
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/session.h"
#include "generated/messages.h"

namespace melissa {

using Bytes = std::span<const std::byte>;

inline const uint8_t* raw(Bytes b) { return reinterpret_cast<const uint8_t*>(b.data()); }
inline std::string_view view(mlp_text t) { return {t.data, t.size}; }
inline mlp_text text(std::string_view s) { return {s.data(), static_cast<uint32_t>(s.size())}; }

/* Where replies go: one whole message for one peer, valid during the call. */
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void reply(std::string_view peer, Bytes message) = 0;
  /* Memory to share with a peer that opens a session from `host`, as Opened.ring says it; empty where there is none. */
  virtual std::string ring(std::string_view, std::string_view /* host */, uint64_t /* frameBytes */) { return {}; }
  /* Nothing that was lent to the core before is needed any more (RankCore::onMessage without an owner). */
  virtual void folded() {}
};

/* What a refused frame or session is told. */
struct Refusal {
  std::string_view code;
  std::string message;
  std::string_view remedy;
  uint8_t retry;  // 0 never, 1 after a new ClientHello, 2 after a new Open
};

/* Encodes replies into one buffer that keeps its memory. */
class ReplyWriter {
 public:
  ReplyWriter() = default;
  ~ReplyWriter() { mlp_buffer_free(&buffer_); }
  ReplyWriter(const ReplyWriter&) = delete;
  ReplyWriter& operator=(const ReplyWriter&) = delete;

  Bytes opened(uint32_t epoch, uint64_t instance, const Session& session, std::string_view ring);
  Bytes ack(uint32_t epoch, const Session& session);
  Bytes refused(uint32_t epoch, uint32_t simulation, uint16_t draw, uint16_t attempt, const Refusal& refusal);

 private:
  Bytes bytes() const { return {reinterpret_cast<const std::byte*>(buffer_.data), buffer_.size}; }
  mlp_buffer buffer_{};
};

/* Decodes Open and Close; lists live in the arena until the next decoding. */
class RequestReader {
 public:
  RequestReader() = default;
  ~RequestReader() { mlp_arena_free(&arena_); }
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  mlp_status open(Bytes frame, mlp_envelope& envelope, mlp_open& message);
  mlp_status close(Bytes frame, mlp_envelope& envelope, mlp_close& message);

 private:
  mlp_arena arena_{};
};

/* u64 little-endian values of a `bytes` field. */
std::vector<uint64_t> unpackU64(mlp_bytes bytes);

/* Time does not depend on where the two differ, so that a token cannot be guessed byte by byte. */
bool equalInConstantTime(std::string_view a, std::string_view b);

}  // namespace melissa
