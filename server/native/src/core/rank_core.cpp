// SPDX-License-Identifier: Apache-2.0
#include "core/rank_core.h"

#include <algorithm>

namespace melissa {

RankCore::RankCore(RankOptions options, Clock clock, RawSink* raw)
    : options_(std::move(options)),
      clock_(std::move(clock)),
      raw_(raw),
      epoch_(options_.epoch),
      arena_(options_),
      layouts_(options_),
      simulations_(options_, arena_),
      sessions_(options_.receiveBudgetBytes, options_.sendWindowBytes),
      queue_(arena_) {
  for (uint32_t f = 0; f < options_.fields.size(); ++f) {
    const FieldOptions& field = options_.fields[f];
    if (positions_.size() <= field.index) positions_.resize(field.index + 1u, -1);
    positions_[field.index] = static_cast<int32_t>(f);
    cellDigests_.push_back({"cells:" + field.name});
    groupDigests_.push_back({"sobol:" + field.name});
  }
  for (const CovarianceOptions& pair : options_.covariances)
    pairDigests_.push_back({"covariance:" + options_.fields[pair.first].name + "," + options_.fields[pair.second].name});
}

int64_t RankCore::positionOf(uint16_t fieldIndex) const { return fieldIndex < positions_.size() ? positions_[fieldIndex] : -1; }

bool RankCore::keepsRaw(uint32_t simulation) const {
  if (raw_ == nullptr) return false;
  return options_.keepRawAll || std::binary_search(options_.keepRawIds.begin(), options_.keepRawIds.end(), simulation);
}

void RankCore::onMessage(std::string_view peer, Bytes message, const Owner& owner, ReplySink& sink) {
  ++counters_.framesTotal;
  counters_.bytesTotal += message.size();
  mlp_envelope envelope{};
  const mlp_status status = mlp_peek_data(raw(message), message.size(), &envelope);
  if (status != MLP_OK) return onDamaged(peer, message, status, sink);
  switch (envelope.code) {
    case MLP_DATA_CODE: return onData(peer, message, owner, sink);
    case MLP_CODE_OPEN: return onOpen(peer, message, sink);
    case MLP_CODE_CLOSE: return onClose(peer, message);
    default: return onDamaged(peer, message, MLP_EFRAME_CODE, sink);
  }
}

void RankCore::flush(ReplySink& sink) {
  foldQueued();
  sink.folded();
  sessions_.acknowledge([&](const Session& s) {
    if (s.awaitingOpen) return;  // it opens again and is told by Opened
    sink.reply(s.peer, writer_.ack(epoch_, s));
  });
}

void RankCore::foldQueued() {
  if (!queue_.empty()) {
    const uint64_t before = clock_();
    queue_.fold(*this);
    counters_.foldNanoseconds += clock_() - before;
  }
  // Taken out first: completing a simulation must not disturb the walk.
  std::unordered_set<uint32_t> changed;
  changed.swap(changed_);
  for (uint32_t simulation : changed) evaluate(simulation);
}

UnitHash RankCore::unitHash(uint64_t consumer, uint64_t subject, const Block& block) const {
  const FieldOptions& field = options_.fields[block.field];
  UnitHash hash;
  hash.add(consumer << 32 | subject).add(static_cast<uint64_t>(block.draw) << 16 | field.index).add(field.keptSteps[block.stepIndex]);
  return hash.add(block.begin + field.cellBegin).add(block.end - block.begin);
}

void RankCore::foldedCells(const Block& block) {
  ActiveSimulation* s = simulations_.active(block.simulation);
  if (s == nullptr || !s->fields[block.field].cells.set(block.unit)) std::abort();  // folded twice: the result would be wrong
  cellDigests_[block.field].add(unitHash(1, block.simulation, block).add(block.payloadHash).value());
  ++counters_.foldedUnitsTotal;
  changed_.insert(block.simulation);
}

void RankCore::foldedGroup(const GroupUnit& unit) {
  const Block& a = *unit.members[0];
  Group* g = simulations_.group(a.simulation);
  if (g == nullptr || !g->fields[a.field].folded.set(a.unit)) std::abort();  // as above
  UnitHash hash = unitHash(2, unit.group, a);
  for (const BlockPtr& member : unit.members) {
    hash.add(member->payloadHash);
    changed_.insert(member->simulation);
  }
  groupDigests_[a.field].add(hash.value());
  ++counters_.foldedUnitsTotal;
}

void RankCore::foldedPair(const PairUnit& unit) {
  const Block& a = *unit.first;
  ActiveSimulation* s = simulations_.active(a.simulation);
  const FieldProgress& progress = s->fields[a.field];
  const uint64_t blocks = progress.layout->blocks.size();
  if (!s->covariances[unit.pair].set(unit.stepIndex * blocks + a.unit % blocks)) std::abort();  // as above
  const uint64_t hash = unitHash(3 + static_cast<uint64_t>(unit.pair), a.simulation, a).add(a.payloadHash).add(unit.second->payloadHash).value();
  pairDigests_[unit.pair].add(hash);
  ++counters_.foldedUnitsTotal;
  changed_.insert(a.simulation);
}

void RankCore::evaluate(uint32_t simulation) {
  ActiveSimulation* s = simulations_.active(simulation);
  if (s == nullptr) return;
  const bool grouped = simulations_.hasGroups();
  if (simulations_.everythingFolded(*s) && (!grouped || simulations_.groupFolded(simulation))) {
    simulations_.finish(simulation);
    complete(simulation, 2);
    if (!grouped) return;
    const uint32_t first = simulations_.groupOf(simulation) * options_.groupSize;
    for (uint32_t i = first; i < first + options_.groupSize; ++i)
      if (!simulations_.record(i).finished) return;
    ++counters_.groupsFolded;
    simulations_.finishGroup(simulation);
  } else if (!s->hereReported && simulations_.everythingHere(*s)) {
    s->hereReported = true;
    complete(simulation, 1);
  }
}

void RankCore::complete(uint32_t simulation, uint8_t state) {
  const SimulationRecord& record = simulations_.record(simulation);
  completed_.push_back({simulation, record.draw, record.attempt, state});
  touched_.insert(simulation);
}

void RankCore::setEpoch(uint32_t epoch) { epoch_ = std::max(epoch_, epoch); }

void RankCore::attempt(uint32_t simulation, uint16_t draw, uint16_t attempt, bool drop) {
  if (simulation >= simulations_.size()) return;
  foldQueued();
  SimulationRecord& record = simulations_.record(simulation);
  if (draw > record.draw) {
    for (uint32_t concerned : simulations_.restart(simulation, draw)) sessions_.closeSimulation(concerned);
    record.attempt = attempt;
    return;
  }
  if (draw < record.draw || attempt < record.attempt) return;  // an order that was overtaken
  const bool raised = attempt > record.attempt;
  if (raised) {
    record.attempt = attempt;
    record.faulted = 0;
    sessions_.closeSimulation(simulation);
    if (ActiveSimulation* s = simulations_.active(simulation)) {
      s->client = 0;
      s->hereReported = false;
    }
    // What is already complete is said again, as the new attempt's.
    if (record.finished) complete(simulation, 2);
    changed_.insert(simulation);
  }
  // What is dropped is what earlier attempts sent: an order that comes after the new attempt's own data (it was lost, and repeated)
  // must not take that with it.
  if (drop && raised)
    if (ActiveSimulation* s = simulations_.active(simulation)) simulations_.dropHeld(*s);
  if (raised) simulations_.forgetLayout(simulation);
  foldQueued();
}

void RankCore::fold(uint32_t simulation, uint16_t draw, uint16_t attempt) {
  if (simulation >= simulations_.size()) return;
  const SimulationRecord& record = simulations_.record(simulation);
  ActiveSimulation* s = simulations_.active(simulation);
  if (s == nullptr || draw != record.draw || attempt > record.attempt || !simulations_.everythingHere(*s)) return;
  std::vector<BlockPtr> whole;
  whole.swap(s->whole);
  for (const BlockPtr& block : whole) dispatch(*s, block);
  whole.clear();
  changed_.insert(simulation);
  foldQueued();
}

void RankCore::refuse(std::string_view peer, uint32_t simulation, uint16_t draw, uint16_t attempt, const Refusal& refusal, ReplySink& sink) {
  ++counters_.refusedTotal;
  sink.reply(peer, writer_.refused(epoch_, simulation, draw, attempt, refusal));
}

void RankCore::fault(std::string_view peer, uint32_t simulation, uint16_t draw, uint16_t attempt, const Refusal& refusal, ReplySink& sink) {
  simulations_.record(simulation).faulted = 1;
  sessions_.closeSimulation(simulation);
  if (faults_.size() < FAULTS_PENDING_MAX) faults_.push_back({simulation, draw, attempt, std::string(refusal.code), refusal.message});
  refuse(peer, simulation, draw, attempt, refusal, sink);
}

Report RankCore::takeReport() {
  Report report;
  report.completed.swap(completed_);
  report.faults.swap(faults_);
  for (uint32_t i : touched_) {
    const SimulationRecord& record = simulations_.record(i);
    report.active.push_back({i, record.draw, record.attempt, simulations_.firstStep(i)});
  }
  touched_.clear();
  report.counters = counters_;
  report.heldBytes = *heldBytes_;
  report.connections = static_cast<uint32_t>(sessions_.size());
  return report;
}

std::vector<ConsumerDigest> RankCore::digests() const {
  std::vector<ConsumerDigest> all;
  for (uint32_t f = 0; f < options_.fields.size(); ++f) {
    if (arena_.statistics(f).hasCellConsumer()) all.push_back(cellDigests_[f]);
    if (simulations_.groupConsumes(f)) all.push_back(groupDigests_[f]);
  }
  all.insert(all.end(), pairDigests_.begin(), pairDigests_.end());
  return all;
}

uint64_t RankCore::groupsFolded() const { return counters_.groupsFolded; }

}  // namespace melissa
