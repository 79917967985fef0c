// SPDX-License-Identifier: Apache-2.0
/** `spec.sampling`: which parameter vectors the simulations get. */
import { PARAMETERS_MAX } from './parameters.ts';
import { boolean, choice, integer, list, map, numberOrText, object, string, union, type Schema } from './schema.ts';

export const SIMULATIONS_MAX = 10_000_000;
/** An object in a cluster may not exceed 1.5 MB; a list of parameters is allowed a third of it. */
export const INLINE_TEXT_MAX = 524_288;
export const INLINE_ROWS_MAX = 16_384;
export const SEED_MAX = Number.MAX_SAFE_INTEGER;

export const METHODS = ['Random', 'LatinHypercube', 'Halton', 'Sobol', 'Grid', 'List', 'PickFreeze'] as const;

const listOfRows: Schema = union('Where the rows come from.', {
  csv: string(
    'Path of a CSV file, relative to the manifest. Its first line names the parameters, in any order.',
    4096,
    { minLength: 1 },
  ),
  text: string('The content of such a CSV file.', INLINE_TEXT_MAX, { minLength: 1 }),
  rows: list(
    'One row a simulation, values in the order of `parameters`.',
    list('One row.', numberOrText('Value of one parameter.'), { min: 1, max: PARAMETERS_MAX }),
    { min: 1, max: INLINE_ROWS_MAX },
  ),
  configMap: object(
    'A ConfigMap in the namespace of the study that holds such a CSV file; for clusters only.',
    {
      name: string('Name of the ConfigMap.', 253, { minLength: 1 }),
      key: string('Key in the ConfigMap.', 253, { minLength: 1 }),
    },
    ['name', 'key'],
  ),
});

export const sampling: Schema = object(
  'How parameter vectors are drawn. `simulations` counts them, except in pick-freeze (`groups`), grid (`points`) and list.',
  {
    method: choice(
      "Random: independent. LatinHypercube: each parameter stratified. Halton, Sobol: low-discrepancy sequences, unscrambled ones equal to SciPy's. Grid: full factorial. List: given rows. PickFreeze: groups of simulations for Sobol' indices.",
      METHODS,
    ),
    design: choice(
      'PickFreeze: how the two independent samples A and B are drawn.',
      ['Random', 'LatinHypercube', 'Halton', 'Sobol'],
      {
        melissa: {
          defaultMeans: 'Random when `method` is PickFreeze',
          remedy: 'A pick-freeze study needs two independent samples; use design: Random.',
        },
      },
    ),
    simulations: integer('Random, LatinHypercube, Halton, Sobol: number of simulations.', {
      min: 1,
      max: SIMULATIONS_MAX,
    }),
    groups: integer('PickFreeze: number of groups; each has P + 2 simulations, with second order 2P + 2.', {
      min: 1,
      max: SIMULATIONS_MAX,
    }),
    seed: integer(
      'Seed of every random number of the study; the same seed draws the same parameters.',
      { min: 0, max: SEED_MAX },
      { default: 0 },
    ),
    secondOrder: boolean("PickFreeze: also the members that second-order Sobol' indices need.", { default: false }),
    skip: integer('Halton, Sobol: number of first points left out.', { min: 0 }, { melissa: { defaultMeans: '0' } }),
    scramble: boolean('Halton, Sobol: randomise the sequence by the seed.', { melissa: { defaultMeans: 'false' } }),
    points: map(
      'Grid: number of points of each parameter by its name; the last parameter varies fastest. Uniform and log-uniform: evenly from min to max, both included; else midpoints of equally likely intervals. A choice takes its values, a constant is one point.',
      integer('Number of points.', { min: 1, max: 1_000_000 }),
      PARAMETERS_MAX,
    ),
    list: { ...listOfRows, description: 'List: the rows of parameters, one a simulation.' },
  },
  ['method'],
  {
    'x-kubernetes-validations': [
      {
        rule: "self.method == 'PickFreeze' ? has(self.groups) : !has(self.groups)",
        message: 'groups is needed by method PickFreeze and by no other',
      },
      {
        rule: "(self.method in ['Random', 'LatinHypercube', 'Halton', 'Sobol']) ? has(self.simulations) : !has(self.simulations)",
        message: 'simulations is needed by the methods Random, LatinHypercube, Halton and Sobol and by no other',
      },
      {
        rule: "self.method == 'Grid' ? has(self.points) : !has(self.points)",
        message: 'points is needed by method Grid and by no other',
      },
      {
        rule: "self.method == 'List' ? has(self.list) : !has(self.list)",
        message: 'list is needed by method List and by no other',
      },
      { rule: "self.method == 'PickFreeze' || !has(self.design)", message: 'design is for method PickFreeze only' },
    ],
  },
);
