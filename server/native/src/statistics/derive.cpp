// SPDX-License-Identifier: Apache-2.0
/*
 * Derived values: from the sums of a cell to what a user reads, one small function per statistic, found by name in a table.
 * Values that a cell's count cannot support, and ratios of a degenerate cell, are NaN. Formulas: docs/statistics.md.
 */
#include <cmath>
#include <limits>

#include "sobol_cell.h"

namespace melissa {
namespace {

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

/** What a statistic is computed from. */
struct Source {
  const StatisticsSpec& spec;
  const Layout& layout;
  Tile tile;
  size_t cell;
  uint32_t argument;
  double quantile;  // normal quantile of the interval's level

  double n() const { return tile.samples(cell); }
  double moment(int k) const { return tile.moment(k)[cell]; }
  SobolSums sums() const { return sobolSums(layout, tile, cell, argument); }
  IndexBounds bounds() const { return sobolBounds(spec, layout, tile, cell, argument, sums(), quantile); }
};

double variance(const Source& s) { return s.n() < 2 ? NaN : s.moment(1) / (s.n() - 1); }

/**
 * sigma <= 1e-10 max|x|. Where extrema are not kept |mean| stands for max|x|: by Samuelson's inequality they differ by at most
 * sigma sqrt(n - 1), which at the border is 1e-10 sqrt(n) of max|x|.
 */
bool degenerate(const Source& s) {
  const double sigma = std::sqrt(s.moment(1) / s.n());
  const double size = s.layout.extrema ? std::fmax(std::abs(s.tile.minimum()[s.cell]), std::abs(s.tile.maximum()[s.cell]))
                                       : std::abs(s.moment(0));
  return sigma <= 1e-10 * size;
}

double skewness(const Source& s) {
  if (s.n() < 2 || degenerate(s)) return NaN;
  return std::sqrt(s.n()) * s.moment(2) / std::pow(s.moment(1), 1.5);
}

double kurtosis(const Source& s) {
  if (s.n() < 2 || degenerate(s)) return NaN;
  return s.n() * (s.moment(3) / s.moment(1) / s.moment(1)) - 3.0;
}

double degenerateFlag(const Source& s) {
  if (s.layout.moments >= 2) return s.n() > 0 ? degenerate(s) : NaN;
  const SobolSums sums = sobolSums(s.layout, s.tile, s.cell, 0);
  return sums.n > 0 ? sobolDegenerate(sums) : NaN;
}

double quantileOf(const Source& s) {
  if (s.n() == 0) return NaN;
  if (s.spec.robbinsMonro) return s.tile.robbinsMonro()[s.argument * FieldStatistics::TILE_CELLS + s.cell];
  return latticeQuantile(s.tile.lattice(), s.cell, s.spec.quantiles[s.argument], s.layout.log);
}

/** Index of the first bin and exponent of a cell's lattice; false when it is empty. */
bool firstBin(const Source& s, int64_t& index, int& k) {
  const LatticeTile tile = s.tile.lattice();
  if (tile.exponent[s.cell] == 0) return false;
  k = tile.exponent[s.cell] - EXPONENT_BIAS;
  index = latticeIndex(tile.low[s.cell], k, s.layout.log);
  return true;
}

double histogramCounts(const Source& s) {
  int64_t index = 0;
  int k = 0;
  if (!firstBin(s, index, k)) return 0.0;
  return s.tile.lattice().counter(s.cell, index + s.argument);
}

double histogramLower(const Source& s) {
  int64_t index = 0;
  int k = 0;
  return firstBin(s, index, k) ? latticeEdge(index + s.argument, k, s.layout.log) : NaN;
}

double histogramWidth(const Source& s) {
  int64_t index = 0;
  int k = 0;
  if (!firstBin(s, index, k)) return NaN;
  if (!s.layout.log) return std::ldexp(1.0, k);
  return latticeEdge(index + s.argument + 1, k, true) - latticeEdge(index + s.argument, k, true);
}

double sobolCount(const Source& s) {
  double n = 0;
  for (uint32_t block = 0; block < s.layout.blocks; block++) n += s.tile.groups(block, s.cell);
  return n;
}

using Formula = double (*)(const Source&);

enum class Argument : uint8_t { None, Threshold, Quantile, Bin, Parameter, Pair };

struct Statistic {
  std::string_view name;
  Argument argument;
  bool (*kept)(const StatisticsSpec&, const Layout&);
  Formula formula;
};

template <int K>
bool moments(const StatisticsSpec&, const Layout& l) { return l.moments >= K; }
bool cells(const StatisticsSpec&, const Layout& l) { return l.sampleCounts != 0; }
bool extrema(const StatisticsSpec& s, const Layout&) { return s.extrema; }
bool thresholds(const StatisticsSpec& s, const Layout&) { return !s.thresholds.empty(); }
bool quantiles(const StatisticsSpec& s, const Layout&) { return !s.quantiles.empty(); }
bool lattice(const StatisticsSpec&, const Layout& l) { return l.lattice; }
bool sobol(const StatisticsSpec&, const Layout& l) { return l.blocks > 0; }
bool intervals(const StatisticsSpec& s, const Layout&) { return hasIntervals(s); }
bool second(const StatisticsSpec&, const Layout& l) { return l.blocks > 0 && l.sobol.secondOrder; }
bool spread(const StatisticsSpec&, const Layout& l) { return l.moments >= 2 || (l.blocks > 0 && l.sobol.parameters > 0); }

Indices indices(const Source& s) { return sobolIndices(s.layout.sobol.kind, s.sums()); }

const Statistic statistics[] = {
    {"count", Argument::None, cells, [](const Source& s) { return s.n(); }},
    {"mean", Argument::None, moments<1>, [](const Source& s) { return s.n() == 0 ? NaN : s.moment(0); }},
    {"standardError", Argument::None, moments<2>, [](const Source& s) { return std::sqrt(variance(s) / s.n()); }},
    {"variance", Argument::None, moments<2>, variance},
    {"skewness", Argument::None, moments<3>, skewness},
    {"kurtosis", Argument::None, moments<4>, kurtosis},
    {"minimum", Argument::None, extrema, [](const Source& s) { return s.n() == 0 ? NaN : s.tile.minimum()[s.cell]; }},
    {"maximum", Argument::None, extrema, [](const Source& s) { return s.n() == 0 ? NaN : s.tile.maximum()[s.cell]; }},
    {"exceedance", Argument::Threshold, thresholds,
     [](const Source& s) {
       return s.n() == 0 ? NaN : s.tile.exceedance()[s.argument * FieldStatistics::TILE_CELLS + s.cell] / s.n();
     }},
    {"quantile", Argument::Quantile, quantiles, quantileOf},
    {"histogramCounts", Argument::Bin, lattice, histogramCounts},
    {"histogramLower", Argument::Bin, lattice, histogramLower},
    {"histogramWidth", Argument::Bin, lattice, histogramWidth},
    {"degenerate", Argument::None, spread, degenerateFlag},
    {"sobolCount", Argument::None, sobol, sobolCount},
    {"sobolFirst", Argument::Parameter, sobol, [](const Source& s) { return indices(s).first; }},
    {"sobolTotal", Argument::Parameter, sobol, [](const Source& s) { return indices(s).total; }},
    {"sobolFirstLower", Argument::Parameter, intervals, [](const Source& s) { return s.bounds().first.lower; }},
    {"sobolFirstUpper", Argument::Parameter, intervals, [](const Source& s) { return s.bounds().first.upper; }},
    {"sobolTotalLower", Argument::Parameter, intervals, [](const Source& s) { return s.bounds().total.lower; }},
    {"sobolTotalUpper", Argument::Parameter, intervals, [](const Source& s) { return s.bounds().total.upper; }},
    {"sobolSecond", Argument::Pair, second,
     [](const Source& s) {
       const uint32_t p = s.layout.sobol.parameters;
       return sobolSecond(s.layout, s.tile, s.cell, s.argument / p, s.argument % p);
     }},
};

bool argumentExists(Argument kind, uint32_t argument, const StatisticsSpec& spec) {
  const uint64_t p = spec.sobolParameters;
  switch (kind) {
    case Argument::None: return true;
    case Argument::Threshold: return argument < spec.thresholds.size();
    case Argument::Quantile: return argument < spec.quantiles.size();
    case Argument::Bin: return argument < LATTICE_BINS;
    case Argument::Parameter: return argument < p;
    case Argument::Pair: return argument < p * p;
  }
  return false;
}

}  // namespace

bool FieldStatistics::derive(const std::byte* state, size_t begin, size_t end, std::string_view statistic,
                             uint32_t argument, double* out) const {
  const StatisticsSpec& spec = impl_->spec;
  const Layout& layout = impl_->layout;
  for (const Statistic& entry : statistics) {
    if (entry.name != statistic) continue;
    if (!entry.kept(spec, layout) || !argumentExists(entry.argument, argument, spec)) return false;
    const double quantile = hasIntervals(spec) ? levelQuantile(spec) : NaN;
    overTiles(begin, end, [&](size_t index, size_t first, size_t last, size_t before) {
      const Tile tile(layout, state + index * layout.tileBytes);
      for (size_t c = first; c < last; c++)
        out[before + c - first] = entry.formula({spec, layout, tile, c, argument, quantile});
    });
    return true;
  }
  return false;
}

}  // namespace melissa
