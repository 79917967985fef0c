// SPDX-License-Identifier: Apache-2.0
/**
 * Manifests that a tired person, a template engine or an attacker might apply, made from sound ones by the CRD's own schema: wrong types, things left out, numbers
 * out of range, nulls, unknown fields, duplicates, huge and strange texts, fields that contradict each other. Pure: seed and index decide everything, so that any one
 * of them can be made again, whole or with fewer of its steps.
 */
import { Random } from '@melissa/kit';

export type Json = Record<string, unknown>;
export type Schema = {
  type?: string;
  format?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema;
  default?: unknown;
};
/** How it reaches the API server: as new, by POST or by server-side apply, or as a change of a study that was accepted before. */
export type Way = 'Create' | 'Apply' | 'Change';
export type Mutated = {
  index: number;
  way: Way;
  /** What is applied first, when it is a change. */
  sound: Json;
  manifest: Json;
  /** What was done to it, in words. */
  steps: string[];
  /** Steps that were drawn, kept or not. */
  drawn: number;
};

const STEPS_MAX = 3;
/** One of the few that Kubernetes holds larger than any manifest needs. */
const HUGE = 400_000;
const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A place that the schema knows, whether or not the manifest has something there. */
type Place = { holder: Json; key: string; schema: Schema; path: string };

function placesOf(value: unknown, schema: Schema, path: string): Place[] {
  const found: Place[] = [];
  const add = (holder: Json, key: string, of: Schema, at: string): void => {
    found.push({ holder, key, schema: of, path: at });
    if (Object.hasOwn(holder, key)) found.push(...placesOf(holder[key], of, at));
  };
  if (isObject(value)) {
    for (const [key, of] of Object.entries(schema.properties ?? {})) add(value, key, of, `${path}.${key}`);
    if (schema.additionalProperties !== undefined)
      for (const key of Object.keys(value)) add(value, key, schema.additionalProperties, `${path}[${key}]`);
  }
  if (Array.isArray(value) && schema.items !== undefined)
    for (const index of value.keys()) add(value as unknown as Json, String(index), schema.items, `${path}[${index}]`);
  return found;
}

const texts = [
  '',
  ' ',
  'x',
  'ä’日本💥',
  'a\u0000b',
  'a\nb: c',
  '\u202egnirts',
  '\ud800',
  '{x',
  '{}',
  '{nope}',
  '{x:%d}',
  '{{x}}',
  '${x}',
  '$(HOME)',
  '`id`',
  '../../etc/passwd',
  '1e3',
  '4Gi',
  '-1Gi',
  '1e999Gi',
  'null',
  'yes',
  'C:\\x',
];
const numbers = [0, -1, 1, 2.5, -0.1, 1e-320, 1e308, 2 ** 31, 2 ** 53, -(2 ** 63), 1e21];
const others = [null, true, false, 0, 7, -1, 2.5, 'x', '', [], {}, [[]], [null], { name: 'x' }, ['x', 'x']];

/** Something that the schema alone would take: rare fields meet each other. */
function sample(schema: Schema, random: Random, depth = 0): unknown {
  if (schema.enum !== undefined) return pick(random, schema.enum);
  switch (schema.type) {
    case 'integer':
      return pick(random, [schema.minimum ?? 0, (schema.minimum ?? 0) + 1, 3, 100, schema.maximum ?? 1000]);
    case 'number':
      return pick(random, [0.1, 0.5, 1, 7, schema.maximum ?? 1e9]);
    case 'boolean':
      return random.chance(0.5);
    case 'array': {
      const length = Math.max(schema.minItems ?? 0, random.below(3));
      return Array.from({ length }, () => sample(schema.items ?? {}, random, depth + 1));
    }
    case 'object': {
      if (schema.additionalProperties !== undefined)
        return { [pick(random, ['x', 'a.b/c', 'X_1'])]: sample(schema.additionalProperties, random, depth + 1) };
      const keys = Object.entries(schema.properties ?? {}).filter(
        ([key]) => schema.required?.includes(key) === true || random.chance(depth > 3 ? 0.1 : 0.35),
      );
      return Object.fromEntries(keys.map(([key, of]) => [key, sample(of, random, depth + 1)]));
    }
    case 'string':
      return schema.pattern?.includes('Ki|Mi') === true
        ? '1Gi'
        : pick(random, ['x', 'u', 'temperature', 'left', 'a-b']);
    default:
      return pick(random, [1, 'x']);
  }
}

