// SPDX-License-Identifier: Apache-2.0
/**
 * Deterministic message bodies for the golden vectors: `empty` (zeros, empty strings and lists), `plain` (one item per
 * list) and `full` (largest values, several items, text outside ASCII). Nothing here is random, so a vector changes only
 * when the wire format does.
 */
import type { FieldType, MessageTable, Scalar } from './messages.ts';
import { wideNames } from './types.ts';

export type SampleKind = 'empty' | 'plain' | 'full';
export const sampleKinds: SampleKind[] = ['empty', 'plain', 'full'];
export type SampleValue = number | bigint | string | Uint8Array | SampleValue[] | { [field: string]: SampleValue };
export type Sample = { [field: string]: SampleValue };

const isWide = (name: string): boolean => (wideNames as readonly string[]).includes(name);

function scalar(kind: SampleKind, name: string, type: Scalar, salt: number): SampleValue {
  switch (type) {
    case 'string':
      return { empty: '', plain: `${name}-${salt}`, full: `${name} ${salt} – Größe ∆T 温度 🌡\u001f"\\\n` }[kind];
    case 'bytes':
      return { empty: new Uint8Array(0), plain: Uint8Array.of(1, 2, salt), full: Uint8Array.of(0, 255, salt, 128, 10) }[
        kind
      ];
    case 'f64':
      return { empty: 0, plain: 0.1 + salt, full: salt % 2 === 0 ? -Number.MAX_VALUE : Number.MIN_VALUE }[kind];
    case 'i32':
      return { empty: 0, plain: -1 - salt, full: salt % 2 === 0 ? -0x80000000 : 0x7fffffff }[kind];
    case 'u64':
      if (isWide(name))
        return { empty: 0n, plain: 0x0102030405060708n + BigInt(salt), full: 0xffffffffffffffffn - BigInt(salt) }[kind];
      return { empty: 0, plain: 2 ** 40 + salt, full: Number.MAX_SAFE_INTEGER - salt }[kind];
    default: {
      const max = { u8: 0xff, u16: 0xffff, u32: 0xffffffff }[type];
      return { empty: 0, plain: 1 + (salt % 100), full: max - salt }[kind];
    }
  }
}

function value(kind: SampleKind, name: string, type: FieldType, salt: number): SampleValue {
  if (typeof type === 'string') return scalar(kind, name, type, salt);
  const { list } = type;
  const items = Array.from({ length: { empty: 0, plain: 1, full: 3 }[kind] }, (_, i) => salt + i);
  if (typeof list === 'string') return items.map((itemSalt) => scalar(kind, name, list, itemSalt));
  return items.map((itemSalt) => record(kind, list, itemSalt));
}

function record(kind: SampleKind, fields: Record<string, FieldType>, salt: number): Sample {
  return Object.fromEntries(Object.entries(fields).map(([name, type], i) => [name, value(kind, name, type, salt + i)]));
}

/** Every message of a table in every kind. */
export function samplesOf(table: MessageTable): { name: string; kind: SampleKind; body: Sample }[] {
  return Object.entries(table).flatMap(([name, { fields }]) =>
    sampleKinds.map((kind) => ({ name, kind, body: record(kind, fields, 0) })),
  );
}

/** Epoch and request of a sample, by kind. */
export const sampleEnvelope = {
  empty: { epoch: 0, request: 0 },
  plain: { epoch: 7, request: 42 },
  full: { epoch: 0xffffffff, request: Number.MAX_SAFE_INTEGER },
} as const satisfies Record<SampleKind, { epoch: number; request: number }>;

/** JSON of a sample: bigint as {"u64": "…"}, bytes as {"hex": "…"}. */
export function sampleToJson(sample: SampleValue): unknown {
  if (typeof sample === 'bigint') return { u64: sample.toString() };
  if (sample instanceof Uint8Array) return { hex: Buffer.from(sample).toString('hex') };
  if (Array.isArray(sample)) return sample.map(sampleToJson);
  if (typeof sample === 'object')
    return Object.fromEntries(Object.entries(sample).map(([key, item]) => [key, sampleToJson(item)]));
  return sample;
}
