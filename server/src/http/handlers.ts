// SPDX-License-Identifier: Apache-2.0
/** One handler a route. They read the study through StudyService, ask the I/O worker for what costs time, and answer. */
import { closest } from '@melissa/kit';
import {
  openApiDocument,
  schemas,
  type AttemptRecord,
  type EventQuery,
  type GoneBody,
  type Intent,
  type Operation,
  type SimulationQuery,
} from '@melissa/api';
import { fieldInfos } from '../results/maps.ts';
import { problem } from './errors.ts';
import { refuseChange, type Change } from './intent.ts';
import { jobOf } from './jobs.ts';
import { jsonReply, type Handler, type HandlerContext, type HandlerRequest, type Reply } from './reply.ts';
import { statistic } from './statistic.ts';

export const handlers: Record<Operation, Handler> = {
  status: ({ service, eventReader }) => {
    const status = service.status();
    return jsonReply({ ...status, degraded: [...new Set([...status.degraded, ...eventReader.degraded()])] });
  },
  simulations: ({ service }, { query }) => {
    checkStates(query['state']);
    return jsonReply(service.simulations(query as SimulationQuery));
  },
  simulation: async (context, request) => {
    const detail = simulationOf(context, request);
    return jsonReply({ ...detail, history: await history(context, detail) });
  },
  output,
  events: async ({ eventReader }, { query }) => jsonReply(await eventReader.queryEvents(query as EventQuery)),
  fields: ({ service }) => jsonReply({ fields: fieldInfos(service.study) }),
  statistic,
  digests: async ({ service }) => jsonReply({ digests: await service.digests() }),
  backend: ({ service }) => jsonReply(service.backendDemand()),
  manifest: ({ manifest }) => jsonReply(manifest),
  parallelism: (context, { body }) => {
    const pilots = Number(body['parallelism']);
    return change(context, 'parallelism', pilots, () => context.service.setParallelism(pilots));
  },
  suspend: (context) => change(context, 'suspend', 0, () => context.service.suspend()),
  resume: (context) => change(context, 'resume', 0, () => context.service.resume()),
  cancel: (context, { body }) =>
    change(context, 'cancel', 0, () => context.service.cancel(String(body['reason'] ?? 'asked for over HTTP'))),
  intent: async ({ service }, { body }) => {
    if (!(await service.takeIntent(body as Intent)))
      throw problem('EINTENT_OLD', `${Number(body['generation'])}, after ${service.status().generation}`);
    return jsonReply({ accepted: true, state: service.status().state });
  },
  gone: ({ service }, { body }) => {
    for (const { pilot, reason } of (body as GoneBody).pilots) service.backendGone(pilot, reason);
    return jsonReply({ accepted: true, state: service.status().state });
  },
  jobs: ({ service }) => jsonReply(Array.from({ length: service.study.sampling.simulations }, (_, id) => id)),
  job: (context, request) => jsonReply(jobOf(simulationOf(context, request))),
  openapi: ({ version }) => jsonReply(openApiDocument(version)),
  metrics: async ({ metrics }) => ({
    status: 200,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    body: await metrics(),
  }),
  healthz: () => jsonReply({ ok: true, reason: '' }),
  readyz: ({ service }) => {
    const { state, reason } = service.status();
    if (state === 'Starting') throw problem('ESTARTING', reason);
    return jsonReply({ ok: true, reason: '' });
  },
};

function change({ service, intent }: HandlerContext, name: Change, value: number, apply: () => void): Reply {
  if (intent === 'kubernetes') refuseChange(service.study.name, name, value);
  apply();
  return jsonReply({ accepted: true, state: service.status().state });
}

function simulationOf({ service }: HandlerContext, { params }: HandlerRequest) {
  const detail = service.simulation(Number(params['id']));
  if (detail === null) throw problem('ENOSIMULATION', String(params['id']));
  return detail;
}

/** Attempts from the log, and those that the head knows of and the log does not have yet. */
async function history(
  { eventReader }: HandlerContext,
  detail: { simulation: number; history: AttemptRecord[] },
): Promise<AttemptRecord[]> {
  const logged = await eventReader.attempts(detail.simulation);
  const known = new Set(logged.map(({ draw, attempt }) => `${draw}.${attempt}`));
  return [...logged, ...detail.history.filter(({ draw, attempt }) => !known.has(`${draw}.${attempt}`))];
}

async function output(context: HandlerContext, request: HandlerRequest): Promise<Reply> {
  const detail = simulationOf(context, request);
  const { draw, attempt } = request.query;
  const attempts = await history(context, detail);
  const found = attempts.findLast(
    (item) => (draw === undefined || item.draw === draw) && (attempt === undefined || item.attempt === attempt),
  );
  if (found === undefined) throw problem('ENOOUTPUT', `simulation ${detail.simulation}`);
  return jsonReply({
    simulation: detail.simulation,
    draw: found.draw,
    attempt: found.attempt,
    stdout: found.stdout,
    stderr: found.stderr,
  });
}

function checkStates(text: string | number | undefined): void {
  const known: readonly string[] = schemas.SimulationState.enum;
  for (const state of text === undefined ? [] : String(text).split(',')) {
    if (known.includes(state)) continue;
    const near = closest(state, known);
    throw problem('EREQUEST', `there is no state "${state}"`, {
      remedy: near === null ? `States are ${known.join(', ')}.` : `Did you mean ${near}?`,
    });
  }
}
