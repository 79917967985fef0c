// SPDX-License-Identifier: Apache-2.0
/*
 * Central moment sums of one variable and co-moment sums of two, and how two sets of samples become one: each set's sums are
 * moved to the common mean (the binomial expansion of Pébay, doi:10.2172/1028931) and added. Used wherever states are merged.
 */
#pragma once

namespace melissa {

struct Univariate4 {
  double mean = 0, m2 = 0, m3 = 0, m4 = 0;
};

/** Sums of dx^a dy^b, named c<a><b>; those of one variable alone are in its Univariate4. */
struct Bivariate {
  double c11 = 0, c21 = 0, c12 = 0, c22 = 0, c31 = 0, c13 = 0;
};

/** Sums of n samples about a point that lies `s` below their mean in x (dx becomes dx + s) and `t` in y. */
inline Bivariate shifted(const Bivariate& c, const Univariate4& x, const Univariate4& y, double n, double s, double t) {
  Bivariate r;
  r.c11 = c.c11 + n * s * t;
  r.c21 = c.c21 + 2 * s * c.c11 + t * x.m2 + n * s * s * t;
  r.c12 = c.c12 + 2 * t * c.c11 + s * y.m2 + n * s * t * t;
  r.c31 = c.c31 + 3 * s * c.c21 + t * x.m3 + 3 * s * s * c.c11 + 3 * s * t * x.m2 + n * s * s * s * t;
  r.c13 = c.c13 + 3 * t * c.c12 + s * y.m3 + 3 * t * t * c.c11 + 3 * s * t * y.m2 + n * s * t * t * t;
  r.c22 = c.c22 + 2 * s * c.c12 + 2 * t * c.c21 + s * s * y.m2 + t * t * x.m2 + 4 * s * t * c.c11 + n * s * s * t * t;
  return r;
}

inline Univariate4 shifted(const Univariate4& x, double n, double s) {
  return {x.mean - s, x.m2 + n * s * s, x.m3 + 3 * s * x.m2 + n * s * s * s,
          x.m4 + 4 * s * x.m3 + 6 * s * s * x.m2 + n * s * s * s * s};
}

/** How far each set's mean lies from the common one: first set, second set. */
struct Shifts {
  double first, second;
};

inline Shifts shiftsBetween(double firstMean, double firstCount, double secondMean, double secondCount) {
  const double delta = secondMean - firstMean, total = firstCount + secondCount;
  return {-(delta * (secondCount / total)), delta * (firstCount / total)};
}

inline Univariate4 merged(const Univariate4& a, double na, const Univariate4& b, double nb) {
  const Shifts shift = shiftsBetween(a.mean, na, b.mean, nb);
  const Univariate4 x = shifted(a, na, shift.first), y = shifted(b, nb, shift.second);
  return {x.mean, x.m2 + y.m2, x.m3 + y.m3, x.m4 + y.m4};
}

inline Bivariate merged(const Bivariate& a, const Univariate4& ax, const Univariate4& ay, double na,
                        const Bivariate& b, const Univariate4& bx, const Univariate4& by, double nb) {
  const Shifts sx = shiftsBetween(ax.mean, na, bx.mean, nb), sy = shiftsBetween(ay.mean, na, by.mean, nb);
  const Bivariate p = shifted(a, ax, ay, na, sx.first, sy.first), q = shifted(b, bx, by, nb, sx.second, sy.second);
  return {p.c11 + q.c11, p.c21 + q.c21, p.c12 + q.c12, p.c22 + q.c22, p.c31 + q.c31, p.c13 + q.c13};
}

}  // namespace melissa
