// SPDX-License-Identifier: Apache-2.0
/** What the tests of many studies measure: answers of the API server as they are, what the operator's process takes, what it asked for, and what its metrics say. */
import { readFileSync } from 'node:fs';
import { readBody, type ApiRequest, type Method } from 'operator-runtime';
import type { Bench } from './bench.ts';
import { until, type OperatorProcess } from './operator-process.ts';

/** On a cluster that several people test on, each has namespaces of his own. */
export const namespaceOf = (name: string): string => `${process.env['MELISSA_TEST_PREFIX'] ?? ''}${name}`;

export const studiesPath = (namespace: string): string =>
  `/apis/melissa.dev/v1alpha1/namespaces/${namespace}/melissastudies`;

export type Answered = { status: number; body: Record<string, unknown> };
/** Sends and returns whatever is answered. */
export async function ask(
  bench: Bench,
  method: Method,
  path: string,
  given: { body?: unknown; query?: Record<string, string>; contentType?: string } = {},
): Promise<Answered> {
  const { body, ...rest } = given;
  const request = {
    method,
    path,
    timeoutMs: 60_000,
    ...rest,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const response = await bench.api.send(request);
  const text = await readBody(response);
  try {
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown> };
  } catch {
    return { status: response.status, body: { message: text } };
  }
}

/** Runs `work` for each item, so many at once. */
export async function atOnce<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** Ends a namespace that a test made, also on a cluster that stays. Pilots of a study whose operator is gone would hold it up: the studies go first. */
export async function removeNamespace(bench: Bench, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}`;
  await ask(bench, 'DELETE', studiesPath(name));
  await ask(bench, 'DELETE', path);
  await until(`the end of namespace ${name}`, async () => (await ask(bench, 'GET', path)).status === 404);
}

const kilobytes = (pid: number, key: string): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
/** Resident memory of a process in MB: now, and at its highest. */
export const memoryOf = ({ pid }: OperatorProcess): { nowMb: number; peakMb: number } => ({
  nowMb: (kilobytes(pid, 'VmRSS') * 1024) / 1e6,
  peakMb: (kilobytes(pid, 'VmHWM') * 1024) / 1e6,
});

export type Sample = { name: string; labels: Record<string, string>; value: number };
/** What the operator says of itself, as Prometheus would read it. */
export async function metricsOf(operator: OperatorProcess): Promise<Sample[]> {
  await until('the operator’s metrics', () => operator.healthPort > 0);
  const text = await (await fetch(`http://127.0.0.1:${operator.healthPort}/metrics`)).text();
  return [...text.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => [key, of])),
    value: Number(value),
  }));
}

/** Of a Prometheus histogram, within its buckets, as `histogram_quantile` does. */
export function quantileOf(samples: readonly Sample[], name: string, share: number): number {
  const buckets = samples
    .filter((one) => one.name === `${name}_bucket`)
    .map(({ labels, value }) => ({ upTo: labels['le'] === '+Inf' ? Infinity : Number(labels['le']), count: value }))
    .sort((a, b) => a.upTo - b.upTo);
  const wanted = share * (buckets.at(-1)?.count ?? NaN);
  const at = buckets.findIndex(({ count }) => count >= wanted);
  const { upTo, count } = buckets[at] ?? { upTo: NaN, count: NaN };
  const below = buckets[at - 1] ?? { upTo: 0, count: 0 };
  if (upTo === Infinity) return below.upTo;
  return below.upTo + ((upTo - below.upTo) * (wanted - below.count)) / Math.max(1, count - below.count);
}

export const isWatch = ({ query }: ApiRequest): boolean => query?.['watch'] === 'true';
export const isEvent = ({ path }: ApiRequest): boolean => path.includes('/events');
export const isStatus = ({ path }: ApiRequest): boolean => path.endsWith('/status');
/** Of the study's children; a study's own deletion is none. */
export const isChildWrite = (request: ApiRequest): boolean =>
  request.method !== 'GET' && !isEvent(request) && !isStatus(request);
