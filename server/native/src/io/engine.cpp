// SPDX-License-Identifier: Apache-2.0
#include "io/engine.h"

#include <malloc.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <random>

namespace melissa {
namespace {

// The head's plan follows reports; it is told at most this often, so that small simulations do not flood it.
constexpr uint64_t PUBLISH_PERIOD_NS = 20'000'000;

uint64_t nowNs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

/*
 * libzmq allocates each large message with malloc. By default glibc maps and unmaps those, which costs a page fault every 4 KiB; with a
 * higher threshold they are recycled from the heap. 32 MiB is the most that glibc accepts.
 */
void recycleLargeMessages() {
  static const bool once = [] {
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    return true;
  }();
  (void)once;
}

RankOptions withInstance(RankOptions options) {
  std::random_device random;
  if (options.instance == 0) options.instance = (static_cast<uint64_t>(random()) << 32 | random()) | 1;
  return options;
}

}  // namespace

Engine::Engine(EngineConfig config)
    : config_(std::move(config)),
      raw_(config_.rank, config_.rawDirectory),
      core_(withInstance(config_.rank), nowNs, config_.rawDirectory.empty() ? nullptr : &raw_),
      writer_(core_.arena(), {config_.rank.fingerprint, config_.rank.rank, config_.rank.ranks}, config_.checkpointDirectory),
      rings_(config_.rank.host, config_.rank.sendWindowBytes, config_.rank.receiveBudgetBytes / 2, nowNs) {
  router_.share(&rings_);
  recycleLargeMessages();
  commandEvent_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

Engine::~Engine() {
  stop();
  ::close(commandEvent_);
}

Restored Engine::restore(uint64_t number) {
  const CheckpointIdentity identity{config_.rank.fingerprint, config_.rank.rank, config_.rank.ranks};
  Restored restored = restoreNewest(config_.checkpointDirectory, identity, number, core_);
  writer_.setLastCommitted(restored.number);
  return restored;
}

bool Engine::start(std::function<void()> wake, std::string& endpoint, std::string& why) {
  if (running_ || stopping_) {
    why = running_ ? "the engine runs already" : "the engine was stopped";
    return false;
  }
  if (!router_.bind(config_.router, endpoint, why)) return false;
  wake_ = std::move(wake);
  running_ = true;
  thread_ = std::thread([this] { run(); });
  return true;
}

void Engine::stop() {
  stopping_ = true;
  const std::lock_guard lock(stopMutex_);
  const uint64_t one = 1;
  (void)!::write(commandEvent_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  running_ = false;
  writer_.cancel();
  router_.close();
}

bool Engine::post(Command command) {
  if (stopping_) return false;
  if (!running_) {
    command(core_);
    return true;
  }
  {
    const std::lock_guard lock(commandMutex_);
    commands_.push_back(std::move(command));
  }
  const uint64_t one = 1;
  (void)!::write(commandEvent_, &one, sizeof one);
  return true;
}

bool Engine::checkpoint(uint64_t number, CheckpointWriter::Done done) {
  return post([this, number, done = std::move(done)](RankCore& core) { writer_.begin(number, core.epoch(), core.saveBooks(), done); });
}

bool Engine::committed(uint64_t number) {
  return post([this, number](RankCore&) { writer_.committed(number); });
}

void Engine::run() {
  int waitMs = -1;
  while (!stopping_) {
    router_.poll(commandEvent_, waitMs);
    uint64_t counter;
    (void)!::read(commandEvent_, &counter, sizeof counter);
    runCommands();
    const bool worked = router_.drain(core_, nowNs());
    core_.flush(router_);
    waitMs = publish(!worked);
    if (router_.hasArrived() || (worked && rings_.size() > 0)) waitMs = 0;  // more may lie in a ring, and rings no bell while it is not asked for
  }
  runCommands();
}

void Engine::runCommands() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(commandMutex_);
    commands.swap(commands_);
  }
  for (const Command& command : commands) command(core_);
}

int Engine::publish(bool idle) {
  const uint64_t now = nowNs();
  const bool news = core_.hasNews() || raw_.hasFaults();
  unpublished_ = unpublished_ || news || !idle || publishedAtNs_ == 0;
  if (!unpublished_) return -1;
  const uint64_t age = now - publishedAtNs_;
  if (publishedAtNs_ != 0 && age < PUBLISH_PERIOD_NS) return static_cast<int>((PUBLISH_PERIOD_NS - age) / 1'000'000) + 1;
  publishedAtNs_ = now;
  unpublished_ = false;
  Report fresh = core_.takeReport();
  for (Fault& fault : raw_.takeFaults()) fresh.faults.push_back(std::move(fault));
  bool wake = false;
  {
    const std::lock_guard lock(boxMutex_);
    box_.completed.insert(box_.completed.end(), fresh.completed.begin(), fresh.completed.end());
    box_.faults.insert(box_.faults.end(), fresh.faults.begin(), fresh.faults.end());
    for (const Activity& a : fresh.active) boxActive_[a.simulation] = a;
    box_.counters = fresh.counters;
    box_.heldBytes = fresh.heldBytes;
    box_.connections = router_.connections();
    wake = news && !wakePending_;
    wakePending_ = wakePending_ || news;
  }
  if (wake && wake_) wake_();
  return -1;
}

Report Engine::takeReport() {
  if (!running_ && !stopping_) publish(false);
  const std::lock_guard lock(boxMutex_);
  wakePending_ = false;
  Report report = box_;
  for (const auto& [simulation, activity] : boxActive_) report.active.push_back(activity);
  boxActive_.clear();
  box_.completed.clear();
  box_.faults.clear();
  return report;
}

}  // namespace melissa
