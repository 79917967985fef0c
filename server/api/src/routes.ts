// SPDX-License-Identifier: Apache-2.0
/**
 * Every route of the public HTTP API, once. The server registers these and nothing else; the OpenAPI document, the
 * reference page and the fetch client are made from the same table, so that none of them can promise what another
 * does not keep. Paths are written with {parameters} as OpenAPI writes them.
 */
import type { TObject, TSchema } from 'typebox';
import * as schemas from './schemas.ts';

export type Answer = { description: string; body?: TSchema; contentTypes?: string[] };
export type Route = {
  /** Names the handler in the server and the call in the client. */
  operation: string;
  method: 'GET' | 'PUT' | 'POST';
  path: string;
  summary: string;
  params?: TObject;
  query?: TObject;
  body?: TObject;
  /** The good answer; those for errors follow from the other columns. */
  answer: Answer;
  needsToken: boolean;
  /** Changes the study: refused where the manifest in the cluster is the only source of intent. */
  refusedOnCluster: boolean;
  /** Only the study's own token will do: who may merely look at the study cannot change it. */
  needsStudyToken?: true;
  /** Larger than what every other body may be. */
  bodyBytesMax?: number;
  notFound: boolean;
};

const simulationId = schemas.SimulationParameters;
const read = { method: 'GET', needsToken: true, refusedOnCluster: false, notFound: false } as const;
const change = { needsToken: true, refusedOnCluster: true, notFound: false } as const;
const json = (description: string, body: TSchema): Answer => ({ description, body });

