// SPDX-License-Identifier: Apache-2.0
/**
 * Checks any value against a Schema and fills defaults, as the API server does with the CRD that is made from the same
 * schema. Called by compileStudy before any rule that needs more than one field. Returns a copy; the argument is left alone.
 */
import { closest } from '@melissa/kit';
import { plural, type Problems } from './problems.ts';
import type { Schema } from './schema/schema.ts';
import { spec as specSchema } from './schema/study.ts';

type Context = { problems: Problems };

export function check(schema: Schema, value: unknown, path: string, context: Context): unknown {
  if (value === undefined || (value === null && schema.nullable !== true && 'default' in schema)) {
    return schema.default === undefined ? undefined : check(schema, structuredClone(schema.default), path, context);
  }
  if (value === null && schema.nullable === true) return null;
  if (schema.melissa?.numberOrText === true) return checkNumberOrText(value, path, context);
  if (schema.melissa?.any === true) return structuredClone(value);
  switch (schema.type) {
    case 'object':
      return checkObject(schema, value, path, context);
    case 'array':
      return checkList(schema, value, path, context);
    case 'string':
      return checkString(schema, value, path, context);
    case 'boolean':
      if (typeof value !== 'boolean') wrongType(value, path, 'true or false', schema, context);
      return value;
    case 'integer':
    case 'number':
      return checkNumber(schema, value, path, context);
    case undefined:
      return structuredClone(value);
  }
}

function wrongType(value: unknown, path: string, wanted: string, schema: Schema, { problems }: Context): void {
  problems.add(path, value, `must be ${wanted}, but is ${kindOf(value)}`, schema.melissa?.remedy ?? `Write ${wanted}.`);
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : 'not finite';
  return typeof value === 'boolean' ? 'true or false' : typeof value;
}

function checkNumberOrText(value: unknown, path: string, context: Context): unknown {
  const ok = typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
  if (!ok)
    context.problems.add(
      path,
      value,
      `must be a number or text, but is ${kindOf(value)}`,
      'Write a number, or text in quotes.',
    );
  if (typeof value === 'string' && value.length > 1024) {
    context.problems.add(path, value, `has ${value.length} characters; at most 1024 are allowed`, 'Shorten it.');
  }
  return value;
}

function checkNumber(schema: Schema, value: unknown, path: string, context: Context): unknown {
  const integer = schema.type === 'integer';
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    wrongType(value, path, integer ? 'a whole number' : 'a number', schema, context);
    return value;
  }
  if (integer && !Number.isInteger(value)) {
    context.problems.add(path, value, 'must be a whole number', `Write ${Math.round(value)}, for example.`);
    return value;
  }
  const below =
    schema.minimum !== undefined &&
    (schema.exclusiveMinimum === true ? value <= schema.minimum : value < schema.minimum);
  const above =
    schema.maximum !== undefined &&
    (schema.exclusiveMaximum === true ? value >= schema.maximum : value > schema.maximum);
  if (below || above) {
    // Bounds that only say what a number can hold are not worth naming, unless one of them is the one that is broken.
    const wanted =
      above && !boundsText(schema).includes(String(schema.maximum)) ? `at most ${schema.maximum}` : boundsText(schema);
    context.problems.add(
      path,
      value,
      `must be ${wanted}`,
      schema.melissa?.remedy ?? `Write a number that is ${wanted}.`,
    );
  }
  return value;
}

/** `above 0`, `from 1 to 4`, `at least 1`: the bounds of a number in words. */
export function boundsText(schema: Schema): string {
  const low = schema.minimum;
  const high = schema.maximum === 2147483647 || schema.maximum === Number.MAX_SAFE_INTEGER ? undefined : schema.maximum;
  const bare = schema.exclusiveMinimum !== true && schema.exclusiveMaximum !== true;
  if (low !== undefined && high !== undefined && bare) return `from ${low} to ${high}`;
  const parts: string[] = [];
  if (low !== undefined) parts.push(`${schema.exclusiveMinimum === true ? 'above' : 'at least'} ${low}`);
  if (high !== undefined) parts.push(`${schema.exclusiveMaximum === true ? 'below' : 'at most'} ${high}`);
  if (parts.length === 0 && schema.maximum !== undefined) parts.push(`at most ${schema.maximum}`);
  return parts.join(' and ');
}

function checkString(schema: Schema, value: unknown, path: string, context: Context): unknown {
  if (typeof value !== 'string') {
    const written = schema.melissa?.quantity === true ? `Write it as text with a unit, for example 4Gi.` : undefined;
    wrongType(
      value,
      path,
      'text',
      written === undefined ? schema : { ...schema, melissa: { ...schema.melissa, remedy: written } },
      context,
    );
    return value;
  }
  const { problems } = context;
  if (schema.enum !== undefined) {
    if (!schema.enum.includes(value)) {
      const near = closest(value, schema.enum);
      const hint = near === null ? '' : `; did you mean ${near}?`;
      problems.add(
        path,
        value,
        `"${value}" is not one of ${schema.enum.join(', ')}${hint}`,
        schema.melissa?.remedy ?? `Write ${near ?? 'one of them'}.`,
      );
    }
    return value;
  }
  // The API server counts code points as well.
  const length = value.length > (schema.maxLength ?? Infinity) ? [...value].length : value.length;
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    problems.add(path, value, `has ${length} characters; at most ${schema.maxLength} are allowed`, 'Shorten it.');
  } else if (schema.minLength !== undefined && length < schema.minLength) {
    problems.add(path, value, 'must not be empty', schema.melissa?.remedy ?? 'Write a text, or leave the key out.');
  } else if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    const wanted = schema.melissa?.patternMeans ?? `of the form ${schema.pattern}`;
    problems.add(path, value, `must be ${wanted}`, schema.melissa?.remedy ?? `Write a text that is ${wanted}.`);
  }
  return value;
}

