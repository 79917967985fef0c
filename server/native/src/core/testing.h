// SPDX-License-Identifier: Apache-2.0
/* For the tests of the core: checks, a study of a few cells, and a client that speaks the protocol over queues in memory. */
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>

#include "core/hash.h"
#include "core/questions.h"
#include "core/rank_core.h"

namespace melissa::testing {

inline int failures = 0;
#define CHECK(condition)                                                                        \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);            \
      ++melissa::testing::failures;                                                             \
    }                                                                                           \
  } while (false)

inline int result(const char* name) {
  std::printf("%s: %s\n", name, failures == 0 ? "passed" : "FAILED");
  return failures == 0 ? 0 : 1;
}

inline StatisticsSpec moments() {
  StatisticsSpec spec;
  spec.moments = 2;
  spec.extrema = true;
  return spec;
}

inline FieldOptions aField(uint16_t index, const char* name, uint64_t cells = 10) {
  FieldOptions field;
  field.index = index;
  field.name = name;
  field.keptCells = cells;
  field.cellEnd = cells;
  field.keptSteps = {0, 1, 2};
  field.statistics = moments();
  return field;
}

inline RankOptions aStudy(uint32_t simulations = 4) {
  RankOptions o;
  o.study = "heat";
  o.epoch = 3;
  o.token = "secret";
  o.instance = 1;
  o.simulations = simulations;
  o.fields = {aField(0, "temperature")};
  o.receiveBudgetBytes = 4096;
  o.sendWindowBytes = 1024;
  return o;
}

/* Pick-freeze groups of one parameter: A, B, C. */
inline RankOptions aSobolStudy(uint32_t groups = 2) {
  RankOptions o = aStudy(groups * 3);
  o.groupSize = 3;
  o.fields[0].statistics.sobol = Estimator::Martinez;
  o.fields[0].statistics.interval = Interval::Fisher;
  o.fields[0].statistics.sobolParameters = 1;
  return o;
}

inline std::unique_ptr<RankCore> aCore(const RankOptions& options) {
  return std::make_unique<RankCore>(options, [] { return uint64_t{0}; }, nullptr);
}

inline double valueOf(uint32_t simulation, uint16_t draw, uint16_t field, uint32_t step, uint64_t cell) {
  return std::sin(1.0 + simulation * 7.3 + draw * 31.0 + field * 3.1 + step * 0.9 + static_cast<double>(cell) * 1.7) * 100;
}

/* What the core replied, decoded. */
struct Reply {
  enum Kind { Opened, Ack, Refused } kind;
  std::string peer;
  uint32_t simulation = 0;
  uint16_t attempt = 0;
  uint64_t instance = 0;
  uint64_t held = 0;
  uint64_t creditLimit = 0;
  uint8_t retry = 0;
  std::string code;
};

class Sink : public ReplySink {
 public:
  std::deque<Reply> replies;
  void reply(std::string_view peer, Bytes message) override {
    mlp_envelope envelope{};
    mlp_arena arena{};
    Reply r{Reply::Opened, std::string(peer)};
    CHECK(mlp_peek_data(raw(message), message.size(), &envelope) == MLP_OK);
    if (envelope.code == MLP_CODE_OPENED) {
      mlp_opened m{};
      CHECK(mlp_decode_opened(raw(message), message.size(), &arena, &envelope, &m) == MLP_OK);
      r.simulation = m.simulation;
      r.attempt = m.attempt;
      r.instance = m.instance;
      r.held = m.held;
      r.creditLimit = m.credit_limit;
    } else if (envelope.code == MLP_CODE_ACK) {
      mlp_ack m{};
      CHECK(mlp_decode_ack(raw(message), message.size(), &arena, &envelope, &m) == MLP_OK);
      r = {Reply::Ack, std::string(peer), m.simulation, m.attempt, 0, m.held, m.credit_limit};
    } else {
      mlp_data_refused m{};
      CHECK(mlp_decode_data_refused(raw(message), message.size(), &arena, &envelope, &m) == MLP_OK);
      r = {Reply::Refused, std::string(peer), m.simulation, m.attempt, 0, 0, 0, m.retry, std::string(view(m.code))};
    }
    mlp_arena_free(&arena);
    replies.push_back(r);
  }
  /* Code of the last refusal; empty when the last reply is none. */
  std::string refusal() const { return replies.empty() || replies.back().kind != Reply::Refused ? "" : replies.back().code; }
};

using Frame = std::shared_ptr<std::vector<std::byte>>;

/* One client rank of one attempt. `ranks` cut the cells of every field evenly. */
struct Client {
  const RankOptions* study;
  std::string peer;
  uint32_t simulation;
  uint16_t draw = 0;
  uint16_t attempt = 1;
  uint64_t id = 77;
  uint32_t epoch = 3;
  uint32_t rank = 0;
  uint32_t ranks = 1;
  std::string token = "secret";

