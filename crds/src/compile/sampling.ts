// SPDX-License-Identifier: Apache-2.0
/** `spec.sampling` → CompiledSampling: each method gets exactly the keys that it understands. */
import { closest } from '@melissa/kit';
import type { CompiledParameter, CompiledSampling } from '../compiled.ts';
import { join } from '../check.ts';
import type { Problems } from '../problems.ts';
import { SIMULATIONS_MAX } from '../schema/sampling.ts';
import type { CheckedSpec } from '../types.generated.ts';
import { boundedBelow } from './parameters.ts';
import { readRows, type ReadContext } from './rows.ts';

type Written = CheckedSpec['sampling'];
type Method = Written['method'];
const PATH = 'spec.sampling';

/** What Joe and Kuo's table is stored for; Halton in more dimensions is of no use without scrambling. */
export const SEQUENCE_DIMENSIONS_MAX = 256;
/** A Sobol' sequence on 30 bits, as in SciPy, has no more points. */
export const SOBOL_POINTS_MAX = 2 ** 30;

/** Which keys a method needs, and which it may have; `method` and `seed` always may. */
const keysOf: Record<Method, { needs: (keyof Written)[]; may: (keyof Written)[] }> = {
  Random: { needs: ['simulations'], may: [] },
  LatinHypercube: { needs: ['simulations'], may: [] },
  Halton: { needs: ['simulations'], may: ['skip', 'scramble'] },
  Sobol: { needs: ['simulations'], may: ['skip', 'scramble'] },
  Grid: { needs: ['points'], may: [] },
  List: { needs: ['list'], may: [] },
  PickFreeze: { needs: ['groups'], may: ['design', 'secondOrder'] },
};

export type SamplingInput = {
  written: Written;
  parameters: CompiledParameter[] | null;
  usesSeed: boolean;
  context: ReadContext;
};

export function compileSampling(
  { written, parameters, usesSeed, context }: SamplingInput,
  problems: Problems,
): CompiledSampling | null {
  if (!problems.clean(PATH)) return null;
  checkKeys(written, problems);
  if (parameters === null || !problems.clean(PATH)) return null;
  const { method } = written;
  const design = method === 'PickFreeze' ? (written.design ?? 'Random') : method;
  if (method === 'PickFreeze') refuseConstants(parameters, problems);
  const groupSize = method === 'PickFreeze' ? (written.secondOrder ? 2 : 1) * parameters.length + 2 : 1;
  const gridPoints = method === 'Grid' ? compilePoints(written.points!, parameters, problems) : [];
  const rows = method === 'List' ? readRows(written.list!, parameters, context, problems) : [];
  const groups =
    method === 'Grid'
      ? gridPoints.reduce((a, b) => a * b, 1)
      : method === 'List'
        ? rows.length
        : (written.groups ?? written.simulations!);
  const simulations = groups * groupSize;
  if (simulations > SIMULATIONS_MAX) {
    const key = method === 'Grid' ? 'points' : 'groups';
    problems.add(
      `${PATH}.${key}`,
      method === 'Grid' ? gridPoints.join(' × ') : groups,
      `makes ${simulations} simulations; at most ${SIMULATIONS_MAX} are allowed`,
      `Lower ${key}.`,
    );
  }
  const varied = parameters.some(({ distribution }) => distribution.kind !== 'Constant');
  if (!varied && method !== 'Grid' && method !== 'List' && method !== 'PickFreeze' && simulations > 1 && !usesSeed) {
    problems.add(
      'spec.parameters',
      null,
      `every parameter is Constant, so all ${simulations} simulations would be equal`,
      'Give a parameter a distribution, pass {seed} to a stochastic solver, or set simulations: 1.',
    );
  }
  const skip = written.skip ?? 0;
  const scramble = written.scramble ?? false;
  if (design === 'Halton' || design === 'Sobol') {
    checkSequence(
      { design, parameters, pickFreeze: method === 'PickFreeze', skip, scramble, points: groups },
      problems,
    );
  }
  if (!problems.clean(PATH, 'spec.parameters')) return null;
  return {
    method,
    design,
    seed: written.seed,
    simulations,
    groupSize,
    groups,
    secondOrder: written.secondOrder,
    skip,
    scramble,
    gridPoints,
    rows,
  };
}

