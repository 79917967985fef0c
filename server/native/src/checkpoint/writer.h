// SPDX-License-Identifier: Apache-2.0
/*
 * Writes a consistent snapshot while folding goes on. At begin the books are copied and every touched piece of the state is marked
 * unsaved; a thread of its own then saves piece after piece. A fold that meets an unsaved piece copies it away first (or waits, when
 * the copies' bound is reached or the thread is saving just this piece), so the file shows the state as it was at begin.
 */
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "checkpoint/file.h"
#include "checkpoint/format.h"

namespace melissa {

struct CheckpointResult {
  uint64_t number = 0;
  bool ok = false;
  std::string reason;
  uint64_t bytes = 0;  // written, without holes
  double seconds = 0;
};

class CheckpointWriter : public SnapshotGuard {
 public:
  using Done = std::function<void(const CheckpointResult&)>;

  /* Removes what an earlier process left unfinished in the folder. */
  CheckpointWriter(StateArena& arena, CheckpointIdentity identity, std::string folder);
  ~CheckpointWriter() override;

  /* Called between folds. `done` is called on the writer's thread, or at once when a checkpoint is already being written. */
  void begin(uint64_t number, uint32_t epoch, std::vector<std::byte> books, Done done);
  void beforeWrite(size_t piece) override;
  /* The checkpoint `number` counts: those before the one committed last are removed. */
  void committed(uint64_t number);
  /* Ends a checkpoint in progress without a result on disk, and waits for the thread. */
  void cancel();
  void setLastCommitted(uint64_t number) { lastCommitted_ = number; }

 private:
  enum State : uint8_t { Saved, Unsaved, Saving };
  struct Copy {
    size_t piece;
    std::vector<std::byte> bytes;
  };
  void run(std::vector<std::byte> books, CheckpointHeader header, Done done);
  bool savePieces(const CheckpointHeader& header);
  bool savePiece(const CheckpointHeader& header, size_t piece, const std::byte* bytes);
  bool writeRest(const CheckpointHeader& header, const std::vector<std::byte>& books);
  void releaseAll();
  bool fail(const std::string& reason);
  std::string path(uint64_t number) const { return folder_ + "/" + checkpointName(identity_.rank, number); }

  StateArena& arena_;
  CheckpointIdentity identity_;
  std::string folder_;
  uint64_t lastCommitted_ = 0;
  std::thread thread_;
  std::atomic<bool> busy_{false};
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::atomic<uint8_t>> states_;
  std::deque<Copy> copies_;
  size_t copiesBytes_ = 0;
  // Of the checkpoint in progress; the writer's thread alone.
  File file_;
  CheckpointFooter footer_;
  uint64_t written_ = 0;
  std::string reason_;
};

}  // namespace melissa
