// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes of accumulator state, statistic by statistic. They follow the layout of the native state (server/native,
 * layout.cpp): streams of one number a cell, in tiles of 512 cells, for every kept step. Only the
 * tiles' headers are left out, 64 bytes or a few of them.
 */
import type { CompiledField, CompiledStudy, Statistics } from '../compiled.ts';

export type StateRow = { field: string; statistic: string; bytesPerCellStep: number; cellSteps: number };

const DOUBLE = 8;
const COUNT = 4;
/** State is kept in whole tiles of so many cells. */
export const TILE_CELLS = 512;
/** Minimum and maximum. */
const EXTREMA_BYTES = 16;
/** 128 counters, the two ends of the range, the exponent of the bin's width, the count of values that are not finite. */
const LATTICE_BYTES = 128 * COUNT + EXTREMA_BYTES + 2 * COUNT;
/** Mean and second moment of each field, and the co-moment. */
export const COVARIANCE_BYTES = 5 * DOUBLE;

/** Number of doubles of one accumulator of groups of P parameters. */
function sobolDoubles(sobol: NonNullable<Statistics['sobol']>, P: number): number {
  // Mean and second moment of each D_j, and a co-moment of every ordered pair C_i, D_j with i ≠ j.
  const second = sobol.secondOrder ? 2 * P + P * (P - 1) : 0;
  // Co-moments to order 4 of A, of B, and of each C_i with both.
  if (sobol.interval === 'Robust') return 8 + 16 * P + second;
  // Mean and second moment of A and B, and so many a parameter; second order also needs those of C_i.
  const each = { Martinez: 4, Jansen: sobol.secondOrder ? 4 : 2, Saltelli: sobol.secondOrder ? 5 : 3 }[sobol.estimator];
  return 4 + each * P + second;
}

const accumulators = (sobol: Statistics['sobol']): number =>
  sobol === null ? 0 : sobol.interval === 'Jackknife' ? sobol.jackknifeBlocks : 1;

/** Statistics of one cell at one step, in bytes; zero rows are left out. */
export function bytesPerCellStep(statistics: Statistics, parameters: number): { statistic: string; bytes: number }[] {
  const { moments, exceedance, quantiles, sobol, histogram } = statistics;
  const robbinsMonro = statistics.quantileMethod === 'RobbinsMonro';
  const lattice = (quantiles.length > 0 && !robbinsMonro) || histogram;
  const extrema = statistics.extrema || robbinsMonro;
  const samples = moments > 0 || extrema || lattice || exceedance.length > 0 ? 1 : 0;
  const rows = [
    { statistic: 'counts', bytes: COUNT * (samples + accumulators(sobol)) },
    { statistic: 'moments', bytes: DOUBLE * moments },
    { statistic: 'extrema', bytes: extrema ? EXTREMA_BYTES : 0 },
    { statistic: 'exceedance', bytes: COUNT * exceedance.length },
    { statistic: 'lattice', bytes: lattice ? LATTICE_BYTES : 0 },
    { statistic: 'quantiles', bytes: robbinsMonro ? DOUBLE * quantiles.length : 0 },
    { statistic: 'sobol', bytes: sobol === null ? 0 : DOUBLE * accumulators(sobol) * sobolDoubles(sobol, parameters) },
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

/** In whole tiles, as they are allocated. */
function cellSteps(field: CompiledField, ranks: number, rank: number): number {
  return Math.ceil(rankCells(field.keptCells, ranks, rank) / TILE_CELLS) * TILE_CELLS * field.keptSteps.length;
}

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
    bytesPerCellStep: COVARIANCE_BYTES + COUNT,
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
