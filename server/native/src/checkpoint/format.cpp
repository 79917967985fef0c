// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/format.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <filesystem>

#include "core/books.h"
#include "core/hash.h"
#include "core/limits.h"

namespace melissa {
namespace {

constexpr size_t HASH_AT = CHECKPOINT_HEADER_BYTES - 8;

uint64_t number64(const std::byte* at) {
  uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

uint64_t CheckpointHeader::bookSections() const { return (booksBytes + PIECE_BYTES_MAX - 1) / PIECE_BYTES_MAX; }

std::vector<std::byte> encodeHeader(const CheckpointHeader& h) {
  BookWriter out;
  out.put<uint64_t>(CHECKPOINT_MAGIC);
  out.put<uint32_t>(CHECKPOINT_VERSION);
  out.put<uint32_t>(h.identity.rank);
  out.put<uint32_t>(h.identity.ranks);
  out.put<uint32_t>(h.epoch);
  out.put<uint64_t>(h.number);
  out.put<uint64_t>(h.booksBytes);
  out.put<uint64_t>(h.stateBytes);
  out.put<uint64_t>(h.pieces);
  const std::string fingerprint = h.identity.fingerprint.substr(0, FINGERPRINT_BYTES_MAX);
  out.put<uint32_t>(static_cast<uint32_t>(fingerprint.size()));
  for (char c : fingerprint) out.put<char>(c);
  std::vector<std::byte> bytes = out.take();
  bytes.resize(CHECKPOINT_HEADER_BYTES);
  const uint64_t hash = payloadHash(bytes.data(), HASH_AT);
  std::memcpy(bytes.data() + HASH_AT, &hash, 8);
  return bytes;
}

std::string decodeHeader(const std::vector<std::byte>& bytes, CheckpointHeader& h) {
  BookReader in(bytes);
  if (in.get<uint64_t>() != CHECKPOINT_MAGIC) return "it is not a checkpoint of a rank";
  const uint32_t version = in.get<uint32_t>();
  if (version != CHECKPOINT_VERSION) return "it has version " + std::to_string(version) + ", this server reads version " + std::to_string(CHECKPOINT_VERSION);
  if (payloadHash(bytes.data(), HASH_AT) != number64(bytes.data() + HASH_AT)) return "its header is damaged";
  h.identity.rank = in.get<uint32_t>();
  h.identity.ranks = in.get<uint32_t>();
  h.epoch = in.get<uint32_t>();
  h.number = in.get<uint64_t>();
  h.booksBytes = in.get<uint64_t>();
  h.stateBytes = in.get<uint64_t>();
  h.pieces = in.get<uint64_t>();
  h.identity.fingerprint.clear();
  for (uint32_t n = in.get<uint32_t>(); n > 0 && in.ok(); --n) h.identity.fingerprint.push_back(in.get<char>());
  return in.ok() ? "" : "its header is damaged";
}

std::vector<std::byte> encodeFooter(const CheckpointFooter& footer) {
  BookWriter out;
  for (uint64_t hash : footer.books) out.put<uint64_t>(hash);
  for (const PieceSum& piece : footer.pieces) {
    out.put<uint64_t>(piece.hash);
    out.put<uint64_t>(piece.stored);
  }
  std::vector<std::byte> bytes = out.take();
  const uint64_t hash = payloadHash(bytes.data(), bytes.size());
  bytes.resize(bytes.size() + 8);
  std::memcpy(bytes.data() + bytes.size() - 8, &hash, 8);
  return bytes;
}

std::string decodeFooter(const std::vector<std::byte>& bytes, const CheckpointHeader& header, CheckpointFooter& footer) {
  if (payloadHash(bytes.data(), bytes.size() - 8) != number64(bytes.data() + bytes.size() - 8)) return "its footer is damaged";
  BookReader in(bytes);
  footer.books.resize(header.bookSections());
  footer.pieces.resize(header.pieces);
  for (uint64_t& hash : footer.books) hash = in.get<uint64_t>();
  for (PieceSum& piece : footer.pieces) {
    piece.hash = in.get<uint64_t>();
    piece.stored = in.get<uint64_t>();
  }
  return in.ok() ? "" : "its footer is damaged";
}

std::vector<uint64_t> sectionHashes(const std::vector<std::byte>& books) {
  std::vector<uint64_t> hashes;
  for (size_t at = 0; at < books.size(); at += PIECE_BYTES_MAX)
    hashes.push_back(payloadHash(books.data() + at, std::min(PIECE_BYTES_MAX, books.size() - at)));
  return hashes;
}

std::string checkpointName(uint32_t rank, uint64_t number) {
  char name[64];
  std::snprintf(name, sizeof name, "rank-%u-%010" PRIu64 ".ckpt", rank, number);
  return name;
}

std::vector<uint64_t> checkpointNumbers(const std::string& folder, uint32_t rank) {
  std::vector<uint64_t> numbers;
  std::error_code none;
  for (std::filesystem::directory_iterator at(folder, none), end; !none && at != end; at.increment(none)) {
    const std::string name = at->path().filename().string();
    unsigned fileRank = 0;
    uint64_t number = 0;
    if (std::sscanf(name.c_str(), "rank-%u-%" SCNu64 ".ckpt", &fileRank, &number) != 2) continue;
    if (fileRank == rank && name == checkpointName(rank, number)) numbers.push_back(number);
  }
  std::sort(numbers.rbegin(), numbers.rend());
  return numbers;
}

}  // namespace melissa
