// SPDX-License-Identifier: Apache-2.0
// What a manifest is refused for, with the exact words. One row a mistake.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, problemsOf, type Changes } from './testing.ts';

const PF = { method: 'PickFreeze', groups: 200 };
const TWO = [
  { name: 'x', uniform: { min: 0, max: 1 } },
  { name: 'y', normal: { mean: 0, sd: 1 } },
];
const P = 'spec.parameters';
const S = 'spec.sampling';

const refusals: [Changes, ...string[]][] = [
  // ---- envelope ----
  [{ apiVersion: 'v1' }, 'apiVersion: must be melissa.dev/v1alpha1 | Write apiVersion: melissa.dev/v1alpha1.'],
  [{ kind: 'Study' }, 'kind: must be MelissaStudy | Write kind: MelissaStudy.'],
  [{ metadata: {} }, 'metadata.name: is missing | Name the study, for example metadata: { name: heat }.'],
  [
    { 'metadata.name': 'Heat' },
    'metadata.name: must start with a letter, hold only lower-case letters, digits and -, and end with a letter or digit | Choose a name such as heat-2.',
  ],
  [{ 'metadata.name': 'a'.repeat(41) }, 'metadata.name: has 41 characters; at most 40 are allowed | Shorten it.'],
  [{ sepc: {} }, 'sepc: unknown key "sepc"; did you mean spec? | Write spec instead.'],
  // ---- shape of the schema ----
  [{ 'spec.sampling.sede': 1 }, `${S}.sede: unknown key "sede"; did you mean seed? | Write seed instead.`],
  [
    { 'spec.local.directory': 'x' },
    'spec.local.directory: unknown key "directory"; did you mean spec.server.directory? | Write spec.server.directory instead.',
  ],
  [
    { 'spec.backend': { kubernetes: { zone: 1 } } },
    'spec.backend.kubernetes.zone: unknown key "zone" | Remove it; no key is known here.',
  ],
  [
    { 'spec.client.command': undefined },
    'spec.client.command: is missing | Add command: Program and its first arguments.',
  ],
  [
    { 'spec.sampling.simulations': '10' },
    `${S}.simulations: must be a whole number, but is text | Write a whole number.`,
  ],
  [{ 'spec.sampling.simulations': 1.5 }, `${S}.simulations: must be a whole number | Write 2, for example.`],
  [
    { 'spec.sampling.simulations': 0 },
    `${S}.simulations: must be from 1 to 10000000 | Write a number that is from 1 to 10000000.`,
  ],
  [{ 'spec.sampling.seed': -1 }, `${S}.seed: must be at least 0 | Write a number that is at least 0.`],
  [
    { 'spec.sampling.seed': 2 ** 53 },
    `${S}.seed: must be at most 9007199254740991 | Write a number that is at most 9007199254740991.`,
  ],
  [{ 'spec.suspend': 'yes' }, 'spec.suspend: must be true or false, but is text | Write true or false.'],
  [
    { 'spec.parameters.0.uniform.min': NaN },
    `${P}[0].uniform.min: must be a number, but is not finite | Write a number.`,
  ],
  [{ 'spec.fields': {} }, 'spec.fields: must be a list, but is a map | Write a list.'],
  [
    { 'spec.fields.0.dtype': 'float32' },
    'spec.fields[0].dtype: "float32" is not one of Float32, Float64; did you mean Float32? | Write Float32.',
  ],
  [
    { 'spec.nonFinite': 'Ignore' },
    'spec.nonFinite: "Ignore" is not one of Reject, Skip, Propagate | Write one of them.',
  ],
  [
    { 'spec.server.memory': 4 },
    'spec.server.memory: must be text, but is a number | Write it as text with a unit, for example 4Gi.',
  ],
  [
    { 'spec.server.memory': '4 GB' },
    'spec.server.memory: must be an amount of memory such as 4Gi or 500M | Write a number with one of the units k, M, G, T, Ki, Mi, Gi, Ti, for example 4Gi.',
  ],
  [{ 'spec.parameters': [] }, `${P}: needs at least 1 item | Add to the list.`],
  [{ 'spec.client.command': null }, 'spec.client.command: is missing | Add command: Program and its first arguments.'],
  [
    { 'spec.statistics.quantiles': [1] },
    'spec.statistics.quantiles[0]: must be above 0 and below 1 | Write a number that is above 0 and below 1.',
  ],
  // ---- parameters ----
  [
    { 'spec.parameters.0': { name: 'x' } },
    `${P}[0]: needs exactly one of uniform, logUniform, normal, truncatedNormal, logNormal, triangular, choice, constant | Add one of them.`,
  ],
  [
    { 'spec.parameters.0.constant': { value: 1 } },
    `${P}[0]: has uniform and constant; only one of uniform, logUniform, normal, truncatedNormal, logNormal, triangular, choice, constant may be given | Keep uniform or constant.`,
  ],
  [
    { 'spec.parameters.0.name': '2x' },
    `${P}[0].name: must be a letter or _ followed by letters, digits, _, - and . | Choose a name such as conductivity_1.`,
  ],
  [
    { 'spec.parameters.0.name': 'seed' },
    `${P}[0].name: {seed} has a meaning of its own in templates | Choose another name.`,
  ],
  [
    { 'spec.parameters': [TWO[0], TWO[0]] },
    `${P}[1].name: "x" is the name of ${P}[0] already | Give every parameter a name of its own.`,
  ],
  [
    { 'spec.parameters.0.uniform': { min: 2, max: 1 } },
    `${P}[0].uniform.min: min 2 must be below max 1 | Swap min and max.`,
  ],
  [
    { 'spec.parameters.0.uniform': { min: 1, max: 1 } },
    `${P}[0].uniform.min: min 1 must be below max 1 | For one fixed value write constant: { value: 1 }.`,
  ],
  [
    { 'spec.parameters.0.uniform': { min: -1e308, max: 1e308 } },
    `${P}[0].uniform.max: lies so far from min that the distance is not a number | Bring min and max nearer, or use logUniform.`,
  ],
  [
    { 'spec.parameters.0': { name: 'x', normal: { mean: 0, sd: 0 } } },
    `${P}[0].normal.sd: must be above 0 | Write a number that is above 0.`,
  ],
  [
    { 'spec.parameters.0': { name: 'x', triangular: { min: 0, mode: 3, max: 1 } } },
    `${P}[0].triangular.mode: mode 3 must lie from min 0 to max 1 | Move mode between them.`,
  ],
  [
    { 'spec.parameters.0': { name: 'x', truncatedNormal: { mean: 0, sd: 1, min: 40, max: 50 } } },
    `${P}[0].truncatedNormal: lies 40 standard deviations from the mean, where the normal has no probability left | Keep min or max within 37 sd of the mean, or use uniform.`,
  ],
  [
    { 'spec.parameters.0': { name: 'x', choice: { values: [1, 2], weights: [1] } } },
    `${P}[0].choice.weights: has 1 weight for 2 values | Give one weight a value.`,
  ],
  [
    { 'spec.parameters.0': { name: 'x', choice: { values: [1, 2], weights: [0, 0] } } },
    `${P}[0].choice.weights: all weights are 0 | Make at least one weight positive.`,
  ],
  [
    { 'spec.parameters.0': { name: 'x', choice: { values: ['a', 'a'] } } },
    `${P}[0].choice.values[1]: "a" is in the list already | Remove it, and make its weight larger instead.`,
  ],
  [
    { 'spec.parameters.0': { name: 'x', choice: { values: [true] } } },
    `${P}[0].choice.values[0]: must be a number or text, but is true or false | Write a number, or text in quotes.`,
  ],
  [
    { 'spec.parameters': [{ name: 'x', constant: { value: 1 } }] },
    `${P}: every parameter is Constant, so all 10 simulations would be equal | Give a parameter a distribution, pass {seed} to a stochastic solver, or set simulations: 1.`,
  ],
  // ---- sampling ----
  [
    { 'spec.sampling': { method: 'Random' } },
    `${S}.simulations: is missing: method Random needs it | Add simulations.`,
  ],
  [
    { 'spec.sampling.groups': 3 },
    `${S}.groups: has no meaning for method Random | Remove it, or use method PickFreeze.`,
  ],
  [
    { 'spec.sampling.skip': 3 },
    `${S}.skip: has no meaning for method Random | Remove it, or use method Halton or Sobol.`,
  ],
  [
    { 'spec.sampling.secondOrder': true },
    `${S}.secondOrder: has no meaning for method Random | Remove it, or use method PickFreeze.`,
  ],
  [
    { 'spec.sampling': { ...PF, design: 'List' } },
    `${S}.design: "List" is not one of Random, LatinHypercube, Halton, Sobol | A pick-freeze study needs two independent samples; use design: Random.`,
  ],
  [
    { 'spec.sampling': PF, 'spec.parameters': [TWO[0], { name: 'k', constant: { value: 5 } }] },
    `${P}[1].constant: "k" is Constant, and a constant has no Sobol' index: each group would run one simulation for nothing | Remove the parameter and write 5 where {k} stands.`,
  ],
  [
    { 'spec.sampling': { method: 'PickFreeze', groups: 4e6 } },
    `${S}.groups: makes 12000000 simulations; at most 10000000 are allowed | Lower groups.`,
  ],
  [
    { 'spec.sampling': { method: 'Sobol', simulations: 8 }, 'spec.parameters': TWO },
    `${S}.skip: the first point of an unscrambled Sobol sequence is 0, where "y" (Normal) has no finite value | Set skip: 1 or scramble: true.`,
  ],
  [
    { 'spec.sampling': { method: 'Sobol', simulations: 8, skip: 2 ** 30 } },
    `${S}.skip: the sequence ends after 1073741824 points; skip and simulations need 1073741832 | Lower skip.`,
  ],
  [
    {
      'spec.sampling': { method: 'PickFreeze', design: 'Sobol', groups: 200, skip: 1 },
      'spec.parameters': Array.from({ length: 129 }, (_, i) => ({ name: `p${i}`, uniform: { min: 0, max: 1 } })),
    },
    `${S}.design: needs 258 dimensions; at most 256 are available | Use Random or LatinHypercube.`,
  ],
  [
    { 'spec.sampling': { method: 'Grid', points: { z: 3 } } },
    `${S}.points.z: no parameter is named "z"; did you mean x? | Write x instead.`,
    `${S}.points.x: is missing: every parameter of a grid needs a number of points | Add x: and a number.`,
  ],
  [
    {
      'spec.sampling': { method: 'Grid', points: { x: 3 } },
      'spec.parameters': [{ name: 'x', choice: { values: [1, 2] } }],
    },
    `${S}.points.x: must be 2: a choice of 2 values has no other number of points | Write 2, or leave it out.`,
  ],
  [
    { 'spec.sampling': { method: 'Grid', points: { x: 1e6, y: 1e6 } }, 'spec.parameters': TWO },
    `${S}.points: makes 1000000000000 simulations; at most 10000000 are allowed | Lower points.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { rows: [[1, 2]] } } },
    `${S}.list.rows[0]: has 2 values for 1 parameter | Give one value each for x.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { rows: [['one']] } } },
    `${S}.list.rows[0]: "one" is not a number, but "x" is one | Correct the value of x.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { text: 'xx\n1\n' } } },
    `${S}.list.text: column "xx" is not a parameter; did you mean x? | The first line must name x.`,
    `${S}.list.text: has no column for parameter "x" | The first line must name x.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { text: 'x\n1\n1,2\n' } } },
    `${S}.list.text: line 3 has 2 values, the first line names 1 | Give every line one value a column.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { text: 'x\n' } } },
    `${S}.list.text: has no row | Add one row a simulation.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { text: 'x\n\nabc\n' } } },
    `${S}.list.text line 3: "abc" is not a number, but "x" is one | Correct the value of x.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { configMap: { name: 'a', key: 'b' } } } },
    `${S}.list.configMap: a ConfigMap can be read on a cluster only | Use csv, text or rows on one machine.`,
  ],
  [
    { 'spec.sampling': { method: 'List', list: { csv: 'a.csv' } } },
    `${S}.list.csv: files cannot be read here | Use text, or start the study with melissa run, which inlines the file.`,
  ],
  [
    {
      'spec.sampling': { method: 'List', list: { rows: [['lead']] } },
      'spec.parameters': [{ name: 'metal', choice: { values: ['iron', 'zinc'] } }],
    },
    `${S}.list.rows[0]: "lead" is not one of the values of "metal": iron, zinc | Correct the value of metal.`,
  ],
  // ---- time and fields ----
  [{ 'spec.time': { values: [0, 1], step: 1 } }, 'spec.time.step: is given by values already | Remove step or values.'],
  [
    { 'spec.time': { values: [0, 1], steps: 3 } },
    'spec.time.steps: says 3 steps, but values has 2 | Remove steps, or give one value a step.',
  ],
  [
    { 'spec.time': { values: [0, 2, 1] } },
    'spec.time.values[2]: 1 does not rise above 2 | Write the times in rising order.',
  ],
  [
    { 'spec.fields.0.name': 'über' },
    'spec.fields[0].name: must be made of letters, digits, _, - and . | Choose a name such as temperature.',
  ],
  [
    { 'spec.fields.0.name': 'a'.repeat(129) },
    'spec.fields[0].name: has 129 characters; at most 128 are allowed | Shorten it.',
  ],
  [
    {
      'spec.fields': [
        { name: 'u', cells: 1 },
        { name: 'u', cells: 1 },
      ],
    },
    'spec.fields[1].name: "u" is the name of spec.fields[0] already | Give every field a name of its own.',
  ],
  [{ 'spec.fields': [{ name: 'u' }] }, 'spec.fields[0]: needs exactly one of cells, shape | Add one of them.'],
  [
    { 'spec.fields.0.every': 2 },
    'spec.fields[0].every: is more than the 1 step of spec.time, so only step 0 would be kept | Lower every, or write steps: [0].',
  ],
  [
    { 'spec.fields.0.steps': [0, 1] },
    'spec.fields[0].steps[1]: is not a step: spec.time has the steps 0 to 0 | Remove it, or raise spec.time.steps.',
  ],
  [
    { 'spec.fields.0.steps': [1, 1], 'spec.time.steps': 5 },
    'spec.fields[0].steps[1]: 1 does not rise above 1 | Write the steps in rising order, each once.',
  ],
  [
    { 'spec.fields.0.region': { ranges: [{ start: 5, stop: 11 }] } },
    'spec.fields[0].region.ranges[0].stop: lies outside the field, which has 10 cells | Write at most 10.',
  ],
  [
    { 'spec.fields.0.region': { ranges: [{ start: 5, stop: 5 }] } },
    'spec.fields[0].region.ranges[0]: is empty | Let stop be above start.',
  ],
  [
    {
      'spec.fields.0.region': {
        ranges: [
          { start: 5, stop: 7 },
          { start: 6, stop: 8 },
        ],
      },
    },
    'spec.fields[0].region.ranges[1].start: lies before the end of the range before it, 7 | Write the ranges in rising order, apart from each other.',
  ],
  [
    { 'spec.fields.0.region': { box: { start: [0], stop: [5] } } },
    'spec.fields[0].region.box: needs a shape | Give shape instead of cells, or use ranges.',
  ],
  [
    { 'spec.fields': [{ name: 'u', shape: [4, 4], region: { box: { start: [0, 2], stop: [5, 2] } } }] },
    'spec.fields[0].region.box.stop[0]: lies outside the field, which has 4 cells along this axis | Write at most 4.',
    'spec.fields[0].region.box.start[1]: must be below stop 2 | Let the box hold at least one cell along each axis.',
  ],
  [
    {
      'spec.fields': [{ name: 'u', shape: [300, 300, 4], region: { box: { start: [0, 0, 0], stop: [300, 300, 2] } } }],
    },
    'spec.fields[0].region.box: cuts the field into more than 65536 separate runs of cells | Keep whole rows, or reorder the axes so that the box is long in the last one.',
  ],
  [
    { 'spec.fields.0.mesh': { spacing: [1] } },
    'spec.fields[0].mesh.spacing: needs a shape | Give shape instead of cells.',
  ],
  [
    { 'spec.fields': [{ name: 'u', shape: [4, 4], mesh: { spacing: [1] } }] },
    'spec.fields[0].mesh.spacing: has 1 number for the 2 axes of shape | Give one number an axis.',
  ],
  [
    { 'spec.fields.0.mesh': { file: 'a.vtk' } },
    'spec.fields[0].mesh.file: is not a .vtu file | Name a .vtu mesh, or give points for a file of coordinates.',
  ],
  [
    { 'spec.fields.0.mesh': { points: 'a.txt' } },
    'spec.fields[0].mesh.points: is neither a .csv nor a .npy file | Write coordinates into one of them, one row a cell.',
  ],
  // ---- statistics ----
  [
    { 'spec.statistics.exceedance': [{ field: 'v', above: 1 }] },
    'spec.statistics.exceedance[0].field: no field is named "v"; did you mean u? | Write u instead.',
  ],
  [
    { 'spec.statistics.quantiles': [0.5, 0.5] },
    'spec.statistics.quantiles[1]: 0.5 is in the list already | Remove it.',
  ],
  [
    { 'spec.statistics': { histogram: true, quantileMethod: 'RobbinsMonro' } },
    'spec.statistics.histogram: needs the lattice, but quantileMethod is RobbinsMonro | Use quantileMethod: Lattice, or histogram: false.',
  ],
  [
    { 'spec.statistics.sobol': {} },
    'spec.statistics.sobol: needs pick-freeze groups, but sampling.method is Random | Set sampling: { method: PickFreeze, groups: … }, or remove sobol.',
  ],
  [
    { 'spec.fields.0.statistics': { sobol: true } },
    "spec.fields[0].statistics.sobol: the study has no Sobol' indices | Use sampling method PickFreeze and statistics.sobol.",
  ],
  [
    { 'spec.sampling': { ...PF, design: 'Halton' }, 'spec.statistics.sobol': { interval: 'Robust' } },
    'spec.statistics.sobol.interval: confidence intervals need independent samples, which a Halton sequence does not give | Use design: Random, or interval: None.',
  ],
  [
    { 'spec.sampling': PF, 'spec.statistics.sobol': { estimator: 'Jansen', interval: 'Robust' } },
    'spec.statistics.sobol.interval: Robust intervals exist for the estimator Martinez only | Use interval: Jackknife, or estimator: Martinez.',
  ],
  [
    { 'spec.sampling': { ...PF, groups: 10 }, 'spec.statistics.sobol': { interval: 'Jackknife' } },
    'spec.statistics.sobol.jackknifeBlocks: is more than the 10 groups of the study | Lower it, or draw more groups.',
  ],
  [
    { 'spec.statistics.stopWhen': { sobolIntervalBelow: 0.1 } },
    "spec.statistics.stopWhen: needs Sobol' indices, and the study has none | Use sampling method PickFreeze with statistics.sobol, or remove stopWhen.",
  ],
  [
    { 'spec.sampling': PF, 'spec.statistics': { stopWhen: { sobolIntervalBelow: 0.1 }, sobol: { interval: 'None' } } },
    'spec.statistics.stopWhen: needs confidence intervals, but interval is None | Set sobol: { interval: Robust } or Jackknife.',
  ],
  [
    { 'spec.sampling': { ...PF, groups: 100 }, 'spec.statistics.stopWhen': { sobolIntervalBelow: 0.1 } },
    'spec.statistics.stopWhen.minGroups: is never passed: the study has 100 groups | Draw more groups, or remove stopWhen.',
  ],
  [
    { 'spec.sampling': PF, 'spec.statistics.stopWhen': { sobolIntervalBelow: 0.1, minGroups: 50 } },
    'spec.statistics.stopWhen.minGroups: must be at least 100 | Write a number that is at least 100.',
  ],
  [
    { 'spec.statistics.covariance': [{ fields: ['u', 'u'] }] },
    'spec.statistics.covariance[0].fields: names one field twice; its covariance with itself is its variance | Name two fields, or use moments: 2.',
  ],
  [
    {
      'spec.fields': [
        { name: 'u', cells: 10 },
        { name: 'v', cells: 9 },
      ],
      'spec.statistics.covariance': [{ fields: ['u', 'v'] }],
    },
    'spec.statistics.covariance[0].fields: u keeps 10 cells and v keeps 9; covariance is cell by cell | Give both fields the same cells and region.',
  ],
  [
    {
      'spec.time.steps': 4,
      'spec.fields': [
        { name: 'u', cells: 9 },
        { name: 'v', cells: 9, every: 2 },
      ],
      'spec.statistics.covariance': [{ fields: ['u', 'v'] }],
    },
    'spec.statistics.covariance[0].fields: u and v keep different steps | Give both fields the same every or steps.',
  ],
  [
    { 'spec.fields': [], 'spec.statistics': { moments: 2 } },
    'spec.statistics: needs fields, and fields is empty | Add a field, or remove statistics.',
  ],
  [
    { 'spec.fields': [], 'spec.keepRaw': { all: true } },
    'spec.keepRaw: needs fields, and fields is empty | Add a field, or remove keepRaw.',
  ],
  [{ 'spec.keepRaw': { ids: [9, 10] } }, 'spec.keepRaw.ids[1]: is not a simulation: their ids are 0 to 9 | Remove it.'],
  [
    { 'spec.partial': 'Keep', 'spec.deterministic': false },
    'spec.partial: contradicts deterministic: false, whose repeated simulations do not continue the first | Write partial: Whole, or leave it out.',
  ],
  // ---- client ----
  [
    { 'spec.client.args': ['{xx}'] },
    'spec.client.args[0]: {xx} names no parameter; did you mean {x}? | Write {x}, or {{xx}} for the text itself.',
  ],
  [
    { 'spec.client.env': { A: '{pressure}' } },
    'spec.client.env.A: {pressure} names no parameter | Write one of {x}, {simulation}, {group}, {member}, {seed}, {study}, {ranks}, or {{pressure}} for the text itself.',
  ],
  [
    { 'spec.client.env': { 'A B': '1' } },
    'spec.client.env."A B": "A B" is not a name of an environment variable | Use letters, digits and _.',
  ],
  [
    { 'spec.client.env': { MELISSA_X: '1' } },
    'spec.client.env.MELISSA_X: names that begin with MELISSA_ are set by the pilot | Choose another name.',
  ],
  [
    { 'spec.client.files': [{ path: '../a', content: '' }] },
    'spec.client.files[0].path: leaves the work directory | Write a relative path without "..".',
  ],
  [
    { 'spec.client.launcher': 'Template' },
    'spec.client.launcherArgs: is missing: launcher Template needs the words of the launcher | Write for example launcherArgs: [mpiexec, -np, "{ranks}"].',
  ],
  [
    { 'spec.client.launcherArgs': ['-v'] },
    'spec.client.launcherArgs: there is no launcher to give them to | Set launcher: Mpirun, Srun or Template, or remove launcherArgs.',
  ],
  [
    { 'spec.client.ranks': 2, 'spec.client.launcherArgs': ['{x}'] },
    'spec.client.launcherArgs[0]: only {ranks} is replaced in the launcher, not {x} | Pass it to the solver in args.',
  ],
  [
    { 'spec.client.loop': true, 'spec.client.args': ['{x}'] },
    'spec.client.args[0]: {x} has no value here: with loop: true one process runs many simulations | Let the solver take them from melissa_next_simulation(), or set loop: false.',
  ],
  [
    { 'spec.client.loop': true, 'spec.client.preprocessing': ['mesh'] },
    'spec.client.preprocessing: cannot run before each simulation of a solver that loops | Set loop: false.',
  ],
  [
    { 'spec.client.workDirectory': false, 'spec.client.keepWorkDirectory': 'Always' },
    'spec.client.keepWorkDirectory: there is none to keep with workDirectory: false | Set workDirectory: true.',
  ],
  [
    { 'spec.client.outputs': [{ field: 'v', npy: 'a.npy' }] },
    'spec.client.outputs[0].field: no field is named "v"; did you mean u? | Write u instead.',
  ],
  [
    { 'spec.client.outputs': [{ field: 'u', stdout: false }] },
    'spec.client.outputs[0].stdout: false reads nothing | Write stdout: true, npy or raw.',
  ],
  [{ 'spec.client.command': [''] }, 'spec.client.command[0]: must not be empty | Name the program.'],
  // ---- server, faults, backend ----
  [
    { 'spec.server.memory': '64Mi' },
    'spec.server.memory: is less than the 134 MB that a server process needs | Write 128Mi or more.',
    'spec.server.receiveBudget: is more than memory 64Mi | Lower it, or raise memory.',
  ],
  [
    { 'spec.server.sendWindow': '1Gi' },
    'spec.server.sendWindow: is more than receiveBudget 256Mi, so one solver could use all of it | Lower sendWindow, or raise receiveBudget.',
  ],
  [
    { 'spec.sampling': { method: 'Grid', points: { x: 3 } }, 'spec.faultPolicy.onExhausted': 'Redraw' },
    'spec.faultPolicy.onExhausted: a Grid design is fixed and cannot be redrawn | Write onExhausted: Fail, or use method Random.',
  ],
  [{ 'spec.backend': {} }, 'spec.backend: needs exactly one of kubernetes, slurm, oar | Add one of them.'],
  [
    { 'spec.backend': { slurm: {}, oar: {} } },
    'spec.backend: has slurm and oar; only one of kubernetes, slurm, oar may be given | Keep slurm or oar.',
  ],
];

for (const [changes, ...lines] of refusals) {
  test(`refused: ${lines[0]!.slice(0, 110)}`, () => assert.deepEqual(linesOf(problemsOf(changes)), lines));
}

test('a file that cannot be read is a problem of its path', () => {
  const readText = (): string => {
    throw new TypeError('no such file');
  };
  const problems = problemsOf({ 'spec.sampling': { method: 'List', list: { csv: 'rows.csv' } } }, { readText });
  assert.deepEqual(problems, [
    {
      path: 'spec.sampling.list.csv',
      value: 'rows.csv',
      message: 'cannot be read: no such file',
      remedy: 'Check the path; it is relative to the manifest.',
    },
  ]);
});

test('the value is shown, shortened when it is long', () => {
  const [problem] = problemsOf({ 'metadata.name': 'A'.repeat(500) });
  assert.equal(problem?.value, `${'A'.repeat(120)}…`);
  assert.equal(problemsOf({ 'spec.sampling.seed': -1 })[0]?.value, -1);
});

test('braces that enclose no name are left to the solver', () => {
  assert.throws(() => problemsOf({ 'spec.client.args': ['{"a": 1}', '{{x}}', '{ x }', '}'] }), /was not refused/);
});

test('more mistakes than are shown: what nobody looked at is not relied upon', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, 1]));
  const full = { 'spec.parameters.0.uniform': many };
  for (const wrong of [{ 'spec.client.preprocessing': 'text' }, { 'spec.sampling.method': 'x' }, { 'spec.server': '' }])
    assert.equal(problemsOf({ ...full, ...wrong }).length, 100);
});
