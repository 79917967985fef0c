// SPDX-License-Identifier: Apache-2.0
/** `spec.statistics` → each field's Statistics, the covariances and the rule for stopping. */
import { closest } from '@melissa/kit';
import type { CompiledCovariance, CompiledSampling, CompiledStopWhen, Statistics } from '../compiled.ts';
import type { Problems } from '../problems.ts';
import type { CheckedSpec } from '../types.generated.ts';
import type { FieldWithoutStatistics } from './fields.ts';

type Written = CheckedSpec['statistics'];
type WrittenField = CheckedSpec['fields'][number];
const PATH = 'spec.statistics';

export type StatisticsInput = {
  written: Written;
  writtenFields: WrittenField[];
  fields: FieldWithoutStatistics[];
  sampling: CompiledSampling;
  /** The key `sobol` as the person wrote it; undefined when left out. */
  sobolWritten: boolean;
};
export type CompiledStatistics = {
  ofField: Statistics[];
  covariances: CompiledCovariance[];
  stopWhen: CompiledStopWhen;
};

export function compileStatistics(input: StatisticsInput, problems: Problems): CompiledStatistics | null {
  const { written, writtenFields, fields, sampling } = input;
  const names = fields.map(({ name }) => name);
  const sobol = compileSobol(input, problems);
  for (const [i, { field }] of written.exceedance.entries()) {
    if (field !== undefined) checkFieldName(field, names, `${PATH}.exceedance[${i}].field`, problems);
  }
  const ofField = fields.map((field, i) =>
    statisticsOfField(
      { study: written, own: writtenFields[i]!, name: field.name, sobol, path: `spec.fields[${i}].statistics` },
      problems,
    ),
  );
  checkQuantiles(written.quantiles, `${PATH}.quantiles`, problems);
  const covariances = compileCovariances(written.covariance, fields, problems);
  const stopWhen = compileStopWhen(written.stopWhen, sampling, ofField, problems);
  return problems.clean(PATH, 'spec.fields') ? { ofField, covariances, stopWhen } : null;
}

export function checkFieldName(name: string, names: string[], path: string, problems: Problems): number {
  const index = names.indexOf(name);
  if (index < 0) {
    const near = closest(name, names);
    problems.add(
      path,
      name,
      `no field is named "${name}"${near === null ? '' : `; did you mean ${near}?`}`,
      near === null ? `Fields are: ${names.join(', ') || 'none'}.` : `Write ${near} instead.`,
    );
  }
  return index;
}

function checkQuantiles(quantiles: number[], path: string, problems: Problems): void {
  const at = quantiles.findIndex((quantile, i) => quantiles.indexOf(quantile) !== i);
  if (at >= 0) problems.add(`${path}[${at}]`, quantiles[at], `${quantiles[at]} is in the list already`, 'Remove it.');
}

type OfField = { study: Written; own: WrittenField; name: string; sobol: Statistics['sobol']; path: string };

function statisticsOfField({ study, own, name, sobol, path }: OfField, problems: Problems): Statistics {
  const mine = own.statistics ?? {};
  const moments = (mine.moments ?? study.moments) as Statistics['moments'];
  const quantiles = [...(mine.quantiles ?? study.quantiles)].sort((a, b) => a - b);
  const quantileMethod = mine.quantileMethod ?? study.quantileMethod;
  const histogram = mine.histogram ?? study.histogram;
  if (mine.quantiles !== undefined) checkQuantiles(mine.quantiles, `${path}.quantiles`, problems);
  if (histogram && quantileMethod === 'RobbinsMonro') {
    const own = mine.histogram !== undefined || mine.quantileMethod !== undefined;
    const where = `${own ? path : PATH}.histogram`;
    if (problems.clean(where))
      problems.add(
        where,
        true,
        'needs the lattice, but quantileMethod is RobbinsMonro',
        'Use quantileMethod: Lattice, or histogram: false.',
      );
  }
  if (mine.sobol === true && sobol === null) {
    problems.add(
      `${path}.sobol`,
      true,
      "the study has no Sobol' indices",
      'Use sampling method PickFreeze and statistics.sobol.',
    );
  }
  const above = study.exceedance.filter(({ field }) => field === undefined || field === name).map((item) => item.above);
  return {
    moments,
    extrema: mine.extrema ?? study.extrema,
    exceedance: [...new Set(above)].sort((a, b) => a - b),
    quantiles,
    quantileMethod,
    spacing: mine.spacing ?? study.spacing,
    histogram,
    sobol: mine.sobol === false ? null : sobol,
  };
}

