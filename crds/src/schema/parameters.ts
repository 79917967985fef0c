// SPDX-License-Identifier: Apache-2.0
/** `spec.parameters`: the uncertain inputs of the solver and how each is distributed. */
import { list, number, numberOrText, object, string, union, type Schema } from './schema.ts';

export const PARAMETERS_MAX = 256;
export const CHOICE_VALUES_MAX = 256;

const uniform = (log: boolean): Schema =>
  object(
    log
      ? 'The logarithm of the value is uniform between ln(min) and ln(max).'
      : 'Every value between min and max is equally likely.',
    {
      min: number(
        log ? 'Smallest value; above 0.' : 'Smallest value.',
        log ? { minimum: 0, exclusiveMinimum: true } : {},
      ),
      max: number('Largest value; above min.'),
    },
    ['min', 'max'],
    { 'x-kubernetes-validations': [{ rule: 'self.min < self.max', message: 'min must be below max' }] },
  );

const positive = { minimum: 0, exclusiveMinimum: true };

const distributions: Record<string, Schema> = {
  uniform: uniform(false),
  logUniform: uniform(true),
  normal: object(
    'Normal (Gaussian).',
    { mean: number('Mean.'), sd: number('Standard deviation; above 0.', positive) },
    ['mean', 'sd'],
  ),
  truncatedNormal: object(
    'Normal, conditioned on lying between min and max.',
    {
      mean: number('Mean of the normal before it is cut.'),
      sd: number('Standard deviation of the normal before it is cut; above 0.', positive),
      min: number('Smallest value.'),
      max: number('Largest value; above min.'),
    },
    ['mean', 'sd', 'min', 'max'],
    { 'x-kubernetes-validations': [{ rule: 'self.min < self.max', message: 'min must be below max' }] },
  ),
  logNormal: object(
    'The natural logarithm of the value is normal.',
    { mu: number('Mean of the logarithm.'), sigma: number('Standard deviation of the logarithm; above 0.', positive) },
    ['mu', 'sigma'],
  ),
  triangular: object(
    'Triangular density between min and max with its peak at mode.',
    {
      min: number('Smallest value.'),
      mode: number('Most likely value, from min to max.'),
      max: number('Largest value; above min.'),
    },
    ['min', 'mode', 'max'],
    {
      'x-kubernetes-validations': [
        {
          rule: 'self.min < self.max && self.min <= self.mode && self.mode <= self.max',
          message: 'min <= mode <= max and min < max must hold',
        },
      ],
    },
  ),
  choice: object(
    'One of a list of values, numbers or texts.',
    {
      values: list('The values.', numberOrText('A number, or a text that is passed to the solver as written.'), {
        min: 1,
        max: CHOICE_VALUES_MAX,
      }),
      weights: list(
        'How likely each value is, in proportion; all equal when left out.',
        number('At least 0.', { minimum: 0 }),
        {
          min: 1,
          max: CHOICE_VALUES_MAX,
        },
      ),
    },
    ['values'],
  ),
  constant: object(
    "The same value for every simulation; it gets no Sobol' index and is refused in a pick-freeze study.",
    { value: numberOrText('A number, or a text that is passed to the solver as written.') },
    ['value'],
  ),
};

const parameter = union('One parameter: its name and exactly one distribution.', distributions);

export const parameters: Schema = list(
  'The uncertain parameters of the solver, in the order in which results list them.',
  {
    ...parameter,
    properties: {
      name: string(
        'Name of the parameter; `{name}` in command, arguments, environment and files is replaced by its value.',
        64,
        {
          minLength: 1,
          pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$',
          melissa: {
            patternMeans: 'a letter or _ followed by letters, digits, _, - and .',
            remedy: 'Choose a name such as conductivity_1.',
          },
        },
      ),
      unit: string('Unit of the value, for results and plots.', 64, { default: '' }),
      longName: string('What the parameter is, for results and plots.', 256, { default: '' }),
      ...distributions,
    },
    required: ['name'],
  },
  { min: 1, max: PARAMETERS_MAX },
  { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
);
