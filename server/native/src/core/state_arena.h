// SPDX-License-Identifier: Apache-2.0
/*
 * The rank's accumulators: one slab per (field, kept step) and per (covariance, common step), laid out in one private mapping.
 * Fresh pages of the mapping are zero, which is the empty state, and cost no memory before the first fold touches them.
 * Whoever writes to a slab says so first (willWrite): a checkpoint in progress saves the piece before it changes.
 */
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/options.h"

namespace melissa {

/* Told before a piece changes, so that a snapshot can save the piece as it was. Called on the folding thread; may wait for it. */
class SnapshotGuard {
 public:
  virtual ~SnapshotGuard() = default;
  virtual void beforeWrite(size_t piece) = 0;
};

class StateArena {
 public:
  struct Piece {
    size_t offset;
    size_t bytes;
  };

  explicit StateArena(const RankOptions& options);
  ~StateArena();
  StateArena(const StateArena&) = delete;
  StateArena& operator=(const StateArena&) = delete;

  /* False when the machine refused the mapping; every slab is then absent. */
  bool ok() const { return bytes_ == 0 || base_ != nullptr; }
  const FieldStatistics& statistics(uint32_t field) const { return *statistics_[field]; }
  const CovarianceStatistics& covariance(uint32_t pair) const { return *covariances_[pair]; }
  /* Position of a field's kept step among the steps that both fields of the pair keep, or -1. */
  int64_t pairStep(uint32_t pair, uint32_t field, uint32_t stepIndex) const;
  const std::vector<uint32_t>& pairSteps(uint32_t pair) const { return pairSteps_[pair]; }

  uint32_t fieldSlab(uint32_t field, uint32_t stepIndex) const { return fieldSlabs_[field] + stepIndex; }
  uint32_t pairSlab(uint32_t pair, uint32_t stepIndex) const { return pairSlabs_[pair] + stepIndex; }
  std::byte* slab(uint32_t slab) { return base_ + slabs_[slab].offset; }
  const std::byte* slab(uint32_t slab) const { return base_ + slabs_[slab].offset; }
  void willWrite(uint32_t slab, uint64_t begin, uint64_t end);

  size_t bytes() const { return bytes_; }
  std::byte* base() { return base_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  bool touched(size_t piece) const { return touched_[piece] != 0; }
  void markTouched(size_t piece) { touched_[piece] = 1; }
  void setGuard(SnapshotGuard* guard) { guard_ = guard; }
  /* Everything is empty again; gives the memory back. */
  void reset();

 private:
  struct Slab {
    size_t offset;
    size_t tileBytes;
    size_t pieceBytes;
    size_t firstPiece;
  };
  uint32_t addSlabs(size_t count, size_t bytes, size_t tileBytes);
  void map();

  std::vector<std::unique_ptr<FieldStatistics>> statistics_;
  std::vector<std::unique_ptr<CovarianceStatistics>> covariances_;
  std::vector<uint32_t> fieldSlabs_;
  std::vector<uint32_t> pairSlabs_;
  std::vector<std::vector<uint32_t>> pairSteps_;
  std::vector<std::pair<std::vector<int32_t>, std::vector<int32_t>>> pairStepOf_;  // of the first and second field's step
  std::vector<uint32_t> pairFirst_;
  std::vector<Slab> slabs_;
  std::vector<Piece> pieces_;
  std::vector<uint8_t> touched_;
  size_t bytes_ = 0;
  std::byte* base_ = nullptr;
  void* mapping_ = nullptr;
  size_t mappingBytes_ = 0;
  SnapshotGuard* guard_ = nullptr;
};

}  // namespace melissa
