// SPDX-License-Identifier: Apache-2.0
// Every instruction set, batch size and cut of a range leaves the bytes that the scalar kernels leave, fold by fold.
#include "testing.h"

using namespace melissa;
using namespace testing;

namespace {

struct Case {
  const char* name;
  StatisticsSpec spec;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, const std::function<void(StatisticsSpec&)>& change) {
    for (const DType dtype : {DType::Float32, DType::Float64})
      for (const NonFinite policy : {NonFinite::Reject, NonFinite::Skip, NonFinite::Propagate}) {
        Case one{name, {}};
        one.spec.dtype = dtype;
        one.spec.nonFinite = policy;
        one.spec.plannedSamples = 50;
        change(one.spec);
        all.push_back(one);
      }
  };
  const auto sobol = [](StatisticsSpec& s, Estimator estimator, Interval interval) {
    s.sobol = estimator, s.interval = interval, s.sobolParameters = 3, s.jackknifeBlocks = interval == Interval::Jackknife ? 4 : 0;
  };
  for (int moments = 0; moments <= 4; moments++)
    add("moments", [=](StatisticsSpec& s) { s.moments = moments, s.extrema = moments % 2 == 0; });
  add("everything per cell", [](StatisticsSpec& s) { s.moments = 4, s.extrema = true, s.thresholds = {0.1, 1.5}, s.quantiles = {0.1, 0.5}; });
  add("log lattice", [](StatisticsSpec& s) { s.histogram = true, s.logSpacing = true; });
  add("Robbins-Monro", [](StatisticsSpec& s) { s.robbinsMonro = true, s.quantiles = {0.1, 0.9}; });
  add("Martinez", [=](StatisticsSpec& s) { sobol(s, Estimator::Martinez, Interval::Fisher), s.moments = 2; });
  add("Robust", [=](StatisticsSpec& s) { sobol(s, Estimator::Martinez, Interval::Robust); });
  add("Robust, second order", [=](StatisticsSpec& s) { sobol(s, Estimator::Martinez, Interval::Robust), s.secondOrder = true; });
  add("Jansen, jackknife", [=](StatisticsSpec& s) { sobol(s, Estimator::Jansen, Interval::Jackknife); });
  add("Jansen, second order", [=](StatisticsSpec& s) { sobol(s, Estimator::Jansen, Interval::None), s.secondOrder = true; });
  add("Saltelli", [=](StatisticsSpec& s) { sobol(s, Estimator::Saltelli, Interval::None); });
  add("Saltelli, second order, jackknife", [=](StatisticsSpec& s) { sobol(s, Estimator::Saltelli, Interval::Jackknife), s.secondOrder = true; });
  return all;
}

constexpr size_t CELLS = 1100, SAMPLES = 9, GROUPS = 6;

/** Values as bytes, misaligned by one element, with NaN here and there when `holes`. */
struct Values {
  std::vector<std::vector<std::byte>> rows;
  size_t size;

  Values(DType dtype, size_t count, bool holes, uint64_t seed) : size(dtype == DType::Float32 ? 4 : 8) {
    Random random(seed);
    for (size_t r = 0; r < count; r++) {
      rows.emplace_back((CELLS + 1) * size);
      for (size_t c = 0; c < CELLS; c++) {
        const double x = holes && random.below(200) == 0 ? std::nan("") : 20.0 + random.normal() * (c % 5 == 0 ? 1e6 : 1.0);
        const float narrow = static_cast<float>(x);
        std::memcpy(rows[r].data() + (c + 1) * size, dtype == DType::Float32 ? static_cast<const void*>(&narrow) : &x, size);
      }
    }
  }
  std::vector<const void*> at(size_t cell) const {
    std::vector<const void*> all;
    for (const auto& row : rows) all.push_back(row.data() + (cell + 1) * size);
    return all;
  }
};

struct Input {
  Values samples, members;
  std::vector<uint64_t> groupIndex;
};

/** Folds cells [begin, end): samples in calls of `batch`, groups in calls of `groupBatch`. */
void foldRange(const FieldStatistics& statistics, State& state, const Input& input, size_t begin, size_t end, size_t batch, size_t groupBatch) {
  const auto samples = input.samples.at(begin), members = input.members.at(begin);
  for (size_t s = 0; s < SAMPLES; s += batch)
    statistics.foldSamples(state.data(), begin, end, samples.data() + s, std::min(batch, SAMPLES - s));
  if (statistics.groupSize() == 0) return;
  for (size_t g = 0; g < GROUPS; g += groupBatch)
    statistics.foldGroups(state.data(), begin, end, members.data() + g * statistics.groupSize(), input.groupIndex.data() + g,
                          std::min(groupBatch, GROUPS - g));
}

/** A sample fold after cuts leaves some tiles with counts per cell; `ragged` ends there on purpose. */
void foldRagged(const FieldStatistics& statistics, State& state, const Input& input, size_t batch) {
  for (const auto& [begin, end] : {std::pair<size_t, size_t>{0, CELLS}, {3, 500}, {511, 513}, {700, 1099}})
    foldRange(statistics, state, input, begin, end, batch, (batch - 1) % GROUPS + 1);
}

template <bool Holes>
void sameBytes() {
  for (const Case& one : cases()) {
    if (Holes && one.spec.nonFinite == NonFinite::Reject) continue;
    const FieldStatistics statistics(one.spec);
    Input input{Values(one.spec.dtype, SAMPLES, Holes, 1), Values(one.spec.dtype, std::max<size_t>(1, GROUPS * statistics.groupSize()), Holes, 2), {}};
    for (size_t g = 0; g < GROUPS; g++) input.groupIndex.push_back(g / 2);
    forceInstructionSet("scalar");
    State whole(statistics.bytes(CELLS)), ragged(statistics.bytes(CELLS));
    foldRange(statistics, whole, input, 0, CELLS, 1, 1);
    foldRagged(statistics, ragged, input, 1);
    for (const auto& name : instructionSets()) {
      forceInstructionSet(name);
      for (size_t batch = 1; batch <= 9; batch++) {
        State a(statistics.bytes(CELLS)), b(statistics.bytes(CELLS));
        foldRange(statistics, a, input, 0, CELLS, batch, (batch - 1) % GROUPS + 1);
        foldRagged(statistics, b, input, batch);
        const std::string where = std::string(one.name) + ", " + name + ", batch " + std::to_string(batch) +
                                  (one.spec.dtype == DType::Float32 ? ", float32" : ", float64");
        check(a.equals(whole), where);
        check(b.equals(ragged), where + ", ragged");
      }
    }
    forceInstructionSet("");
  }
}

TEST("state bytes do not depend on instruction set, batch size or ragged ranges", sameBytes<false>);
TEST("nor do they where values are NaN, skipped or propagated", sameBytes<true>);

TEST("an instruction set that does not exist is refused and the old one stays", [] {
  const std::string before(instructionSet());
  check(!forceInstructionSet("abacus"), "accepted");
  check(before == instructionSet(), "changed");
  std::string all;
  for (const auto& name : instructionSets()) all += " " + name;
  std::printf("# tested:%s\n", all.c_str());
});

}  // namespace

int main() { return runAll(); }
