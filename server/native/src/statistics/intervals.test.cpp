// SPDX-License-Identifier: Apache-2.0
// Quantiles of the normal and Student distributions against tables, and the intervals' edges.
#include "intervals.h"

#include "testing.h"

using namespace melissa;
using namespace testing;

namespace {

TEST("normal quantiles equal the table", [] {
  near(normalQuantile(0.975), 1.959963984540054, 1e-14, "0.975");
  near(normalQuantile(0.995), 2.5758293035489004, 1e-14, "0.995");
  near(normalQuantile(0.5), 0.0, 1e-15, "0.5");
  near(normalQuantile(0.05), -1.6448536269514722, 1e-14, "0.05");
});

TEST("Student quantiles equal the table for even and odd degrees of freedom", [] {
  near(studentQuantile(0.975, 1), 12.706204736432095, 1e-9, "1");
  near(studentQuantile(0.975, 2), 4.302652729696142, 1e-10, "2");
  near(studentQuantile(0.975, 9), 2.2621571627982044, 1e-11, "9");
  near(studentQuantile(0.95, 30), 1.6972608865939574, 1e-9, "30");
});

TEST("Fisher's interval is Melissa's: 1/2 ln((1+S)/(1-S)) -+ z / sqrt(n - 3), back-transformed", [] {
  const double z = normalQuantile(0.975), r = 0.31, n = 200;
  const double center = 0.5 * std::log((1 + r) / (1 - r)), half = z / std::sqrt(n - 3);
  const Bounds bounds = fisherBounds(r, n, z);
  near(bounds.lower, std::tanh(center - half), 1e-15, "lower");
  near(bounds.upper, std::tanh(center + half), 1e-15, "upper");
  check(std::isnan(fisherBounds(r, 3, z).lower), "none below n = 4");
});

TEST("variables that are equal bit for bit correlate to exactly 1, without width", [] {
  const double m2 = 0.1 + 0.7;
  same(correlation(m2, m2, m2), 1.0, "r");
  const Bounds bounds = fisherBounds(1.0, 100, 1.96);
  same(bounds.lower, 1.0, "lower");
  same(bounds.upper, 1.0, "upper");
  check(std::isnan(correlation(0, 0, 1)), "a variable without spread has no correlation");
});

TEST("the jackknife of a mean is the classical standard error", [] {
  Random random(5);
  std::vector<double> x(40), without(40), sizes(40, 1.0);
  double sum = 0, squares = 0;
  for (double& v : x) v = random.normal(), sum += v;
  for (size_t b = 0; b < 40; b++) without[b] = (sum - x[b]) / 39, squares += (x[b] - sum / 40) * (x[b] - sum / 40);
  const Bounds bounds = jackknifeBounds(sum / 40, without.data(), sizes.data(), 40, 0.95);
  const double half = studentQuantile(0.975, 39) * std::sqrt(squares / 39 / 40);
  near(bounds.upper - bounds.lower, 2 * half, 1e-12, "width");
  check(std::isnan(jackknifeBounds(1.0, without.data(), sizes.data(), 1, 0.95).lower), "none from one block");
});

}  // namespace

int main() { return runAll(); }
