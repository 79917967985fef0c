// SPDX-License-Identifier: Apache-2.0
/**
 * Seeded random numbers: xoshiro256** (Blackman and Vigna 2021, doi:10.1145/3460772) seeded by SplitMix64.
 * One seed replays one world. `fork` gives an independent stream for a named purpose, so that a new consumer of
 * randomness does not shift the numbers of the old ones. Substream i of a design is `Random.at(seed, i)`: any
 * simulation's parameters can be drawn without drawing those before it.
 */
const MASK = (1n << 64n) - 1n;

function splitMix(state: bigint): { state: bigint; value: bigint } {
  const next = (state + 0x9e3779b97f4a7c15n) & MASK;
  let z = next;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return { state: next, value: z ^ (z >> 31n) };
}

/** 64 bits held as two unsigned 32-bit halves, because BigInt is some fifty times slower in the inner loop. */
export class Random {
  #s = new Uint32Array(8); // s0.hi, s0.lo, s1.hi, s1.lo, …

  constructor(seed: number | bigint) {
    let state = BigInt(seed) & MASK;
    for (let i = 0; i < 4; i++) {
      const step = splitMix(state);
      state = step.state;
      this.#s[2 * i] = Number(step.value >> 32n);
      this.#s[2 * i + 1] = Number(step.value & 0xffffffffn);
    }
  }
  /** The stream of item `index` under `seed`: the same whichever items were asked for before. */
  static at(seed: number | bigint, index: number): Random {
    const mixed = splitMix((BigInt(seed) * 0xd1342543de82ef95n + BigInt(index) * 0x2545f4914f6cdd1dn) & MASK);
    return new Random(mixed.value);
  }
  /** An independent stream named by `label`. */
  fork(label: string): Random {
    let hash = 0xcbf29ce484222325n;
    for (const char of label) hash = ((hash ^ BigInt(char.codePointAt(0)!)) * 0x100000001b3n) & MASK;
    const [hi, lo] = this.#next();
    return new Random(hash ^ ((BigInt(hi) << 32n) | BigInt(lo)));
  }
  /** Uniform in [0, 1) on multiples of 2⁻⁵³. */
  uniform(): number {
    const [hi, lo] = this.#next();
    return (hi * 2097152 + (lo >>> 11)) / 9007199254740992; // (hi·2²¹ + lo's upper 21 bits) / 2⁵³
  }
  /** Uniform integer in [0, bound); bound ≤ 2³². Rejection keeps it unbiased. */
  below(bound: number): number {
    const limit = 4294967296 - (4294967296 % bound);
    for (;;) {
      const [hi] = this.#next();
      if (hi < limit) return hi % bound;
    }
  }
  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }
  /** Shuffles in place (Fisher–Yates) and returns its argument. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
  /** 64 random bits as [high, low] unsigned 32-bit halves. */
  bits64(): [number, number] {
    return this.#next();
  }
  #next(): [number, number] {
    const s = this.#s;
    const s1h = s[2]!;
    const s1l = s[3]!;
    // result = rotl(s1 · 5, 7) · 9
    const five = mulSmall(s1h, s1l, 5);
    const rotated = rotl(five[0], five[1], 7);
    const result = mulSmall(rotated[0], rotated[1], 9);
    const th = ((s1h << 17) | (s1l >>> 15)) >>> 0;
    const tl = (s1l << 17) >>> 0;
    s[4]! ^= s[0]!;
    s[5]! ^= s[1]!;
    s[6]! ^= s[2]!;
    s[7]! ^= s[3]!;
    s[2]! ^= s[4]!;
    s[3]! ^= s[5]!;
    s[0]! ^= s[6]!;
    s[1]! ^= s[7]!;
    s[4]! ^= th;
    s[5]! ^= tl;
    const rolled = rotl(s[6]!, s[7]!, 45);
    s[6] = rolled[0];
    s[7] = rolled[1];
    return result;
  }
}

function mulSmall(hi: number, lo: number, factor: number): [number, number] {
  const low = lo * factor;
  const high = hi * factor + Math.floor(low / 4294967296);
  return [high >>> 0, low >>> 0];
}

function rotl(hi: number, lo: number, bits: number): [number, number] {
  const [h, l] = bits >= 32 ? [lo, hi] : [hi, lo];
  const n = bits % 32;
  if (n === 0) return [h >>> 0, l >>> 0];
  return [((h << n) | (l >>> (32 - n))) >>> 0, ((l << n) | (h >>> (32 - n))) >>> 0];
}
