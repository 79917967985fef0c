// SPDX-License-Identifier: Apache-2.0
/**
 * The study server as seen by programs: one typed call a route. `fetch` is handed in, so that the same client serves the
 * command line, the operator and the page in the browser. Every call ends within `timeoutMs`; an error answered by the
 * server keeps its code, message and remedy.
 */
import { ProjectError } from '@melissa/kit';
import { errors, type ErrorCode } from './errors.ts';
import { allRoutes, type Operation, type Route } from './routes.ts';
import type * as api from './schemas.ts';

export type FetchLike = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal: AbortSignal },
) => Promise<FetchAnswer>;
export type FetchAnswer = { status: number; text(): Promise<string>; arrayBuffer(): Promise<ArrayBuffer> };
export type ClientOptions = { baseUrl: string; token: string; fetch: FetchLike; timeoutMs: number };
type Query = Record<string, string | number | undefined>;
type Call = { path?: Record<string, string | number>; query?: Query; body?: unknown };

export type StatisticSelection = { field: string; step: number; statistic: string; argument?: number };

export interface Client {
  status(): Promise<api.StudyStatus>;
  simulations(query?: api.SimulationQuery): Promise<api.SimulationPage>;
  simulation(id: number): Promise<api.SimulationDetail>;
  output(id: number, query?: api.OutputQuery): Promise<api.SimulationOutput>;
  events(query?: api.EventQuery): Promise<api.EventPage>;
  fields(): Promise<api.FieldList>;
  statistic(selection: StatisticSelection): Promise<api.StatisticSummary>;
  /** The map's values as a .npy file. */
  statisticNpy(selection: StatisticSelection): Promise<Uint8Array>;
  /** The map as a picture. */
  statisticPng(selection: StatisticSelection): Promise<Uint8Array>;
  digests(): Promise<api.DigestList>;
  backend(): Promise<api.BackendDemand>;
  manifest(): Promise<Record<string, unknown>>;
  parallelism(pilots: number): Promise<api.Accepted>;
  suspend(): Promise<api.Accepted>;
  resume(): Promise<api.Accepted>;
  cancel(reason?: string): Promise<api.Accepted>;
  intent(intent: api.Intent): Promise<api.Accepted>;
  gone(pilots: api.GoneBody['pilots']): Promise<api.Accepted>;
  metrics(): Promise<string>;
  healthz(): Promise<api.Health>;
  readyz(): Promise<api.Health>;
}

export function createClient(options: ClientOptions): Client {
  const ask = async <T>(operation: Operation, call: Call = {}): Promise<T> => {
    const answer = await send(options, operation, call, (response) => response.text());
    return parseJson(options, answer) as T;
  };
  const bytes = async (selection: StatisticSelection, format: string): Promise<Uint8Array> => {
    const call = statisticCall(selection, format);
    return new Uint8Array(await send(options, 'statistic', call, (response) => response.arrayBuffer()));
  };
  return {
    status: () => ask('status'),
    simulations: (query = {}) => ask('simulations', { query }),
    simulation: (id) => ask('simulation', { path: { id } }),
    output: (id, query = {}) => ask('output', { path: { id }, query }),
    events: (query = {}) => ask('events', { query }),
    fields: () => ask('fields'),
    statistic: (selection) => ask('statistic', statisticCall(selection, 'json')),
    statisticNpy: (selection) => bytes(selection, 'npy'),
    statisticPng: (selection) => bytes(selection, 'png'),
    digests: () => ask('digests'),
    backend: () => ask('backend'),
    manifest: () => ask('manifest'),
    parallelism: (parallelism) => ask('parallelism', { body: { parallelism } }),
    suspend: () => ask('suspend'),
    resume: () => ask('resume'),
    cancel: (reason) => ask('cancel', { body: reason === undefined ? {} : { reason } }),
    intent: (body) => ask('intent', { body }),
    gone: (pilots) => ask('gone', { body: { pilots } }),
    metrics: () => send(options, 'metrics', {}, (response) => response.text()),
    healthz: () => ask('healthz'),
    readyz: () => ask('readyz'),
  };
}

function statisticCall(selection: StatisticSelection, format: string): Call {
  const { field, step, statistic, argument } = selection;
  return { path: { field, step, statistic }, query: { argument, format } };
}

async function send<T>(
  options: ClientOptions,
  operation: Operation,
  call: Call,
  take: (answer: FetchAnswer) => Promise<T>,
): Promise<T> {
  const route = allRoutes.find((candidate) => candidate.operation === operation)!;
  const url = options.baseUrl.replace(/\/+$/, '') + fill(route, call);
  const headers: Record<string, string> = { authorization: `Bearer ${options.token}` };
  const hasBody = call.body !== undefined;
  if (hasBody) headers['content-type'] = 'application/json';
  const signal = AbortSignal.timeout(options.timeoutMs);
  try {
    const init = { method: route.method, headers, signal, ...(hasBody ? { body: JSON.stringify(call.body) } : {}) };
    const answer = await options.fetch(url, init);
    if (answer.status >= 200 && answer.status < 300) return await take(answer);
    throw answeredError(options, answer.status, await answer.text());
  } catch (cause) {
    if (cause instanceof ProjectError) throw cause;
    throw failure(
      signal.aborted ? 'EHTTPTIMEOUT' : 'EHTTPUNREACHABLE',
      options,
      signal.aborted ? `${options.timeoutMs} ms` : describe(cause),
      cause,
    );
  }
}

function fill(route: Route, call: Call): string {
  const path = route.path.replace(/\{([a-z]+)\}/g, (_, name: string) => encodeURIComponent(String(call.path?.[name])));
  const words = Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined);
  if (words.length === 0) return path;
  return `${path}?${words.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}

function answeredError(options: ClientOptions, status: number, text: string): ProjectError {
  try {
    const body = JSON.parse(text) as api.ErrorBody;
    if (typeof body.code === 'string' && typeof body.message === 'string' && typeof body.remedy === 'string') {
      const { code, message, remedy } = body;
      return new ProjectError({
        code,
        message,
        remedy,
        retryable: status === 503 || status === 429,
        facts: { status },
      });
    }
  } catch {
    // Not our server's answer: said below with its status.
  }
  return failure('EHTTPANSWER', options, `status ${status}`, undefined);
}

function parseJson(options: ClientOptions, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw failure('EHTTPANSWER', options, 'its answer is not JSON', cause);
  }
}

function failure(code: ErrorCode, options: ClientOptions, detail: string, cause: unknown): ProjectError {
  const { message, remedy } = errors[code];
  return new ProjectError({
    code,
    message: `${message} (${options.baseUrl}: ${detail})`,
    remedy,
    retryable: code !== 'EHTTPANSWER',
    cause,
  });
}

/** The innermost reason: fetch hides ECONNREFUSED in the cause of a "fetch failed". */
function describe(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message || inner.name : String(inner);
}
