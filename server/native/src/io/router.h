// SPDX-License-Identifier: Apache-2.0
/*
 * The data socket: a ZeroMQ ROUTER with its limits, its security (CURVE and the allow-list of keys by ZAP) and the count of its
 * connections. Messages stay in the buffers they were received in for as long as a block of them is needed.
 */
#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/rank_core.h"
#include "io/rings.h"

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
  /* Gives what is there to the core, up to a bound. True when there was something. */
  bool drain(RankCore& core);
  void reply(std::string_view peer, Bytes message) override;
  std::string ring(std::string_view peer, std::string_view host, uint64_t frameBytes) override;
  void folded() override;
  uint32_t connections() const { return static_cast<uint32_t>(connected_.size()); }

 private:
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
  std::set<std::string> allowedKeys_;  // 32 bytes each
  std::set<int32_t> connected_;  // file descriptors
};

}  // namespace melissa
