// SPDX-License-Identifier: Apache-2.0
// Rules that the whole schema keeps, and that no reviewer would check field by field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../check.ts';
import { Problems } from '../problems.ts';
import type { Schema } from './schema.ts';
import { status } from './status.ts';
import { spec } from './study.ts';

type Visit = { path: string; schema: Schema };

function everything(): Visit[] {
  const found: Visit[] = [];
  const visit = (schema: Schema, path: string): void => {
    found.push({ path, schema });
    for (const [key, child] of Object.entries(schema.properties ?? {})) visit(child, `${path}.${key}`);
    if (schema.items !== undefined) visit(schema.items, `${path}[]`);
    if (schema.additionalProperties !== undefined) visit(schema.additionalProperties, `${path}.*`);
  };
  visit(spec, 'spec');
  visit(status, 'status');
  return found;
}
const all = everything();

test('the walk sees the whole schema', () => assert.ok(all.length > 400, `${all.length} fields`));

test('every field has a description that is a sentence', () => {
  for (const { path, schema } of all) assert.match(schema.description, /^[A-Z0-9].*[.]$/s, path);
});

test('every list, map, string and number has a bound', () => {
  for (const { path, schema } of all) {
    if (schema.type === 'array') assert.ok(schema.maxItems !== undefined, path);
    if (schema.additionalProperties !== undefined) assert.ok(schema.maxProperties !== undefined, path);
    if (schema.type === 'string') assert.ok(schema.maxLength !== undefined, path);
    if (schema.type === 'integer') assert.ok(schema.minimum !== undefined && schema.maximum !== undefined, path);
  }
});

test('enums are CamelCase', () => {
  for (const { path, schema } of all)
    for (const value of schema.enum ?? []) assert.match(value, /^([A-Z][A-Za-z0-9]*)?$/, path);
});

test('every default passes its own schema', () => {
  for (const { path, schema } of all) {
    if (schema.default === undefined) continue;
    const problems = new Problems();
    check(schema, undefined, path, { problems });
    assert.deepEqual(problems.all, [], path);
  }
});

test('every required key and every key of a union exists', () => {
  for (const { path, schema } of all) {
    const own = schema.melissa;
    for (const key of [...(schema.required ?? []), ...(own?.exactlyOneOf ?? []), ...(own?.atMostOneOf ?? [])]) {
      assert.ok(schema.properties?.[key] !== undefined, `${path}.${key}`);
    }
  }
});
