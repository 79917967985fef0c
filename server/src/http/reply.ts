// SPDX-License-Identifier: Apache-2.0
/** What a handler answers and what it is given: plain values, so that handlers know nothing of the HTTP server. */
import { ProjectError } from '@melissa/kit';
import type { AttemptRecord, ErrorBody, EventPage, EventQuery } from '@melissa/api';
import type { StudyService } from '../head/service.ts';
import type { MapSummary } from '../results/map-summary.ts';
import type { Picture } from '../results/picture.ts';
import { errors } from './errors.ts';

/** The I/O worker as the HTTP server uses it. */
export interface EventReader {
  queryEvents(query: EventQuery): Promise<EventPage>;
  attempts(simulation: number): Promise<AttemptRecord[]>;
  summarise(values: Float64Array): Promise<MapSummary>;
  renderPng(picture: Picture): Promise<Uint8Array>;
  degraded(): string[];
}
export type HandlerContext = {
  service: StudyService;
  eventReader: EventReader;
  manifest: Record<string, unknown>;
  version: string;
  /** `manifest`: on a cluster the MelissaStudy alone decides, and changes are refused with the kubectl command. */
  intent: 'api' | 'kubernetes';
  metrics: () => Promise<string>;
};
export type HandlerRequest = {
  params: Record<string, string | number>;
  query: Record<string, string | number | undefined>;
  body: Record<string, unknown>;
};
export type Reply = { status: number; contentType: string; body: string | Uint8Array };
export type Handler = (context: HandlerContext, request: HandlerRequest) => Promise<Reply> | Reply;

export function jsonReply(body: unknown, status = 200): Reply {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

const statusOfCode: Record<string, number> = {
  ETOKEN: 401,
  EREQUEST: 400,
  ENOROUTE: 404,
  EMETHOD: 405,
  EINTENT: 409,
  EINTENT_OLD: 409,
  EREADER: 403,
  EAUTHORIZE: 503,
  ENOSIMULATION: 404,
  ENOOUTPUT: 404,
  ENOSTATISTIC: 404,
  ESTATISTIC: 404,
  ESTARTING: 503,
  EUNAVAILABLE: 503,
  EBUSY: 503,
  EIOBUSY: 503,
  EIOWORKER: 503,
};

/** An error as an answer. What is not ours says nothing of the inside: the log has it. */
export function errorReply(cause: unknown): Reply {
  if (!(cause instanceof ProjectError))
    return jsonReply({ code: 'EINTERNAL', ...errors.EINTERNAL } satisfies ErrorBody, 500);
  const { code, message, remedy } = cause;
  return jsonReply({ code, message, remedy } satisfies ErrorBody, statusOfCode[code] ?? (cause.retryable ? 503 : 500));
}
