// SPDX-License-Identifier: Apache-2.0
/** `spec.client`: the solver and how its processes are started. */
import { podTemplate } from './template.ts';
import { fieldName } from './fields.ts';
import { boolean, choice, integer, list, map, number, object, quantity, string, type Schema } from './schema.ts';

export const WORDS_MAX = 256;
export const WORD_LENGTH_MAX = 8192;
export const FILES_MAX = 16;
export const PARALLELISM_MAX = 100_000;

const words = (description: string, extra: Partial<Schema> = {}, min?: number): Schema =>
  list(
    description,
    string('One word.', WORD_LENGTH_MAX),
    { ...(min === undefined ? {} : { min }), max: WORDS_MAX },
    extra,
  );

const outputs: Schema = list(
  'For a solver without instrumentation: the files or numbers that the pilot sends as fields when it has ended.',
  object(
    'Where one field is found; exactly one of npy, raw and stdout.',
    {
      field: fieldName('The field.'),
      npy: string('Path of a .npy file in the work directory: [cells] or [steps, cells].', 4096, { minLength: 1 }),
      raw: string('Path of a file of bare numbers in the work directory, step after step.', 4096, { minLength: 1 }),
      stdout: boolean('The numbers that the solver writes to standard output, separated by white space, when true.'),
    },
    ['field'],
    { melissa: { exactlyOneOf: ['npy', 'raw', 'stdout'] } },
  ),
  { max: 64 },
  { default: [] },
);

const files: Schema = list(
  'Files written into the work directory before the solver starts; `{name}` in their content is replaced.',
  object(
    'One file.',
    {
      path: string('Path relative to the work directory.', 1024, { minLength: 1 }),
      content: string('The content.', 65_536),
    },
    ['path', 'content'],
  ),
  { max: FILES_MAX },
  { default: [] },
);

export const client: Schema = object(
  'The solver. In command, args, env, preprocessing and files, `{name}` is replaced by the value of a parameter in its shortest exact decimal form; {simulation}, {group}, {member}, {seed}, {study} and {ranks} too; {{ and }} are braces.',
  {
    image: string('Container image of the solver; used on a cluster.', 1024, { default: '' }),
    command: words(
      'Program and its first arguments. A bare name is looked for in bin/ beside the manifest, then on PATH (in the image: on PATH); with a slash it is relative to the manifest (in the image: to its working directory).',
      {},
      1,
    ),
    args: words('Further arguments.', { default: [] }),
    env: map('Environment variables of the solver.', string('Value.', WORD_LENGTH_MAX), 128, { default: {} }),
    files,
    preprocessing: words('Command run before the solver in the same work directory; a failure fails the attempt.', {
      default: [],
    }),
    ranks: integer('Number of MPI ranks of one simulation.', { min: 1, max: 65_536 }, { default: 1 }),
    launcher: choice(
      'What starts the ranks: None (the command itself), Mpirun (mpirun -n RANKS), Srun, or Template (the words of launcherArgs).',
      ['None', 'Mpirun', 'Srun', 'Template'],
      { melissa: { defaultMeans: 'Mpirun when ranks is above 1, else None' } },
    ),
    launcherArgs: words(
      'Mpirun, Srun: further arguments. Template: the whole launcher, for example [mpiexec, -np, "{ranks}"].',
      { default: [] },
    ),
    loop: boolean('The solver runs many simulations in one process by melissa_next_simulation().', { default: false }),
    parallelism: integer(
      'Number of simulations run at once: the target of `melissa scale` and `kubectl scale`.',
      { min: 0, max: PARALLELISM_MAX },
      { default: 1 },
    ),
    mode: choice(
      'Pilot: a pod runs simulations one after another. PodPerSimulation: each simulation has a pod of its own.',
      ['Pilot', 'PodPerSimulation'],
      {
        default: 'Pilot',
      },
    ),
    workDirectory: boolean(
      'Give each attempt a work directory of its own; false is faster for tiny solvers that write no file.',
      { default: true },
    ),
    keepWorkDirectory: choice('Which work directories stay after the attempt.', ['Never', 'OnFailure', 'Always'], {
      default: 'Never',
    }),
    drainSeconds: number('How long a running simulation may go on when its pilot is asked to stop.', {
      minimum: 0,
      maximum: 86_400,
      default: 30,
    }),
    outputLimit: quantity(
      'How much of standard output and of standard error of an attempt is kept: its head and its tail.',
      { default: '64Ki' },
    ),
    outputs,
    template: podTemplate,
  },
  ['command'],
);
