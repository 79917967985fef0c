// SPDX-License-Identifier: Apache-2.0
/**
 * The one door to the API server. Everything of the runtime sends through a Transport: the real one (io/https-transport.ts), a
 * wrapper that checks leadership or limits the rate, one that injects faults, or a scripted server in tests.
 */
import { ApiError, RuntimeError } from './errors.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type ApiRequest = {
  method: Method;
  path: string;
  query?: Record<string, string>;
  contentType?: string;
  /** application/json when not given. */
  accept?: string;
  body?: string;
  /** Until the whole answer is there; of a watch, until its headers are. */
  timeoutMs: number;
  signal?: AbortSignal;
};

export type ApiResponse = {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
  /** Nobody but the reader has the chunks: their bytes may be given back as soon as they are read. A transport around another keeps this only if it is so. */
  ownsChunks?: boolean;
};

export interface Transport {
  send(request: ApiRequest): Promise<ApiResponse>;
  close(): void;
}

export const describe = (request: ApiRequest): string => `${request.method} ${request.path}`;

/** An answer's body is read up to this size, unless it is a watch. */
export const BODY_BYTES_MAX = 256 * 2 ** 20;

export async function readBody(response: ApiResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) throw unreadable(`it has more than ${BODY_BYTES_MAX} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof RuntimeError ? cause : unreadable(String(cause), cause);
  }
  const [first] = chunks;
  const whole =
    chunks.length === 1 ? Buffer.from(first!.buffer, first!.byteOffset, first!.length) : Buffer.concat(chunks);
  return whole.toString('utf8');
}

const unreadable = (why: string, cause?: unknown): RuntimeError =>
  new RuntimeError('ANSWER', `the answer could not be read: ${why}`, 'The runtime tries again with back-off.', {
    cause,
  });

/** Seconds of a Retry-After header, null without one. Dates are not used by the API server. */
export function retryAfterOf(response: ApiResponse): number | null {
  const value = Number(response.headers['retry-after']);
  return Number.isFinite(value) && value >= 0 && response.headers['retry-after'] !== undefined
    ? Math.min(value, 3600)
    : null;
}

/** Sends and reads JSON; a refusal becomes an ApiError. */
export async function sendJson<T>(transport: Transport, request: ApiRequest): Promise<T> {
  const response = await transport.send(request);
  const text = await readBody(response);
  if (response.status < 200 || response.status >= 300) throw refusal(request, response, text);
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw unreadable(`it is not JSON (${text.length} characters)`, cause);
  }
}

export function refusal(request: ApiRequest, response: ApiResponse, text: string): ApiError {
  let reason = '';
  let message = text.slice(0, 500);
  try {
    const status = JSON.parse(text) as { reason?: string; message?: string };
    reason = status.reason ?? '';
    message = status.message ?? message;
  } catch {
    // Not a Status object: a proxy's page, or nothing.
  }
  return new ApiError({
    status: response.status,
    reason,
    message,
    retryAfterSeconds: retryAfterOf(response),
    request: describe(request),
  });
}
