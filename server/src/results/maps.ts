// SPDX-License-Identifier: Apache-2.0
/**
 * Which maps a study has: per field the statistics that its settings keep, and for each the values of its argument. The
 * names are those of the native kernels; the REST list of fields and the result files are both made from here.
 */
import type { AvailableStatistic, FieldInfo } from '@melissa/api';
import type { CompiledCovariance, CompiledField, CompiledStudy, Statistics } from '@melissa/crds';

/** Counters of the quantile lattice per cell. */
const LATTICE_BINS = 128;

type Argument = AvailableStatistic['arguments'][number];
const none: Argument[] = [{ argument: 0, label: '' }];

/** What can be read of one field, in the order in which it is written. */
export function statisticsOf(study: CompiledStudy, field: CompiledField): AvailableStatistic[] {
  const { statistics, unit } = field;
  return [...momentsOf(statistics, unit), ...distributionOf(statistics, unit), ...sobolOf(study, statistics)];
}

function momentsOf(statistics: Statistics, unit: string): AvailableStatistic[] {
  const maps: AvailableStatistic[] = [];
  const add = (statistic: string, longName: string, mapUnit: string): void =>
    void maps.push(plain(statistic, longName, mapUnit));
  const hasCells =
    statistics.moments > 0 ||
    statistics.extrema ||
    statistics.exceedance.length > 0 ||
    hasLattice(statistics) ||
    statistics.quantiles.length > 0;
  if (hasCells) add('count', 'number of samples', '1');
  if (statistics.moments >= 1) add('mean', 'mean', unit);
  if (statistics.moments >= 2) {
    add('standardError', 'standard error of the mean', unit);
    add('variance', 'variance', power(unit, 2));
  }
  if (statistics.moments >= 3) add('skewness', 'skewness', '1');
  if (statistics.moments >= 4) add('kurtosis', 'excess kurtosis', '1');
  if (statistics.moments >= 2 || statistics.sobol !== null) add('degenerate', 'no variation to speak of', '1');
  if (statistics.extrema) {
    add('minimum', 'minimum', unit);
    add('maximum', 'maximum', unit);
  }
  return maps;
}

function distributionOf(statistics: Statistics, unit: string): AvailableStatistic[] {
  const maps: AvailableStatistic[] = [];
  const labelled = (values: number[], suffix: string): Argument[] =>
    values.map((value, argument) => ({ argument, label: suffix === '' ? String(value) : `${value} ${suffix}` }));
  if (statistics.exceedance.length > 0) {
    maps.push({
      statistic: 'exceedance',
      longName: 'probability to exceed',
      unit: '1',
      argumentName: 'threshold',
      arguments: labelled(statistics.exceedance, unit),
    });
  }
  if (statistics.quantiles.length > 0) {
    maps.push({
      statistic: 'quantile',
      longName: 'quantile',
      unit,
      argumentName: 'quantile',
      arguments: labelled(statistics.quantiles, ''),
    });
  }
  if (hasLattice(statistics)) {
    maps.push(plain('histogramLower', 'lower edge of the histogram', unit));
    maps.push(plain('histogramWidth', 'bin width: the error bound of quantiles', unit));
  }
  if (statistics.histogram) {
    const bins = Array.from({ length: LATTICE_BINS }, (_, argument) => ({ argument, label: String(argument) }));
    maps.push({
      statistic: 'histogramCounts',
      longName: 'samples in the bin',
      unit: '1',
      argumentName: 'bin',
      arguments: bins,
    });
  }
  return maps;
}

function hasLattice(statistics: Statistics): boolean {
  return statistics.histogram || (statistics.quantiles.length > 0 && statistics.quantileMethod === 'Lattice');
}

