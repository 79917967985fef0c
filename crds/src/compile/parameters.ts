// SPDX-License-Identifier: Apache-2.0
/** `spec.parameters` → CompiledParameter[]: names that do not clash, distributions that exist. */
import type { CompiledParameter, Distribution } from '../compiled.ts';
import { plural, type Problems } from '../problems.ts';
import type { CheckedSpec } from '../types.generated.ts';

type Written = CheckedSpec['parameters'][number];

/** Words that templates fill with something else than a parameter. */
export const RESERVED_TEMPLATE_NAMES = ['simulation', 'group', 'member', 'seed', 'study', 'ranks'] as const;

/** Further from the mean than this the normal's density is below the smallest double. */
const TRUNCATION_SD_MAX = 37;

export function compileParameters(written: CheckedSpec['parameters'], problems: Problems): CompiledParameter[] | null {
  if (!Array.isArray(written)) return null;
  refuseDuplicates(
    written.map((parameter) => parameter?.name),
    (i) => `spec.parameters[${i}].name`,
    'parameter',
    problems,
  );
  const compiled = written.map((parameter, i) => compileParameter(parameter, `spec.parameters[${i}]`, problems));
  return problems.clean('spec.parameters') ? compiled.filter((parameter) => parameter !== null) : null;
}

export function refuseDuplicates(
  names: unknown[],
  pathOf: (i: number) => string,
  what: string,
  problems: Problems,
): void {
  const seen = new Map<unknown, number>();
  for (const [i, name] of names.entries()) {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, i);
    else if (typeof name === 'string') {
      problems.add(
        pathOf(i),
        name,
        `"${name}" is the name of ${pathOf(first).replace(/\.[a-z]+$/, '')} already`,
        `Give every ${what} a name of its own.`,
      );
    }
  }
}

function compileParameter(written: Written, path: string, problems: Problems): CompiledParameter | null {
  if (!problems.clean(path)) return null;
  if ((RESERVED_TEMPLATE_NAMES as readonly string[]).includes(written.name)) {
    problems.add(
      `${path}.name`,
      written.name,
      `{${written.name}} has a meaning of its own in templates`,
      'Choose another name.',
    );
  }
  const distribution = distributionOf(written);
  checkDistribution(written, distribution, path, problems);
  return { name: written.name, unit: written.unit, longName: written.longName, distribution };
}

function distributionOf(written: Written): Distribution {
  if (written.uniform !== undefined) return { kind: 'Uniform', ...written.uniform };
  if (written.logUniform !== undefined) return { kind: 'LogUniform', ...written.logUniform };
  if (written.normal !== undefined) return { kind: 'Normal', ...written.normal };
  if (written.truncatedNormal !== undefined) return { kind: 'TruncatedNormal', ...written.truncatedNormal };
  if (written.logNormal !== undefined) return { kind: 'LogNormal', ...written.logNormal };
  if (written.triangular !== undefined) return { kind: 'Triangular', ...written.triangular };
  if (written.choice !== undefined) {
    const { values, weights } = written.choice;
    const proportions = weights ?? values.map(() => 1);
    const sum = proportions.reduce((a, b) => a + b, 0);
    return { kind: 'Choice', values, weights: proportions.map((weight) => weight / sum) };
  }
  return { kind: 'Constant', value: written.constant!.value };
}

function checkDistribution(written: Written, distribution: Distribution, path: string, problems: Problems): void {
  switch (distribution.kind) {
    case 'Uniform':
    case 'LogUniform':
    case 'TruncatedNormal':
    case 'Triangular': {
      const key = `${distribution.kind[0]!.toLowerCase()}${distribution.kind.slice(1)}`;
      const { min, max } = distribution;
      if (min >= max) {
        problems.add(
          `${path}.${key}.min`,
          min,
          `min ${min} must be below max ${max}`,
          min === max ? `For one fixed value write constant: { value: ${min} }.` : 'Swap min and max.',
        );
      } else if (distribution.kind === 'Triangular' && (distribution.mode < min || distribution.mode > max)) {
        problems.add(
          `${path}.${key}.mode`,
          distribution.mode,
          `mode ${distribution.mode} must lie from min ${min} to max ${max}`,
          'Move mode between them.',
        );
      } else if (!Number.isFinite(max - min)) {
        problems.add(
          `${path}.${key}.max`,
          max,
          'lies so far from min that the distance is not a number',
          'Bring min and max nearer, or use logUniform.',
        );
      } else if (distribution.kind === 'TruncatedNormal') checkTruncation(distribution, `${path}.${key}`, problems);
      return;
    }
    case 'Choice':
      checkChoice(written.choice!, `${path}.choice`, problems);
      return;
    default:
  }
}

function checkTruncation(
  d: { mean: number; sd: number; min: number; max: number },
  path: string,
  problems: Problems,
): void {
  const nearest = d.min > d.mean ? (d.min - d.mean) / d.sd : d.max < d.mean ? (d.mean - d.max) / d.sd : 0;
  if (nearest > TRUNCATION_SD_MAX) {
    problems.add(
      path,
      `${d.min} to ${d.max}`,
      `lies ${Number(nearest.toPrecision(3))} standard deviations from the mean, where the normal has no probability left`,
      `Keep min or max within ${TRUNCATION_SD_MAX} sd of the mean, or use uniform.`,
    );
  }
}

function checkChoice(written: NonNullable<Written['choice']>, path: string, problems: Problems): void {
  const { values, weights } = written;
  const seen = new Set<number | string>();
  for (const [i, value] of values.entries()) {
    if (seen.has(value))
      problems.add(
        `${path}.values[${i}]`,
        value,
        `${JSON.stringify(value)} is in the list already`,
        'Remove it, and make its weight larger instead.',
      );
    seen.add(value);
  }
  if (weights === undefined) return;
  if (weights.length !== values.length) {
    problems.add(
      `${path}.weights`,
      weights,
      `has ${plural(weights.length, 'weight')} for ${plural(values.length, 'value')}`,
      'Give one weight a value.',
    );
  } else if (!(weights.reduce((a, b) => a + b, 0) > 0)) {
    problems.add(`${path}.weights`, weights, 'all weights are 0', 'Make at least one weight positive.');
  }
}

/** Whether the lower end of the distribution is finite: a sequence that starts at 0 needs it. */
export function boundedBelow(distribution: Distribution): boolean {
  // ln(0) = -∞ gives a log-normal 0, which is not a value it can take.
  return distribution.kind !== 'Normal' && distribution.kind !== 'LogNormal';
}
