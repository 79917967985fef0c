// SPDX-License-Identifier: Apache-2.0
/*
 * Pick-freeze groups for the tests (the Ishigami function and mixtures of it), and Sobol' indices and intervals computed
 * offline, two-pass, in long double, straight from the formulas. Tests only.
 */
#pragma once
#include "../testing.h"

namespace testing {

using Real = long double;
using Row = std::vector<Real>;  // one value a group

/** Values of all members of all groups: members[m][group]. */
struct Groups {
  uint32_t parameters;
  bool second;
  std::vector<std::vector<double>> members;

  size_t size() const { return members[0].size(); }
  Row row(size_t m) const { return Row(members[m].begin(), members[m].end()); }
};

/** sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on [-pi, pi]^3. */
inline double ishigami(const double* x) {
  return std::sin(x[0]) + 7.0 * std::sin(x[1]) * std::sin(x[1]) + 0.1 * x[2] * x[2] * x[2] * x[2] * std::sin(x[0]);
}

struct IshigamiIndices {
  double first[3], total[3], second13;
};
inline IshigamiIndices ishigamiIndices() {
  const double a = 7, b = 0.1, p4 = std::pow(M_PI, 4), p8 = p4 * p4;
  const double v1 = 0.5 * (1 + b * p4 / 5) * (1 + b * p4 / 5), v2 = a * a / 8, v13 = b * b * p8 * (1.0 / 18 - 1.0 / 50);
  const double v = v1 + v2 + v13;
  return {{v1 / v, v2 / v, 0}, {(v1 + v13) / v, v2 / v, v13 / v}, v13 / v};
}

/** Groups of the Ishigami function, then scaled and moved. */
inline Groups ishigamiGroups(size_t groups, uint64_t seed, bool second = false, double scale = 1, double offset = 0) {
  Random random(seed);
  Groups all{3, second, std::vector<std::vector<double>>(second ? 8 : 5)};
  for (size_t g = 0; g < groups; g++) {
    double a[3], b[3];
    for (double& x : a) x = random.uniform(-M_PI, M_PI);
    for (double& x : b) x = random.uniform(-M_PI, M_PI);
    const auto put = [&](size_t m, const double* x) { all.members[m].push_back(offset + scale * ishigami(x)); };
    put(0, a);
    put(1, b);
    for (size_t i = 0; i < 3; i++) {
      double c[3] = {a[0], a[1], a[2]}, d[3] = {b[0], b[1], b[2]};
      c[i] = b[i], d[i] = a[i];
      put(2 + i, c);
      if (second) put(5 + i, d);
    }
  }
  return all;
}

inline Real meanOf(const Row& x) {
  Real sum = 0;
  for (const Real v : x) sum += v;
  return sum / static_cast<Real>(x.size());
}
inline Real covarianceOf(const Row& x, const Row& y) {
  const Real mx = meanOf(x), my = meanOf(y);
  Real sum = 0;
  for (size_t i = 0; i < x.size(); i++) sum += (x[i] - mx) * (y[i] - my);
  return sum / static_cast<Real>(x.size());
}
inline Real correlationOf(const Row& x, const Row& y) { return covarianceOf(x, y) / std::sqrt(covarianceOf(x, x) * covarianceOf(y, y)); }

/** First and total index of parameter i from some of the groups (all when `keep` is null). */
struct Offline {
  Real first, total;
};
inline Offline offlineIndices(melissa::Estimator estimator, const Row& a, const Row& b, const Row& c) {
  if (estimator == melissa::Estimator::Martinez) return {correlationOf(b, c), 1 - correlationOf(a, c)};
  Row both = a;
  both.insert(both.end(), b.begin(), b.end());
  const Real m = meanOf(both), v = covarianceOf(both, both), n = static_cast<Real>(a.size());
  Real squareA = 0, squareB = 0, product = 0;
  for (size_t g = 0; g < a.size(); g++) {
    squareA += (a[g] - c[g]) * (a[g] - c[g]);
    squareB += (b[g] - c[g]) * (b[g] - c[g]);
    product += (b[g] - m) * (c[g] - a[g]);
  }
  const Real total = squareA / n / (2 * v);
  return {estimator == melissa::Estimator::Jansen ? 1 - squareB / n / (2 * v) : product / n / v, total};
}
inline Offline offlineIndices(melissa::Estimator estimator, const Groups& groups, uint32_t i) {
  return offlineIndices(estimator, groups.row(0), groups.row(1), groups.row(2 + i));
}

inline Real offlineSecond(melissa::Estimator estimator, const Groups& groups, uint32_t i, uint32_t j) {
  const uint32_t p = groups.parameters;
  const Real closed = (correlationOf(groups.row(2 + i), groups.row(2 + p + j)) + correlationOf(groups.row(2 + j), groups.row(2 + p + i))) / 2;
  return closed - offlineIndices(estimator, groups, i).first - offlineIndices(estimator, groups, j).first;
}

/** Robust bounds of corr(x, y) by the delta method, psi sample by sample. */
struct OfflineBounds {
  Real lower, upper;
};
inline OfflineBounds offlineRobust(const Row& x, const Row& y, Real quantile) {
  const Real r = correlationOf(x, y), mx = meanOf(x), my = meanOf(y), n = static_cast<Real>(x.size());
  const Real sx = std::sqrt(covarianceOf(x, x)), sy = std::sqrt(covarianceOf(y, y));
  Real squares = 0;
  for (size_t g = 0; g < x.size(); g++) {
    const Real u = (x[g] - mx) / sx, v = (y[g] - my) / sy, psi = u * v - r * (u * u + v * v) / 2;
    squares += psi * psi;
  }
  const Real sd = std::sqrt(squares / n / n) / (1 - r * r);
  return {std::tanh(std::atanh(r) - quantile * sd), std::tanh(std::atanh(r) + quantile * sd)};
}

/** Folds one cell per group set, `batch` groups a call, as cells 0.. of one field. */
inline void foldGroups(const melissa::FieldStatistics& statistics, State& state, const Groups& groups, size_t from, size_t to, size_t batch = 1) {
  for (size_t g = from; g < to; g += batch) {
    const size_t count = std::min(batch, to - g);
    std::vector<const void*> members;
    std::vector<uint64_t> index;
    for (size_t k = 0; k < count; k++) {
      for (const auto& member : groups.members) members.push_back(&member[g + k]);
      index.push_back(g + k);
    }
    statistics.foldGroups(state.data(), 0, 1, members.data(), index.data(), count);
  }
}

inline melissa::StatisticsSpec sobolSpec(melissa::Estimator estimator, melissa::Interval interval, bool second = false) {
  melissa::StatisticsSpec spec;
  spec.sobol = estimator;
  spec.interval = interval;
  spec.sobolParameters = 3;
  spec.secondOrder = second;
  spec.jackknifeBlocks = interval == melissa::Interval::Jackknife ? 20 : 0;
  return spec;
}

}  // namespace testing