function sobolOf(study: CompiledStudy, statistics: Statistics): AvailableStatistic[] {
  if (statistics.sobol === null) return [];
  const names = varyingParameters(study);
  const parameters = names.map((label, argument) => ({ argument, label }));
  const index = (statistic: string, longName: string): AvailableStatistic => ({
    statistic,
    longName,
    unit: '1',
    argumentName: 'parameter',
    arguments: parameters,
  });
  const maps = [plain('sobolCount', 'number of groups', '1')];
  for (const [statistic, longName] of [
    ['sobolFirst', "first-order Sobol' index"],
    ['sobolTotal', "total Sobol' index"],
  ] as const) {
    maps.push(index(statistic, longName));
    if (statistics.sobol.interval === 'None') continue;
    maps.push(
      index(`${statistic}Lower`, `${longName}, lower end of the interval`),
      index(`${statistic}Upper`, `${longName}, upper end of the interval`),
    );
  }
  if (statistics.sobol.secondOrder) {
    const pairs = names.flatMap((first, i) =>
      names.flatMap((second, j) => (j > i ? [{ argument: i * names.length + j, label: `${first} × ${second}` }] : [])),
    );
    maps.push({
      statistic: 'sobolSecond',
      longName: "second-order Sobol' index",
      unit: '1',
      argumentName: 'pair',
      arguments: pairs,
    });
  }
  return maps;
}

/** Parameters that pick-freeze exchanges, in order: all of them, or those that vary where the group has only those. */
export function varyingParameters(study: CompiledStudy): string[] {
  const { groupSize, secondOrder } = study.sampling;
  const exchanged = secondOrder ? (groupSize - 2) / 2 : groupSize - 2;
  if (exchanged === study.parameters.length) return study.parameters.map((parameter) => parameter.name);
  return study.parameters
    .filter((parameter) => parameter.distribution.kind !== 'Constant')
    .map((parameter) => parameter.name);
}

/** A covariance's own name in the API. */
export function covarianceName(study: CompiledStudy, covariance: CompiledCovariance): string {
  return covariance.fields.map((index) => study.fields[index]!.name).join(':');
}

export function covarianceStatisticsOf(study: CompiledStudy, covariance: CompiledCovariance): AvailableStatistic[] {
  const units = covariance.fields.map((index) => study.fields[index]!.unit).filter((unit) => unit !== '');
  return [
    plain('covarianceCount', 'number of pairs', '1'),
    plain('covariance', 'covariance', units.join(' ')),
    plain('correlation', 'correlation', '1'),
  ];
}

/** Fields and covariances as GET /v1/fields lists them. */
export function fieldInfos(study: CompiledStudy): FieldInfo[] {
  const info = (
    field: CompiledField,
    name: string,
    unit: string,
    longName: string,
    steps: number[],
    statistics: AvailableStatistic[],
  ): FieldInfo => ({
    name,
    unit,
    longName,
    dtype: field.dtype,
    shape: field.keptShape,
    cells: field.keptCells,
    steps,
    times: steps.map((step) => timeOf(study, step)),
    timeUnit: study.time.unit,
    statistics,
  });
  const fields = study.fields.map((field) =>
    info(field, field.name, field.unit, field.longName, field.keptSteps, statisticsOf(study, field)),
  );
  const covariances = study.covariances.map((covariance) => {
    const [first, second] = covariance.fields.map((index) => study.fields[index]!) as [CompiledField, CompiledField];
    const steps = commonSteps(first, second);
    const longName = `covariance of ${first.name} and ${second.name}`;
    return info(
      first,
      covarianceName(study, covariance),
      '',
      longName,
      steps,
      covarianceStatisticsOf(study, covariance),
    );
  });
  return [...fields, ...covariances];
}

export function commonSteps(first: CompiledField, second: CompiledField): number[] {
  const others = new Set(second.keptSteps);
  return first.keptSteps.filter((step) => others.has(step));
}

/** Time of a solver step, in the study's unit; the step itself where the study gives no times. */
export function timeOf(study: CompiledStudy, step: number): number {
  return study.time.values[step] ?? step;
}

function plain(statistic: string, longName: string, unit: string): AvailableStatistic {
  return { statistic, longName, unit, argumentName: '', arguments: none };
}

function power(unit: string, exponent: number): string {
  if (unit === '' || unit === '1') return unit;
  return /^[A-Za-z°µ%]+$/.test(unit) ? `${unit}^${exponent}` : `(${unit})^${exponent}`;
}
