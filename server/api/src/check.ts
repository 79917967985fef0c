// SPDX-License-Identifier: Apache-2.0
/** Whether a body is what the document promises: for tests of servers and for clients that distrust theirs. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** Places and reasons where the value does not fit the schema; empty when it does. */
export function mismatches(schema: TSchema, value: unknown): string[] {
  return Value.Check(schema, value)
    ? []
    : [...Value.Errors(schema, value)].map((error) => `${error.instancePath} ${error.message}`);
}
