// SPDX-License-Identifier: Apache-2.0
#include "core/session.h"

#include <algorithm>

#include "core/limits.h"

namespace melissa {

Session* SessionTable::find(uint32_t simulation, uint32_t clientRank) {
  const auto at = sessions_.find(key(simulation, clientRank));
  return at == sessions_.end() ? nullptr : &at->second.session;
}

Session& SessionTable::open(const Session& session) {
  const uint64_t k = key(session.simulation, session.clientRank);
  erase(k);
  if (sessions_.size() >= SESSIONS_MAX) erase(recent_.front());
  Entry& entry = sessions_[k];
  entry.session = session;
  entry.session.number = ++numbers_;
  entry.recent = recent_.insert(recent_.end(), k);
  ranksOf_[session.simulation].push_back(session.clientRank);
  return entry.session;
}

void SessionTable::close(uint32_t simulation, uint32_t clientRank) { erase(key(simulation, clientRank)); }

void SessionTable::closeSimulation(uint32_t simulation) {
  const auto at = ranksOf_.find(simulation);
  if (at == ranksOf_.end()) return;
  const std::vector<uint32_t> ranks = at->second;
  for (uint32_t rank : ranks) erase(key(simulation, rank));
}

void SessionTable::erase(uint64_t k) {
  const auto at = sessions_.find(k);
  if (at == sessions_.end()) return;
  const Session& s = at->second.session;
  beyond_ -= s.beyondOneFrame();
  const auto ranks = ranksOf_.find(s.simulation);
  std::erase(ranks->second, s.clientRank);
  if (ranks->second.empty()) ranksOf_.erase(ranks);
  recent_.erase(at->second.recent);
  sessions_.erase(at);
}

void SessionTable::setFrameBytes(Session& s, uint64_t bytes) {
  beyond_ -= s.beyondOneFrame();
  s.frameBytes = bytes;
  beyond_ += s.beyondOneFrame();
}

void SessionTable::restartCredit(Session& s) {
  beyond_ -= s.beyondOneFrame();
  s.accepted = s.released = s.creditLimit = 0;
  grant(s);
}

void SessionTable::touch(Session& s) {
  Entry& entry = sessions_.at(key(s.simulation, s.clientRank));
  recent_.splice(recent_.end(), recent_, entry.recent);
  markDirty(s);
}

void SessionTable::markDirty(Session& s) {
  if (s.dirty) return;
  s.dirty = true;
  dirty_.push_back(key(s.simulation, s.clientRank));
}

/* Raises the limit towards the session's fair share of the budget. True if it was raised. */
bool SessionTable::grant(Session& s) {
  beyond_ -= s.beyondOneFrame();
  const uint64_t share = std::min(window_, budget_ / std::max<uint64_t>(1, sessions_.size()));
  const uint64_t free = budget_ > beyond_ ? budget_ - beyond_ : 0;
  const uint64_t wanted = share > s.frameBytes ? share - s.frameBytes : 0;
  const uint64_t target = s.released + s.frameBytes + std::min(wanted, free);
  const bool raised = target > s.creditLimit;
  if (raised) s.creditLimit = target;
  beyond_ += s.beyondOneFrame();
  if (wanted > free && !s.starved) {
    s.starved = true;
    starved_.push_back(key(s.simulation, s.clientRank));
  }
  return raised;
}

const std::vector<Session*>& SessionTable::settle() {
  settled_.clear();
  for (uint64_t k : dirty_) {
    const auto at = sessions_.find(k);
    if (at == sessions_.end() || !at->second.session.dirty) continue;
    Session& s = at->second.session;
    s.dirty = false;
    beyond_ -= s.beyondOneFrame();
    // A client that sent more than it was allowed to only hurts itself: its limit follows what it sent.
    s.released = s.accepted;
    s.creditLimit = std::max(s.creditLimit, s.released);
    beyond_ += s.beyondOneFrame();
    grant(s);
    settled_.push_back(&s);
  }
  dirty_.clear();
  // Those that asked for more than there was, in turn, while there is something left.
  for (size_t n = starved_.size(); n > 0 && beyond_ < budget_; --n) {
    const auto at = sessions_.find(starved_.front());
    starved_.pop_front();
    if (at == sessions_.end() || !at->second.session.starved) continue;
    Session& s = at->second.session;
    s.starved = false;
    if (grant(s) && std::find(settled_.begin(), settled_.end(), &s) == settled_.end()) settled_.push_back(&s);
  }
  return settled_;
}

}  // namespace melissa
