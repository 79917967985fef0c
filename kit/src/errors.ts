// SPDX-License-Identifier: Apache-2.0
/**
 * The base of every error that can reach a person: a code, what happened with the facts in it, and what to do about
 * it. Errors are for the world's mistakes; `assert` is for ours. Each package keeps its codes in one table
 * (`src/errors.ts`), and docs/errors.md is generated from those tables.
 */
export type ErrorFacts = Record<string, string | number | boolean | null>;

export class ProjectError extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly facts: ErrorFacts;

  constructor(options: {
    code: string;
    message: string;
    remedy: string;
    retryable?: boolean;
    facts?: ErrorFacts;
    cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProjectError';
    this.code = options.code;
    this.remedy = options.remedy;
    this.retryable = options.retryable ?? false;
    this.facts = options.facts ?? {};
  }
  /** One line for a terminal: what, then the remedy. */
  explain(): string {
    return `${this.code}: ${this.message}\n  remedy: ${this.remedy}`;
  }
}

/** Our own mistake: stops the process rather than let it compute something wrong. */
export function assert(condition: unknown, message: string): asserts condition {
  // eslint-disable-next-line no-restricted-syntax -- the one place that throws a bare Error: it is never shown as advice.
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
