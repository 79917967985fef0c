// SPDX-License-Identifier: Apache-2.0
// Covariance and correlation of two fields against two-pass references; types mixed, ranges cut, states merged.
#include "../testing.h"

using namespace melissa;
using namespace testing;

namespace {

struct Fields {
  std::vector<std::vector<double>> x;
  std::vector<std::vector<float>> y;
};

Fields fields(size_t samples, size_t cells, double offset) {
  Random random(3);
  Fields f{std::vector(samples, std::vector<double>(cells)), std::vector(samples, std::vector<float>(cells))};
  for (size_t s = 0; s < samples; s++)
    for (size_t c = 0; c < cells; c++) {
      const double shared = random.normal();
      f.x[s][c] = offset + shared + 0.5 * random.normal();
      f.y[s][c] = static_cast<float>(c % 2 == 0 ? 3 * shared : -shared + random.normal());
    }
  return f;
}

void foldPart(const CovarianceStatistics& statistics, State& state, const Fields& f, size_t from, size_t to, size_t begin, size_t end) {
  std::vector<const void*> x, y;
  for (size_t s = from; s < to; s++) x.push_back(f.x[s].data() + begin), y.push_back(f.y[s].data() + begin);
  statistics.foldPairs(state.data(), begin, end, x.data(), y.data(), to - from);
}

double derived(const CovarianceStatistics& statistics, const State& state, size_t cell, const char* name) {
  double value = 0;
  check(statistics.derive(state.data(), cell, cell + 1, name, &value), std::string(name) + " is not derived");
  return value;
}

void compare(const CovarianceStatistics& statistics, const State& state, const Fields& f, size_t cells) {
  const size_t n = f.x.size();
  for (size_t c = 0; c < cells; c += 5) {
    long double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    double largest = 0;
    for (size_t s = 0; s < n; s++) {
      mx += f.x[s][c] / static_cast<long double>(n), my += f.y[s][c] / static_cast<long double>(n);
      largest = std::max(largest, std::abs(f.x[s][c]));
    }
    for (size_t s = 0; s < n; s++) {
      const long double dx = f.x[s][c] - mx, dy = f.y[s][c] - my;
      xx += dx * dx, yy += dy * dy, xy += dx * dy;
    }
    const double kappa = 1 + largest / static_cast<double>(std::sqrt(xx / static_cast<long double>(n)));
    const double r = static_cast<double>(xy / std::sqrt(xx * yy)), cov = static_cast<double>(xy / static_cast<long double>(n - 1));
    same(derived(statistics, state, c, "covarianceCount"), static_cast<double>(n), "count");
    near(derived(statistics, state, c, "correlation"), r, 1e-12 * kappa * (1 + std::abs(r)), "correlation");
    near(derived(statistics, state, c, "covariance"), cov, 1e-12 * kappa * static_cast<double>(std::sqrt(xx * yy)) / static_cast<double>(n), "covariance");
  }
}

TEST("covariance and correlation equal the two-pass reference, for float64 with float32 and a large mean", [] {
  for (const double offset : {0.0, 1e6}) {
    const size_t cells = 700;
    const Fields f = fields(500, cells, offset);
    const CovarianceStatistics statistics(DType::Float64, DType::Float32, NonFinite::Reject);
    State state(statistics.bytes(cells));
    foldPart(statistics, state, f, 0, 500, 0, cells);
    compare(statistics, state, f, cells);
  }
});

TEST("batches, cut ranges and every instruction set give the same bytes", [] {
  const size_t cells = 700;
  const Fields f = fields(20, cells, 10.0);
  const CovarianceStatistics statistics(DType::Float64, DType::Float32, NonFinite::Reject);
  State one(statistics.bytes(cells));
  forceInstructionSet("scalar");
  for (size_t s = 0; s < 20; s++) foldPart(statistics, one, f, s, s + 1, 0, cells);
  for (const auto& name : instructionSets()) {
    forceInstructionSet(name);
    State batched(statistics.bytes(cells)), cut(statistics.bytes(cells));
    foldPart(statistics, batched, f, 0, 20, 0, cells);
    check(batched.equals(one), name + " batched");
    for (const auto& [begin, end] : {std::pair<size_t, size_t>{301, 700}, {0, 17}, {17, 301}}) foldPart(statistics, cut, f, 0, 20, begin, end);
    check(cut.equals(one), name + " cut");
  }
  forceInstructionSet("");
});

TEST("merged states equal the reference over all samples", [] {
  const size_t cells = 600;
  const Fields f = fields(300, cells, 1e4);
  const CovarianceStatistics statistics(DType::Float64, DType::Float32, NonFinite::Reject);
  State sum(statistics.bytes(cells));
  for (const auto& [from, to] : {std::pair<size_t, size_t>{200, 300}, {0, 50}, {50, 200}}) {
    State part(statistics.bytes(cells));
    foldPart(statistics, part, f, from, to, 0, cells);
    check(statistics.merge(sum.data(), part.data(), cells), "merge refused");
  }
  compare(statistics, sum, f, cells);
});

TEST("Skip leaves a pair out when either value is not finite", [] {
  Fields f = fields(60, 3, 0.0);
  Fields clean{{}, {}};
  for (size_t s = 0; s < 60; s++)
    if (s % 3 == 0) s % 2 == 0 ? f.x[s][1] = std::nan("") : f.y[s][1] = INFINITY;
    else clean.x.push_back(f.x[s]), clean.y.push_back(f.y[s]);
  const CovarianceStatistics statistics(DType::Float64, DType::Float32, NonFinite::Skip);
  State holes(statistics.bytes(3)), without(statistics.bytes(3));
  foldPart(statistics, holes, f, 0, 60, 0, 3);
  foldPart(statistics, without, clean, 0, 40, 0, 3);
  same(derived(statistics, holes, 1, "covarianceCount"), 40, "count");
  same(derived(statistics, holes, 0, "covarianceCount"), 60, "count beside it");
  same(derived(statistics, holes, 1, "correlation"), derived(statistics, without, 1, "correlation"), "correlation");
});

TEST("a field without spread has a covariance of 0 and no correlation", [] {
  Fields f = fields(10, 1, 0.0);
  for (auto& x : f.x) x[0] = 1.0 / 3.0;
  const CovarianceStatistics statistics(DType::Float64, DType::Float32, NonFinite::Reject);
  State state(statistics.bytes(1));
  foldPart(statistics, state, f, 0, 10, 0, 1);
  same(derived(statistics, state, 0, "covariance"), 0.0, "covariance");
  check(std::isnan(derived(statistics, state, 0, "correlation")), "correlation");
});

}  // namespace

int main() { return runAll(); }
