// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions: one client rank that sends one attempt of one simulation to this rank. A session knows how far the sequence has come,
 * what is owed (an acknowledgement) and how many payload bytes may be sent. It carries no result: a session that is dropped
 * for any reason costs the client one Open.
 *
 * Credit. `creditLimit` is what the client was told: payload bytes after the last Opened that may have been sent in all.
 * `released` are those that arrived and were folded or held. Their difference is outstanding: bytes that may be on their way or
 * in a queue of ours. A session always gets one frame (else it could never go on); what sessions get beyond their one frame is
 * together at most `receiveBudgetBytes`. Limits are never taken back; shares shrink as sessions use up what they have.
 */
#pragma once
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace melissa {

struct Session {
  std::string peer;  // routing id
  uint64_t client = 0;
  uint32_t clientRank = 0;
  uint32_t simulation = 0;
  uint16_t draw = 0;
  uint16_t attempt = 0;
  uint64_t held = 0;  // highest sequence without a gap that is folded, held, or queued for this flush
  uint64_t accepted = 0;  // payload bytes after the last Opened, queued ones included
  uint64_t released = 0;
  uint64_t creditLimit = 0;
  uint64_t frameBytes = 0;  // payload of its largest block
  bool awaitingOpen = false;  // a frame was refused; everything is dropped until it opens again
  bool dirty = false;  // an acknowledgement is owed
  bool starved = false;  // would use more credit than the budget had
  uint64_t number = 0;  // tells a session from an earlier one of the same key

  uint64_t outstanding() const { return creditLimit - released; }
  uint64_t beyondOneFrame() const { return outstanding() > frameBytes ? outstanding() - frameBytes : 0; }
};

class SessionTable {
 public:
  SessionTable(uint64_t budgetBytes, uint64_t windowBytes) : budget_(budgetBytes), window_(windowBytes) {}

  Session* find(uint32_t simulation, uint32_t clientRank);
  /* A fresh session in the place of any earlier one; may drop the one that has been silent for longest. */
  Session& open(const Session& session);
  void close(uint32_t simulation, uint32_t clientRank);
  void closeSimulation(uint32_t simulation);

  void setFrameBytes(Session& session, uint64_t bytes);
  /* The count of credit starts anew, as it does with every Opened. */
  void restartCredit(Session& session);
  /* A frame of the session was accepted, or seen before: it owes an acknowledgement. */
  void touch(Session& session);
  void markDirty(Session& session);
  /* After a flush: everything accepted is released, and each session that is owed an acknowledgement gets new credit and is visited. */
  template <typename Visit>
  void acknowledge(Visit visit) {
    for (Session* s : settle()) visit(*s);
  }

  size_t size() const { return sessions_.size(); }
  uint64_t beyondOneFrame() const { return beyond_; }

 private:
  struct Entry {
    Session session;
    std::list<uint64_t>::iterator recent;
  };
  static uint64_t key(uint32_t simulation, uint32_t clientRank) { return static_cast<uint64_t>(simulation) << 32 | clientRank; }
  void erase(uint64_t key);
  bool grant(Session& session);
  const std::vector<Session*>& settle();

  uint64_t budget_;
  uint64_t window_;
  uint64_t beyond_ = 0;  // sum of beyondOneFrame over sessions
  uint64_t numbers_ = 0;
  std::unordered_map<uint64_t, Entry> sessions_;
  std::unordered_map<uint32_t, std::vector<uint32_t>> ranksOf_;  // client ranks with a session, by simulation
  std::list<uint64_t> recent_;  // keys, the most recently active last
  std::vector<uint64_t> dirty_;
  std::deque<uint64_t> starved_;
  std::vector<Session*> settled_;
};

}  // namespace melissa
