// SPDX-License-Identifier: Apache-2.0
/*
 * The data plane of one server rank, without sockets, threads, files or time: messages in, replies out. The I/O thread
 * (io/engine.h) feeds it from a socket; tests and the deterministic simulator feed it from memory.
 *
 * Invariants
 *  - Each unit (simulation, draw, field, step, block) is folded at most once by each consumer: its bit is set in the same call that
 *    folds it (FoldListener), and both are in the same checkpoint.
 *  - A frame is acknowledged only after it was folded or is held (flush). What is held is not in a checkpoint; a client of a restored
 *    rank sends again what was not acknowledged, and the head leases again what was acknowledged but lost.
 *  - Nothing that arrives can change anything but its own attempt, and only after token, epoch, session and sequence are right.
 *
 * One thread at a time. Callers: onMessage any number of times, then flush; commands in between.
 */
#pragma once
#include <functional>
#include <unordered_set>

#include "core/digest.h"
#include "core/fold_queue.h"
#include "core/limits.h"
#include "core/report.h"
#include "core/session.h"
#include "core/simulation.h"
#include "core/wire.h"

namespace melissa {

/* Where raw values of kept simulations go; called once for each accepted block. */
class RawSink {
 public:
  virtual ~RawSink() = default;
  virtual void write(const Block& block) = 0;
};

class RankCore : private FoldListener {
 public:
  using Clock = std::function<uint64_t()>;  // monotonic nanoseconds

  RankCore(RankOptions options, Clock clock, RawSink* raw);

  // ---- messages ----
  /* `owner` keeps `message` alive for as long as a block of it is needed. Without one the message is lent until ReplySink::folded: what must
   * wait longer than that is copied. */
  void onMessage(std::string_view peer, Bytes message, const Owner& owner, ReplySink& sink);
  /* Folds what is queued and sends the acknowledgements that are owed. */
  void flush(ReplySink& sink);
  bool flushIsDue() const { return queue_.bytes() >= FOLD_QUEUE_BYTES_MAX || queue_.units() >= FOLD_QUEUE_UNITS_MAX; }

  // ---- commands of the head ----
  void setEpoch(uint32_t epoch);
  void attempt(uint32_t simulation, uint16_t draw, uint16_t attempt, bool drop);
  /* partial: Whole. Folds a simulation of which everything is here; ignored when something is missing. */
  void fold(uint32_t simulation, uint16_t draw, uint16_t attempt);

  // ---- questions ----
  Report takeReport();
  bool hasNews() const { return !completed_.empty() || !faults_.empty() || !touched_.empty(); }
  std::vector<uint8_t> finishedBitmap() const { return simulations_.finishedBitmap(); }
  std::vector<ConsumerDigest> digests() const;
  uint64_t groupsFolded() const;
  uint64_t heldBytes() const { return *heldBytes_; }
  const SessionTable& sessions() const { return sessions_; }
  const RankOptions& options() const { return options_; }
  uint32_t epoch() const { return epoch_; }
  StateArena& arena() { return arena_; }
  const StateArena& arena() const { return arena_; }

  // ---- checkpoint: everything but the state itself. Nothing is queued after either. ----
  std::vector<std::byte> saveBooks();
  /* False with a sentence when the bytes do not fit this study; the core is then as new. */
  bool restoreBooks(Bytes books, std::string& why);

 private:
  struct DataFrame;

  // open.cpp
  void onOpen(std::string_view peer, Bytes message, ReplySink& sink);
  void onClose(std::string_view peer, Bytes message);
  bool admit(std::string_view peer, const mlp_open& open, uint32_t epoch, ReplySink& sink);
  bool admitCommunicator(std::string_view peer, const mlp_open& open, ReplySink& sink);
  bool announceFields(std::string_view peer, const mlp_open& open, ReplySink& sink);
  bool announceField(std::string_view peer, const mlp_open& open, const mlp_open_fields& field, ReplySink& sink);
  Session& establish(std::string_view peer, const mlp_open& open);

  // data.cpp
  void onData(std::string_view peer, Bytes message, const Owner& owner, ReplySink& sink);
  void onDamaged(std::string_view peer, Bytes rest, mlp_status status, ReplySink& sink);
  bool onFrame(std::string_view peer, const mlp_data_header& header, DataFrame frame, ReplySink& sink);
  Session* sessionOf(std::string_view peer, const mlp_data_header& header, ReplySink& sink);
  bool inOrder(Session& session, const mlp_data_header& header, ReplySink& sink);
  BlockPtr blockOf(const Session& session, const mlp_data_header& header, const DataFrame& frame, ReplySink& sink);
  void accept(ActiveSimulation& simulation, BlockPtr block);
  void dispatch(ActiveSimulation& simulation, const BlockPtr& block);
  void dispatchToGroup(uint32_t simulation, const BlockPtr& block);
  void dispatchToPairs(ActiveSimulation& simulation, const BlockPtr& block);
  void hold(const BlockPtr& block);

  // rank_core.cpp
  void foldQueued();
  void foldedCells(const Block& block) override;
  void foldedGroup(const GroupUnit& unit) override;
  void foldedPair(const PairUnit& unit) override;
  void evaluate(uint32_t simulation);
  void complete(uint32_t simulation, uint8_t state);
  void refuse(std::string_view peer, uint32_t simulation, uint16_t draw, uint16_t attempt, const Refusal& refusal, ReplySink& sink);
  /* Can never be right: the attempt fails with it, and its sessions end. */
  void fault(std::string_view peer, uint32_t simulation, uint16_t draw, uint16_t attempt, const Refusal& refusal, ReplySink& sink);
  int64_t positionOf(uint16_t fieldIndex) const;
  bool keepsRaw(uint32_t simulation) const;
  UnitHash unitHash(uint64_t consumer, uint64_t subject, const Block& block) const;

  RankOptions options_;
  Clock clock_;
  RawSink* raw_;
  uint32_t epoch_;
  StateArena arena_;
  LayoutTable layouts_;
  // On the heap and shared with nothing: blocks point at it, and must find it as long as they live.
  std::unique_ptr<uint64_t> heldBytes_ = std::make_unique<uint64_t>(0);
  SimulationTable simulations_;
  SessionTable sessions_;
  FoldQueue queue_;
  ReplyWriter writer_;
  RequestReader reader_;
  std::vector<ConsumerDigest> cellDigests_;  // by field
  std::vector<ConsumerDigest> groupDigests_;  // by field
  std::vector<ConsumerDigest> pairDigests_;  // by covariance
  std::vector<int32_t> positions_;  // by field index
  std::unordered_set<uint32_t> touched_;
  std::unordered_set<uint32_t> changed_;
  std::vector<Completion> completed_;
  std::vector<Fault> faults_;
  Counters counters_;
};

}  // namespace melissa
