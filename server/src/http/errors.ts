// SPDX-License-Identifier: Apache-2.0
/** Codes of the HTTP server, the I/O worker and the results writer, with what each means and what to do. */
import { ProjectError, type ErrorFacts } from '@melissa/kit';

export const errors = {
  ETOKEN: {
    message: 'the token is missing or wrong',
    remedy:
      'Send the header `Authorization: Bearer TOKEN`; the token is in the file `token` of the study directory, on a cluster in its Secret.',
  },
  EREQUEST: { message: 'the request is not valid', remedy: 'Compare it with /openapi.json or docs/reference/rest.md.' },
  ENOROUTE: { message: 'there is no such path', remedy: 'GET /openapi.json lists every path.' },
  EMETHOD: {
    message: 'the path does not answer to this method',
    remedy: 'Use one of the methods in the header `Allow`.',
  },
  EINTENT: { message: 'on a cluster the manifest alone decides', remedy: 'Change the MelissaStudy with kubectl.' },
  EINTENT_OLD: {
    message: 'a newer generation of the manifest was taken before',
    remedy: 'Read the manifest again and send what it says now.',
  },
  EREADER: {
    message: 'this token may look at the study and not change it',
    remedy: 'On a cluster change the MelissaStudy with kubectl; this path is for its operator.',
  },
  EAUTHORIZE: {
    message: 'the token cannot be checked now',
    remedy:
      "The operator, which checks Kubernetes tokens, does not answer; try again, or use the study's token from its Secret.",
  },
  ENOSIMULATION: {
    message: 'there is no such simulation',
    remedy: 'Ids run from 0; GET /v1/status says how many there are.',
  },
  ENOOUTPUT: {
    message: 'the simulation has no such attempt yet',
    remedy: 'GET /v1/simulations/{id} lists its attempts.',
  },
  ENOSTATISTIC: {
    message: 'there is no such map',
    remedy: 'GET /v1/fields lists fields, kept steps, statistics and their arguments.',
  },
  EINTERNAL: {
    message: 'the server failed on this request',
    remedy: 'Look at the log of the head; the study goes on.',
  },
  ESTARTING: { message: 'the study is starting', remedy: 'Try again in a moment.' },
  EPORT: {
    message: 'the HTTP server cannot listen',
    remedy: 'Choose a free port, or end what listens there; port 0 takes any free one.',
  },
  EWEAKTOKEN: {
    message: 'the token is too short to protect anything',
    remedy: 'Give a token of at least 16 characters.',
  },
  EIOBUSY: {
    message: 'too many requests wait for the I/O worker',
    remedy: 'Try again in a moment; ask for fewer pictures and pages at once.',
  },
  EIOWORKER: {
    message: 'the I/O worker ended unexpectedly',
    remedy: 'It is started again by itself; look at the log of the head if this repeats.',
  },
  EEVENTLOG: {
    message: 'the event log cannot be written',
    remedy: 'Free space or repair the folder of the study; the study goes on and writing is tried again.',
  },
  ERESULTS: {
    message: 'the results cannot be written',
    remedy: 'Free space or repair the folder of the study; the next period tries again.',
  },
} as const;

export type ErrorCode = keyof typeof errors;

/** An error of this table with the facts of the case. */
export function problem(
  code: ErrorCode,
  detail = '',
  more: { remedy?: string; retryable?: boolean; facts?: ErrorFacts; cause?: unknown } = {},
): ProjectError {
  const { message, remedy } = errors[code];
  return new ProjectError({
    code,
    message: detail === '' ? message : `${message}: ${detail}`,
    ...more,
    remedy: more.remedy ?? remedy,
  });
}
