// SPDX-License-Identifier: Apache-2.0
/*
 * Units that are ready to be folded, gathered by (field, step, range of cells): what arrived together is folded together, with
 * the kernel's state in registers over several simulations. Nothing ever waits here for company: the core empties the queue
 * whenever the socket has been drained or the queue is full, and in the same step sets the units' bits.
 */
#pragma once
#include <unordered_map>
#include <vector>

#include "core/block.h"
#include "core/state_arena.h"

namespace melissa {

struct GroupUnit {
  uint32_t group = 0;
  std::vector<BlockPtr> members;  // A, B, C_1..C_P, D_1..D_P
};

struct PairUnit {
  uint32_t pair = 0;
  uint32_t stepIndex = 0;  // among the pair's common steps
  BlockPtr first;
  BlockPtr second;
};

/* Told after each fold, in the same critical section: this is where bits are set. */
class FoldListener {
 public:
  virtual ~FoldListener() = default;
  virtual void foldedCells(const Block& block) = 0;
  virtual void foldedGroup(const GroupUnit& unit) = 0;
  virtual void foldedPair(const PairUnit& unit) = 0;
};

class FoldQueue {
 public:
  explicit FoldQueue(StateArena& arena) : arena_(arena) {}

  void addCells(BlockPtr block);
  void addGroup(GroupUnit unit);
  void addPair(PairUnit unit);
  bool empty() const { return units_ == 0; }
  size_t units() const { return units_; }
  uint64_t bytes() const { return bytes_; }
  /* Folds everything and empties the queue. */
  void fold(FoldListener& listener);

 private:
  enum class Kind : uint8_t { Cells, Group, Pair };
  struct Key {
    Kind kind;
    uint32_t slab;
    uint64_t begin;
    uint64_t end;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const;
  };
  struct Batch {
    Key key;
    uint32_t target = 0;  // field, or pair
    std::vector<BlockPtr> blocks;
    std::vector<GroupUnit> groups;
    std::vector<PairUnit> pairs;
  };
  Batch& batch(const Key& key, uint32_t target, uint64_t bytes);
  void foldCells(Batch& batch, FoldListener& listener);
  void foldGroups(Batch& batch, FoldListener& listener);
  void foldPairs(Batch& batch, FoldListener& listener);

  StateArena& arena_;
  std::vector<Batch> batches_;
  std::unordered_map<Key, size_t, KeyHash> index_;
  std::vector<const void*> pointers_;
  std::vector<const void*> pointers2_;
  std::vector<uint64_t> groupIndex_;
  size_t units_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace melissa
