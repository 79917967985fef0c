// SPDX-License-Identifier: Apache-2.0
/** GET /v1/statistics/{field}/{step}/{statistic}: one map, read from the ranks when it is asked for. */
import { closest } from '@melissa/kit';
import type { AvailableStatistic, FieldInfo, StatisticSummary } from '@melissa/api';
import type { CompiledStudy } from '@melissa/crds';
import { fieldInfos, timeOf } from '../results/maps.ts';
import { npyBytes } from '../results/npy.ts';
import { pictureOf } from '../results/picture-of.ts';
import { planResults, type ResultsPlan } from '../results/plan.ts';
import { problem } from './errors.ts';
import { jsonReply, type HandlerContext, type HandlerRequest, type Reply } from './reply.ts';

/** Maps that are in memory for requests at one time: ten million cells are 80 MB each. */
const MAPS_AT_ONCE_MAX = 4;

/** Made once a study: plans and lists do not change while it runs. */
const cache = new WeakMap<CompiledStudy, { fields: FieldInfo[]; plan: ResultsPlan; reading: number }>();

export async function statistic({ service, eventReader }: HandlerContext, request: HandlerRequest): Promise<Reply> {
  const { study } = service;
  const known = cache.get(study) ?? { fields: fieldInfos(study), plan: planResults(study), reading: 0 };
  cache.set(study, known);
  const { field, map, step, argument, label } = select(known.fields, request);
  if (known.reading >= MAPS_AT_ONCE_MAX) throw problem('EIOBUSY', '', { retryable: true });
  known.reading += 1;
  try {
    const values = await service.readStatistic({ field: field.name, step, statistic: map.statistic, argument });
    switch (request.query['format']) {
      case 'npy':
        return { status: 200, contentType: 'application/octet-stream', body: npyBytes(values, field.shape) };
      case 'png': {
        const variable = known.plan.variables.find(
          (candidate) => candidate.field === field.name && candidate.statistic === map.statistic,
        )!;
        const picture = pictureOf(known.plan, variable, known.plan.grids[variable.grid]!, label, step, values);
        return { status: 200, contentType: 'image/png', body: await eventReader.renderPng(picture) };
      }
      default: {
        const about = {
          field: field.name,
          step,
          time: timeOf(study, step),
          statistic: map.statistic,
          argument,
          label,
          unit: map.unit,
          shape: field.shape,
        };
        return jsonReply({ ...about, ...(await eventReader.summarise(values)) } satisfies StatisticSummary);
      }
    }
  } finally {
    known.reading -= 1;
  }
}

type Selected = { field: FieldInfo; map: AvailableStatistic; step: number; argument: number; label: string };

function select(fields: FieldInfo[], { params, query }: HandlerRequest): Selected {
  const field = fields.find(({ name }) => name === params['field']);
  if (field === undefined) throw absent(`the field "${params['field']}"`, String(params['field']), fields.map(({ name }) => name)); // prettier-ignore
  const step = Number(params['step']);
  if (!field.steps.includes(step))
    throw problem(
      'ENOSTATISTIC',
      `step ${step} of "${field.name}" is not kept; the last kept one is ${field.steps.at(-1)}`,
    );
  const map = field.statistics.find(({ statistic }) => statistic === params['statistic']);
  if (map === undefined) throw absent(`"${params['statistic']}" of "${field.name}"`, String(params['statistic']), field.statistics.map(({ statistic }) => statistic)); // prettier-ignore
  const argument = Number(query['argument'] ?? 0);
  // A list that begins at another number than 0 (pairs) is not empty-handed when no argument was given.
  const chosen =
    map.arguments.find((candidate) => candidate.argument === argument) ??
    (query['argument'] === undefined ? map.arguments[0] : undefined);
  if (chosen === undefined)
    throw problem(
      'ENOSTATISTIC',
      `"${map.statistic}" has no argument ${argument}; it has ${map.arguments.map((item) => item.argument).join(', ')}`,
    );
  return { field, map, step, argument: chosen.argument, label: chosen.label };
}

function absent(what: string, word: string, known: string[]) {
  const near = closest(word, known);
  return problem(
    'ENOSTATISTIC',
    what,
    near === null ? {} : { remedy: `Did you mean ${near}? GET /v1/fields lists all.` },
  );
}
