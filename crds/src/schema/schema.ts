// SPDX-License-Identifier: Apache-2.0
/**
 * The language in which the manifest's schema is written: structural OpenAPI v3 as Kubernetes reads it, plus a few
 * facts of our own under `melissa` that the CRD cannot carry (how a rule is explained to a person). The schema is plain
 * constant data; the CRD, the TypeScript types, the validator, `explain` and the reference page are all read from it.
 * Every list, string and map has a bound: a cluster estimates the cost of a rule from them, and a person may paste anything.
 */
export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

/** A rule in CEL that the API server checks; `compileStudy` checks the same in TypeScript and says more. */
export type CelRule = { rule: string; message: string };

/** What only our own tools read. */
export type OwnFacts = {
  /** A Kubernetes quantity of memory; compiled to bytes. */
  quantity?: boolean;
  /** Number or text: OpenAPI v3 as Kubernetes takes it has no such type, so the CRD preserves it unseen. */
  numberOrText?: boolean;
  /** Anything at all, checked by Kubernetes itself when the operator applies it. */
  any?: boolean;
  /** Exactly one of these keys must be given. */
  exactlyOneOf?: readonly string[];
  /** At most one of these keys may be given. */
  atMostOneOf?: readonly string[];
  /** What the pattern means, in words that complete "must be". */
  patternMeans?: string;
  /** A default that depends on something else, in words; `compileStudy` fills it. */
  defaultMeans?: string;
  /** What to write instead, when a value of this field is refused. */
  remedy?: string;
};

export type Schema = {
  description: string;
  type?: SchemaType;
  format?: 'int32' | 'int64' | 'double' | 'date-time';
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: Schema;
  maxProperties?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  enum?: readonly string[];
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  nullable?: boolean;
  default?: unknown;
  'x-kubernetes-validations'?: readonly CelRule[];
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-preserve-unknown-fields'?: true;
  melissa?: OwnFacts;
};

type Extra = Partial<Omit<Schema, 'description' | 'type'>>;

export const string = (description: string, maxLength: number, extra: Extra = {}): Schema => ({
  description,
  type: 'string',
  maxLength,
  ...extra,
});

export const choice = (description: string, values: readonly string[], extra: Extra = {}): Schema => ({
  description,
  type: 'string',
  enum: values,
  // The longest value bounds the string for the API server's cost estimate as well.
  maxLength: Math.max(...values.map((value) => value.length)),
  ...extra,
});

const INT32_MAX = 2147483647;

export const integer = (description: string, range: { min: number; max?: number }, extra: Extra = {}): Schema => ({
  description,
  type: 'integer',
  format: (range.max ?? INT32_MAX) > INT32_MAX ? 'int64' : 'int32',
  minimum: range.min,
  maximum: range.max ?? INT32_MAX,
  ...extra,
});

/** A physical value. Finite, because JSON has no other. */
export const number = (description: string, extra: Extra = {}): Schema => ({
  description,
  type: 'number',
  format: 'double',
  ...extra,
});

export const boolean = (description: string, extra: Extra = {}): Schema => ({ description, type: 'boolean', ...extra });

export const QUANTITY_PATTERN = '^[0-9]+(\\.[0-9]+)?(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$';

/** An amount of memory as Kubernetes writes it. Text only, so that `4` cannot be read as 4 GB by one tool and 4 B by another. */
export const quantity = (description: string, extra: Extra = {}): Schema => ({
  description,
  type: 'string',
  maxLength: 32,
  pattern: QUANTITY_PATTERN,
  ...extra,
  melissa: {
    quantity: true,
    patternMeans: 'an amount of memory such as 4Gi or 500M',
    remedy: 'Write a number with one of the units k, M, G, T, Ki, Mi, Gi, Ti, for example 4Gi.',
    ...extra.melissa,
  },
});

export const list = (
  description: string,
  items: Schema,
  bounds: { min?: number; max: number },
  extra: Extra = {},
): Schema => ({
  description,
  type: 'array',
  items,
  ...(bounds.min === undefined ? {} : { minItems: bounds.min }),
  maxItems: bounds.max,
  'x-kubernetes-list-type': 'atomic',
  ...extra,
});

export const map = (description: string, values: Schema, max: number, extra: Extra = {}): Schema => ({
  description,
  type: 'object',
  additionalProperties: values,
  maxProperties: max,
  ...extra,
});

/** A number or a text. Kept as written; its kind is checked by `compileStudy`. */
export const numberOrText = (description: string, extra: Extra = {}): Schema => ({
  description,
  'x-kubernetes-preserve-unknown-fields': true,
  ...extra,
  melissa: { numberOrText: true, ...extra.melissa },
});

export const object = (
  description: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
  extra: Extra = {},
): Schema => ({ description, type: 'object', properties, ...(required.length > 0 ? { required } : {}), ...extra });

/** A closed set of keys of which exactly one is given; the key says which kind it is. */
export const union = (description: string, properties: Readonly<Record<string, Schema>>, extra: Extra = {}): Schema =>
  object(description, properties, [], {
    ...extra,
    melissa: { exactlyOneOf: Object.keys(properties), ...extra.melissa },
  });
