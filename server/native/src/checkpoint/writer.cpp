// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/writer.h"

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "core/hash.h"
#include "core/limits.h"

namespace melissa {

CheckpointWriter::CheckpointWriter(StateArena& arena, CheckpointIdentity identity, std::string folder)
    : arena_(arena), identity_(std::move(identity)), folder_(std::move(folder)), states_(arena.pieces().size()) {
  std::error_code none;
  const std::string prefix = "rank-" + std::to_string(identity_.rank) + "-";
  std::vector<std::filesystem::path> unfinished;
  for (std::filesystem::directory_iterator at(folder_, none), end; !none && at != end; at.increment(none))
    if (at->path().extension() == ".tmp" && at->path().filename().string().starts_with(prefix)) unfinished.push_back(at->path());
  for (const std::filesystem::path& file : unfinished) std::filesystem::remove(file, none);
  arena_.setGuard(this);
}

CheckpointWriter::~CheckpointWriter() {
  cancel();
  arena_.setGuard(nullptr);
}

void CheckpointWriter::begin(uint64_t number, uint32_t epoch, std::vector<std::byte> books, Done done) {
  if (busy_.load()) {
    done({number, false, "a checkpoint is still being written", 0, 0});
    return;
  }
  if (thread_.joinable()) thread_.join();
  cancelled_ = false;
  for (size_t piece = 0; piece < states_.size(); ++piece) states_[piece].store(arena_.touched(piece) ? Unsaved : Saved);
  footer_ = {sectionHashes(books), std::vector<PieceSum>(states_.size())};
  CheckpointHeader header{identity_, epoch, number, books.size(), arena_.bytes(), states_.size()};
  busy_ = true;
  thread_ = std::thread([this, books = std::move(books), header, done = std::move(done)]() mutable { run(std::move(books), header, std::move(done)); });
}

void CheckpointWriter::beforeWrite(size_t piece) {
  std::atomic<uint8_t>& state = states_[piece];
  if (state.load(std::memory_order_acquire) == Saved) return;
  std::unique_lock lock(mutex_);
  while (state.load() != Saved) {
    const StateArena::Piece& p = arena_.pieces()[piece];
    if (state.load() == Unsaved && (copies_.empty() || copiesBytes_ + p.bytes <= PIECE_COPIES_BYTES_MAX)) {
      const std::byte* from = arena_.base() + p.offset;
      copies_.push_back({piece, {from, from + p.bytes}});
      copiesBytes_ += p.bytes;
      state.store(Saved, std::memory_order_release);
      changed_.notify_all();
    } else {
      changed_.wait(lock);
    }
  }
}

void CheckpointWriter::run(std::vector<std::byte> books, CheckpointHeader header, Done done) {
  const auto start = std::chrono::steady_clock::now();
  const std::string final = path(header.number);
  const std::string temporary = final + ".tmp";
  written_ = 0;
  reason_.clear();
  std::error_code none;
  // A folder is lost in a power cut with all that was synced in it, unless the one above it was synced.
  const bool isNew = std::filesystem::create_directories(folder_, none);
  bool ok = !isNew || syncFolder(std::filesystem::path(folder_).parent_path().string(), reason_);
  ok = ok && file_.create(temporary) && file_.resize(header.fileBytes());
  ok = ok && savePieces(header);
  releaseAll();
  ok = ok && writeRest(header, books) && file_.sync();
  if (!ok && reason_.empty()) reason_ = file_.reason();
  file_.close();
  if (ok && std::rename(temporary.c_str(), final.c_str()) != 0) ok = fail("cannot rename " + temporary);
  ok = ok && syncFolder(folder_, reason_);
  if (!ok) std::filesystem::remove(temporary, none);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  busy_ = false;
  done({header.number, ok, reason_, written_, seconds.count()});
}

bool CheckpointWriter::fail(const std::string& reason) {
  reason_ = reason;
  return false;
}

/* Copies first, as they take memory; then what nobody has touched yet, in order. */
bool CheckpointWriter::savePieces(const CheckpointHeader& header) {
  size_t next = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (cancelled_.load()) return fail("the rank was stopped");
    if (!copies_.empty()) {
      const Copy copy = std::move(copies_.front());
      copies_.pop_front();
      lock.unlock();
      const bool ok = savePiece(header, copy.piece, copy.bytes.data());
      lock.lock();
      copiesBytes_ -= copy.bytes.size();
      changed_.notify_all();
      if (!ok) return false;
      continue;
    }
    while (next < states_.size() && states_[next].load() != Unsaved) ++next;
    if (next == states_.size()) return true;
    states_[next].store(Saving);
    lock.unlock();
    const bool ok = savePiece(header, next, arena_.base() + arena_.pieces()[next].offset);
    lock.lock();
    states_[next].store(Saved, std::memory_order_release);
    changed_.notify_all();
    if (!ok) return false;
  }
}

bool CheckpointWriter::savePiece(const CheckpointHeader& header, size_t piece, const std::byte* bytes) {
  const StateArena::Piece& p = arena_.pieces()[piece];
  footer_.pieces[piece] = {payloadHash(bytes, p.bytes), 1};
  written_ += p.bytes;
  return file_.write(bytes, p.bytes, header.stateOffset() + p.offset);
}

/* After success or failure no fold waits any more. */
void CheckpointWriter::releaseAll() {
  const std::lock_guard lock(mutex_);
  for (std::atomic<uint8_t>& state : states_) state.store(Saved, std::memory_order_release);
  copies_.clear();
  copiesBytes_ = 0;
  changed_.notify_all();
}

bool CheckpointWriter::writeRest(const CheckpointHeader& header, const std::vector<std::byte>& books) {
  const std::vector<std::byte> head = encodeHeader(header);
  const std::vector<std::byte> foot = encodeFooter(footer_);
  written_ += head.size() + books.size() + foot.size();
  return file_.write(books.data(), books.size(), CHECKPOINT_HEADER_BYTES) && file_.write(foot.data(), foot.size(), header.footerOffset()) &&
         file_.write(head.data(), head.size(), 0);
}

void CheckpointWriter::committed(uint64_t number) {
  std::error_code none;
  for (uint64_t older : checkpointNumbers(folder_, identity_.rank))
    if (older < number && older != lastCommitted_) std::filesystem::remove(path(older), none);
  lastCommitted_ = number;
}

void CheckpointWriter::cancel() {
  cancelled_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace melissa
