// SPDX-License-Identifier: Apache-2.0
#include "core/state_arena.h"

#include <sys/mman.h>

#include <algorithm>

#include "core/limits.h"

namespace melissa {
namespace {

constexpr size_t PAGE_BYTES = 4096;
constexpr size_t HUGE_PAGE_BYTES = 2u << 20;
constexpr size_t roundUp(size_t n, size_t to) { return (n + to - 1) / to * to; }

std::vector<uint32_t> commonSteps(const FieldOptions& a, const FieldOptions& b) {
  std::vector<uint32_t> common;
  std::set_intersection(a.keptSteps.begin(), a.keptSteps.end(), b.keptSteps.begin(), b.keptSteps.end(), std::back_inserter(common));
  return common;
}

std::vector<int32_t> positions(const std::vector<uint32_t>& steps, const std::vector<uint32_t>& common) {
  std::vector<int32_t> at(steps.size(), -1);
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto found = std::lower_bound(common.begin(), common.end(), steps[i]);
    if (found != common.end() && *found == steps[i]) at[i] = static_cast<int32_t>(found - common.begin());
  }
  return at;
}

}  // namespace

StateArena::StateArena(const RankOptions& options) {
  for (const FieldOptions& field : options.fields) {
    statistics_.push_back(std::make_unique<FieldStatistics>(field.statistics));
    const FieldStatistics& s = *statistics_.back();
    fieldSlabs_.push_back(addSlabs(field.keptSteps.size(), field.cells() == 0 ? 0 : s.bytes(field.cells()), s.tileBytes()));
  }
  for (const CovarianceOptions& pair : options.covariances) {
    const FieldOptions& a = options.fields[pair.first];
    const FieldOptions& b = options.fields[pair.second];
    covariances_.push_back(std::make_unique<CovarianceStatistics>(a.statistics.dtype, b.statistics.dtype, a.statistics.nonFinite));
    const CovarianceStatistics& s = *covariances_.back();
    pairSteps_.push_back(commonSteps(a, b));
    pairStepOf_.emplace_back(positions(a.keptSteps, pairSteps_.back()), positions(b.keptSteps, pairSteps_.back()));
    pairFirst_.push_back(pair.first);
    pairSlabs_.push_back(addSlabs(pairSteps_.back().size(), a.cells() == 0 ? 0 : s.bytes(a.cells()), s.tileBytes()));
  }
  touched_.assign(pieces_.size(), 0);
  map();
}

StateArena::~StateArena() {
  if (mapping_ != nullptr) munmap(mapping_, mappingBytes_);
}

uint32_t StateArena::addSlabs(size_t count, size_t bytes, size_t tileBytes) {
  const uint32_t first = static_cast<uint32_t>(slabs_.size());
  const size_t pieceBytes = tileBytes == 0 ? PIECE_BYTES_MAX : std::max(tileBytes, PIECE_BYTES_MAX / tileBytes * tileBytes);
  for (size_t i = 0; i < count; ++i) {
    slabs_.push_back({bytes_, tileBytes, pieceBytes, pieces_.size()});
    for (size_t at = 0; at < bytes; at += pieceBytes) pieces_.push_back({bytes_ + at, std::min(pieceBytes, bytes - at)});
    bytes_ += roundUp(bytes, PAGE_BYTES);
  }
  return first;
}

void StateArena::map() {
  if (bytes_ == 0) return;
  mappingBytes_ = bytes_ + HUGE_PAGE_BYTES;
  void* p = mmap(nullptr, mappingBytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return;
  mapping_ = p;
  base_ = reinterpret_cast<std::byte*>(roundUp(reinterpret_cast<uintptr_t>(p), HUGE_PAGE_BYTES));
  // Only a wish: without it folds are a few per cent slower because of TLB misses.
  if (bytes_ >= HUGE_PAGE_BYTES) (void)madvise(base_, bytes_, MADV_HUGEPAGE);
}

void StateArena::reset() {
  // Private anonymous pages read as zero after this.
  if (base_ != nullptr) (void)madvise(base_, bytes_, MADV_DONTNEED);
  std::fill(touched_.begin(), touched_.end(), uint8_t{0});
}

int64_t StateArena::pairStep(uint32_t pair, uint32_t field, uint32_t stepIndex) const {
  const auto& both = pairStepOf_[pair];
  return field == pairFirst_[pair] ? both.first[stepIndex] : both.second[stepIndex];
}

void StateArena::willWrite(uint32_t slab, uint64_t begin, uint64_t end) {
  const Slab& s = slabs_[slab];
  const size_t first = s.firstPiece + begin / FieldStatistics::TILE_CELLS * s.tileBytes / s.pieceBytes;
  const size_t last = s.firstPiece + (end - 1) / FieldStatistics::TILE_CELLS * s.tileBytes / s.pieceBytes;
  for (size_t piece = first; piece <= last; ++piece) {
    touched_[piece] = 1;
    if (guard_ != nullptr) guard_->beforeWrite(piece);
  }
}

}  // namespace melissa
