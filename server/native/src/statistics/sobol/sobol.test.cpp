// SPDX-License-Identifier: Apache-2.0
// Estimators, intervals, second order, merging and the convergence rule against offline computations in long double.
#include "sobol.h"

#include "../intervals.h"
#include "reference.h"

using namespace melissa;
using namespace testing;

namespace {

constexpr Estimator ESTIMATORS[] = {Estimator::Martinez, Estimator::Jansen, Estimator::Saltelli};

/** 1 + max|x| / sigma over A and B. */
double kappaOf(const Groups& groups) {
  Row both = groups.row(0);
  const Row b = groups.row(1);
  both.insert(both.end(), b.begin(), b.end());
  Real largest = 0;
  for (const Real x : both) largest = std::max(largest, std::abs(x));
  return 1 + static_cast<double>(largest / std::sqrt(covarianceOf(both, both)));
}

double worst = 0;  // error in units of kappa (1 + |value|)

void nearIndex(double got, Real want, double kappa, const std::string& what) {
  const double error = std::abs(static_cast<double>(got - want)) / (kappa * (1 + static_cast<double>(std::abs(want))));
  if (error > worst) worst = error;
  near(got, static_cast<double>(want), 1e-12 * kappa * (1 + static_cast<double>(std::abs(want))), what);
}

void compareIndices(const FieldStatistics& statistics, const State& state, const Groups& groups) {
  const double kappa = kappaOf(groups);
  for (uint32_t i = 0; i < 3; i++) {
    const Offline want = offlineIndices(statistics.spec().sobol, groups, i);
    nearIndex(derived(statistics, state, 0, "sobolFirst", i), want.first, kappa, "first " + std::to_string(i));
    nearIndex(derived(statistics, state, 0, "sobolTotal", i), want.total, kappa, "total " + std::to_string(i));
  }
}

TEST("indices of the three estimators equal the offline formulas, also on a mean 1e6 times the spread", [] {
  for (const Estimator estimator : ESTIMATORS)
    for (const double offset : {0.0, 50.0, 4e6})
      for (const Interval interval : {Interval::None, Interval::Robust, Interval::Jackknife}) {
        const FieldStatistics statistics(sobolSpec(estimator, interval));
        const Groups groups = ishigamiGroups(3000, 5, false, 1.0, offset);
        State state(statistics.bytes(1));
        foldGroups(statistics, state, groups, 0, groups.size());
        same(derived(statistics, state, 0, "sobolCount"), 3000, "count");
        compareIndices(statistics, state, groups);
      }
  std::printf("# largest error %.1e kappa (1 + |index|)\n", worst);
});

TEST("second-order indices equal the offline formula for every estimator and both orders of the pair", [] {
  for (const Estimator estimator : ESTIMATORS)
    for (const Interval interval : {Interval::None, Interval::Robust, Interval::Jackknife}) {
      const FieldStatistics statistics(sobolSpec(estimator, interval, true));
      const Groups groups = ishigamiGroups(2000, 6, true, 3.0, 1000.0);
      const double kappa = kappaOf(groups);
      State state(statistics.bytes(1));
      foldGroups(statistics, state, groups, 0, groups.size(), 4);
      compareIndices(statistics, state, groups);
      for (uint32_t i = 0; i < 3; i++)
        for (uint32_t j = 0; j < 3; j++) {
          const double got = derived(statistics, state, 0, "sobolSecond", i * 3 + j);
          if (i == j) check(std::isnan(got), "an interaction with itself");
          else nearIndex(got, offlineSecond(estimator, groups, i, j), kappa, "second " + std::to_string(i) + std::to_string(j));
        }
    }
});

TEST("Robust bounds equal the delta method computed sample by sample", [] {
  for (const double offset : {0.0, 1000.0}) {
    const FieldStatistics statistics(sobolSpec(Estimator::Martinez, Interval::Robust));
    const Groups groups = ishigamiGroups(800, 8, false, 1.0, offset);
    const double kappa = kappaOf(groups), z = normalQuantile(0.975);
    State state(statistics.bytes(1));
    foldGroups(statistics, state, groups, 0, groups.size(), 3);
    for (uint32_t i = 0; i < 3; i++) {
      const OfflineBounds first = offlineRobust(groups.row(1), groups.row(2 + i), z), a = offlineRobust(groups.row(0), groups.row(2 + i), z);
      nearIndex(derived(statistics, state, 0, "sobolFirstLower", i), first.lower, kappa, "first, lower");
      nearIndex(derived(statistics, state, 0, "sobolFirstUpper", i), first.upper, kappa, "first, upper");
      nearIndex(derived(statistics, state, 0, "sobolTotalLower", i), 1 - a.upper, kappa, "total, lower");
      nearIndex(derived(statistics, state, 0, "sobolTotalUpper", i), 1 - a.lower, kappa, "total, upper");
    }
  }
});

TEST("Fisher bounds are Melissa's for S and ST", [] {
  const FieldStatistics statistics(sobolSpec(Estimator::Martinez, Interval::Fisher));
  const Groups groups = ishigamiGroups(400, 8);
  State state(statistics.bytes(1));
  foldGroups(statistics, state, groups, 0, groups.size());
  const double half = normalQuantile(0.975) / std::sqrt(397.0);
  for (uint32_t i = 0; i < 3; i++) {
    const double s = derived(statistics, state, 0, "sobolFirst", i), st = derived(statistics, state, 0, "sobolTotal", i);
    const double z = 0.5 * std::log((1 + s) / (1 - s)), zt = 0.5 * std::log((2 - st) / st);
    near(derived(statistics, state, 0, "sobolFirstLower", i), std::tanh(z - half), 1e-13, "first, lower");
    near(derived(statistics, state, 0, "sobolFirstUpper", i), std::tanh(z + half), 1e-13, "first, upper");
    near(derived(statistics, state, 0, "sobolTotalLower", i), 1 - std::tanh(zt + half), 1e-13, "total, lower");
    near(derived(statistics, state, 0, "sobolTotalUpper", i), 1 - std::tanh(zt - half), 1e-13, "total, upper");
  }
});

TEST("jackknife bounds equal estimates recomputed without each block, blocks of unequal size included", [] {
  for (const Estimator estimator : ESTIMATORS) {
    const StatisticsSpec spec = sobolSpec(estimator, Interval::Jackknife);
    const FieldStatistics statistics(spec);
    const Groups groups = ishigamiGroups(257, 9, false, 1.0, 30.0);
    State state(statistics.bytes(1));
    foldGroups(statistics, state, groups, 0, groups.size(), 5);
    const double kappa = kappaOf(groups);
    for (uint32_t i = 0; i < 3; i++) {
      std::vector<double> first, total, sizes;
      for (size_t block = 0; block < spec.jackknifeBlocks; block++) {
        Row a, b, c;
        for (size_t g = 0; g < groups.size(); g++) {
          if (g % spec.jackknifeBlocks == block) continue;
          a.push_back(groups.members[0][g]), b.push_back(groups.members[1][g]), c.push_back(groups.members[2 + i][g]);
        }
        const Offline without = offlineIndices(estimator, a, b, c);
        first.push_back(static_cast<double>(without.first)), total.push_back(static_cast<double>(without.total));
        sizes.push_back(static_cast<double>(groups.size() - a.size()));
      }
      const Offline all = offlineIndices(estimator, groups, i);
      const Bounds f = jackknifeBounds(static_cast<double>(all.first), first.data(), sizes.data(), sizes.size(), 0.95);
      const Bounds t = jackknifeBounds(static_cast<double>(all.total), total.data(), sizes.data(), sizes.size(), 0.95);
      // Pseudo-values multiply rounding by the number of blocks.
      nearIndex(derived(statistics, state, 0, "sobolFirstLower", i), f.lower, 20 * kappa, "first, lower");
      nearIndex(derived(statistics, state, 0, "sobolFirstUpper", i), f.upper, 20 * kappa, "first, upper");
      nearIndex(derived(statistics, state, 0, "sobolTotalLower", i), t.lower, 20 * kappa, "total, lower");
      nearIndex(derived(statistics, state, 0, "sobolTotalUpper", i), t.upper, 20 * kappa, "total, upper");
    }
  }
});

TEST("merged parts equal one fold over all groups, in any order, for every accumulator", [] {
  for (const Estimator estimator : ESTIMATORS)
    for (const Interval interval : {Interval::None, Interval::Robust, Interval::Jackknife}) {
      const FieldStatistics statistics(sobolSpec(estimator, interval, true));
      const Groups groups = ishigamiGroups(600, 12, true, 1.0, 200.0);
      const double kappa = kappaOf(groups);
      State all(statistics.bytes(1)), sum(statistics.bytes(1));
      foldGroups(statistics, all, groups, 0, 600);
      for (const auto& [from, to] : {std::pair<size_t, size_t>{400, 600}, {0, 30}, {30, 400}}) {
        State part(statistics.bytes(1));
        foldGroups(statistics, part, groups, from, to);
        check(statistics.merge(sum.data(), part.data(), 1), "merge refused");
      }
      compareIndices(statistics, sum, groups);
      same(derived(statistics, sum, 0, "sobolCount"), 600, "count");
      for (uint32_t pair : {1U, 2U, 5U})
        nearIndex(derived(statistics, sum, 0, "sobolSecond", pair), offlineSecond(estimator, groups, pair / 3, pair % 3), kappa, "second");
      if (interval == Interval::None || (interval == Interval::Robust && estimator != Estimator::Martinez)) continue;
      for (const char* name : {"sobolFirstLower", "sobolTotalUpper"})
        nearIndex(derived(statistics, sum, 0, name, 1), derived(statistics, all, 0, name, 1), 20 * kappa, name);
    }
});

TEST("a parameter without influence has ST = 0 exactly, with bounds of 0", [] {
  for (const Interval interval : {Interval::Fisher, Interval::Robust}) {
    const FieldStatistics statistics(sobolSpec(Estimator::Martinez, interval));
    Groups groups = ishigamiGroups(200, 14, false, 1.0, 7.0);
    groups.members[4] = groups.members[0];  // C_3 = A
    State state(statistics.bytes(1));
    foldGroups(statistics, state, groups, 0, 200);
    for (const char* name : {"sobolTotal", "sobolTotalLower", "sobolTotalUpper"}) same(derived(statistics, state, 0, name, 2), 0.0, name);
  }
});

TEST("a cell without spread has no index, no bounds, and no part in convergence", [] {
  const FieldStatistics statistics(sobolSpec(Estimator::Martinez, Interval::Robust));
  const Groups groups = ishigamiGroups(150, 15, false, 1e-13, 1.0);
  State state(statistics.bytes(1));
  foldGroups(statistics, state, groups, 0, 150);
  same(derived(statistics, state, 0, "degenerate"), 1.0, "degenerate");
  for (const char* name : {"sobolFirst", "sobolTotal", "sobolFirstLower", "sobolTotalUpper"})
    check(std::isnan(derived(statistics, state, 0, name)), std::string(name) + " has a value");
  const ConvergenceResult result = statistics.convergence(state.data(), 1, 0.0);
  check(result.cells == 0 && std::isnan(result.widest) && std::isnan(statistics.maxVariance(state.data(), 1)), "it counts");
});

TEST("Skip leaves a cell's group out if any member is not finite", [] {
  for (const Estimator estimator : ESTIMATORS)
    for (const Interval interval : {Interval::None, Interval::Robust, Interval::Jackknife}) {
      StatisticsSpec spec = sobolSpec(estimator, interval);
      spec.nonFinite = NonFinite::Skip;
      const FieldStatistics statistics(spec);
      Groups groups = ishigamiGroups(200, 16), clean{3, false, std::vector<std::vector<double>>(5)};
      for (size_t g = 0; g < 200; g++) {
        if (g % 7 == 0) groups.members[g % 5][g] = g % 2 == 0 ? std::nan("") : INFINITY;
        else for (size_t m = 0; m < 5; m++) clean.members[m].push_back(groups.members[m][g]);
      }
      State state(statistics.bytes(1));
      foldGroups(statistics, state, groups, 0, 200, 4);
      same(derived(statistics, state, 0, "sobolCount"), static_cast<double>(clean.size()), "count");
      compareIndices(statistics, state, clean);
    }
});

TEST("convergence reports widest and median over cells with enough variance, and the largest variance", [] {
  const size_t cells = 700, n = 120;
  const FieldStatistics statistics(sobolSpec(Estimator::Martinez, Interval::Robust));
  Random random(18);
  State state(statistics.bytes(cells));
  for (size_t g = 0; g < n; g++) {
    std::vector<std::vector<double>> members(5, std::vector<double>(cells));
    for (auto& member : members)
      for (size_t c = 0; c < cells; c++) member[c] = c == 5 ? 3.0 : (c < 300 ? 0.01 : 1.0) * random.normal();
    std::vector<const void*> pointers;
    for (auto& member : members) pointers.push_back(member.data());
    statistics.foldGroups(state.data(), 0, cells, pointers.data(), nullptr, 1);
  }
  const double largest = statistics.maxVariance(state.data(), cells);
  check(largest > 0.5 && largest < 2.0, "largest variance " + text(largest));
  std::vector<double> widths;
  for (size_t c = 300; c < cells; c++)
    for (uint32_t i = 0; i < 3; i++)
      for (const auto& [lower, upper] : {std::pair{"sobolFirstLower", "sobolFirstUpper"}, {"sobolTotalLower", "sobolTotalUpper"}})
        widths.push_back(derived(statistics, state, c, upper, i) - derived(statistics, state, c, lower, i));
  std::sort(widths.begin(), widths.end());
  const ConvergenceResult result = statistics.convergence(state.data(), cells, 0.01 * largest);
  check(result.cells == 400, "cells " + std::to_string(result.cells));
  same(result.widest, widths.back(), "widest");
  same(result.medianWidth, 0.5 * (widths[widths.size() / 2 - 1] + widths[widths.size() / 2]), "median");
  check(statistics.convergence(state.data(), cells, 0.0).cells == 699, "all but the degenerate one");
});

TEST("the state has the doubles that the plan counts with: 4 + 4P for Fisher, 8 + 16P for Robust", [] {
  const auto doubles = [](Interval interval) {
    StatisticsSpec spec = sobolSpec(Estimator::Martinez, interval);
    spec.sobolParameters = 6;
    return static_cast<double>(FieldStatistics(spec).tileBytes() - 64 - 512 * 4) / (512 * 8);
  };
  same(doubles(Interval::Fisher), 28, "Fisher");
  same(doubles(Interval::Robust), 104, "Robust");
});

}  // namespace

int main() { return runAll(); }
