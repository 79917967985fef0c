// SPDX-License-Identifier: Apache-2.0
/*
 * Memory shared with clients of this machine: the rank's side of the rings of client-api/src/protocol/ring.h. A ring is offered to a peer
 * that opens a session from this host and has none; the peer maps it if it can see this process. Frames are folded where they lie. The
 * memory has no name in any file system, so nothing is left behind however both sides die; it cannot be cut short (seals), so a client
 * cannot take the rank down with it. What a client writes is checked as what comes from a socket is.
 *
 * One thread: the engine's.
 */
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/rank_core.h"
#include "io/turn.h"
#include "protocol/ring.h"

namespace melissa {

class Rings {
 public:
  using Clock = uint64_t (*)();  // monotonic nanoseconds

  Rings(std::string host, uint64_t windowBytes, uint64_t bytesMax, Clock clock);
  ~Rings();
  Rings(const Rings&) = delete;
  Rings& operator=(const Rings&) = delete;

  /* What Opened says to this peer: an offer, or nothing. */
  std::string offer(std::string_view peer, std::string_view host, uint64_t frameBytes);
  /* Gives the core what the peer has committed, until a flush is due; what was there before a message of its socket comes before it. */
  bool drain(std::string_view peer, RankCore& core, ReplySink& sink);
  /* Adds the rings in which something lies. They stay until this is called again; one that is dropped meanwhile is empty. */
  void sources(std::vector<Source*>& all);
  /* All that was given is folded or held elsewhere: its place is free. */
  void release();
  /* Before the thread sleeps: asks for the bell. False when something was committed meanwhile. */
  bool sleep();
  void silence();
  /* Drops the rings of clients that are gone, have closed theirs, or never came. */
  void reap();

  int bell() const { return bell_[0]; }
  size_t size() const { return rings_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct Ring : Source {
    std::string peer;
    int file = -1;
    mlp_ring_header* shared = nullptr;
    const std::byte* data = nullptr;
    uint64_t capacity = 0;
    uint64_t read = 0;  // position; the tail follows when it is released
    uint64_t offeredAtNs = 0;
    std::string text;

    bool isClosed() const;
    void close();
    bool empty() const override;
    int64_t step() const override;
    int64_t lastStep() const override;
    uint64_t give(RankCore& core, ReplySink& sink) override;
    bool recordAt(uint64_t position, uint64_t head, mlp_ring_record& record) const;
    Bytes frameAt(uint64_t position, const mlp_ring_record& record) const;
  };

  bool make(Ring& ring, uint64_t capacity);
  void end(Ring& ring);
  bool isOver(Ring& ring) const;

  std::string host_;
  uint64_t windowBytes_;
  uint64_t bytesMax_;
  Clock clock_;
  uint64_t reapedAtNs_ = 0;
  uint64_t bytes_ = 0;
  int bell_[2] = {-1, -1};
  using Table = std::map<std::string, Ring, std::less<>>;  // by routing id
  Table::iterator drop(Table::iterator at);

  Table rings_;
  std::vector<Table::node_type> dropped_;  // until nobody looks at them
};

}  // namespace melissa
