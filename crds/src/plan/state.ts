// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes of accumulator state a cell and step, statistic by statistic. The kernels keep the same streams; the addon's own
 * count (`statisticsBytes`) adds counts and rounds to tiles.
 */
import type { CompiledField, CompiledStudy, Statistics } from '../compiled.ts';

export type StateRow = { field: string; statistic: string; bytesPerCellStep: number; cellSteps: number };

const DOUBLE = 8;
/** 128 counters of 4 bytes. */
const LATTICE_COUNTERS_BYTES = 512;
/** Minimum and maximum; the lattice's bins follow from them, so that it shares them with `extrema`. */
const EXTREMA_BYTES = 16;
/** Mean of each field, second moment of each, co-moment. */
export const COVARIANCE_BYTES = 5 * DOUBLE;

/** Number of doubles of the Sobol' state of P parameters. */
function sobolDoubles(sobol: NonNullable<Statistics['sobol']>, parameters: number): number {
  const P = parameters;
  const base: Record<typeof sobol.estimator, number> = {
    // Mean and second moment of A and B; mean, second moment and two co-moments of each C_i.
    Martinez: 4 + 4 * P,
    // Mean and second moment of A ∪ B; two sums of squared differences a parameter.
    Jansen: 2 + 2 * P,
    // The same two; of each parameter the mean of C_i − A, its product with B, and the sum of squares of A − C_i.
    Saltelli: 2 + 3 * P,
  };
  // Robust intervals stream co-moments to order 4: 8 + 16 P doubles instead of 4 + 4 P.
  const first = sobol.interval === 'Robust' ? 8 + 16 * P : base[sobol.estimator];
  // Mean and second moment of each D_j, and a co-moment of every ordered pair C_i, D_j with i ≠ j.
  const second = sobol.secondOrder ? 2 * P + P * (P - 1) : 0;
  return (first + second) * (sobol.interval === 'Jackknife' ? sobol.jackknifeBlocks : 1);
}

/** Statistics of one cell at one step, in bytes; zero rows are left out. */
export function bytesPerCellStep(statistics: Statistics, parameters: number): { statistic: string; bytes: number }[] {
  const lattice = (statistics.quantiles.length > 0 && statistics.quantileMethod === 'Lattice') || statistics.histogram;
  const rows = [
    { statistic: 'moments', bytes: DOUBLE * statistics.moments },
    { statistic: 'extrema', bytes: statistics.extrema ? EXTREMA_BYTES : 0 },
    { statistic: 'exceedance', bytes: 4 * statistics.exceedance.length },
    { statistic: 'lattice', bytes: lattice ? LATTICE_COUNTERS_BYTES + (statistics.extrema ? 0 : EXTREMA_BYTES) : 0 },
    {
      statistic: 'quantiles',
      bytes: statistics.quantileMethod === 'RobbinsMonro' ? DOUBLE * statistics.quantiles.length : 0,
    },
    { statistic: 'sobol', bytes: statistics.sobol === null ? 0 : DOUBLE * sobolDoubles(statistics.sobol, parameters) },
  ];
  return rows.filter(({ bytes }) => bytes > 0);
}

/** Cells of `keptCells` that rank `rank` of `ranks` owns: even parts, whose sizes differ by one at most. */
export function rankCells(keptCells: number, ranks: number, rank: number): number {
  return rankBegin(keptCells, ranks, rank + 1) - rankBegin(keptCells, ranks, rank);
}

/** First kept cell of rank `rank`; with `rank` = `ranks` the end of all. */
export function rankBegin(keptCells: number, ranks: number, rank: number): number {
  const base = Math.floor(keptCells / ranks);
  // The first ranks take the remainder, so that rank 0 is never smaller than another.
  return base * rank + Math.min(rank, keptCells - base * ranks);
}

const cellSteps = (field: CompiledField, ranks: number, rank: number): number =>
  rankCells(field.keptCells, ranks, rank) * field.keptSteps.length;

/** State of one rank, row by row. Rank 0 has the most. */
export function stateRows(study: CompiledStudy, rank = 0): StateRow[] {
  const { ranks } = study.server;
  const rows = study.fields.flatMap((field) =>
    bytesPerCellStep(field.statistics, study.parameters.length).map(({ statistic, bytes }) => ({
      field: field.name,
      statistic,
      bytesPerCellStep: bytes,
      cellSteps: cellSteps(field, ranks, rank),
    })),
  );
  const pairs = study.covariances.map(({ fields: [a, b] }) => ({
    field: `${study.fields[a]!.name}, ${study.fields[b]!.name}`,
    statistic: 'covariance',
    bytesPerCellStep: COVARIANCE_BYTES,
    cellSteps: cellSteps(study.fields[a]!, ranks, rank),
  }));
  return [...rows, ...pairs];
}

export const stateBytes = (study: CompiledStudy, rank = 0): number =>
  stateRows(study, rank).reduce((sum, row) => sum + row.bytesPerCellStep * row.cellSteps, 0);

/** What is written of one field: arrays of float64, a value a kept cell and step. */
function resultArrays(statistics: Statistics, parameters: number): number {
  const { moments, extrema, exceedance, quantiles, histogram, sobol } = statistics;
  // Variance comes with the standard error of the mean.
  const ofMoments = moments + (moments >= 2 ? 1 : 0);
  // 128 counters of half the size, lower end and width.
  const ofHistogram = histogram ? 66 : 0;
  const bounds = sobol !== null && sobol.interval !== 'None' ? 3 : 1;
  const ofSobol =
    sobol === null ? 0 : 2 * parameters * bounds + (sobol.secondOrder ? (parameters * (parameters - 1)) / 2 : 0);
  return 1 + ofMoments + (extrema ? 2 : 0) + exceedance.length + quantiles.length + ofHistogram + ofSobol;
}

/** Bytes of all results before compression, and of kept raw fields. */
export function resultBytes(study: CompiledStudy): { statistics: number; raw: number } {
  let statistics = 0;
  let oneSimulation = 0;
  for (const field of study.fields) {
    const values = field.keptCells * field.keptSteps.length;
    statistics += values * DOUBLE * resultArrays(field.statistics, study.parameters.length);
    oneSimulation += values * itemSize(field);
  }
  for (const { fields } of study.covariances)
    statistics += 2 * DOUBLE * study.fields[fields[0]]!.keptCells * study.fields[fields[0]]!.keptSteps.length;
  return {
    statistics,
    raw: oneSimulation * (study.keepRaw.all ? study.sampling.simulations : study.keepRaw.ids.length),
  };
}

export const itemSize = (field: CompiledField): number => (field.dtype === 'Float32' ? 4 : 8);
