// SPDX-License-Identifier: Apache-2.0
/** `spec.time` and `spec.fields`: what the solver sends, when, and where it lives in space. */
import { fieldStatistics } from './statistics.ts';
import { choice, integer, list, number, object, string, type Schema } from './schema.ts';

export const FIELDS_MAX = 64;
export const STEPS_MAX = 1_000_000;
/** Beyond this a time axis is written as start and step; the values are part of one object in a cluster. */
export const TIME_VALUES_MAX = 10_000;
export const CELLS_MAX = Number.MAX_SAFE_INTEGER;
export const AXES_MAX = 3;
export const RANGES_MAX = 1024;

export const fieldName = (description: string, extra: Partial<Schema> = {}): Schema =>
  string(description, 128, {
    minLength: 1,
    pattern: '^[A-Za-z0-9_.-]+$',
    ...extra,
    melissa: {
      patternMeans: 'made of letters, digits, _, - and .',
      remedy: 'Choose a name such as temperature.',
      ...extra.melissa,
    },
  });

export const time: Schema = object(
  'The time steps of one simulation: a count with start and step, or a list of values.',
  {
    steps: integer(
      'Number of time steps that one simulation sends of each field.',
      { min: 1, max: STEPS_MAX },
      { melissa: { defaultMeans: 'the length of `values`, else 1' } },
    ),
    unit: string('Unit of time.', 64, { default: '' }),
    start: number('Time of step 0.', { melissa: { defaultMeans: '0' } }),
    step: number('Time between two steps; above 0.', {
      minimum: 0,
      exclusiveMinimum: true,
      melissa: { defaultMeans: '1' },
    }),
    values: list('Time of every step, rising.', number('Time of one step.'), { min: 1, max: TIME_VALUES_MAX }),
  },
  [],
  {
    'x-kubernetes-validations': [
      {
        rule: '!has(self.values) || (!has(self.start) && !has(self.step))',
        message: 'give values, or start and step, not both',
      },
      {
        rule: '!has(self.values) || !has(self.steps) || self.steps == size(self.values)',
        message: 'steps must equal the number of values',
      },
    ],
  },
);

const cellIndex = (description: string, min = 0): Schema => integer(description, { min, max: CELLS_MAX });
const perAxis = (description: string, item: Schema): Schema => list(description, item, { min: 1, max: AXES_MAX });

const region: Schema = object(
  'The part of the field that is analysed; the library drops the rest in the solver. Exactly one of box and ranges.',
  {
    box: object(
      'A box of cells of a field with a shape.',
      {
        start: perAxis('First index of each axis.', cellIndex('Index.')),
        stop: perAxis('Index after the last of each axis.', cellIndex('Index.', 1)),
      },
      ['start', 'stop'],
    ),
    ranges: list(
      'Ranges of cells, rising and apart from each other.',
      object(
        'Cells start ≤ i < stop.',
        { start: cellIndex('First cell.'), stop: cellIndex('Cell after the last.', 1) },
        ['start', 'stop'],
      ),
      { min: 1, max: RANGES_MAX },
    ),
  },
  [],
  { melissa: { exactlyOneOf: ['box', 'ranges'] } },
);

const mesh: Schema = object(
  'Where the cells are in space: a regular grid (spacing, origin), a file of coordinates, or an unstructured mesh.',
  {
    spacing: perAxis(
      'Regular grid: distance between cells along each axis of `shape`.',
      number('Above 0.', { minimum: 0, exclusiveMinimum: true }),
    ),
    origin: perAxis('Regular grid: coordinates of the first cell.', number('Coordinate.')),
    points: string(
      'Path of a CSV or .npy file with one row a cell and columns x [y [z]], relative to the manifest.',
      4096,
      { minLength: 1 },
    ),
    file: string('Path of a .vtu mesh, relative to the manifest.', 4096, { minLength: 1 }),
  },
  [],
  {
    melissa: { exactlyOneOf: ['spacing', 'points', 'file'] },
    'x-kubernetes-validations': [{ rule: '!has(self.origin) || has(self.spacing)', message: 'origin needs spacing' }],
  },
);

export const fields: Schema = list(
  'The fields that every simulation sends. An empty list is a study without data: a simulation succeeds when the solver exits with 0.',
  object(
    'One field.',
    {
      name: fieldName('Name of the field, as in the call of melissa_init.'),
      unit: string('Unit of the values.', 64, { default: '' }),
      longName: string('What the field is, for results and plots.', 256, { default: '' }),
      cells: cellIndex('Number of cells over all ranks of the solver; give this or shape.', 1),
      shape: perAxis(
        'Number of cells along each axis, slowest first (C order); give this or cells.',
        cellIndex('Cells along the axis.', 1),
      ),
      dtype: choice('Kind of number that the solver sends.', ['Float32', 'Float64'], { default: 'Float64' }),
      mesh,
      every: integer(
        'Keep the steps 0, k, 2k, …; the library drops the others in the solver.',
        { min: 1, max: STEPS_MAX },
        { melissa: { defaultMeans: '1' } },
      ),
      steps: list('Keep these steps, rising; instead of every.', integer('Step.', { min: 0, max: STEPS_MAX - 1 }), {
        min: 1,
        max: TIME_VALUES_MAX,
      }),
      region,
      statistics: fieldStatistics,
    },
    ['name'],
    {
      melissa: { exactlyOneOf: ['cells', 'shape'], atMostOneOf: ['every', 'steps'] },
      'x-kubernetes-validations': [
        {
          rule: '!has(self.region) || !has(self.region.box) || (has(self.shape) && size(self.region.box.start) == size(self.shape) && size(self.region.box.stop) == size(self.shape))',
          message: 'region.box needs a shape and one start and stop for each of its axes',
        },
        {
          rule: '!has(self.mesh) || !has(self.mesh.spacing) || (has(self.shape) && size(self.mesh.spacing) == size(self.shape))',
          message: 'mesh.spacing needs a shape and one number for each of its axes',
        },
      ],
    },
  ),
  { max: FIELDS_MAX },
  { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
);
