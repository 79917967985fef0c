// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // memfd_create, seals
#endif
#include "io/rings.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace melissa {
namespace {

// The memory plan (crds/src/plan/rings.ts) counts with these bounds.
// Each is looked at in every turn of the thread.
constexpr size_t RINGS_MAX = 256;
// A client maps the ring when it reads Opened; one that has not by now will not.
constexpr uint64_t UNATTACHED_NS_MAX = 30'000'000'000;
// Between two looks for clients that are gone.
constexpr uint64_t REAP_PERIOD_NS = 1'000'000'000;
// Room beyond the send window, so that a client seldom waits for a place that the window allows.
constexpr uint64_t FRAMES_BEYOND_WINDOW = 2;
// How far one looks for the last step that lies in a ring.
constexpr int RECORDS_AHEAD_MAX = 64;

uint64_t load(const uint64_t& value) { return __atomic_load_n(&value, __ATOMIC_SEQ_CST); }
uint64_t randomBits() {
  std::random_device random;
  return static_cast<uint64_t>(random()) << 32 | random();
}

}  // namespace

Rings::Rings(std::string host, uint64_t windowBytes, uint64_t bytesMax, Clock clock)
    : host_(std::move(host)), windowBytes_(windowBytes), bytesMax_(bytesMax), clock_(clock) {
  if (pipe2(bell_, O_CLOEXEC | O_NONBLOCK) != 0) bell_[0] = bell_[1] = -1;
}

Rings::~Rings() {
  for (auto& [peer, ring] : rings_) end(ring);
  for (int end : bell_)
    if (end >= 0) close(end);
}

