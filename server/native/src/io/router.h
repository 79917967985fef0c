// SPDX-License-Identifier: Apache-2.0
/*
 * The data socket: a ZeroMQ ROUTER with its limits, its security (CURVE and the allow-list of keys by ZAP) and the count of its
 * connections. Messages stay in the buffers they were received in for as long as a block of them is needed.
 */
#pragma once
#include <deque>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/rank_core.h"
#include "io/rings.h"
#include "io/turn.h"

namespace melissa {

struct RouterConfig {
  std::string listen;
  std::string secretKey;  // Z85; empty = plain
  std::string publicKey;
  std::vector<std::string> allowedKeys;
  uint32_t connectionsMax = 0;
  uint64_t messageBytesMax = 0;
};

class Router : public ReplySink {
 public:
  Router() = default;
  ~Router() override { close(); }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  bool bind(const RouterConfig& config, std::string& endpoint, std::string& why);
  void close();
  /* Waits for a message, an event of the socket, or `eventFd`; serves authentication. */
  void poll(int eventFd, int waitMs);
  /* Peers of this machine may be given rings; nullptr: none is. Before bind. */
  void share(Rings* rings) { rings_ = rings; }
  /* Gives what is there to the core, up to a bound, those behind first (turn.h). True when there was something. */
  bool drain(RankCore& core, uint64_t nowNs);
  /* Something has arrived and was not given yet. */
  bool hasArrived() const { return arrivedBytes_ > 0; }
  void reply(std::string_view peer, Bytes message) override;
  std::string ring(std::string_view peer, std::string_view host, uint64_t frameBytes) override;
  void folded() override;
  uint32_t connections() const { return static_cast<uint32_t>(connected_.size()); }

 private:
  /* What a peer sent by its socket and the core was not given yet. Credit bounds it. */
  class Line : public Source {
   public:
    Line(Router& router, std::string peer) : router_(router), peer_(std::move(peer)) {}
    void add(Bytes message, Owner owner);
    bool empty() const override { return waiting_.empty(); }
    int64_t step() const override { return waiting_.front().step; }
    int64_t lastStep() const override;
    uint64_t give(RankCore& core, ReplySink& sink) override;

   private:
    struct Waiting {
      Bytes message;
      Owner owner;
      int64_t step;
    };
    Router& router_;
    std::string peer_;
    std::deque<Waiting> waiting_;
  };

  /* Takes from the socket what is there. */
  void receive();
  bool configure(const RouterConfig& config, std::string& why);
  bool secure(const RouterConfig& config, std::string& why);
  void authenticate();
  bool allowed(const std::vector<std::string>& request) const;
  void watchConnections();

  Rings* rings_ = nullptr;
  void* context_ = nullptr;
  void* socket_ = nullptr;
  void* zap_ = nullptr;
  void* monitor_ = nullptr;
  bool curve_ = false;
  uint32_t connectionsMax_ = 0;
  std::unordered_map<std::string, Line> lines_;
  uint64_t arrivedBytes_ = 0;
  std::vector<Source*> sources_;
  Turn turn_;
  std::set<std::string> allowedKeys_;  // 32 bytes each
  std::set<int32_t> connected_;  // file descriptors
};

}  // namespace melissa
