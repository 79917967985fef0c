// SPDX-License-Identifier: Apache-2.0
#include "core/simulation.h"

#include <algorithm>

namespace melissa {

bool ActiveSimulation::countsSomething() const {
  for (const FieldProgress& f : fields)
    if (f.arrived.count() > 0 || f.cells.count() > 0) return true;
  return false;
}

SimulationTable::SimulationTable(const RankOptions& options, const StateArena& arena)
    : options_(options), arena_(arena), records_(options.simulations), finishedBits_((options.simulations + 7) / 8) {
  for (uint32_t f = 0; f < options.fields.size(); ++f) hasGroups_ = hasGroups_ || (groupConsumes(f) && fieldIsHere(f));
  clear();
}

void SimulationTable::clear() {
  actives_.clear();
  groups_.clear();
  // A rank that owns no cell of any field has nothing to wait for.
  const bool nothingHere = std::none_of(options_.fields.begin(), options_.fields.end(), [](const FieldOptions& f) { return f.cells() > 0; });
  for (uint32_t i = 0; i < size(); ++i) {
    records_[i] = {};
    setFinished(i, nothingHere);
  }
}

bool SimulationTable::groupConsumes(uint32_t field) const {
  return options_.groupSize > 1 && options_.fields[field].statistics.sobol != Estimator::None;
}

bool SimulationTable::cellsConsume(uint32_t simulation, uint32_t field) const {
  return member(simulation) < 2 && arena_.statistics(field).hasCellConsumer();
}

ActiveSimulation* SimulationTable::active(uint32_t simulation) {
  const auto at = actives_.find(simulation);
  return at == actives_.end() ? nullptr : at->second.get();
}

ActiveSimulation& SimulationTable::activate(uint32_t simulation) {
  std::unique_ptr<ActiveSimulation>& slot = actives_[simulation];
  if (slot == nullptr) {
    slot = std::make_unique<ActiveSimulation>();
    slot->id = simulation;
    slot->fields.resize(options_.fields.size());
    slot->covariances.resize(options_.covariances.size());
  }
  return *slot;
}

Group* SimulationTable::group(uint32_t simulation) {
  const auto at = groups_.find(groupOf(simulation));
  return at == groups_.end() ? nullptr : at->second.get();
}

Group& SimulationTable::activateGroup(uint32_t simulation) {
  std::unique_ptr<Group>& slot = groups_[groupOf(simulation)];
  if (slot == nullptr) {
    slot = std::make_unique<Group>();
    slot->fields.resize(options_.fields.size());
  }
  return *slot;
}

bool SimulationTable::announce(ActiveSimulation& s, uint32_t field, const FieldLayout& layout, std::string& why) {
  const std::string name = "field \"" + options_.fields[field].name + "\": ";
  FieldProgress& progress = s.fields[field];
  if (progress.layout == &layout) return true;
  if (progress.layout != nullptr) {
    why = name + "another client rank announced another partition";
    return false;
  }
  if (groupConsumes(field)) {
    Group::FieldState& g = activateGroup(s.id).fields[field];
    if (g.layout != nullptr && g.layout != &layout) {
      why = name + "the members of one pick-freeze group must have the same communicator and partition";
      return false;
    }
    if (g.layout == nullptr) {
      g.layout = &layout;
      g.folded = Bits(options_.fields[field].keptSteps.size() * layout.blocks.size());
    }
  }
  for (uint32_t c = 0; c < options_.covariances.size(); ++c) {
    const CovarianceOptions& pair = options_.covariances[c];
    if (pair.first != field && pair.second != field) continue;
    const FieldLayout* other = s.fields[pair.first == field ? pair.second : pair.first].layout;
    if (other != nullptr && other->cells != layout.cells) {
      why = name + "the two fields of a covariance must be cut the same way";
      return false;
    }
    s.covariances[c] = Bits(arena_.pairSteps(c).size() * layout.blocks.size());
  }
  const uint64_t units = options_.fields[field].keptSteps.size() * layout.blocks.size();
  progress.layout = &layout;
  progress.arrived = Bits(units);
  progress.cells = Bits(units);
  return true;
}

std::vector<uint32_t> SimulationTable::restart(uint32_t simulation, uint16_t draw) {
  const uint32_t first = hasGroups_ ? groupOf(simulation) * options_.groupSize : simulation;
  const uint32_t last = hasGroups_ ? first + options_.groupSize : simulation + 1;
  std::vector<uint32_t> concerned;
  for (uint32_t i = first; i < last; ++i) {
    actives_.erase(i);
    records_[i] = {.draw = draw};
    setFinished(i, false);
    concerned.push_back(i);
  }
  groups_.erase(groupOf(simulation));
  return concerned;
}

void SimulationTable::forgetLayout(uint32_t simulation) {
  const ActiveSimulation* s = active(simulation);
  if (s == nullptr || s->countsSomething()) return;
  actives_.erase(simulation);
  const uint32_t first = groupOf(simulation) * options_.groupSize;
  for (uint32_t i = first; i < first + options_.groupSize; ++i)
    if (actives_.contains(i)) return;  // the other members go on with the group's layout
  const Group* g = group(simulation);
  if (g == nullptr) return;
  for (const Group::FieldState& f : g->fields)
    if (f.folded.count() > 0) return;
  groups_.erase(groupOf(simulation));
}

void SimulationTable::unmark(ActiveSimulation& s, const BlockPtr& block) {
  if (block != nullptr) s.fields[block->field].arrived.clear(block->unit);
}

void SimulationTable::dropHeld(ActiveSimulation& s) {
  s.hereReported = false;
  for (const BlockPtr& block : s.whole) unmark(s, block);
  s.whole.clear();
  for (const auto& [at, block] : s.waitingPairs) unmark(s, block);
  s.waitingPairs.clear();
  Group* g = group(s.id);
  if (g == nullptr) return;
  for (Group::FieldState& field : g->fields)
    for (auto& [unit, members] : field.waiting) {
      unmark(s, members[member(s.id)]);
      members[member(s.id)] = nullptr;
    }
}

bool SimulationTable::everythingHere(const ActiveSimulation& s) const {
  for (uint32_t f = 0; f < s.fields.size(); ++f) {
    if (!fieldIsHere(f)) continue;
    if (s.fields[f].layout == nullptr || !s.fields[f].arrived.all()) return false;
  }
  return true;
}

bool SimulationTable::everythingFolded(const ActiveSimulation& s) const {
  for (uint32_t f = 0; f < s.fields.size(); ++f) {
    if (!fieldIsHere(f)) continue;
    if (s.fields[f].layout == nullptr || !s.fields[f].cells.all()) return false;
  }
  if (!covarianceConsumes(s.id)) return true;
  return std::all_of(s.covariances.begin(), s.covariances.end(), [](const Bits& b) { return b.all(); });
}

bool SimulationTable::groupFolded(uint32_t simulation) {
  const Group* g = group(simulation);
  if (g == nullptr) return false;
  for (uint32_t f = 0; f < g->fields.size(); ++f) {
    if (!groupConsumes(f) || !fieldIsHere(f)) continue;
    if (g->fields[f].layout == nullptr || !g->fields[f].folded.all()) return false;
  }
  return true;
}

void SimulationTable::finish(uint32_t simulation) {
  actives_.erase(simulation);
  setFinished(simulation, true);
}

void SimulationTable::setFinished(uint32_t simulation, bool finished) {
  records_[simulation].finished = finished ? 1 : 0;
  const uint8_t mask = static_cast<uint8_t>(1u << (simulation % 8));
  if (finished)
    finishedBits_[simulation / 8].fetch_or(mask, std::memory_order_relaxed);
  else
    finishedBits_[simulation / 8].fetch_and(static_cast<uint8_t>(~mask), std::memory_order_relaxed);
}

std::vector<uint8_t> SimulationTable::finishedBitmap() const {
  std::vector<uint8_t> bitmap(finishedBits_.size());
  for (size_t i = 0; i < bitmap.size(); ++i) bitmap[i] = finishedBits_[i].load(std::memory_order_relaxed);
  return bitmap;
}

uint32_t SimulationTable::firstStep(uint32_t simulation) {
  const ActiveSimulation* s = records_[simulation].finished ? nullptr : active(simulation);
  uint32_t first = UINT32_MAX;
  uint32_t afterLast = 0;
  for (uint32_t f = 0; f < options_.fields.size(); ++f) {
    const std::vector<uint32_t>& steps = options_.fields[f].keptSteps;
    afterLast = std::max(afterLast, steps.back() + 1);
    if (!fieldIsHere(f) || records_[simulation].finished) continue;
    const FieldProgress* progress = s == nullptr ? nullptr : &s->fields[f];
    if (progress == nullptr || progress->layout == nullptr) {
      first = std::min(first, steps.front());
      continue;
    }
    const uint64_t unit = progress->arrived.firstUnset();
    if (unit < progress->arrived.size()) first = std::min(first, steps[unit / progress->layout->blocks.size()]);
  }
  return std::min(first, afterLast);
}

bool SimulationTable::unitFolded(ActiveSimulation& s, uint32_t field, uint64_t unit) {
  const FieldProgress& progress = s.fields[field];
  if (!progress.cells.test(unit)) return false;
  if (groupConsumes(field)) {
    const Group* g = group(s.id);
    if (g == nullptr || g->fields[field].layout == nullptr || !g->fields[field].folded.test(unit)) return false;
  }
  if (!covarianceConsumes(s.id)) return true;
  const uint64_t blocks = progress.layout->blocks.size();
  for (uint32_t c = 0; c < options_.covariances.size(); ++c) {
    const CovarianceOptions& pair = options_.covariances[c];
    if (pair.first != field && pair.second != field) continue;
    const int64_t step = arena_.pairStep(c, field, static_cast<uint32_t>(unit / blocks));
    if (step >= 0 && !s.covariances[c].test(static_cast<uint64_t>(step) * blocks + unit % blocks)) return false;
  }
  return true;
}

void SimulationTable::recomputeArrived(ActiveSimulation& s) {
  for (uint32_t f = 0; f < s.fields.size(); ++f)
    for (uint64_t unit = 0; unit < s.fields[f].arrived.size(); ++unit)
      if (unitFolded(s, f, unit))
        s.fields[f].arrived.set(unit);
      else
        s.fields[f].arrived.clear(unit);
}

}  // namespace melissa
