// SPDX-License-Identifier: Apache-2.0
#include "core/fold_queue.h"

#include "core/digest.h"

namespace melissa {

size_t FoldQueue::KeyHash::operator()(const Key& k) const {
  return UnitHash().add(static_cast<uint64_t>(k.kind) << 32 | k.slab).add(k.begin).add(k.end).value();
}

FoldQueue::Batch& FoldQueue::batch(const Key& key, uint32_t target, uint64_t bytes) {
  ++units_;
  bytes_ += bytes;
  const auto [at, isNew] = index_.try_emplace(key, batches_.size());
  if (isNew) {
    batches_.push_back({});
    batches_.back().key = key;
    batches_.back().target = target;
  }
  return batches_[at->second];
}

void FoldQueue::addCells(BlockPtr block) {
  const Key key{Kind::Cells, arena_.fieldSlab(block->field, block->stepIndex), block->begin, block->end};
  batch(key, block->field, block->bytes).blocks.push_back(std::move(block));
}

void FoldQueue::addGroup(GroupUnit unit) {
  const Block& a = *unit.members[0];
  const Key key{Kind::Group, arena_.fieldSlab(a.field, a.stepIndex), a.begin, a.end};
  batch(key, a.field, a.bytes * unit.members.size()).groups.push_back(std::move(unit));
}

void FoldQueue::addPair(PairUnit unit) {
  const Block& a = *unit.first;
  const Key key{Kind::Pair, arena_.pairSlab(unit.pair, unit.stepIndex), a.begin, a.end};
  batch(key, unit.pair, a.bytes + unit.second->bytes).pairs.push_back(std::move(unit));
}

void FoldQueue::fold(FoldListener& listener) {
  for (Batch& b : batches_) {
    arena_.willWrite(b.key.slab, b.key.begin, b.key.end);
    if (b.key.kind == Kind::Cells) foldCells(b, listener);
    if (b.key.kind == Kind::Group) foldGroups(b, listener);
    if (b.key.kind == Kind::Pair) foldPairs(b, listener);
  }
  batches_.clear();
  index_.clear();
  units_ = 0;
  bytes_ = 0;
}

void FoldQueue::foldCells(Batch& b, FoldListener& listener) {
  pointers_.clear();
  for (const BlockPtr& block : b.blocks) pointers_.push_back(block->values);
  arena_.statistics(b.target).foldSamples(arena_.slab(b.key.slab), b.key.begin, b.key.end, pointers_.data(), pointers_.size());
  for (const BlockPtr& block : b.blocks) listener.foldedCells(*block);
}

void FoldQueue::foldGroups(Batch& b, FoldListener& listener) {
  pointers_.clear();
  groupIndex_.clear();
  // The members after these are for another field's second-order indices.
  const size_t members = arena_.statistics(b.target).groupSize();
  for (const GroupUnit& unit : b.groups) {
    for (size_t m = 0; m < members; ++m) pointers_.push_back(unit.members[m]->values);
    groupIndex_.push_back(unit.group);
  }
  arena_.statistics(b.target).foldGroups(arena_.slab(b.key.slab), b.key.begin, b.key.end, pointers_.data(), groupIndex_.data(), b.groups.size());
  for (const GroupUnit& unit : b.groups) listener.foldedGroup(unit);
}

void FoldQueue::foldPairs(Batch& b, FoldListener& listener) {
  pointers_.clear();
  pointers2_.clear();
  for (const PairUnit& unit : b.pairs) {
    pointers_.push_back(unit.first->values);
    pointers2_.push_back(unit.second->values);
  }
  arena_.covariance(b.target).foldPairs(arena_.slab(b.key.slab), b.key.begin, b.key.end, pointers_.data(), pointers2_.data(), b.pairs.size());
  for (const PairUnit& unit : b.pairs) listener.foldedPair(unit);
}

}  // namespace melissa
