// SPDX-License-Identifier: Apache-2.0
/**
 * The errors of the runtime, and the two that a handler throws. A TemporaryError asks for another try after a stated time; a
 * PermanentError says that trying again cannot help until the object changes. Any other error is retried with back-off.
 */
export class RuntimeError extends Error {
  readonly code: string;
  readonly remedy: string;
  constructor(code: string, message: string, remedy: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RuntimeError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** Thrown by a handler: not now, but after `afterSeconds` (60 when not given). */
export class TemporaryError extends Error {
  readonly afterSeconds: number;
  constructor(message: string, options: { afterSeconds?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TemporaryError';
    this.afterSeconds = options.afterSeconds ?? 60;
  }
}

/** Thrown by a handler: not again before the object changes. */
export class PermanentError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PermanentError';
  }
}

/** What the API server answered to a request that it refused. */
export class ApiError extends RuntimeError {
  readonly status: number;
  readonly reason: string;
  /** From Retry-After, null when the server named no time. */
  readonly retryAfterSeconds: number | null;
  constructor(options: {
    status: number;
    reason: string;
    message: string;
    retryAfterSeconds: number | null;
    request: string;
  }) {
    super(
      'API',
      `${options.request}: ${options.status} ${options.reason}: ${options.message}`,
      remedyOf(options.status),
    );
    this.name = 'ApiError';
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
  get isNotFound(): boolean {
    return this.status === 404;
  }
  get isConflict(): boolean {
    return this.status === 409;
  }
  get isExpired(): boolean {
    return this.status === 410;
  }
  /** Another try of the same request may succeed. */
  get isRetryable(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** A write was not sent because this replica does not hold the lease for certain. */
export class NotLeaderError extends RuntimeError {
  constructor(request: string) {
    super(
      'NOT_LEADER',
      `${request} was not sent: this replica does not hold the lease`,
      'Nothing to do: the leader does the work.',
    );
    this.name = 'NotLeaderError';
  }
}

function remedyOf(status: number): string {
  if (status === 401) return 'Check the credentials: an expired token, or a certificate of another cluster.';
  if (status === 403) return 'Grant the verb on the resource to the service account.';
  if (status === 404) return 'The object or its kind does not exist (is the CRD installed?).';
  if (status === 409) return 'Read the object again and decide anew; the runtime does so by itself for reconciles.';
  if (status === 422) return 'The API server refuses the object; the message names the field.';
  return 'The runtime tries again with back-off.';
}