function outOfRange({ schema, holder, key }: Place, random: Random): unknown {
  const { minimum, maximum, maxLength, maxItems, type } = schema;
  if (type === 'integer' || type === 'number')
    return pick(random, [...numbers, (minimum ?? 0) - 1, minimum ?? 0, (maximum ?? 1e9) + 1, maximum ?? 1e15]);
  if (type === 'string') return pick(random, ['', 'y'.repeat((maxLength ?? 1000) + 1), 'y'.repeat(maxLength ?? 1000)]);
  if (type === 'array') {
    const [first = sample(schema.items ?? {}, random)] = Array.isArray(holder[key]) ? (holder[key] as unknown[]) : [];
    return Array.from(
      { length: pick(random, [0, (maxItems ?? 5000) + 1, Math.min(maxItems ?? 500, 2000)]) },
      () => first,
    );
  }
  return Object.fromEntries(Array.from({ length: pick(random, [0, 300]) }, (_, index) => [`k${index}`, 'v']));
}

const nested = (depth: number): unknown =>
  depth === 0 ? 'deep' : depth % 2 === 0 ? [nested(depth - 1)] : { x: nested(depth - 1) };

type Step = (places: Place[], random: Random) => string;
const at =
  (name: string, wanted: (place: Place) => boolean, change: (place: Place, random: Random) => unknown): Step =>
  (places, random) => {
    const place = pick(random, places.filter(wanted).length > 0 ? places.filter(wanted) : places);
    const value = change(place, random);
    if (value === undefined) delete place.holder[place.key];
    else
      Object.defineProperty(place.holder, place.key, { value, enumerable: true, configurable: true, writable: true });
    return `${place.path}: ${name} ${shortly(value)}`;
  };
const shortly = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
};
const isThere = ({ holder, key }: Place): boolean => Object.hasOwn(holder, key);
const isAbsent = (place: Place): boolean => !isThere(place);
const any = (): boolean => true;
const typed =
  (...types: string[]) =>
  ({ schema }: Place): boolean =>
    types.includes(schema.type ?? '');
const templated = (place: Place): boolean => isThere(place) && place.schema.type === 'string' && isTemplate(place);
const isTemplate = ({ path }: Place): boolean => /\.(command|args|env|files|outputs|preprocessing)\b/.test(path);

/** What no schema can see: one field by itself is sound. */
const contradictions: [path: string, value: unknown][] = [
  ['client.args', ['{nope}']],
  ['client.env', { HOME: '{x', MELISSA_X: '{nope}' }],
  ['client.files', [{ path: '../outside', content: '{nope}' }]],
  [
    'client.files',
    [
      { path: 'in', content: '1' },
      { path: 'in', content: '2' },
    ],
  ],
  ['client.outputs', [{ field: 'nope', npy: 'x.npy' }]],
  ['client.image', ''],
  ['client.launcher', 'Template'],
  ['client.ranks', 64],
  ['client.mode', 'PodPerSimulation'],
  ['client.template.resources', { requests: { cpu: '8' }, limits: { cpu: '1' } }],
  ['client.template.volumeMounts', [{ name: 'nope', mountPath: '/x' }]],
  ['client.template.nodeSelector', { nowhere: 'x' }],
  ['client.template.priorityClassName', 'nope'],
  ['server.template.imagePullPolicy', 'Always'],
  ['server.memory', '1Ki'],
  ['server.memory', '1000Pi'],
  ['server.ranks', 30],
  ['server.checkpoint', { storage: { storageClassName: 'nope', size: '0' } }],
  ['server.checkpoint', { storage: { existingClaim: 'nope' } }],
  ['sampling', { method: 'Grid', points: { nope: 3 } }],
  ['sampling', { method: 'List', list: { configMap: { name: 'nope', key: 'x' } } }],
  ['sampling', { method: 'List', list: { csv: 'rows.csv' } }],
  ['sampling', { method: 'List', list: { rows: [[1], ['x', 2]] } }],
  ['sampling', { method: 'List', list: { text: '\u0000' } }],
  ['sampling', { method: 'PickFreeze', groups: 10_000_000, secondOrder: true }],
  ['time', { steps: 1_000_000 }],
  ['time', { values: [3, 2, 1] }],
  ['fields', []],
  ['keepRaw', { ids: [9, 9, 2_000_000_000] }],
  ['statistics', { exceedance: [{ field: 'nope', above: 1 }] }],
  ['statistics', { covariance: [{ fields: ['nope', 'nope'] }] }],
  ['statistics', { quantiles: [0.5, 0.5, 0.1] }],
  ['statistics', { stopWhen: { sobolIntervalBelow: 0.05 } }],
  ['partial', 'Keep'],
  ['deterministic', false],
  ['backend', { slurm: {} }],
  ['suspend', true],
  ['cancel', true],
  ['deadlineSeconds', 1],
  ['ttlSecondsAfterFinished', 0],
  ['managedBy', 'somebody.else/x'],
  ['queue', { name: 'nope' }],
];

/** Along the path, making what is missing. */
function put(target: Json, path: string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) target[key] = structuredClone(value);
  else {
    if (!isObject(target[key])) target[key] = {};
    put(target[key] as Json, rest, value);
  }
}

