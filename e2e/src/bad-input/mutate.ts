// SPDX-License-Identifier: Apache-2.0
/**
 * Frames that nobody of ours would send, made from those that we do: the golden vectors, changed in their structure by a
 * seed. Pure. `index` alone decides a frame, so that any one of them can be made again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@melissa/kit';
import { root } from '../melissa.ts';

const folder = join(root, 'client-api', 'protocol', 'vectors');
export const vectors: Uint8Array[] = readdirSync(folder)
  .filter((name) => name.endsWith('.bin'))
  .sort()
  .map((name) => new Uint8Array(readFileSync(join(folder, name))));

/** Numbers that break arithmetic: around zero, around powers of two, the largest. */
const edges = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

type Mutation = (frame: Uint8Array, random: Random) => Uint8Array;
const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!;
const at = (frame: Uint8Array, random: Random): number => random.below(Math.max(1, frame.length));

const mutations: Mutation[] = [
  // A bit, some bytes, a number.
  (frame, random) => (frame.length > 0 && (frame[at(frame, random)]! ^= 1 << random.below(8)), frame),
  (frame, random) => {
    for (let i = random.below(8); i >= 0 && frame.length > 0; i--) frame[at(frame, random)] = random.below(256);
    return frame;
  },
  (frame, random) => {
    if (frame.length < 4) return frame;
    new DataView(frame.buffer, frame.byteOffset).setUint32(random.below(frame.length - 3), pick(random, edges), true);
    return frame;
  },
  (frame, random) => {
    if (frame.length < 8) return frame;
    const value = (BigInt(pick(random, edges)) << 32n) | BigInt(pick(random, edges));
    new DataView(frame.buffer, frame.byteOffset).setBigUint64(random.below(frame.length - 7), value, true);
    return frame;
  },
  // Too short, too long, two glued together, a part twice, a part gone.
  (frame, random) => frame.slice(0, at(frame, random)),
  (frame, random) => joined(frame, noise(random.below(64), random)),
  (frame, random) => joined(frame.slice(0, at(frame, random)), pick(random, vectors)),
  (frame, random) => {
    const [from, to] = [at(frame, random), at(frame, random)].sort((a, b) => a - b) as [number, number];
    return joined(frame.slice(0, to), frame.slice(from));
  },
  (frame, random) => {
    const [from, to] = [at(frame, random), at(frame, random)].sort((a, b) => a - b) as [number, number];
    return joined(frame.slice(0, from), frame.slice(to));
  },
  // Another version, another message's code, other magic.
  (frame, random) => (
    frame.length > 6 && new DataView(frame.buffer, frame.byteOffset).setUint16(4, random.below(65536), true),
    frame
  ),
  (frame, random) => (
    frame.length > 8 && new DataView(frame.buffer, frame.byteOffset).setUint16(6, random.below(128), true),
    frame
  ),
  (frame, random) => (
    frame.length > 4 && new DataView(frame.buffer, frame.byteOffset).setUint32(0, random.below(2 ** 32), true),
    frame
  ),
  // Nothing of ours at all; and now and then something large.
  (_, random) => noise(random.below(2048), random),
  (frame, random) => (random.chance(0.02) ? joined(frame, new Uint8Array(random.below(4 * 2 ** 20))) : frame),
];

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function noise(bytes: number, random: Random): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => random.below(256));
}

/** Frame number `index` of `seed`: one vector with up to four changes; one in sixteen is a vector as it is (a replay). */
export function mutated(seed: number, index: number): Uint8Array {
  const random = Random.at(seed, index);
  let frame: Uint8Array = Uint8Array.from(pick(random, vectors));
  if (random.chance(1 / 16)) return frame;
  for (let changes = random.below(4); changes >= 0; changes--)
    frame = Uint8Array.from(pick(random, mutations)(frame, random));
  return frame;
}