bool Rings::make(Ring& ring, uint64_t capacity) {
  ring.file = memfd_create(MLP_RING_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (ring.file < 0) return false;
  const size_t size = MLP_RING_HEADER_BYTES + capacity;
  if (fchmod(ring.file, 0600) != 0 || ftruncate(ring.file, static_cast<off_t>(size)) != 0) return false;
  if (fcntl(ring.file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return false;
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.file, 0);
  if (memory == MAP_FAILED) return false;
  ring.shared = static_cast<mlp_ring_header*>(memory);
  ring.data = static_cast<const std::byte*>(memory) + MLP_RING_HEADER_BYTES;
  ring.capacity = capacity;
  mlp_ring_header& h = *ring.shared;
  h.version = MLP_RING_VERSION;
  h.cookie = randomBits();
  h.capacity = capacity;
  h.magic = MLP_RING_MAGIC;
  const mlp_ring_offer offer{static_cast<uint32_t>(getpid()), static_cast<uint32_t>(ring.file), static_cast<uint32_t>(bell_[1]), capacity, h.cookie};
  char text[MLP_RING_TEXT_BYTES];
  mlp_ring_offer_print(text, &offer);
  ring.text = text;
  ring.offeredAtNs = clock_();
  return true;
}

void Rings::end(Ring& ring) {
  if (ring.shared != nullptr) {
    ring.close();
    munmap(ring.shared, MLP_RING_HEADER_BYTES + ring.capacity);
    bytes_ -= ring.capacity;
  }
  if (ring.file >= 0) ::close(ring.file);
  ring.shared = nullptr;
  ring.file = -1;
}

Rings::Table::iterator Rings::drop(Table::iterator at) {
  end(at->second);
  const auto next = std::next(at);
  dropped_.push_back(rings_.extract(at));
  return next;
}

std::string Rings::offer(std::string_view peer, std::string_view host, uint64_t frameBytes) {
  if (host_.empty() || host != host_ || bell_[0] < 0) return {};
  if (const auto known = rings_.find(peer); known != rings_.end()) {
    if (!known->second.isClosed())
      return __atomic_load_n(&known->second.shared->attached, __ATOMIC_SEQ_CST) == 0 ? known->second.text : std::string();
    drop(known);
  }
  const uint64_t place = mlp_ring_place(frameBytes + MLP_DATA_HEADER_BYTES);
  const uint64_t capacity = (windowBytes_ + FRAMES_BEYOND_WINDOW * place + 4095) / 4096 * 4096;
  if (rings_.size() >= RINGS_MAX || bytes_ + capacity > bytesMax_) reap();
  if (rings_.size() >= RINGS_MAX || bytes_ + capacity > bytesMax_) return {};
  Ring ring;
  ring.peer = peer;
  if (!make(ring, capacity)) {
    if (ring.file >= 0) close(ring.file);
    return {};
  }
  bytes_ += capacity;
  return rings_.emplace(peer, std::move(ring)).first->second.text;
}

bool Rings::Ring::isClosed() const { return shared == nullptr || __atomic_load_n(&shared->closed, __ATOMIC_SEQ_CST) != 0; }
void Rings::Ring::close() { __atomic_store_n(&shared->closed, 1u, __ATOMIC_SEQ_CST); }

bool Rings::Ring::empty() const { return isClosed() || read == load(shared->head); }

/* Nothing that the client writes is believed. False where it is not a record that can be. */
bool Rings::Ring::recordAt(uint64_t position, uint64_t head, mlp_ring_record& record) const {
  const uint64_t at = position % capacity;
  std::memcpy(&record, data + at, sizeof record);
  const bool fits = head - read <= capacity && record.span % 64 == 0 && record.span >= MLP_RING_RECORD_BYTES && record.span <= head - position;
  if (record.kind == MLP_RING_SKIP) return fits;
  return record.kind == MLP_RING_FRAME && fits && at + record.span <= capacity && record.bytes <= record.span - MLP_RING_RECORD_BYTES;
}

Bytes Rings::Ring::frameAt(uint64_t position, const mlp_ring_record& record) const {
  if (record.kind == MLP_RING_SKIP) return {};
  return {data + position % capacity + MLP_RING_RECORD_BYTES, record.bytes};
}

int64_t Rings::Ring::step() const {
  const uint64_t head = load(shared->head);
  mlp_ring_record record;
  for (uint64_t position = read; position != head && recordAt(position, head, record); position += record.span)
    if (record.kind == MLP_RING_FRAME) return stepOf(frameAt(position, record));
  return NO_STEP;
}

int64_t Rings::Ring::lastStep() const {
  const uint64_t head = load(shared->head);
  int64_t last = NO_STEP;
  uint64_t position = read;
  mlp_ring_record record;
  for (int looked = 0; looked < RECORDS_AHEAD_MAX && position != head && recordAt(position, head, record); ++looked, position += record.span)
    last = std::max(last, stepOf(frameAt(position, record)));
  return last;
}

/* A record that cannot be ends the ring, and the client sends again by the socket. */
uint64_t Rings::Ring::give(RankCore& core, ReplySink& sink) {
  const uint64_t head = load(shared->head);
  mlp_ring_record record;
  if (!recordAt(read, head, record)) {
    close();
    return 0;
  }
  const Bytes frame = frameAt(read, record);
  read += record.span;
  if (record.kind == MLP_RING_FRAME) core.onMessage(peer, frame, nullptr, sink);
  return frame.size();
}

bool Rings::drain(std::string_view peer, RankCore& core, ReplySink& sink) {
  const auto at = rings_.find(peer);
  if (at == rings_.end()) return false;
  bool worked = false;
  for (Ring& ring = at->second; !ring.empty() && !core.flushIsDue(); worked = true) ring.give(core, sink);
  return worked;
}

void Rings::sources(std::vector<Source*>& all) {
  dropped_.clear();
  for (auto& [peer, ring] : rings_)
    if (!ring.empty()) all.push_back(&ring);
}

void Rings::release() {
  for (auto& [peer, ring] : rings_) __atomic_store_n(&ring.shared->tail, ring.read, __ATOMIC_SEQ_CST);
}

bool Rings::sleep() {
  bool empty = true;
  for (auto& [peer, ring] : rings_) {
    __atomic_store_n(&ring.shared->waits, 1u, __ATOMIC_SEQ_CST);
    empty = empty && ring.empty();
  }
  return empty;
}

void Rings::silence() {
  char drained[64];
  while (read(bell_[0], drained, sizeof drained) == static_cast<ssize_t>(sizeof drained)) continue;
}

/* The client holds a lock of the file for as long as it lives; what it committed before it died still counts. */
bool Rings::isOver(Ring& ring) const {
  if (ring.isClosed()) return true;
  if (__atomic_load_n(&ring.shared->attached, __ATOMIC_SEQ_CST) == 0) return clock_() - ring.offeredAtNs > UNATTACHED_NS_MAX;
  if (load(ring.shared->head) != ring.read) return false;
  if (flock(ring.file, LOCK_EX | LOCK_NB) != 0) return false;
  flock(ring.file, LOCK_UN);
  return true;
}

void Rings::reap() {
  if (rings_.empty() || clock_() - reapedAtNs_ < REAP_PERIOD_NS) return;
  reapedAtNs_ = clock_();
  for (auto at = rings_.begin(); at != rings_.end();) {
    if (!isOver(at->second)) {
      ++at;
      continue;
    }
    at = drop(at);
  }
}

}  // namespace melissa
