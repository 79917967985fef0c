// SPDX-License-Identifier: Apache-2.0
#include "intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace melissa {
namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

/** tanh(atanh(r) -+ z) without an atanh: the addition theorem. */
Bounds around(double r, double z) {
  const double t = std::tanh(z);
  if (std::abs(r) >= 1.0) return {r, r};
  return {(r - t) / (1.0 - r * t), (r + t) / (1.0 + r * t)};
}

/** P(|T| <= t), by the finite series for whole degrees of freedom (Abramowitz and Stegun 26.7.3, 26.7.4). */
double studentWithin(double t, int freedom) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(freedom)));
  const double sine = std::sin(angle), cosine = std::cos(angle);
  const bool odd = freedom % 2 == 1;
  double term = odd ? cosine : 1.0, sum = 0.0;
  for (int k = odd ? 1 : 0; k <= freedom - 2; k += 2) {
    sum += term;
    term *= cosine * cosine * (k + 1.0) / (k + 2.0);
  }
  return odd ? 2.0 / M_PI * (angle + sine * sum) : sine * sum;
}

}  // namespace

double normalQuantile(double probability) {
  if (probability < 0.5) return -normalQuantile(1.0 - probability);
  double z = 0.0;
  // Newton from the left of a concave function rises to the root without ever passing it; 100 steps are ample.
  for (int step = 0; step < 100; step++) {
    const double excess = 0.5 * std::erfc(z / M_SQRT2) - (1.0 - probability);
    const double next = z + excess * std::sqrt(2.0 * M_PI) * std::exp(0.5 * z * z);
    if (!(next > z)) break;
    z = next;
  }
  return z;
}

double studentQuantile(double probability, int freedom) {
  const double within = 2.0 * probability - 1.0;
  double low = 0.0, high = 1.0;
  while (studentWithin(high, freedom) < within && high < 1e12) high *= 2.0;
  for (int step = 0; step < 100; step++) {
    const double middle = 0.5 * (low + high);
    (studentWithin(middle, freedom) < within ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double correlation(double c11, double xM2, double yM2) {
  if (!(xM2 > 0.0) || !(yM2 > 0.0)) return NaN;
  // One root of the product is exact where both are the same bits, so that equal fields correlate to exactly 1; two roots
  // are for the product that leaves the range of doubles.
  const double product = xM2 * yM2;
  const bool inRange = product > 1e-280 && product < 1e280;
  const double r = inRange ? c11 / std::sqrt(product) : c11 / std::sqrt(xM2) / std::sqrt(yM2);
  return r > 1.0 ? 1.0 : r < -1.0 ? -1.0 : r;
}

Bounds fisherBounds(double r, double n, double quantile) {
  if (!(n > 3.0) || std::isnan(r)) return {NaN, NaN};
  return around(r, quantile / std::sqrt(n - 3.0));
}

Bounds robustBounds(double r, const Bivariate& c, const Univariate4& x, const Univariate4& y, double n, double quantile) {
  if (!(n > 3.0) || std::isnan(r)) return {NaN, NaN};
  const double vx = x.m2 / n, vy = y.m2 / n, sx = std::sqrt(vx), sy = std::sqrt(vy);
  const double e22 = c.c22 / n / vx / vy, e31 = c.c31 / n / vx / sx / sy, e13 = c.c13 / n / vy / sx / sy;
  const double e40 = x.m4 / n / vx / vx, e04 = y.m4 / n / vy / vy;
  const double square = e22 - r * (e31 + e13) + 0.25 * r * r * (e40 + 2.0 * e22 + e04);
  const double apart = (1.0 - r) * (1.0 + r);
  double sd = std::sqrt(std::max(square, 0.0) / n) / apart;
  // psi is of the size of 1 - r^2. Once that falls below some 1e-7, its mean square is lost in rounding; the interval is
  // then narrower than 1e-5 whatever sd is, and this keeps the rounding from widening it.
  if (apart < 1e-7) sd = std::min(sd, 10.0 / std::sqrt(n));
  return around(r, quantile * sd);
}

Bounds jackknifeBounds(double estimate, const double* without, const double* sizes, size_t blocks, double level) {
  if (blocks < 2 || std::isnan(estimate)) return {NaN, NaN};
  const double g = static_cast<double>(blocks);
  double n = 0.0, center = g * estimate, variance = 0.0;
  for (size_t b = 0; b < blocks; b++) n += sizes[b];
  for (size_t b = 0; b < blocks; b++) center -= (1.0 - sizes[b] / n) * without[b];
  for (size_t b = 0; b < blocks; b++) {
    const double h = n / sizes[b], pseudo = h * estimate - (h - 1.0) * without[b];
    variance += (pseudo - center) * (pseudo - center) / (h - 1.0) / g;
  }
  const double half = studentQuantile(0.5 + 0.5 * level, static_cast<int>(blocks) - 1) * std::sqrt(variance);
  return {estimate - half, estimate + half};
}

}  // namespace melissa
