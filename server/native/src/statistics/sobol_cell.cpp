// SPDX-License-Identifier: Apache-2.0
#include "sobol_cell.h"

#include <cmath>
#include <limits>
#include <vector>

namespace melissa {
namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t TILE = FieldStatistics::TILE_CELLS;

/** Entry of one cell in the streams of an accumulator, from stream `index` on. */
struct Streams {
  double* cell;
  double& operator[](size_t index) const { return cell[index * TILE]; }
};

Streams streamsOf(const Tile& tile, uint32_t block, size_t cell) { return {tile.accumulator(block) + cell}; }

Univariate4 loadUnivariate(Streams s, size_t at, size_t order) {
  Univariate4 u{s[at], s[at + 1], 0, 0};
  if (order == 4) u.m3 = s[at + 2], u.m4 = s[at + 3];
  return u;
}

void storeUnivariate(Streams s, size_t at, size_t order, const Univariate4& u) {
  s[at] = u.mean, s[at + 1] = u.m2;
  if (order == 4) s[at + 2] = u.m3, s[at + 3] = u.m4;
}

Bivariate loadBivariate(Streams s, size_t at) { return {s[at], s[at + 1], s[at + 2], s[at + 3], s[at + 4], s[at + 5]}; }

void storeBivariate(Streams s, size_t at, const Bivariate& c) {
  s[at] = c.c11, s[at + 1] = c.c21, s[at + 2] = c.c12, s[at + 3] = c.c22, s[at + 4] = c.c31, s[at + 5] = c.c13;
}

/** Whether C_i has a mean and M2 of its own. */
bool keepsC(const SobolLayout& l) { return l.secondOrder || l.kind == SobolKind::Martinez || l.kind == SobolKind::Robust; }

}  // namespace

SobolSums sobolSums(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, uint32_t i) {
  const SobolLayout& l = layout.sobol;
  const Streams s = streamsOf(tile, block, cell);
  const size_t at = l.streamParameter(i);
  SobolSums r;
  r.n = tile.groups(block, cell);
  r.a = loadUnivariate(s, l.streamA(), l.memberStreams());
  r.b = loadUnivariate(s, l.streamB(), l.memberStreams());
  if (keepsC(l)) r.c = loadUnivariate(s, l.streamC(i), l.memberStreams());
  if (l.kind == SobolKind::Martinez) r.withA.c11 = s[at + 2], r.withB.c11 = s[at + 3];
  if (l.kind == SobolKind::Robust) r.withA = loadBivariate(s, at + 4), r.withB = loadBivariate(s, at + 10);
  if (l.kind == SobolKind::Jansen) r.squareB = s[at], r.squareA = s[at + 1];
  if (l.kind == SobolKind::Saltelli) r.difference.mean = s[at], r.differenceB = s[at + 1], r.squareA = s[at + 2];
  return r;
}

void storeParameter(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, uint32_t i, const SobolSums& r) {
  const SobolLayout& l = layout.sobol;
  const Streams s = streamsOf(tile, block, cell);
  const size_t at = l.streamParameter(i);
  if (keepsC(l)) storeUnivariate(s, l.streamC(i), l.memberStreams(), r.c);
  if (l.kind == SobolKind::Martinez) s[at + 2] = r.withA.c11, s[at + 3] = r.withB.c11;
  if (l.kind == SobolKind::Robust) storeBivariate(s, at + 4, r.withA), storeBivariate(s, at + 10, r.withB);
  if (l.kind == SobolKind::Jansen) s[at] = r.squareB, s[at + 1] = r.squareA;
  if (l.kind == SobolKind::Saltelli) s[at] = r.difference.mean, s[at + 1] = r.differenceB, s[at + 2] = r.squareA;
}

void storeMembers(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, const SobolSums& r) {
  const SobolLayout& l = layout.sobol;
  const Streams s = streamsOf(tile, block, cell);
  storeUnivariate(s, l.streamA(), l.memberStreams(), r.a);
  storeUnivariate(s, l.streamB(), l.memberStreams(), r.b);
}

SobolSums merged(const SobolSums& x, const SobolSums& y) {
  if (x.n == 0) return y;
  if (y.n == 0) return x;
  SobolSums r;
  r.n = x.n + y.n;
  r.a = merged(x.a, x.n, y.a, y.n);
  r.b = merged(x.b, x.n, y.b, y.n);
  r.c = merged(x.c, x.n, y.c, y.n);
  r.withA = merged(x.withA, x.a, x.c, x.n, y.withA, y.a, y.c, y.n);
  r.withB = merged(x.withB, x.b, x.c, x.n, y.withB, y.b, y.c, y.n);
  r.squareA = x.squareA + y.squareA;
  r.squareB = x.squareB + y.squareB;
  r.difference = merged(x.difference, x.n, y.difference, y.n);
  Bivariate p, q;
  p.c11 = x.differenceB, q.c11 = y.differenceB;
  r.differenceB = merged(p, x.b, x.difference, x.n, q, y.b, y.difference, y.n).c11;
  return r;
}

SobolSums sobolSums(const Layout& layout, const Tile& tile, size_t cell, uint32_t i) {
  SobolSums all = sobolSums(layout, tile, 0, cell, i);
  for (uint32_t block = 1; block < layout.blocks; block++) all = merged(all, sobolSums(layout, tile, block, cell, i));
  return all;
}

double pooledVariance(const SobolSums& s) {
  if (!(s.n > 0)) return NaN;
  return merged(s.a, s.n, s.b, s.n).m2 / (2.0 * s.n);
}

