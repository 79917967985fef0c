// SPDX-License-Identifier: Apache-2.0
/*
 * The text of the Sobol' kernels. One pass over the tile per parameter: its streams are loaded once, updated by all groups
 * of the batch in registers, stored once. A pass needs the means of A and B as they were before each group; they are not
 * stored until the last pass, so each pass follows them in registers (two additions and two products a group). Formulas:
 * Pébay's bivariate co-moments for one added sample (doi:10.2172/1028931).
 */
#pragma once
#include "../vector.h"
#include "sobol.h"

namespace melissa::MELISSA_ISA {
namespace {

constexpr size_t TILE = FieldStatistics::TILE_CELLS;

/** What every pass knows: the accumulator, the groups, the factors of each group's count. */
template <class T>
struct Pass {
  double* streams;
  const SobolLayout& layout;
  const TileGroups& groups;
  Coefficients<One> coefficients[GROUPS_PER_BATCH];

  double* stream(size_t index) const { return streams + index * TILE; }
  template <class V>
  typename V::D value(size_t group, size_t member, size_t i) const {
    return V::load(static_cast<const T*>(groups.members[group * layout.groupSize() + member]) - groups.first + i);
  }
  /** Factors for group g at cells i..: one count for the tile, or one a cell. */
  template <class V, bool Cells>
  Coefficients<V> factors(size_t g, size_t i) const {
    if constexpr (Cells) return Coefficients<V>::of(V::loadCount(groups.counts + i) + V::set(1.0));
    else return Coefficients<V>::broadcast(coefficients[g]);
  }
  /** Stores x where the group is active, else leaves the stream as it is. */
  template <class V, bool Cells>
  void store(double* p, size_t i, typename V::D x) const {
    if constexpr (Cells) x = V::select(V::loadMask(groups.active + i), x, V::load(p + i));
    V::store(p + i, x);
  }
};

/** Asks for one line of each of `count` streams. A pass is too short for the hardware to learn where its streams go. */
inline void prefetch(const double* streams, size_t count, size_t i) {
  if (streams == nullptr || i % 8 != 0) return;
  for (size_t s = 0; s < count; s++) __builtin_prefetch(streams + s * TILE + i, 1, 2);
}

/** Co-moments of x (A or B) and y (C_i); add() takes both variables as they are before the sample. */
template <class V>
struct Pair {
  typename V::D c11, c21, c12, c22, c31, c13;