function checkList(schema: Schema, value: unknown, path: string, context: Context): unknown {
  if (!Array.isArray(value)) {
    wrongType(value, path, 'a list', schema, context);
    return value;
  }
  const { problems } = context;
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    problems.add(
      path,
      value,
      `has ${plural(value.length, 'item')}; at most ${schema.maxItems} are allowed`,
      'Shorten the list.',
    );
    return value;
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    problems.add(path, value, `needs at least ${plural(schema.minItems, 'item')}`, 'Add to the list.');
  }
  // Array.from visits holes too.
  return Array.from(value, (item: unknown, i) => check(schema.items!, item ?? null, `${path}[${i}]`, context));
}

function checkObject(schema: Schema, value: unknown, path: string, context: Context): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    wrongType(value, path, 'a map', schema, context);
    return value;
  }
  const given = value as Record<string, unknown>;
  const values = schema.additionalProperties;
  if (values !== undefined) {
    const keys = Object.keys(given);
    if (schema.maxProperties !== undefined && keys.length > schema.maxProperties) {
      context.problems.add(
        path,
        value,
        `has ${plural(keys.length, 'key')}; at most ${schema.maxProperties} are allowed`,
        'Shorten the map.',
      );
      return value;
    }
    return Object.fromEntries(keys.map((key) => [key, check(values, given[key], join(path, key), context)]));
  }
  const properties = schema.properties;
  if (properties === undefined) return structuredClone(value);
  for (const key of Object.keys(given))
    if (!Object.hasOwn(properties, key)) unknownKey({ key, value: given[key], path, properties }, context);
  for (const key of schema.required ?? []) {
    if (given[key] === undefined || (given[key] === null && properties[key]!.nullable !== true))
      missingKey(key, path, properties[key]!, context);
  }
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(properties)) {
    if (given[key] === null && child.nullable !== true && schema.required?.includes(key) === true) continue;
    const checked = check(child, given[key], join(path, key), context);
    if (checked !== undefined) result[key] = checked;
  }
  checkUnion(schema, result, path, context);
  return result;
}

/** Keys that are not plain words are quoted, so that a path can be read back. */
export function join(path: string, key: string): string {
  const plain = /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? plain : `${path}.${plain}`;
}

function missingKey(key: string, path: string, schema: Schema, { problems }: Context): void {
  problems.add(join(path, key), null, 'is missing', `Add ${key}: ${firstSentence(schema.description)}`);
}

export function firstSentence(text: string): string {
  const end = /[.;:](\s|$)/.exec(text);
  return end === null ? text : `${text.slice(0, end.index)}.`;
}

type Unknown = { key: string; value: unknown; path: string; properties: Readonly<Record<string, Schema>> };

function unknownKey({ key, value, path, properties }: Unknown, { problems }: Context): void {
  const names = Object.keys(properties);
  const near = closest(key, names);
  const elsewhere = near === null ? placesOf(key) : [];
  const hint = near === null ? (elsewhere[0] ?? null) : near;
  const message = `unknown key "${key}"${hint === null ? '' : `; did you mean ${hint}?`}`;
  const remedy =
    hint !== null
      ? `Write ${hint} instead.`
      : names.length === 0
        ? 'Remove it; no key is known here.'
        : `Remove it. Known keys here: ${names.join(', ')}.`;
  problems.add(join(path, key), value, message, remedy);
}

/** Paths in the spec that end with this very key: it was perhaps written one level off. Maps and pod templates are left out. */
function placesOf(key: string): string[] {
  const found: string[] = [];
  const visit = (schema: Schema, path: string): void => {
    for (const [name, child] of Object.entries(schema.properties ?? {})) {
      if (name === 'template') continue;
      if (name === key) found.push(`${path}.${name}`);
      visit(child, `${path}.${name}`);
      if (child.items !== undefined) visit(child.items, `${path}.${name}[]`);
    }
  };
  visit(specSchema, 'spec');
  return found.length <= 2 ? found : [];
}

function checkUnion(schema: Schema, value: Record<string, unknown>, path: string, { problems }: Context): void {
  const one = schema.melissa?.exactlyOneOf;
  const most = schema.melissa?.atMostOneOf;
  for (const keys of [one, most]) {
    if (keys === undefined) continue;
    const given = keys.filter((key) => value[key] !== undefined);
    if (given.length > 1) {
      problems.add(
        path,
        given.join(', '),
        `has ${given.join(' and ')}; only one of ${keys.join(', ')} may be given`,
        `Keep ${given[0]} or ${given[1]}.`,
      );
    } else if (given.length === 0 && keys === one) {
      problems.add(path, null, `needs exactly one of ${keys.join(', ')}`, `Add one of them.`);
    }
  }
}