const steps: [weight: number, step: Step][] = [
  [8, at('made up', isAbsent, ({ schema }, random) => sample(schema, random))],
  [5, at('made anew', isThere, ({ schema }, random) => sample(schema, random))],
  [3, at('another type', isThere, (_, random) => structuredClone(pick(random, others)))],
  [2, at('left out', isThere, () => undefined)],
  [3, at('out of range', any, outOfRange)],
  [1, at('null', any, () => null)],
  [
    2,
    at(
      'another word',
      ({ schema }) => schema.enum !== undefined,
      ({ schema }, random) => pick(random, [schema.enum?.[0]?.toLowerCase() ?? 'x', 'Nope', '', 3]),
    ),
  ],
  [2, at('text', typed('string'), (_, random) => pick(random, texts))],
  [1, at('huge text', typed('string'), () => 'z'.repeat(HUGE))],
  [2, at('text for number', typed('integer', 'number'), ({ holder, key }) => String(holder[key] ?? 3))],
  [2, at('broken template', templated, (_, random) => pick(random, texts))],
  [1, at('nested', any, (_, random) => nested(pick(random, [3, 60, 600])))],
  [
    2,
    (places, random) => {
      const lists = places.filter(({ holder, key }) => Array.isArray(holder[key]) && (holder[key] as []).length > 0);
      if (lists.length === 0) return 'nothing';
      const { holder, key, path } = pick(random, lists);
      (holder[key] as unknown[]).push(structuredClone((holder[key] as unknown[])[0]));
      return `${path}: first entry twice`;
    },
  ],
  [
    2,
    (places, random) => {
      const objects = places.filter(({ holder, key }) => isObject(holder[key]));
      if (objects.length === 0) return 'nothing';
      const { holder, key, path } = pick(random, objects);
      const name = pick(random, ['naem', 'Name', 'replicas', 'hostNetwork', 'a.b', '__proto__', 'constructor', '💥']);
      const value = pick(random, ['x', 1, { x: 1 }]);
      Object.defineProperty(holder[key], name, { value, enumerable: true, configurable: true, writable: true });
      return `${path}.${name}: unknown field ${JSON.stringify(value)}`;
    },
  ],
];
const all = steps.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));

const names = [
  '',
  'A',
  '1a',
  '-a',
  'a-',
  'a.b',
  'a_b',
  'ä',
  'a b',
  'a/b',
  '..',
  'a'.repeat(41),
  'a'.repeat(64),
  'a'.repeat(300),
];
const oddTexts = ['', 'x', 'ä', '-', 'x'.repeat(64), 'x'.repeat(70_000), 'a\nb'];
const oddKeys = [
  '',
  'x',
  'melissa.dev/rotate',
  'melissa.dev/study',
  'app.kubernetes.io/managed-by',
  'a b',
  'a/b/c',
  'ä',
];

function oddMetadata(manifest: Json, way: Way, random: Random): string {
  const metadata = manifest['metadata'] as Json;
  const kind = random.below(way === 'Change' ? 2 : 5);
  if (kind >= 2) {
    // The longest sound name among them, which is made so that no two are the same.
    const name = pick(random, [...names, `${metadata['name']}-${'n'.repeat(40)}`.slice(0, 40)]);
    metadata['name'] = name;
    return `metadata.name: ${shortly(name)}`;
  }
  const of = kind === 0 ? 'labels' : 'annotations';
  const [key, value] = [pick(random, oddKeys), pick<unknown>(random, [...oddTexts, 7, null, {}])];
  metadata[of] = { [key]: value };
  return `metadata.${of}[${key}]: ${shortly(value)}`;
}

/** Number `index` of `seed`. `keep` leaves steps out: a smaller one that fails the same way tells more. */
export function mutated(
  bases: readonly Json[],
  schema: Schema,
  { seed, index, keep }: { seed: number; index: number; keep?: readonly number[] },
): Mutated {
  const random = Random.at(seed, index);
  const sound = structuredClone(bases[random.below(bases.length)]!);
  (sound['metadata'] as Json)['name'] = `m${index}`;
  const way = pick(random, ['Create', 'Create', 'Apply', 'Change'] as const);
  const manifest = structuredClone(sound);
  const done: string[] = [];
  const count = random.chance(0.6) ? 1 : 1 + random.below(STEPS_MAX);
  for (let number = 0; number < count; number++) {
    // A stream of its own, so that the steps that are kept are drawn as before.
    const own = Random.at(seed + 1, index * STEPS_MAX + number);
    if (keep !== undefined && !keep.includes(number)) continue;
    if (own.chance(0.35) && isObject(manifest['spec'])) {
      const [path, value] = pick(own, contradictions);
      put(manifest['spec'], path.split('.'), value);
      done.push(`.spec.${path}: ${shortly(value)}`);
    } else if (own.chance(0.08)) done.push(oddMetadata(manifest, way, own));
    else
      done.push(
        pick(own, all)(
          placesOf(manifest, schema, '').filter(({ path }) => path.startsWith('.spec')),
          own,
        ),
      );
  }
  return { index, way, sound, manifest, steps: done, drawn: count };
}
