// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/reader.h"

#include <algorithm>

#include "checkpoint/file.h"
#include "core/hash.h"
#include "core/limits.h"

namespace melissa {
namespace {

std::string otherOwner(const CheckpointHeader& header, const CheckpointIdentity& identity, const StateArena& arena) {
  if (header.identity.fingerprint != identity.fingerprint) return "it belongs to another study, or the study's statistics were changed";
  if (header.identity.rank != identity.rank || header.identity.ranks != identity.ranks)
    return "it belongs to rank " + std::to_string(header.identity.rank) + " of " + std::to_string(header.identity.ranks);
  if (header.stateBytes != arena.bytes() || header.pieces != arena.pieces().size()) return "its state has another size";
  return {};
}

std::string readHead(File& file, const CheckpointIdentity& identity, const StateArena& arena, CheckpointHeader& header, CheckpointFooter& footer) {
  std::vector<std::byte> bytes(CHECKPOINT_HEADER_BYTES);
  if (!file.read(bytes.data(), bytes.size(), 0)) return file.reason();
  if (std::string why = decodeHeader(bytes, header); !why.empty()) return why;
  if (std::string why = otherOwner(header, identity, arena); !why.empty()) return why;
  // Bounds what is allocated next by what is there.
  if (header.booksBytes > file.size() || file.size() != header.fileBytes())
    return "it has " + std::to_string(file.size()) + " bytes instead of " + std::to_string(header.fileBytes());
  bytes.resize(header.footerBytes());
  if (!file.read(bytes.data(), bytes.size(), header.footerOffset())) return file.reason();
  return decodeFooter(bytes, header, footer);
}

std::string readState(File& file, const CheckpointHeader& header, const CheckpointFooter& footer, StateArena& arena) {
  for (size_t piece = 0; piece < footer.pieces.size(); ++piece) {
    if (footer.pieces[piece].stored == 0) continue;
    const StateArena::Piece& p = arena.pieces()[piece];
    std::byte* to = arena.base() + p.offset;
    if (!file.read(to, p.bytes, header.stateOffset() + p.offset)) return file.reason();
    if (payloadHash(to, p.bytes) != footer.pieces[piece].hash) return "a part of its state is damaged";
    arena.markTouched(piece);
  }
  return {};
}

std::string restore(const std::string& path, const CheckpointIdentity& identity, RankCore& core) {
  File file;
  CheckpointHeader header;
  CheckpointFooter footer;
  if (!file.openToRead(path)) return file.reason();
  if (std::string why = readHead(file, identity, core.arena(), header, footer); !why.empty()) return why;
  std::vector<std::byte> books(header.booksBytes);
  if (!file.read(books.data(), books.size(), CHECKPOINT_HEADER_BYTES)) return file.reason();
  if (sectionHashes(books) != footer.books) return "its books are damaged";
  if (std::string why = readState(file, header, footer, core.arena()); !why.empty()) return why;
  std::string why;
  return core.restoreBooks(books, why) ? "" : why;
}

}  // namespace

Restored restoreNewest(const std::string& folder, const CheckpointIdentity& identity, uint64_t wanted, RankCore& core) {
  Restored result;
  for (uint64_t number : checkpointNumbers(folder, identity.rank)) {
    if (number > wanted || number == 0) continue;
    const std::string name = checkpointName(identity.rank, number);
    const std::string why = restore(folder + "/" + name, identity, core);
    if (why.empty()) {
      result.number = number;
      return result;
    }
    core.arena().reset();
    result.refused.push_back(name + ": " + why);
  }
  return result;
}

}  // namespace melissa