function checkKeys(written: Written, problems: Problems): void {
  const { method } = written;
  const { needs, may } = keysOf[method];
  const sequence = method === 'PickFreeze' && (written.design === 'Halton' || written.design === 'Sobol');
  const allowed = new Set<string>(['method', 'seed', ...needs, ...may, ...(sequence ? ['skip', 'scramble'] : [])]);
  for (const key of needs) {
    if (written[key] === undefined)
      problems.add(`${PATH}.${key}`, null, `is missing: method ${method} needs it`, `Add ${key}.`);
  }
  for (const key of Object.keys(written) as (keyof Written)[]) {
    // secondOrder has a default, so false says nothing.
    if (allowed.has(key) || (key === 'secondOrder' && !written.secondOrder)) continue;
    const users = (Object.keys(keysOf) as Method[]).filter(
      (other) => keysOf[other].needs.includes(key) || keysOf[other].may.includes(key),
    );
    problems.add(
      `${PATH}.${key}`,
      written[key],
      `has no meaning for method ${method}`,
      `Remove it, or use method ${users.join(' or ')}.`,
    );
  }
}

function refuseConstants(parameters: CompiledParameter[], problems: Problems): void {
  for (const [i, { name, distribution }] of parameters.entries()) {
    if (distribution.kind !== 'Constant') continue;
    problems.add(
      `spec.parameters[${i}].constant`,
      distribution.value,
      `"${name}" is Constant, and a constant has no Sobol' index: each group would run one simulation for nothing`,
      `Remove the parameter and write ${String(distribution.value)} where {${name}} stands.`,
    );
  }
}

function compilePoints(points: Record<string, number>, parameters: CompiledParameter[], problems: Problems): number[] {
  const names = parameters.map(({ name }) => name);
  for (const [key, value] of Object.entries(points)) {
    if (names.includes(key)) continue;
    const near = closest(key, names);
    problems.add(
      join(`${PATH}.points`, key),
      value,
      `no parameter is named "${key}"${near === null ? '' : `; did you mean ${near}?`}`,
      near === null ? `Parameters are ${names.join(', ')}.` : `Write ${near} instead.`,
    );
  }
  return parameters.map(({ name, distribution }) => {
    const fixed =
      distribution.kind === 'Choice' ? distribution.values.length : distribution.kind === 'Constant' ? 1 : null;
    const given = points[name];
    const path = join(`${PATH}.points`, name);
    if (given === undefined && fixed === null)
      problems.add(
        path,
        null,
        'is missing: every parameter of a grid needs a number of points',
        `Add ${name}: and a number.`,
      );
    if (given !== undefined && fixed !== null && given !== fixed) {
      problems.add(
        path,
        given,
        `must be ${fixed}: ${distribution.kind === 'Choice' ? `a choice of ${fixed} values` : 'a constant'} has no other number of points`,
        `Write ${fixed}, or leave it out.`,
      );
    }
    return given ?? fixed ?? 1;
  });
}

type Sequence = {
  design: 'Halton' | 'Sobol';
  parameters: CompiledParameter[];
  pickFreeze: boolean;
  skip: number;
  scramble: boolean;
  points: number;
};

function checkSequence({ design, parameters, pickFreeze, skip, scramble, points }: Sequence, problems: Problems): void {
  const dimensions = parameters.length * (pickFreeze ? 2 : 1);
  const path = pickFreeze ? `${PATH}.design` : `${PATH}.method`;
  if (dimensions > SEQUENCE_DIMENSIONS_MAX) {
    problems.add(
      path,
      design,
      `needs ${dimensions} dimensions; at most ${SEQUENCE_DIMENSIONS_MAX} are available`,
      'Use Random or LatinHypercube.',
    );
  }
  if (design === 'Sobol' && skip + points > SOBOL_POINTS_MAX) {
    problems.add(
      `${PATH}.skip`,
      skip,
      `the sequence ends after ${SOBOL_POINTS_MAX} points; skip and simulations need ${skip + points}`,
      'Lower skip.',
    );
  }
  const endless = parameters.find(({ distribution }) => !boundedBelow(distribution));
  if (skip === 0 && !scramble && endless !== undefined) {
    problems.add(
      `${PATH}.skip`,
      skip,
      `the first point of an unscrambled ${design} sequence is 0, where "${endless.name}" (${endless.distribution.kind}) has no finite value`,
      'Set skip: 1 or scramble: true.',
    );
  }
}
