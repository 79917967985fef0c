// SPDX-License-Identifier: Apache-2.0
/* The core's books in a checkpoint: records, layouts, bits, digests, counters. Held blocks and sessions are not in them. */
#include "core/books.h"
#include "core/rank_core.h"

namespace melissa {
namespace {

constexpr uint32_t NO_LAYOUT = UINT32_MAX;

void putLayout(BookWriter& out, const FieldLayout* layout) { out.put<uint32_t>(layout == nullptr ? NO_LAYOUT : layout->id); }

void putDigests(BookWriter& out, const std::vector<ConsumerDigest>& digests) {
  for (const ConsumerDigest& d : digests) {
    out.put<uint64_t>(d.digest);
    out.put<uint64_t>(d.units);
  }
}

void getDigests(BookReader& in, std::vector<ConsumerDigest>& digests) {
  for (ConsumerDigest& d : digests) {
    d.digest = in.get<uint64_t>();
    d.units = in.get<uint64_t>();
  }
}

void getBits(BookReader& in, Bits& bits) {
  if (!bits.assign(in.words())) in.fail();
}

/* Null with `in` still ok means "not announced". */
const FieldLayout* getLayout(BookReader& in, const LayoutTable& layouts, uint32_t field) {
  const uint32_t id = in.get<uint32_t>();
  if (id == NO_LAYOUT) return nullptr;
  const FieldLayout* layout = layouts.byId(id);
  if (layout == nullptr || layout->field != field) in.fail();
  return in.ok() ? layout : nullptr;
}

void putLayouts(BookWriter& out, const LayoutTable& layouts) {
  out.put<uint64_t>(layouts.size());
  for (uint32_t id = 0; id < layouts.size(); ++id) {
    out.put<uint32_t>(layouts.byId(id)->field);
    out.put(layouts.byId(id)->cells);
  }
}

void putSimulations(BookWriter& out, const SimulationTable& simulations) {
  for (uint32_t i = 0; i < simulations.size(); ++i) {
    const SimulationRecord& r = simulations.record(i);
    out.put<uint16_t>(r.draw);
    out.put<uint16_t>(r.attempt);
    out.put<uint8_t>(r.finished);
  }
  out.put<uint64_t>(simulations.actives().size());
  for (const auto& [id, s] : simulations.actives()) {
    out.put<uint32_t>(id);
    out.put<uint32_t>(s->clientRanks);
    for (const FieldProgress& f : s->fields) {
      putLayout(out, f.layout);
      out.put(f.cells.words());
    }
    for (const Bits& b : s->covariances) out.put(b.words());
  }
  out.put<uint64_t>(simulations.groups().size());
  for (const auto& [id, g] : simulations.groups()) {
    out.put<uint32_t>(id);
    for (const Group::FieldState& f : g->fields) {
      putLayout(out, f.layout);
      out.put(f.folded.words());
    }
  }
}

void getLayouts(BookReader& in, LayoutTable& layouts, size_t fields) {
  const uint64_t count = in.get<uint64_t>();
  for (uint64_t id = 0; id < count && in.ok(); ++id) {
    const uint32_t field = in.get<uint32_t>();
    std::vector<uint64_t> cells = in.words();
    std::string why;
    // Interning gives the numbers out in the order of writing, as the table is empty.
    const FieldLayout* layout = in.ok() && field < fields ? layouts.intern(field, std::move(cells), why) : nullptr;
    if (layout == nullptr || layout->id != id) in.fail();
  }
}

void getActive(BookReader& in, SimulationTable& simulations, const LayoutTable& layouts) {
  const uint32_t id = in.get<uint32_t>();
  if (!in.ok() || id >= simulations.size()) return in.fail();
  ActiveSimulation& s = simulations.activate(id);
  s.clientRanks = in.get<uint32_t>();
  for (uint32_t f = 0; f < s.fields.size() && in.ok(); ++f) {
    const FieldLayout* layout = getLayout(in, layouts, f);
    std::string why;
    if (layout != nullptr && !simulations.announce(s, f, *layout, why)) in.fail();
    getBits(in, s.fields[f].cells);
  }
  for (Bits& b : s.covariances) getBits(in, b);
}

void getGroup(BookReader& in, SimulationTable& simulations, const LayoutTable& layouts, const RankOptions& options) {
  const uint32_t id = in.get<uint32_t>();
  if (!in.ok() || id >= simulations.size() / options.groupSize) return in.fail();
  Group& g = simulations.activateGroup(id * options.groupSize);
  for (uint32_t f = 0; f < g.fields.size() && in.ok(); ++f) {
    g.fields[f].layout = getLayout(in, layouts, f);
    if (g.fields[f].layout != nullptr) g.fields[f].folded = Bits(options.fields[f].keptSteps.size() * g.fields[f].layout->blocks.size());
    getBits(in, g.fields[f].folded);
  }
}

}  // namespace

std::vector<std::byte> RankCore::saveBooks() {
  foldQueued();
  BookWriter out;
  out.put<uint32_t>(simulations_.size());
  out.put<uint32_t>(static_cast<uint32_t>(options_.fields.size()));
  out.put<uint32_t>(static_cast<uint32_t>(options_.covariances.size()));
  putLayouts(out, layouts_);
  putSimulations(out, simulations_);
  putDigests(out, cellDigests_);
  putDigests(out, groupDigests_);
  putDigests(out, pairDigests_);
  out.put<uint64_t>(counters_.foldedUnitsTotal);
  out.put<uint64_t>(counters_.groupsFolded);
  return out.take();
}

bool RankCore::restoreBooks(Bytes books, std::string& why) {
  BookReader in(books);
  if (in.get<uint32_t>() != simulations_.size() || in.get<uint32_t>() != options_.fields.size() || in.get<uint32_t>() != options_.covariances.size()) in.fail();
  if (in.ok()) getLayouts(in, layouts_, options_.fields.size());
  for (uint32_t i = 0; i < simulations_.size() && in.ok(); ++i) {
    SimulationRecord& r = simulations_.record(i);
    r.draw = in.get<uint16_t>();
    r.attempt = in.get<uint16_t>();
    simulations_.setFinished(i, in.get<uint8_t>() != 0);
  }
  for (uint64_t n = in.get<uint64_t>(); n > 0 && in.ok(); --n) getActive(in, simulations_, layouts_);
  for (uint64_t n = in.get<uint64_t>(); n > 0 && in.ok(); --n) getGroup(in, simulations_, layouts_, options_);
  getDigests(in, cellDigests_);
  getDigests(in, groupDigests_);
  getDigests(in, pairDigests_);
  counters_.foldedUnitsTotal = in.get<uint64_t>();
  counters_.groupsFolded = in.get<uint64_t>();
  if (!in.atEnd()) {
    why = "the books do not fit this study";
    simulations_.clear();
    layouts_.clear();
    for (std::vector<ConsumerDigest>* digests : {&cellDigests_, &groupDigests_, &pairDigests_})
      for (ConsumerDigest& d : *digests) d.digest = d.units = 0;
    counters_ = {};
    return false;
  }
  for (const auto& [id, s] : simulations_.actives()) simulations_.recomputeArrived(*s);
  return true;
}

}  // namespace melissa
