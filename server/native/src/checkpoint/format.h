// SPDX-License-Identifier: Apache-2.0
/*
 * A rank's checkpoint, version 1. Little-endian.
 *
 *   0             header, 4096 bytes: what the file is and where its parts lie; its last 8 bytes are the XXH3-64 of the others
 *   4096          books: records, layouts, bits, digests (core/snapshot.cpp)
 *   stateOffset   state, as it lies in memory; pieces that were never touched are holes
 *   stateEnd      footer: XXH3-64 of each section of the books and of each piece; then the XXH3-64 of the footer
 *
 * The file is written under a temporary name, flushed, renamed, and its folder flushed: a file with the final name was complete
 * once. Every byte that a restore uses is covered by a checksum, and the length
 * follows from the header: a file that is truncated or changed is told from a sound one.
 */
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/state_arena.h"

namespace melissa {

inline constexpr uint64_t CHECKPOINT_MAGIC = 0x54504b43534c454dull;  // "MELSCKPT"
inline constexpr uint32_t CHECKPOINT_VERSION = 1;
inline constexpr size_t CHECKPOINT_HEADER_BYTES = 4096;
inline constexpr size_t FINGERPRINT_BYTES_MAX = 1024;

/* Whose checkpoint it is; all but the epoch must be equal for a restore. */
struct CheckpointIdentity {
  std::string fingerprint;
  uint32_t rank = 0;
  uint32_t ranks = 1;
};

struct CheckpointHeader {
  CheckpointIdentity identity;
  uint32_t epoch = 0;
  uint64_t number = 0;
  uint64_t booksBytes = 0;
  uint64_t stateBytes = 0;
  uint64_t pieces = 0;

  uint64_t stateOffset() const { return (CHECKPOINT_HEADER_BYTES + booksBytes + 4095) / 4096 * 4096; }
  uint64_t footerOffset() const { return stateOffset() + stateBytes; }
  uint64_t bookSections() const;
  uint64_t footerBytes() const { return 8 * (bookSections() + 2 * pieces + 1); }
  uint64_t fileBytes() const { return footerOffset() + footerBytes(); }
};

struct PieceSum {
  uint64_t hash = 0;
  uint64_t stored = 0;  // 0: never touched, a hole
};

struct CheckpointFooter {
  std::vector<uint64_t> books;
  std::vector<PieceSum> pieces;
};

std::vector<std::byte> encodeHeader(const CheckpointHeader& header);
/* Empty when it is a header of this version; else the sentence that says what is wrong. */
std::string decodeHeader(const std::vector<std::byte>& bytes, CheckpointHeader& header);
std::vector<std::byte> encodeFooter(const CheckpointFooter& footer);
std::string decodeFooter(const std::vector<std::byte>& bytes, const CheckpointHeader& header, CheckpointFooter& footer);
std::vector<uint64_t> sectionHashes(const std::vector<std::byte>& books);

std::string checkpointName(uint32_t rank, uint64_t number);
/* Numbers of the rank's checkpoints in the folder, newest first. */
std::vector<uint64_t> checkpointNumbers(const std::string& folder, uint32_t rank);

}  // namespace melissa
