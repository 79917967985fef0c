// SPDX-License-Identifier: Apache-2.0
#include "io/router.h"

#include <zmq.h>

#include <cstring>
#include <memory>

namespace melissa {
namespace {

// Messages received in one turn before folding: bounds how long a command waits.
constexpr int RECEIVE_MESSAGES_A_TURN_MAX = 512;
// What may wait to be given to the core, whatever credit was given: more stays in the sockets.
constexpr uint64_t ARRIVED_BYTES_MAX = 1ull << 30;
// What a message that waits needs beside its bytes.
constexpr uint64_t LINE_OVERHEAD_BYTES = 256;
// A peer must finish the handshake within this time (slow loris).
constexpr int HANDSHAKE_MS = 5'000;
// A peer that is gone without a word is noticed after HEARTBEAT + TIMEOUT.
constexpr int HEARTBEAT_MS = 5'000;
constexpr int HEARTBEAT_TIMEOUT_MS = 20'000;
// Replies waiting for a peer that does not read; each is about 60 bytes. What is dropped is repeated by the next acknowledgement.
constexpr int SEND_MESSAGES_MAX = 10'000;
constexpr int RECEIVE_MESSAGES_MAX = 10'000;
// What one message may make us read of its sender's ring first; each turn ends with a fold. A client that commits faster sends again.
constexpr int RING_TURNS_MAX = 64;
// A look for clients that died, while nothing else happens.
constexpr int RING_WAIT_MS = 1'000;
constexpr const char* ZAP_ENDPOINT = "inproc://zeromq.zap.01";
constexpr const char* ZAP_DOMAIN = "melissa";
constexpr const char* MONITOR_ENDPOINT = "inproc://melissa-monitor";

struct Message {
  zmq_msg_t msg;
  Message() { zmq_msg_init(&msg); }
  ~Message() { zmq_msg_close(&msg); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  Bytes bytes() { return {static_cast<const std::byte*>(zmq_msg_data(&msg)), zmq_msg_size(&msg)}; }
  std::string_view text() { return {static_cast<const char*>(zmq_msg_data(&msg)), zmq_msg_size(&msg)}; }
  bool more() { return zmq_msg_more(&msg) != 0; }
};

bool setInt(void* socket, int option, int value) { return zmq_setsockopt(socket, option, &value, sizeof value) == 0; }

/* All parts of one message that is already there; empty when there is none. */
std::vector<std::string> receiveParts(void* socket) {
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    Message part;
    if (zmq_msg_recv(&part.msg, socket, ZMQ_DONTWAIT) < 0) return {};
    parts.emplace_back(part.text());
    more = part.more();
  }
  return parts;
}

bool failed(const char* what, std::string& why) {
  why = std::string(what) + ": " + zmq_strerror(zmq_errno());
  return false;
}

}  // namespace

bool Router::bind(const RouterConfig& config, std::string& endpoint, std::string& why) {
  context_ = zmq_ctx_new();
  socket_ = context_ == nullptr ? nullptr : zmq_socket(context_, ZMQ_ROUTER);
  const bool ok = socket_ != nullptr && configure(config, why) && secure(config, why);
  if (!ok) {
    if (why.empty()) failed("cannot make the data socket", why);
    close();
    return false;
  }
  if (zmq_bind(socket_, config.listen.c_str()) != 0) {
    failed(("cannot listen on " + config.listen).c_str(), why);
    close();
    return false;
  }
  char last[256] = {};
  size_t size = sizeof last;
  zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, last, &size);
  endpoint = last;
  return true;
}

