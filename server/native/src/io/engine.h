// SPDX-License-Identifier: Apache-2.0
/*
 * A running rank: one thread that owns the data socket and the core. It drains what the socket has, folds, acknowledges, carries
 * out commands, and leaves reports in a box. Other threads only post commands and empty the box; they never touch the core while
 * the thread runs. The thread waits nowhere but in its poll (and for a piece of state that a checkpoint is just saving).
 */
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "checkpoint/reader.h"
#include "checkpoint/writer.h"
#include "core/rank_core.h"
#include "io/raw_writer.h"
#include "io/router.h"

namespace melissa {

struct EngineConfig {
  RankOptions rank;
  RouterConfig router;
  std::string checkpointDirectory;
  std::string rawDirectory;
};

class Engine {
 public:
  using Command = std::function<void(RankCore&)>;

  explicit Engine(EngineConfig config);
  ~Engine();

  /* Before start. */
  Restored restore(uint64_t number);
  /* Binds and starts the thread. `wake` is called on it when the box has news. False with a sentence when the address cannot be bound. */
  bool start(std::function<void()> wake, std::string& endpoint, std::string& why);
  /* Ends the thread, closes the socket, gives up a checkpoint in progress; waits for all of it. May be called twice, by any threads. */
  void stop();

  /* Runs on the engine's thread between folds; at once, on the caller's, when the engine does not run. False after stop. */
  bool post(Command command);
  /* `done` comes on a thread of the engine's. */
  bool checkpoint(uint64_t number, CheckpointWriter::Done done);
  bool committed(uint64_t number);

  Report takeReport();
  std::vector<uint8_t> finishedBitmap() const { return core_.finishedBitmap(); }
  const RankOptions& options() const { return core_.options(); }
  bool stateIsMapped() const { return core_.arena().ok(); }

 private:
  void run();
  void runCommands();
  /* Moves the core's news into the box; at most every PUBLISH_PERIOD. Returns how long the poll may wait. */
  int publish(bool now);

  EngineConfig config_;
  RawWriter raw_;
  RankCore core_;
  CheckpointWriter writer_;
  Rings rings_;
  Router router_;
  std::thread thread_;
  std::function<void()> wake_;
  std::atomic<bool> running_{false};
  std::atomic<bool> stopping_{false};
  std::mutex stopMutex_;
  int commandEvent_ = -1;
  std::mutex commandMutex_;
  std::vector<Command> commands_;
  std::mutex boxMutex_;
  Report box_;
  std::map<uint32_t, Activity> boxActive_;
  bool wakePending_ = false;
  uint64_t publishedAtNs_ = 0;
  bool unpublished_ = false;
};

}  // namespace melissa
