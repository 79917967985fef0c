// SPDX-License-Identifier: Apache-2.0
// Manifests with seeded mistakes: whatever is written is either compiled and planned, or refused with a path and a remedy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@melissa/kit';
import { compileStudy } from './compile.ts';
import { planMemory } from './plan/memory.ts';
import type { Schema } from './schema/schema.ts';
import { spec as specSchema } from './schema/study.ts';
import { aManifest, HEAT } from './testing.ts';

const MANIFESTS = 3000;
const VALUES = [
  null,
  undefined,
  true,
  false,
  0,
  -1,
  1,
  2.5,
  1e308,
  NaN,
  Infinity,
  2 ** 53,
  '',
  'x',
  '{',
  '{x}',
  '4Gi',
  'a'.repeat(10_000),
  [],
  {},
  [[]],
  [null],
  { name: 'x' },
];

type Slot = { holder: Record<string, unknown>; key: string };

/** Every place in a value that can be overwritten. */
function slotsOf(value: unknown): Slot[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...slotsOf(holder[key])]);
}

const pick = <T>(items: readonly T[], random: Random): T => items[random.below(items.length)]!;

/** A value that the schema would take, made at random, so that rare keys meet each other. */
function sample(schema: Schema, random: Random, depth = 0): unknown {
  if (schema.enum !== undefined) return pick(schema.enum, random);
  switch (schema.type) {
    case 'integer':
      return pick([schema.minimum ?? 0, (schema.minimum ?? 0) + 1, 3, 100], random);
    case 'number':
      return pick([0.1, 0.5, 1, 7], random);
    case 'boolean':
      return random.chance(0.5);
    case 'array':
      return Array.from({ length: random.below(3) }, () => sample(schema.items!, random, depth + 1));
    case 'object': {
      const keys = Object.entries(schema.properties ?? {}).filter(
        ([key]) => schema.required?.includes(key) === true || random.chance(depth > 3 ? 0.2 : 0.4),
      );
      return Object.fromEntries(keys.map(([key, child]) => [key, sample(child, random, depth + 1)]));
    }
    default:
      return schema.melissa?.quantity === true ? '1Gi' : pick(['x', 'u', 'temperature', 'left'], random);
  }
}

function mutate(random: Random): Record<string, unknown> {
  const manifest = structuredClone(random.chance(0.5) ? HEAT : aManifest()) as Record<string, unknown>;
  for (let i = 1 + random.below(3); i > 0; i--) {
    if (random.chance(0.4)) {
      const key = pick(Object.keys(specSchema.properties!), random);
      const spec = manifest['spec'];
      if (typeof spec === 'object' && spec !== null)
        (spec as Record<string, unknown>)[key] = sample(specSchema.properties![key]!, random);
      continue;
    }
    const { holder, key } = pick(slotsOf(manifest), random);
    if (random.chance(0.2)) delete holder[key];
    else if (random.chance(0.2)) holder[`${key}x`] = holder[key];
    else holder[key] = structuredClone(pick(VALUES, random));
  }
  return manifest;
}

test(`${MANIFESTS} mutated manifests are compiled or refused readably`, () => {
  const outcomes = { compiled: 0, refused: 0 };
  for (let seed = 0; seed < MANIFESTS; seed++) {
    const manifest = mutate(new Random(seed));
    try {
      const result = compileStudy(manifest, { manifestDirectory: '/', readText: () => 'x\n1\n' });
      if ('study' in result) {
        outcomes.compiled += 1;
        assert.ok(planMemory(result.study).rank.total > 0);
      } else {
        outcomes.refused += 1;
        assert.ok(result.errors.length > 0);
        for (const { path, message, remedy } of result.errors)
          assert.ok(message !== '' && /[.?]$/.test(remedy), `${path}: ${message} | ${remedy}`);
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${JSON.stringify(manifest).slice(0, 2000)}`, { cause: error });
    }
  }
  // The mutations are of use only while both happen often.
  assert.ok(outcomes.compiled > MANIFESTS / 20 && outcomes.refused > MANIFESTS / 4, JSON.stringify(outcomes));
});