  uint64_t cells(const FieldOptions& field, uint32_t r) const { return field.keptCells * (r + 1) / ranks - field.keptCells * r / ranks; }
  uint64_t offset(const FieldOptions& field) const { return field.keptCells * rank / ranks; }

  Frame open(uint64_t firstUnacknowledged = 1) const {
    std::vector<std::vector<uint64_t>> cuts;
    std::vector<mlp_open_fields> fields;
    for (const FieldOptions& f : study->fields) {
      cuts.emplace_back();
      for (uint32_t r = 0; r < ranks; ++r) cuts.back().push_back(cells(f, r));
    }
    for (size_t f = 0; f < cuts.size(); ++f)
      fields.push_back({study->fields[f].index, static_cast<uint8_t>(study->fields[f].statistics.dtype),
                        {reinterpret_cast<const uint8_t*>(cuts[f].data()), static_cast<uint32_t>(cuts[f].size() * 8)}});
    mlp_open m{};
    m.token = text(token);
    m.client = id;
    m.client_rank = rank;
    m.client_ranks = ranks;
    m.simulation = simulation;
    m.draw = draw;
    m.attempt = attempt;
    m.first_unacknowledged = firstUnacknowledged;
    m.host = text("here");
    m.fields = fields.data();
    m.fields_count = static_cast<uint32_t>(fields.size());
    mlp_buffer buffer{};
    CHECK(mlp_encode_open(&buffer, &m, epoch) == MLP_OK);
    return finish(buffer);
  }
  Frame close() const {
    mlp_close m{simulation, draw, attempt, id, rank};
    mlp_buffer buffer{};
    CHECK(mlp_encode_close(&buffer, &m, epoch) == MLP_OK);
    return finish(buffer);
  }
  /* The header of a right frame, for tests that make it wrong. */
  mlp_data_header header(uint16_t fieldPosition, uint32_t step, uint64_t sequence) const {
    const FieldOptions& f = study->fields[fieldPosition];
    mlp_data_header h{};
    h.epoch = epoch;
    h.client = id;
    h.simulation = simulation;
    h.draw = draw;
    h.attempt = attempt;
    h.step = step;
    h.field = f.index;
    h.dtype = MLP_DTYPE_F64;
    h.client_rank = rank;
    h.offset = offset(f);
    h.count = cells(f, rank);
    h.sequence = sequence;
    return h;
  }
  Frame data(uint16_t fieldPosition, uint32_t step, uint64_t sequence) const { return seal(header(fieldPosition, step, sequence)); }
  Frame seal(mlp_data_header h, bool rightHash = true) const {
    std::vector<double> values;
    for (uint64_t i = 0; i < h.count; ++i) values.push_back(valueOf(simulation, draw, h.field, h.step, h.offset + i));
    h.payload_hash = payloadHash(values.data(), values.size() * 8) + (rightHash ? 0 : 1);
    h.frame_bytes = mlp_data_frame_bytes(h.dtype, h.count);
    auto frame = std::make_shared<std::vector<std::byte>>(h.frame_bytes);
    mlp_encode_data_header(reinterpret_cast<uint8_t*>(frame->data()), &h);
    if (!values.empty()) std::memcpy(frame->data() + MLP_DATA_HEADER_BYTES, values.data(), values.size() * 8);
    return frame;
  }

 private:
  static Frame finish(mlp_buffer& buffer) {
    const std::byte* from = reinterpret_cast<const std::byte*>(buffer.data);
    auto frame = std::make_shared<std::vector<std::byte>>(from, from + buffer.size);
    mlp_buffer_free(&buffer);
    return frame;
  }
};

inline void deliver(RankCore& core, const std::string& peer, const Frame& frame, Sink& sink) { core.onMessage(peer, Bytes(*frame), frame, sink); }

/* Opens and sends everything, all fields of a step together; the core flushes at the end. */
inline void runAll(RankCore& core, const Client& client, Sink& sink) {
  deliver(core, client.peer, client.open(), sink);
  uint64_t sequence = 0;
  for (uint32_t step = 0; step < 3; ++step)
    for (uint16_t f = 0; f < client.study->fields.size(); ++f) deliver(core, client.peer, client.data(f, step, ++sequence), sink);
  core.flush(sink);
}

inline bool finished(const RankCore& core, uint32_t simulation) { return (core.finishedBitmap()[simulation / 8] >> (simulation % 8)) & 1; }

inline double statistic(const RankCore& core, const char* name, uint32_t step = 0, uint64_t field = 0, uint64_t cell = 0) {
  std::vector<double> values;
  std::string why;
  CHECK(readStatistic(core, {field, step, name, 0, cell, cell + 1}, values, why));
  return values.empty() ? NAN : values[0];
}

inline bool equalDigests(const RankCore& a, const RankCore& b) {
  const auto x = a.digests();
  const auto y = b.digests();
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i].consumer != y[i].consumer || x[i].digest != y[i].digest || x[i].units != y[i].units) return false;
  return x.size() == y.size();
}

}  // namespace melissa::testing