bool Router::configure(const RouterConfig& config, std::string& why) {
  const int64_t messageMax = static_cast<int64_t>(config.messageBytesMax);
  const bool ok = setInt(socket_, ZMQ_LINGER, 0) && setInt(socket_, ZMQ_ROUTER_HANDOVER, 1) && setInt(socket_, ZMQ_SNDHWM, SEND_MESSAGES_MAX) &&
                  setInt(socket_, ZMQ_RCVHWM, RECEIVE_MESSAGES_MAX) && setInt(socket_, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
                  setInt(socket_, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) && setInt(socket_, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
                  setInt(socket_, ZMQ_IPV6, config.listen.find('[') != std::string::npos) &&
                  zmq_setsockopt(socket_, ZMQ_MAXMSGSIZE, &messageMax, sizeof messageMax) == 0;
  if (!ok) return failed("cannot configure the data socket", why);
  connectionsMax_ = config.connectionsMax;
  zmq_socket_monitor(socket_, MONITOR_ENDPOINT, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
  monitor_ = zmq_socket(context_, ZMQ_PAIR);
  setInt(monitor_, ZMQ_LINGER, 0);
  return zmq_connect(monitor_, MONITOR_ENDPOINT) == 0 || failed("cannot watch the data socket", why);
}

bool Router::secure(const RouterConfig& config, std::string& why) {
  // ZAP is asked with and without CURVE: it also refuses connections beyond the limit.
  zap_ = zmq_socket(context_, ZMQ_REP);
  setInt(zap_, ZMQ_LINGER, 0);
  if (zmq_bind(zap_, ZAP_ENDPOINT) != 0) return failed("cannot serve authentication", why);
  if (zmq_setsockopt(socket_, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, std::strlen(ZAP_DOMAIN)) != 0) return failed("cannot ask for authentication", why);
  curve_ = !config.secretKey.empty();
  if (!curve_) return true;
  for (const std::string& key : config.allowedKeys) {
    uint8_t raw[32];
    if (key.size() != 40 || zmq_z85_decode(raw, key.c_str()) == nullptr) {
      why = "an allowed CURVE key is not 40 characters of Z85";
      return false;
    }
    allowedKeys_.emplace(reinterpret_cast<const char*>(raw), sizeof raw);
  }
  if (!setInt(socket_, ZMQ_CURVE_SERVER, 1) || config.secretKey.size() != 40 ||
      zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, config.secretKey.c_str(), 41) != 0)
    return failed("cannot use the CURVE secret key", why);
  return true;
}

void Router::close() {
  lines_.clear();
  arrivedBytes_ = 0;
  if (socket_ != nullptr) zmq_socket_monitor(socket_, nullptr, 0);
  for (void** socket : {&monitor_, &zap_, &socket_}) {
    if (*socket != nullptr) zmq_close(*socket);
    *socket = nullptr;
  }
  if (context_ != nullptr) zmq_ctx_term(context_);
  context_ = nullptr;
}

void Router::poll(int eventFd, int waitMs) {
  const bool shares = rings_ != nullptr && rings_->size() > 0;
  if (shares && waitMs != 0) {
    // The bell is asked for, and someone must look for clients that are gone.
    if (!rings_->sleep()) waitMs = 0;
    else if (waitMs < 0 || waitMs > RING_WAIT_MS) waitMs = RING_WAIT_MS;
  }
  const int bell = shares ? rings_->bell() : -1;
  zmq_pollitem_t items[] = {
      {socket_, 0, ZMQ_POLLIN, 0}, {nullptr, eventFd, ZMQ_POLLIN, 0}, {zap_, 0, ZMQ_POLLIN, 0}, {monitor_, 0, ZMQ_POLLIN, 0}, {nullptr, bell, ZMQ_POLLIN, 0}};
  const int events = zmq_poll(items, shares ? 5 : 4, waitMs);
  if (shares) rings_->reap();
  if (events <= 0) return;
  if (shares && items[4].revents != 0) rings_->silence();
  if (items[3].revents != 0) watchConnections();
  if (items[2].revents != 0) authenticate();
}

void Router::receive() {
  for (int taken = 0; taken < RECEIVE_MESSAGES_A_TURN_MAX && arrivedBytes_ < ARRIVED_BYTES_MAX; ++taken) {
    Message peer;
    if (zmq_msg_recv(&peer.msg, socket_, ZMQ_DONTWAIT) < 0) return;
    const auto message = std::make_shared<Message>();
    if (!peer.more() || zmq_msg_recv(&message->msg, socket_, ZMQ_DONTWAIT) < 0) return;
    bool more = message->more();
    const bool single = !more;
    while (more) {
      Message rest;
      if (zmq_msg_recv(&rest.msg, socket_, ZMQ_DONTWAIT) < 0) break;
      more = rest.more();
    }
    // A message of several parts is none of ours; an empty one is refused by the core in the same words.
    const std::string id(peer.text());
    lines_.try_emplace(id, *this, id).first->second.add(single ? message->bytes() : Bytes{}, message);
  }
}

void Router::Line::add(Bytes message, Owner owner) {
  router_.arrivedBytes_ += message.size() + LINE_OVERHEAD_BYTES;
  waiting_.push_back({message, std::move(owner), stepOf(message)});
}

int64_t Router::Line::lastStep() const {
  int64_t last = NO_STEP;
  for (const Waiting& one : waiting_) last = std::max(last, one.step);
  return last;
}

uint64_t Router::Line::give(RankCore& core, ReplySink& sink) {
  // A client commits to its ring before it says anything about it here.
  if (router_.rings_ != nullptr)
    for (int turn = 0; turn < RING_TURNS_MAX && router_.rings_->drain(peer_, core, sink); ++turn)
      if (core.flushIsDue()) core.flush(sink);
  const Waiting one = std::move(waiting_.front());
  waiting_.pop_front();
  router_.arrivedBytes_ -= one.message.size() + LINE_OVERHEAD_BYTES;
  core.onMessage(peer_, one.message, one.owner, sink);
  return one.message.size();
}

bool Router::drain(RankCore& core, uint64_t nowNs) {
  receive();
  sources_.clear();
  for (auto& [peer, line] : lines_) sources_.push_back(&line);
  if (rings_ != nullptr) rings_->sources(sources_);
  const bool worked = turn_.take(sources_, core, *this, nowNs);
  std::erase_if(lines_, [](const auto& one) { return one.second.empty(); });
  return worked;
}

std::string Router::ring(std::string_view peer, std::string_view host, uint64_t frameBytes) {
  return rings_ == nullptr ? std::string() : rings_->offer(peer, host, frameBytes);
}

void Router::folded() {
  if (rings_ != nullptr) rings_->release();
}

void Router::reply(std::string_view peer, Bytes message) {
  if (zmq_send(socket_, peer.data(), peer.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) return;
  zmq_send(socket_, message.data(), message.size(), ZMQ_DONTWAIT);
}

/* ZAP 1.0 (rfc.zeromq.org/spec/27): version, request, domain, address, identity, mechanism, credentials. */
void Router::authenticate() {
  for (std::vector<std::string> request = receiveParts(zap_); !request.empty(); request = receiveParts(zap_)) {
    watchConnections();
    const bool ok = request.size() >= 6 && allowed(request);
    const std::string id = request.size() > 1 ? request[1] : "";
    const std::string reply[] = {"1.0", id, ok ? "200" : "400", ok ? "OK" : "refused", "", ""};
    for (size_t i = 0; i < 6; ++i) zmq_send(zap_, reply[i].data(), reply[i].size(), i < 5 ? ZMQ_SNDMORE : 0);
  }
}

bool Router::allowed(const std::vector<std::string>& request) const {
  if (connectionsMax_ != 0 && connected_.size() > connectionsMax_) return false;
  const std::string& mechanism = request[5];
  if (!curve_) return mechanism == "NULL";
  return mechanism == "CURVE" && request.size() >= 7 && allowedKeys_.contains(request[6]);
}

void Router::watchConnections() {
  for (std::vector<std::string> event = receiveParts(monitor_); !event.empty(); event = receiveParts(monitor_)) {
    if (event[0].size() < 6) continue;
    uint16_t kind;
    int32_t fd;
    std::memcpy(&kind, event[0].data(), 2);
    std::memcpy(&fd, event[0].data() + 2, 4);
    if (kind == ZMQ_EVENT_ACCEPTED) connected_.insert(fd);
    if (kind == ZMQ_EVENT_DISCONNECTED) connected_.erase(fd);
  }
}

}  // namespace melissa
