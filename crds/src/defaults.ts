// SPDX-License-Identifier: Apache-2.0
/**
 * A spec with and without the schema's defaults. The operator works on the complete form, as the API server would return it, and compares
 * specs in the form without defaults: a default that a newer CRD adds must not look like a change that somebody made.
 */
import { check } from './check.ts';
import { canonicalJson } from './fingerprint.ts';
import { Problems } from './problems.ts';
import type { Schema } from './schema/schema.ts';
import { spec as specSchema } from './schema/study.ts';
import type { CheckedSpec, MelissaStudySpec } from './types.generated.ts';

/** Null when the schema refuses it; `compileStudy` says why. */
export function completeSpec(written: unknown): CheckedSpec | null {
  const problems = new Problems();
  const spec = check(specSchema, written, 'spec', { problems });
  return problems.all.length > 0 ? null : (spec as CheckedSpec);
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Leaves out every value that the schema would fill in by itself. */
export const withoutDefaults = (spec: MelissaStudySpec): unknown => stripped(specSchema, spec) ?? {};

function stripped(schema: Schema, value: unknown): unknown {
  const bare = inside(schema, value);
  if (!('default' in schema)) return bare;
  const filled = inside(schema, schema.default);
  return canonicalJson(bare ?? null) === canonicalJson(filled ?? null) ? undefined : bare;
}

function inside(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    // An item keeps its place: leaving one out would move the others.
    return items === undefined ? value : value.map((item) => inside(items, item) ?? null);
  }
  if (!isMap(value) || schema.properties === undefined) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    const known = schema.properties[key];
    const left = known === undefined ? child : stripped(known, child);
    if (left !== undefined) kept[key] = left;
  }
  return kept;
}
