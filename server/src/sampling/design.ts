// SPDX-License-Identifier: Apache-2.0
/**
 * The design of a study: which parameter vector each simulation gets. The plan asks for it when it leases a simulation, so
 * that no vector is stored; a vector depends on the manifest, the simulation's id and its draw, and on nothing else.
 *
 * Pick-freeze groups (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018) are made from one base point of 2P coordinates: A is its first half, B its
 * second; C_i is A with coordinate i of B, D_j is B with coordinate j of A. Members are in the order A, B, C_1…C_P, D_1…D_P.
 */
import type { CompiledStudy } from '@melissa/crds';
import { assert } from '@melissa/kit';
import { axisOf, inverseOf, type Inverse } from './distributions.ts';
import { unitDesign } from './unit-design.ts';

export type ParameterVector = (number | string)[];

export interface Design {
  /** Values of simulation `simulation` at draw `draw` (0 is the first), in the order of the study's parameters. */
  parameters(simulation: number, draw: number): ParameterVector;
  /** false: every draw is the same, because the points are given (grid, list). */
  readonly redraws: boolean;
  /** What results must say when a simulation was redrawn: `design broken` when the points belong together, else empty. */
  readonly redrawLabel: '' | 'design broken';
}

export function makeDesign(study: CompiledStudy): Design {
  switch (study.sampling.method) {
    case 'Grid':
      return fixedDesign(study, gridRows(study));
    case 'List':
      return fixedDesign(study, (simulation) => [...study.sampling.rows[simulation]!]);
    default:
      return drawnDesign(study);
  }
}

function checkSimulation(study: CompiledStudy, simulation: number): void {
  assert(
    Number.isInteger(simulation) && simulation >= 0 && simulation < study.sampling.simulations,
    `simulation ${simulation} is in the study`,
  );
}

function fixedDesign(study: CompiledStudy, row: (simulation: number) => ParameterVector): Design {
  return {
    redraws: false,
    redrawLabel: '',
    parameters(simulation) {
      checkSimulation(study, simulation);
      return row(simulation);
    },
  };
}

function gridRows(study: CompiledStudy): (simulation: number) => ParameterVector {
  const { gridPoints } = study.sampling;
  const axes = study.parameters.map(({ distribution }, i) => axisOf(distribution, gridPoints[i]!));
  return (simulation) => {
    const row: ParameterVector = new Array(axes.length);
    let rest = simulation;
    for (let i = axes.length - 1; i >= 0; i--) {
      row[i] = axes[i]![rest % gridPoints[i]!]!;
      rest = Math.floor(rest / gridPoints[i]!);
    }
    return row;
  };
}

function drawnDesign(study: CompiledStudy): Design {
  const { design, groupSize, groups, seed, skip, scramble } = study.sampling;
  const parameterCount = study.parameters.length;
  const pickFreeze = study.sampling.method === 'PickFreeze';
  const dimensions = pickFreeze ? 2 * parameterCount : parameterCount;
  const unit = unitDesign({ design, dimensions, count: groups, seed, skip, scramble });
  const inverses: Inverse[] = study.parameters.map(({ distribution }) => inverseOf(distribution));
  const point = new Float64Array(dimensions);
  return {
    redraws: true,
    redrawLabel: design === 'Random' ? '' : 'design broken',
    parameters(simulation, draw) {
      checkSimulation(study, simulation);
      unit(Math.floor(simulation / groupSize), draw, point);
      const member = simulation % groupSize;
      return inverses.map((inverse, i) => inverse(point[pickFreeze ? coordinate(member, i, parameterCount) : i]!));
    },
  };
}

/** Which of the 2P coordinates of the base point is parameter `i` of member `member`. */
function coordinate(member: number, i: number, parameterCount: number): number {
  if (member === 0) return i;
  if (member === 1) return parameterCount + i;
  const changed = (member - 2) % parameterCount;
  const fromB = member - 2 < parameterCount ? i === changed : i !== changed;
  return fromB ? parameterCount + i : i;
}