bool sobolDegenerate(const SobolSums& s) {
  const Univariate4 pooled = merged(s.a, s.n, s.b, s.n);
  return std::sqrt(pooled.m2 / (2.0 * s.n)) <= 1e-10 * std::abs(pooled.mean);
}

Indices sobolIndices(SobolKind kind, const SobolSums& s) {
  if (!(s.n >= 2) || sobolDegenerate(s)) return {NaN, NaN};
  if (kind == SobolKind::Martinez || kind == SobolKind::Robust)
    return {correlation(s.withB.c11, s.b.m2, s.c.m2), 1.0 - correlation(s.withA.c11, s.a.m2, s.c.m2)};
  const double variance = pooledVariance(s), total = s.squareA / s.n / (2.0 * variance);
  if (kind == SobolKind::Jansen) return {1.0 - s.squareB / s.n / (2.0 * variance), total};
  // E[(B-m)(C-A)] about the pooled mean m, from the co-moment about B's own mean.
  const double m = merged(s.a, s.n, s.b, s.n).mean;
  return {(s.differenceB / s.n + (s.b.mean - m) * s.difference.mean) / variance, total};
}

bool hasIntervals(const StatisticsSpec& spec) {
  if (spec.interval == Interval::None) return false;
  return spec.interval == Interval::Jackknife ? spec.sobol != Estimator::None : spec.sobol == Estimator::Martinez;
}

double levelQuantile(const StatisticsSpec& spec) { return normalQuantile(0.5 + 0.5 * spec.level); }

namespace {

/** Estimates without each block: sums before it merged with sums after it, so that the work stays linear in the blocks. */
IndexBounds jackknife(const StatisticsSpec& spec, const Layout& layout, const Tile& tile, size_t cell, uint32_t i,
                      const SobolSums& all) {
  std::vector<SobolSums> blocks;
  for (uint32_t b = 0; b < layout.blocks; b++) {
    const SobolSums sums = sobolSums(layout, tile, b, cell, i);
    if (sums.n > 0) blocks.push_back(sums);
  }
  std::vector<SobolSums> after(blocks.size() + 1);
  for (size_t b = blocks.size(); b-- > 0;) after[b] = merged(blocks[b], after[b + 1]);
  std::vector<double> first, total, sizes;
  SobolSums before;
  for (size_t b = 0; b < blocks.size(); b++) {
    const Indices without = sobolIndices(layout.sobol.kind, merged(before, after[b + 1]));
    first.push_back(without.first);
    total.push_back(without.total);
    sizes.push_back(blocks[b].n);
    before = merged(before, blocks[b]);
  }
  const Indices estimate = sobolIndices(layout.sobol.kind, all);
  return {jackknifeBounds(estimate.first, first.data(), sizes.data(), sizes.size(), spec.level),
          jackknifeBounds(estimate.total, total.data(), sizes.data(), sizes.size(), spec.level)};
}

}  // namespace

IndexBounds sobolBounds(const StatisticsSpec& spec, const Layout& layout, const Tile& tile, size_t cell, uint32_t i,
                        const SobolSums& all, double quantile) {
  if (spec.interval == Interval::Jackknife) return jackknife(spec, layout, tile, cell, i, all);
  const Indices estimate = sobolIndices(layout.sobol.kind, all);
  if (std::isnan(estimate.first) || std::isnan(estimate.total)) return {{NaN, NaN}, {NaN, NaN}};
  const double withA = correlation(all.withA.c11, all.a.m2, all.c.m2);
  const bool robust = spec.interval == Interval::Robust;
  const Bounds first = robust ? robustBounds(estimate.first, all.withB, all.b, all.c, all.n, quantile)
                              : fisherBounds(estimate.first, all.n, quantile);
  const Bounds a = robust ? robustBounds(withA, all.withA, all.a, all.c, all.n, quantile) : fisherBounds(withA, all.n, quantile);
  return {first, {1.0 - a.upper, 1.0 - a.lower}};
}

PairSums pairSums(const Layout& layout, const Tile& tile, uint32_t block, size_t cell, uint32_t i, uint32_t j) {
  const SobolLayout& l = layout.sobol;
  const Streams s = streamsOf(tile, block, cell);
  PairSums r;
  r.n = tile.groups(block, cell);
  r.c = loadUnivariate(s, l.streamC(i), 2);
  r.d = loadUnivariate(s, l.streamD(j), 2);
  if (i != j) r.cd.c11 = s[l.streamPair(i, j)];
  return r;
}

PairSums merged(const PairSums& x, const PairSums& y) {
  if (x.n == 0) return y;
  if (y.n == 0) return x;
  PairSums r;
  r.n = x.n + y.n;
  r.c = merged(x.c, x.n, y.c, y.n);
  r.d = merged(x.d, x.n, y.d, y.n);
  r.cd = merged(x.cd, x.c, x.d, x.n, y.cd, y.c, y.d, y.n);
  return r;
}

double sobolSecond(const Layout& layout, const Tile& tile, size_t cell, uint32_t i, uint32_t j) {
  if (i == j) return NaN;
  PairSums ij, ji;
  for (uint32_t block = 0; block < layout.blocks; block++) {
    ij = merged(ij, pairSums(layout, tile, block, cell, i, j));
    ji = merged(ji, pairSums(layout, tile, block, cell, j, i));
  }
  const double closed = 0.5 * (correlation(ij.cd.c11, ij.c.m2, ij.d.m2) + correlation(ji.cd.c11, ji.c.m2, ji.d.m2));
  const double si = sobolIndices(layout.sobol.kind, sobolSums(layout, tile, cell, i)).first;
  const double sj = sobolIndices(layout.sobol.kind, sobolSums(layout, tile, cell, j)).first;
  return closed - si - sj;
}

}  // namespace melissa
