// SPDX-License-Identifier: Apache-2.0
/*
 * What a rank remembers of each simulation: 8 bytes for every planned one (draw, attempt, finished), and the bits of its units
 * while it is in progress. When every consumer has folded every unit, the bits collapse into the one `finished` bit.
 *
 * Consumers and their bits, one a unit (simulation, draw, field, step, block):
 *   cells        per-cell statistics. Simulations that feed none (C and D members of a pick-freeze group) have the bit too; it
 *                then says only that the unit has been here.
 *   covariances  one bit a (pair, common step, block).
 *   group        pick-freeze: one bit a (group, field, step, block), set when all members were folded together.
 * `arrived` marks units that need not be sent again while this process lives: folded by all, or held. It is not in a checkpoint.
 */
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/bits.h"
#include "core/block.h"
#include "core/layout.h"
#include "core/state_arena.h"

namespace melissa {

struct SimulationRecord {
  uint16_t draw = 0;
  uint16_t attempt = 0;
  uint8_t finished = 0;  // folded by every consumer
  uint8_t faulted = 0;  // this attempt sent something that can never be right
};

struct FieldProgress {
  const FieldLayout* layout = nullptr;  // null until announced
  Bits arrived;
  Bits cells;
};

struct ActiveSimulation {
  uint32_t id = 0;
  uint64_t client = 0;  // 0: nobody has opened this attempt yet
  uint32_t clientRanks = 0;
  bool hereReported = false;
  std::vector<FieldProgress> fields;
  std::vector<Bits> covariances;
  std::vector<BlockPtr> whole;  // partial: Whole, until the head says fold
  std::unordered_map<uint64_t, BlockPtr> waitingPairs;  // by pair << 40 | unit of the pair

  bool countsSomething() const;
};

struct Group {
  struct FieldState {
    const FieldLayout* layout = nullptr;
    Bits folded;
    std::unordered_map<uint64_t, std::vector<BlockPtr>> waiting;  // by unit: one slot a member
  };
  std::vector<FieldState> fields;
};

class SimulationTable {
 public:
  SimulationTable(const RankOptions& options, const StateArena& arena);

  uint32_t size() const { return static_cast<uint32_t>(records_.size()); }
  SimulationRecord& record(uint32_t simulation) { return records_[simulation]; }
  const SimulationRecord& record(uint32_t simulation) const { return records_[simulation]; }
  ActiveSimulation* active(uint32_t simulation);
  ActiveSimulation& activate(uint32_t simulation);
  Group* group(uint32_t simulation);
  Group& activateGroup(uint32_t simulation);

  bool hasGroups() const { return hasGroups_; }
  bool groupConsumes(uint32_t field) const;
  bool cellsConsume(uint32_t simulation, uint32_t field) const;
  bool covarianceConsumes(uint32_t simulation) const { return member(simulation) < 2; }
  uint32_t member(uint32_t simulation) const { return simulation % options_.groupSize; }
  uint32_t groupOf(uint32_t simulation) const { return simulation / options_.groupSize; }
  bool fieldIsHere(uint32_t field) const { return options_.fields[field].cells() > 0; }

  /* Gives the field its layout. False with a sentence when it contradicts an earlier one or another member's. */
  bool announce(ActiveSimulation& simulation, uint32_t field, const FieldLayout& layout, std::string& why);
  /* A new draw: bits begin again, of all members when the simulation belongs to a group. Returns the simulations concerned. */
  std::vector<uint32_t> restart(uint32_t simulation, uint16_t draw);
  /* Another attempt may come with another communicator as long as nothing was counted. */
  void forgetLayout(uint32_t simulation);
  /* Forgets held blocks of the simulation and un-marks their arrival. */
  void dropHeld(ActiveSimulation& simulation);

  bool everythingHere(const ActiveSimulation& simulation) const;
  bool everythingFolded(const ActiveSimulation& simulation) const;
  bool groupFolded(uint32_t simulation);
  void finish(uint32_t simulation);
  void finishGroup(uint32_t simulation) { groups_.erase(groupOf(simulation)); }
  /* First step that is not complete here; one after the last kept step when all are. */
  uint32_t firstStep(uint32_t simulation);

  /* After a restore: a unit has arrived if every consumer has folded it. */
  void recomputeArrived(ActiveSimulation& simulation);

  const std::unordered_map<uint32_t, std::unique_ptr<ActiveSimulation>>& actives() const { return actives_; }
  const std::unordered_map<uint32_t, std::unique_ptr<Group>>& groups() const { return groups_; }
  /* One bit a finished simulation; may be read by any thread. */
  std::vector<uint8_t> finishedBitmap() const;
  void setFinished(uint32_t simulation, bool finished);
  void clear();

 private:
  bool unitFolded(ActiveSimulation& simulation, uint32_t field, uint64_t unit);
  void unmark(ActiveSimulation& simulation, const BlockPtr& block);

  const RankOptions& options_;
  const StateArena& arena_;
  bool hasGroups_ = false;
  std::vector<SimulationRecord> records_;
  std::vector<std::atomic<uint8_t>> finishedBits_;
  std::unordered_map<uint32_t, std::unique_ptr<ActiveSimulation>> actives_;
  std::unordered_map<uint32_t, std::unique_ptr<Group>> groups_;
};

}  // namespace melissa
