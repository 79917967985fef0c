// SPDX-License-Identifier: Apache-2.0
/** How one field of the schema is described to a person: its type, default and bounds in a few words. Used by `explain` and the reference page. */
import { boundsText } from './check.ts';
import type { Schema } from './schema/schema.ts';

export function typeText(schema: Schema): string {
  const own = schema.melissa;
  if (own?.numberOrText === true) return 'number or text';
  if (own?.quantity === true) return 'quantity';
  if (schema.enum !== undefined) return 'choice';
  switch (schema.type) {
    case 'array':
      return `list of ${typeText(schema.items!)}`;
    case 'object':
      return schema.additionalProperties === undefined
        ? 'map'
        : `map from name to ${typeText(schema.additionalProperties)}`;
    case 'integer':
      return 'whole number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'number':
      return 'number';
    default:
      return 'anything';
  }
}

export function defaultText(schema: Schema): string {
  if (schema.default !== undefined) return JSON.stringify(schema.default);
  return schema.melissa?.defaultMeans ?? '';
}

export function limitsText(schema: Schema): string {
  const parts: string[] = [];
  if (schema.enum !== undefined) return schema.enum.map((value) => (value === '' ? '""' : value)).join(', ');
  if (schema.type === 'integer' || schema.type === 'number') parts.push(boundsText(schema));
  if (schema.type === 'string') {
    if (schema.melissa?.patternMeans !== undefined) parts.push(schema.melissa.patternMeans);
    if (schema.maxLength !== undefined) parts.push(`at most ${schema.maxLength} characters`);
  }
  if (schema.minItems !== undefined) parts.push(`at least ${schema.minItems} item${schema.minItems === 1 ? '' : 's'}`);
  if (schema.maxItems !== undefined) parts.push(`at most ${schema.maxItems} items`);
  if (schema.maxProperties !== undefined) parts.push(`at most ${schema.maxProperties} keys`);
  if (schema.melissa?.exactlyOneOf !== undefined)
    parts.push(`exactly one of ${schema.melissa.exactlyOneOf.join(', ')}`);
  if (schema.melissa?.atMostOneOf !== undefined) parts.push(`at most one of ${schema.melissa.atMostOneOf.join(', ')}`);
  return parts.filter((part) => part !== '').join('; ');
}

/** Children of a field with the path they are reached by: items of a list are `name[]`. */
export function childrenOf(schema: Schema, path: string): { path: string; schema: Schema; required: boolean }[] {
  const holder = schema.type === 'array' ? schema.items! : schema;
  const prefix = schema.type === 'array' ? `${path}[]` : path;
  return Object.entries(holder.properties ?? {}).map(([key, child]) => ({
    path: `${prefix}.${key}`,
    schema: child,
    required: holder.required?.includes(key) === true,
  }));
}
