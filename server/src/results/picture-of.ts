// SPDX-License-Identifier: Apache-2.0
/** The picture of one slice of the results plan: what is written on it, and which colours it spans. */
import type { Picture } from './picture.ts';
import type { Grid, ResultsPlan, Variable } from './plan.ts';

export function pictureOf(
  plan: Pick<ResultsPlan, 'times' | 'timeUnit' | 'study'>,
  variable: Variable,
  grid: Grid,
  label: string,
  step: number,
  values: Float64Array,
): Picture {
  const time = plan.times.find(([candidate]) => candidate === step)?.[1] ?? step;
  const isShare = variable.statistic === 'exceedance' || /^sobol(First|Total)/.test(variable.statistic);
  const when = `step ${step}, t = ${Number(time.toPrecision(6))}${plan.timeUnit === '' ? '' : ` ${plan.timeUnit}`}`;
  return {
    values,
    shape: grid.shape,
    title: label === '' ? variable.title : `${variable.title}${joiner(variable.statistic)}${label}`,
    subtitle: `${plan.study}  ·  ${when}`,
    unit: variable.unit,
    axisLabels: grid.axes.map((axis) =>
      grid.mesh.kind === 'Regular' ? axis : axis === 'cell' ? 'cell' : `${axis} (cell)`,
    ),
    origin: grid.origin,
    spacing: grid.spacing,
    range: isShare ? [0, 1] : null,
    isMeshed: grid.mesh.kind === 'Regular',
  };
}

function joiner(statistic: string): string {
  return statistic.startsWith('sobol') ? ' of ' : ' ';
}
