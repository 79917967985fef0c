// SPDX-License-Identifier: Apache-2.0
/** `spec.statistics` and a field's own `statistics`: what is computed of every cell at every step. */
import { boolean, choice, integer, list, number, object, string, type Schema } from './schema.ts';

export const THRESHOLDS_MAX = 64;
export const QUANTILES_MAX = 64;
export const COVARIANCES_MAX = 64;

const field = (description: string): Schema => string(description, 128, { minLength: 1 });
const open01 = { minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true };

/** Keys that the study sets for all its fields and a field may set for itself. */
const common = (inherit: boolean): Record<string, Schema> => {
  const fallback = (value: unknown): Partial<Schema> =>
    inherit ? { melissa: { defaultMeans: "as in the study's statistics" } } : { default: value };
  return {
    moments: integer(
      '0: none; 1: mean; 2: also variance and standard error; 3: also skewness; 4: also kurtosis. Pick-freeze: pooled over A and B.',
      { min: 0, max: 4 },
      fallback(2),
    ),
    extrema: boolean('Minimum and maximum.', fallback(false)),
    quantiles: list(
      'Probabilities of the wanted quantiles.',
      number('Above 0 and below 1.', open01),
      { max: QUANTILES_MAX },
      fallback([]),
    ),
    quantileMethod: choice(
      'Lattice: counters on aligned bins, the same in any order, with a stated error. RobbinsMonro: less memory, depends on the order, cannot be merged.',
      ['Lattice', 'RobbinsMonro'],
      fallback('Lattice'),
    ),
    spacing: choice(
      "Spacing of the lattice's bins; Log suits heavy tails of positive values.",
      ['Linear', 'Log'],
      fallback('Linear'),
    ),
    histogram: boolean("Also write the lattice's counters as a histogram.", fallback(false)),
  };
};

const stopWhen: Schema = object(
  "Stop leasing simulations when the Sobol' indices are known well enough; intervals are not corrected for looking.",
  {
    sobolIntervalBelow: number('Stop when the widest interval of an eligible cell is narrower than this.', {
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 2,
    }),
    every: integer('Look after every so many groups; must hold twice in a row.', { min: 1 }, { default: 50 }),
    minGroups: integer('Do not look before so many groups.', { min: 100 }, { default: 100 }),
    minVarianceShare: number(
      "A cell is eligible when its variance is at least this share of the field's largest at that step.",
      {
        minimum: 0,
        maximum: 1,
        default: 0.01,
      },
    ),
  },
  ['sobolIntervalBelow'],
);

export const statistics: Schema = object(
  "What is computed of every cell at every step, over all simulations. Left out: mean and variance, and in a pick-freeze study Sobol' indices with intervals.",
  {
    ...common(false),
    exceedance: list(
      'Probability that the value lies above a threshold (strictly).',
      object(
        'One threshold.',
        {
          field: { ...field('Field that it applies to.'), melissa: { defaultMeans: 'every field' } },
          above: number('The threshold.'),
        },
        ['above'],
      ),
      { max: THRESHOLDS_MAX },
      { default: [] },
    ),
    sobol: object("Sobol' indices of a pick-freeze study.", {
      estimator: choice(
        "Estimator of the indices; None: no Sobol' indices.",
        ['Martinez', 'Jansen', 'Saltelli', 'None'],
        { default: 'Martinez' },
      ),
      interval: choice(
        'Confidence interval. Martinez: Robust (delta method) or Fisher (less memory; too narrow when the field is far from normal). Any: Jackknife, None.',
        ['Robust', 'Fisher', 'Jackknife', 'None'],
        { melissa: { defaultMeans: 'Robust for Martinez on a Random or LatinHypercube design, else None' } },
      ),
      jackknifeBlocks: integer(
        'Jackknife: number of blocks of groups; memory grows in proportion.',
        { min: 2, max: 100 },
        { default: 20 },
      ),
      level: number('Confidence level of the interval.', { ...open01, default: 0.95 }),
    }),
    covariance: list(
      'Covariance and correlation of two fields, cell by cell.',
      object('One pair.', { fields: list('The two fields.', field('Name of a field.'), { min: 2, max: 2 }) }, [
        'fields',
      ]),
      { max: COVARIANCES_MAX },
      { default: [] },
    ),
    stopWhen,
  },
);

export const fieldStatistics: Schema = object("Statistics of this field where they differ from the study's.", {
  ...common(true),
  sobol: boolean("Sobol' indices of this field.", { melissa: { defaultMeans: "as in the study's statistics" } }),
});