function compileSobol(
  { written, fields, sampling, sobolWritten }: StatisticsInput,
  problems: Problems,
): Statistics['sobol'] {
  const path = `${PATH}.sobol`;
  const sobol = written.sobol ?? { estimator: 'Martinez', jackknifeBlocks: 20, level: 0.95 };
  if (sampling.method !== 'PickFreeze') {
    if (sobolWritten && sobol.estimator !== 'None') {
      problems.add(
        path,
        null,
        `needs pick-freeze groups, but sampling.method is ${sampling.method}`,
        'Set sampling: { method: PickFreeze, groups: … }, or remove sobol.',
      );
    }
    return null;
  }
  const { estimator } = sobol;
  if (fields.length === 0 || estimator === 'None') return null;
  const sequence = sampling.design === 'Halton' || sampling.design === 'Sobol';
  const interval = sobol.interval ?? (estimator === 'Martinez' && !sequence ? 'Robust' : 'None');
  if (interval !== 'None' && sequence) {
    problems.add(
      `${path}.interval`,
      interval,
      `confidence intervals need independent samples, which a ${sampling.design} sequence does not give`,
      'Use design: Random, or interval: None.',
    );
  }
  if ((interval === 'Robust' || interval === 'Fisher') && estimator !== 'Martinez') {
    problems.add(
      `${path}.interval`,
      interval,
      `${interval} intervals exist for the estimator Martinez only`,
      `Use interval: Jackknife, or estimator: Martinez.`,
    );
  }
  if (interval === 'Jackknife' && sampling.groups < sobol.jackknifeBlocks) {
    problems.add(
      `${path}.jackknifeBlocks`,
      sobol.jackknifeBlocks,
      `is more than the ${sampling.groups} groups of the study`,
      'Lower it, or draw more groups.',
    );
  }
  return {
    estimator,
    secondOrder: sampling.secondOrder,
    interval,
    jackknifeBlocks: sobol.jackknifeBlocks,
    level: sobol.level,
  };
}

function compileCovariances(
  written: Written['covariance'],
  fields: FieldWithoutStatistics[],
  problems: Problems,
): CompiledCovariance[] {
  const names = fields.map(({ name }) => name);
  const seen = new Set<string>();
  return written.map(({ fields: pair }, i) => {
    const path = `${PATH}.covariance[${i}].fields`;
    const [a, b] = pair.map((name, j) => checkFieldName(name, names, `${path}[${j}]`, problems)) as [number, number];
    if (a < 0 || b < 0) return { fields: [a, b] };
    const key = [a, b].sort().join();
    if (a === b)
      problems.add(
        path,
        pair,
        'names one field twice; its covariance with itself is its variance',
        'Name two fields, or use moments: 2.',
      );
    else if (seen.has(key)) problems.add(path, pair, 'is in the list already', 'Remove it.');
    else refuseDifferent(fields[a]!, fields[b]!, path, problems);
    seen.add(key);
    return { fields: [a, b] };
  });
}

function refuseDifferent(a: FieldWithoutStatistics, b: FieldWithoutStatistics, path: string, problems: Problems): void {
  const pair = `${a.name}, ${b.name}`;
  if (a.keptCells !== b.keptCells) {
    problems.add(
      path,
      pair,
      `${a.name} keeps ${a.keptCells} cells and ${b.name} keeps ${b.keptCells}; covariance is cell by cell`,
      'Give both fields the same cells and region.',
    );
  } else if (JSON.stringify(a.keptSteps) !== JSON.stringify(b.keptSteps)) {
    problems.add(
      path,
      pair,
      `${a.name} and ${b.name} keep different steps`,
      'Give both fields the same every or steps.',
    );
  }
}

function compileStopWhen(
  written: Written['stopWhen'],
  sampling: CompiledSampling,
  ofField: Statistics[],
  problems: Problems,
): CompiledStopWhen {
  if (written === undefined) return null;
  const path = `${PATH}.stopWhen`;
  const withSobol = ofField.filter(({ sobol }) => sobol !== null);
  if (withSobol.length === 0) {
    problems.add(
      path,
      null,
      "needs Sobol' indices, and the study has none",
      'Use sampling method PickFreeze with statistics.sobol, or remove stopWhen.',
    );
  } else if (withSobol.every(({ sobol }) => sobol!.interval === 'None')) {
    problems.add(
      path,
      null,
      'needs confidence intervals, but interval is None',
      'Set sobol: { interval: Robust } or Jackknife.',
    );
  } else if (written.minGroups >= sampling.groups) {
    problems.add(
      `${path}.minGroups`,
      written.minGroups,
      `is never passed: the study has ${sampling.groups} groups`,
      'Draw more groups, or remove stopWhen.',
    );
  }
  return written;
}