export const routes = [
  {
    ...read,
    operation: 'status',
    path: '/v1/status',
    summary: 'State, counts, progress, rates and convergence of the study.',
    answer: json('The study now.', schemas.StudyStatus),
  },
  {
    ...read,
    operation: 'simulations',
    path: '/v1/simulations',
    summary: 'Simulations with their parameters, a page at a time, by rising id.',
    query: schemas.SimulationQuery,
    answer: json('A page.', schemas.SimulationPage),
  },
  {
    ...read,
    operation: 'simulation',
    path: '/v1/simulations/{id}',
    summary: 'One simulation: parameters, state, reason and every attempt with its output.',
    params: simulationId,
    notFound: true,
    answer: json('The simulation.', schemas.SimulationDetail),
  },
  {
    ...read,
    operation: 'output',
    path: '/v1/simulations/{id}/output',
    summary: 'What one attempt of a simulation wrote on stdout and stderr.',
    params: simulationId,
    query: schemas.OutputQuery,
    notFound: true,
    answer: json('Output of the newest attempt, or of the one asked for.', schemas.SimulationOutput),
  },
  {
    ...read,
    operation: 'events',
    path: '/v1/events',
    summary: 'The event log: every change of state of study, simulations, pilots and ranks.',
    query: schemas.EventQuery,
    answer: json('Events by rising sequence.', schemas.EventPage),
  },
  {
    ...read,
    operation: 'fields',
    path: '/v1/fields',
    summary: 'Fields with shapes, kept steps and the statistics that can be read.',
    answer: json('The fields.', schemas.FieldList),
  },
  {
    ...read,
    operation: 'statistic',
    path: '/v1/statistics/{field}/{step}/{statistic}',
    summary: 'One map as it is now: a summary in JSON, the values as .npy, or a picture.',
    params: schemas.StatisticParameters,
    query: schemas.StatisticOptions,
    notFound: true,
    answer: {
      description: 'The map in the format asked for.',
      body: schemas.StatisticSummary,
      contentTypes: ['application/octet-stream', 'image/png'],
    },
  },
  {
    ...read,
    operation: 'digests',
    path: '/v1/digests',
    summary: 'Fold digests: equal digests prove that the same samples were folded, each once.',
    answer: json('One digest a consumer.', schemas.DigestList),
  },
  {
    ...read,
    operation: 'backend',
    path: '/v1/backend',
    summary: 'What should run: for the owner of the backend.',
    answer: json('The demand now.', schemas.BackendDemand),
  },
  {
    ...read,
    operation: 'manifest',
    path: '/v1/manifest',
    summary: 'The manifest the study was started with.',
    answer: json('The manifest as JSON.', schemas.Manifest),
  },
  {
    ...change,
    method: 'PUT',
    operation: 'parallelism',
    path: '/v1/parallelism',
    summary: 'How many pilots should run.',
    body: schemas.ParallelismBody,
    answer: json('Accepted.', schemas.Accepted),
  },
  {
    ...change,
    method: 'POST',
    operation: 'suspend',
    path: '/v1/suspend',
    summary: 'Leases nothing new and drains the pilots; what is folded stays.',
    answer: json('Accepted.', schemas.Accepted),
  },
  {
    ...change,
    method: 'POST',
    operation: 'resume',
    path: '/v1/resume',
    summary: 'Goes on after suspend.',
    answer: json('Accepted.', schemas.Accepted),
  },
  {
    ...change,
    method: 'POST',
    operation: 'cancel',
    path: '/v1/cancel',
    summary: 'Ends the study; results of what was folded are written.',
    body: schemas.CancelBody,
    answer: json('Accepted.', schemas.Accepted),
  },
  {
    ...change,
    method: 'PUT',
    operation: 'intent',
    path: '/v1/intent',
    summary: 'What the manifest wants now, all of it, with its generation. For the owner of the backend; idempotent.',
    body: schemas.Intent,
    refusedOnCluster: false,
    needsStudyToken: true,
    answer: json('Taken, or taken before.', schemas.Accepted),
  },
  {
    ...change,
    method: 'POST',
    operation: 'gone',
    path: '/v1/backend/gone',
    summary: 'Pilots that are gone for good, with the reason: what they leased is leased again at once.',
    body: schemas.GoneBody,
    refusedOnCluster: false,
    needsStudyToken: true,
    bodyBytesMax: 512 * 1024,
    answer: json('Taken, or known before.', schemas.Accepted),
  },
  {
    ...read,
    operation: 'jobs',
    path: '/jobs',
    summary: 'As Melissa answers it: the ids of all simulations. The token may also be given in the header `token`.',
    answer: json('Ids.', schemas.JobList),
  },
  {
    ...read,
    operation: 'job',
    path: '/jobs/{id}',
    summary: 'As Melissa answers it: one simulation and its state.',
    params: simulationId,
    notFound: true,
    answer: json('The job.', schemas.Job),
  },
  {
    ...read,
    operation: 'openapi',
    path: '/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document.',
    answer: json('The document.', schemas.OpenApiDocument),
  },
  {
    ...read,
    operation: 'metrics',
    path: '/metrics',
    summary: 'Metrics in the text format of Prometheus.',
    answer: { description: 'The metrics.', contentTypes: ['text/plain'] },
  },
  {
    ...read,
    operation: 'healthz',
    path: '/healthz',
    summary: 'Whether the server lives.',
    needsToken: false,
    answer: json('It lives.', schemas.Health),
  },
  {
    ...read,
    operation: 'readyz',
    path: '/readyz',
    summary: 'Whether the study can be used: 503 while it starts.',
    needsToken: false,
    answer: json('It is ready.', schemas.Health),
  },
] as const satisfies readonly Route[];

export type Operation = (typeof routes)[number]['operation'];

/** The table as plain routes, for code that walks it. */
export const allRoutes: readonly Route[] = routes;

/** Turns `/v1/simulations/{id}` into a pattern that matches whole paths. */
export function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{[a-z]+\}/g, '[^/]+')}/?$`);
}

/** Methods that the path answers to, empty when there is no such path. */
export function methodsOf(path: string): string[] {
  return allRoutes.filter((route) => pathPattern(route.path).test(path)).map((route) => route.method);
}