  void load(const double* p, size_t i) {
    c11 = V::load(p + i), c21 = V::load(p + TILE + i), c12 = V::load(p + 2 * TILE + i);
    c22 = V::load(p + 3 * TILE + i), c31 = V::load(p + 4 * TILE + i), c13 = V::load(p + 5 * TILE + i);
  }
  template <bool Cells, class P>
  void store(const P& pass, double* p, size_t i) const {
    pass.template store<V, Cells>(p, i, c11), pass.template store<V, Cells>(p + TILE, i, c21);
    pass.template store<V, Cells>(p + 2 * TILE, i, c12), pass.template store<V, Cells>(p + 3 * TILE, i, c22);
    pass.template store<V, Cells>(p + 4 * TILE, i, c31), pass.template store<V, Cells>(p + 5 * TILE, i, c13);
  }
  template <int K, int L>
  void add(const Univariate<V, K>& x, const Univariate<V, L>& y, typename V::D dx, typename V::D dy, const Coefficients<V>& c) {
    using D = typename V::D;
    const D two = V::set(2.0), three = V::set(3.0), four = V::set(4.0);
    const D p = dx * c.inverse, q = dy * c.inverse;
    const D s = (dy * c.second) * dx;
    const D pc = p * c11, qc = q * c11, qx = q * x.m2, py = p * y.m2;
    const D e = pc + qx, h = qc + py;
    const D sx = s * dx, sy = s * dy;
    c22 = c22 + (c.fourth * (sx * dy) + ((p * py + q * qx) + four * (q * pc)) - two * (p * c12 + q * c21));
    c31 = c31 + (c.fourth * (sx * dx) + three * (p * e) - (three * (p * c21) + q * x.m3));
    c13 = c13 + (c.fourth * (sy * dy) + three * (q * h) - (three * (q * c12) + p * y.m3));
    c21 = c21 + (c.third * sx - (pc + e));
    c12 = c12 + (c.third * sy - (qc + h));
    c11 = c11 + s;
  }
};

template <class V, class T, bool Cells>
inline void martinezCells(const Pass<T>& pass, uint32_t k, size_t i) {
  double* const own = pass.stream(pass.layout.streamParameter(k));
  auto meanA = V::load(pass.stream(pass.layout.streamA()) + i), meanB = V::load(pass.stream(pass.layout.streamB()) + i);
  auto mean = V::load(own + i), m2 = V::load(own + TILE + i);
  auto withA = V::load(own + 2 * TILE + i), withB = V::load(own + 3 * TILE + i);
  for (size_t g = 0; g < pass.groups.groups; g++) {
    const auto c = pass.template factors<V, Cells>(g, i);
    const auto dA = pass.template value<V>(g, 0, i) - meanA, dB = pass.template value<V>(g, 1, i) - meanB;
    const auto d = pass.template value<V>(g, 2 + k, i) - mean;
    const auto w = d * c.second;
    m2 = m2 + w * d;
    withA = withA + w * dA;
    withB = withB + w * dB;
    mean = mean + d * c.inverse;
    meanA = meanA + dA * c.inverse;
    meanB = meanB + dB * c.inverse;
  }
  pass.template store<V, Cells>(own, i, mean);
  pass.template store<V, Cells>(own + TILE, i, m2);
  pass.template store<V, Cells>(own + 2 * TILE, i, withA);
  pass.template store<V, Cells>(own + 3 * TILE, i, withB);
}

template <class V, class T>
inline Univariate<V, 4> loadFour(const Pass<T>& pass, size_t stream, size_t i) {
  const double* const p = pass.stream(stream);
  return {V::load(p + i), V::load(p + TILE + i), V::load(p + 2 * TILE + i), V::load(p + 3 * TILE + i)};
}

/** One of the two pairs of a parameter (member 0 = A, 1 = B); the pass with B, the last, also stores C_i itself. */
template <class V, class T, bool Cells>
inline void robustCells(const Pass<T>& pass, uint32_t k, size_t member, size_t i) {
  double* const own = pass.stream(pass.layout.streamParameter(k));
  double* const pairs = own + (4 + 6 * member) * TILE;
  auto x = loadFour<V>(pass, member == 0 ? pass.layout.streamA() : pass.layout.streamB(), i);
  auto y = loadFour<V>(pass, pass.layout.streamParameter(k), i);
  Pair<V> pair;
  pair.load(pairs, i);
  for (size_t g = 0; g < pass.groups.groups; g++) {
    const auto c = pass.template factors<V, Cells>(g, i);
    const auto a = pass.template value<V>(g, member, i), b = pass.template value<V>(g, 2 + k, i);
    pair.add(x, y, a - x.mean, b - y.mean, c);
    // Only the next group of the batch needs what this pass does not store.
    const bool more = g + 1 < pass.groups.groups;
    if (more) x.add(a, c);
    if (more || member == 1) y.add(b, c);
  }
  pair.template store<Cells>(pass, pairs, i);
  if (member == 0) return;
  pass.template store<V, Cells>(own, i, y.mean);
  pass.template store<V, Cells>(own + TILE, i, y.m2);
  pass.template store<V, Cells>(own + 2 * TILE, i, y.m3);
  pass.template store<V, Cells>(own + 3 * TILE, i, y.m4);
}

template <class V, class T, bool Cells>
inline void jansenCells(const Pass<T>& pass, uint32_t k, size_t i) {
  double* const own = pass.stream(pass.layout.streamParameter(k));
  auto withB = V::load(own + i), withA = V::load(own + TILE + i);
  for (size_t g = 0; g < pass.groups.groups; g++) {
    const auto x = pass.template value<V>(g, 2 + k, i);
    const auto b = pass.template value<V>(g, 1, i) - x, a = pass.template value<V>(g, 0, i) - x;
    withB = withB + b * b;
    withA = withA + a * a;
  }
  pass.template store<V, Cells>(own, i, withB);
  pass.template store<V, Cells>(own + TILE, i, withA);
}

template <class V, class T, bool Cells>
inline void saltelliCells(const Pass<T>& pass, uint32_t k, size_t i) {
  double* const own = pass.stream(pass.layout.streamParameter(k));
  auto meanB = V::load(pass.stream(pass.layout.streamB()) + i);
  auto mean = V::load(own + i), withB = V::load(own + TILE + i), square = V::load(own + 2 * TILE + i);
  for (size_t g = 0; g < pass.groups.groups; g++) {
    const auto c = pass.template factors<V, Cells>(g, i);
    const auto difference = pass.template value<V>(g, 2 + k, i) - pass.template value<V>(g, 0, i);
    const auto d = difference - mean, dB = pass.template value<V>(g, 1, i) - meanB;
    withB = withB + (d * c.second) * dB;
    square = square + difference * difference;
    mean = mean + d * c.inverse;
    meanB = meanB + dB * c.inverse;
  }
  pass.template store<V, Cells>(own, i, mean);
  pass.template store<V, Cells>(own + TILE, i, withB);
  pass.template store<V, Cells>(own + 2 * TILE, i, square);
}

/** Mean and M2 (K = 2) or moments to order 4 of one member, in streams of its own. */
template <class V, class T, bool Cells, int K>
inline void memberCells(const Pass<T>& pass, size_t member, size_t stream, size_t i) {
  double* streams[4];
  for (size_t s = 0; s < 4; s++) streams[s] = pass.stream(stream) + s * TILE;
  Univariate<V, K> u;
  u.load(streams, i);
  const auto before = u;
  for (size_t g = 0; g < pass.groups.groups; g++)
    u.add(pass.template value<V>(g, member, i), pass.template factors<V, Cells>(g, i));
  if constexpr (Cells) u.keepWhere(V::loadMask(pass.groups.active + i), before);
  u.store(streams, i);
}

/** Co-moment of C_i and D_j, followed with both means before they are stored. */
template <class V, class T, bool Cells>
inline void pairCells(const Pass<T>& pass, uint32_t first, uint32_t second, size_t i) {
  const SobolLayout& layout = pass.layout;
  double* const own = pass.stream(layout.streamPair(first, second));
  auto meanC = V::load(pass.stream(layout.streamC(first)) + i), meanD = V::load(pass.stream(layout.streamD(second)) + i);
  auto sum = V::load(own + i);
  for (size_t g = 0; g < pass.groups.groups; g++) {
    const auto c = pass.template factors<V, Cells>(g, i);
    const auto dC = pass.template value<V>(g, 2 + first, i) - meanC;
    const auto dD = pass.template value<V>(g, 2 + layout.parameters + second, i) - meanD;
    sum = sum + (dC * c.second) * dD;
    meanC = meanC + dC * c.inverse;
    meanD = meanD + dD * c.inverse;
  }
  pass.template store<V, Cells>(own, i, sum);
}

template <class T, bool Cells>
void foldSecondOrder(const Pass<T>& pass) {
  const SobolLayout& layout = pass.layout;
  for (uint32_t j = 0; j < layout.parameters; j++) {
    for (uint32_t k = 0; k < layout.parameters; k++)
      if (k != j)
        overRange(pass.groups.first, pass.groups.last, [&](auto v, size_t i) { pairCells<decltype(v), T, Cells>(pass, k, j, i); });
    overRange(pass.groups.first, pass.groups.last, [&](auto v, size_t i) {
      memberCells<decltype(v), T, Cells, 2>(pass, 2 + layout.parameters + j, layout.streamD(j), i);
    });
  }
}

/** Streams of the parameter that follows, in this tile or the next; null when there is none. */
template <class T>
const double* nextParameter(const Pass<T>& pass, uint32_t k) {
  if (k + 1 < pass.layout.parameters) return pass.stream(pass.layout.streamParameter(k + 1));
  if (pass.groups.ahead == 0) return nullptr;
  return reinterpret_cast<const double*>(reinterpret_cast<const std::byte*>(pass.stream(pass.layout.streamParameter(0))) + pass.groups.ahead);
}

template <class T, bool Cells>
void foldParameter(const Pass<T>& pass, uint32_t k) {
  const size_t first = pass.groups.first, last = pass.groups.last;
  const double* const next = nextParameter(pass, k);
  const double* const pairB = pass.stream(pass.layout.streamParameter(k) + 10);
  switch (pass.layout.kind) {
    case SobolKind::Martinez:
      return overRange(first, last, [&](auto v, size_t i) {
        prefetch(next, 4, i);
        martinezCells<decltype(v), T, Cells>(pass, k, i);
      });
    case SobolKind::Robust:
      overRange(first, last, [&](auto v, size_t i) {
        prefetch(pairB, 6, i);
        robustCells<decltype(v), T, Cells>(pass, k, 0, i);
      });
      return overRange(first, last, [&](auto v, size_t i) {
        prefetch(next, 10, i);
        robustCells<decltype(v), T, Cells>(pass, k, 1, i);
      });
    case SobolKind::Jansen:
      overRange(first, last, [&](auto v, size_t i) { jansenCells<decltype(v), T, Cells>(pass, k, i); });
      break;
    case SobolKind::Saltelli:
      overRange(first, last, [&](auto v, size_t i) { saltelliCells<decltype(v), T, Cells>(pass, k, i); });
      break;
  }
  if (!pass.layout.secondOrder) return;
  overRange(first, last, [&](auto v, size_t i) {
    memberCells<decltype(v), T, Cells, 2>(pass, 2 + k, pass.layout.streamC(k), i);
  });
}

/* The order matters: pairs need the old means of C and D, parameters those of A and B, so each is stored after its last use. */
template <class T, bool Cells>
void foldAll(Pass<T>& pass) {
  if (pass.layout.secondOrder) foldSecondOrder<T, Cells>(pass);
  for (uint32_t k = 0; k < pass.layout.parameters; k++) foldParameter<T, Cells>(pass, k);
  const size_t streams[2] = {pass.layout.streamA(), pass.layout.streamB()};
  for (size_t member = 0; member < 2; member++)
    overRange(pass.groups.first, pass.groups.last, [&](auto v, size_t i) {
      if (pass.layout.kind == SobolKind::Robust) memberCells<decltype(v), T, Cells, 4>(pass, member, streams[member], i);
      else memberCells<decltype(v), T, Cells, 2>(pass, member, streams[member], i);
    });
}

template <class T>
void foldTyped(double* streams, const SobolLayout& layout, const TileGroups& groups) {
  Pass<T> pass{streams, layout, groups, {}};
  if (groups.counts != nullptr) return foldAll<T, true>(pass);
  for (size_t g = 0; g < groups.groups; g++)
    pass.coefficients[g] = Coefficients<One>::of(groups.count + static_cast<double>(g) + 1.0);
  foldAll<T, false>(pass);
}

void fold(double* streams, const SobolLayout& layout, const TileGroups& groups) {
  groups.dtype == DType::Float32 ? foldTyped<float>(streams, layout, groups) : foldTyped<double>(streams, layout, groups);
}

template <class T>
bool finiteTyped(uint32_t* active, uint32_t members, const TileGroups& groups) {
  for (size_t i = groups.first; i < groups.last; i++) active[i] = 0;
  bool good = true;
  overRange(groups.first, groups.last, [&](auto v, size_t i) {
    using V = decltype(v);
    auto mask = V::all();
    for (uint32_t m = 0; m < members; m++)
      mask = V::both(mask, finite<V>(V::load(static_cast<const T*>(groups.members[m]) - groups.first + i)));
    V::addMask(active + i, mask);
    good = good && V::every(mask);
  });
  return good;
}

bool finiteCells(uint32_t* active, uint32_t members, const TileGroups& groups) {
  return groups.dtype == DType::Float32 ? finiteTyped<float>(active, members, groups)
                                        : finiteTyped<double>(active, members, groups);
}

constexpr SobolKernels kernels = {fold, finiteCells};

}  // namespace
}  // namespace melissa::MELISSA_ISA
