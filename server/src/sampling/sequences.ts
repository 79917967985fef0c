// SPDX-License-Identifier: Apache-2.0
/**
 * Low-discrepancy sequences with random access: point i is made without those before it. Unscrambled points equal those of
 * scipy.stats.qmc bit for bit. Scrambled ones are our own (the random numbers are).
 */
import { assert, type Random } from '@melissa/kit';
import { JOE_KUO } from './joe-kuo.ts';

export type Sequence = (index: number, dimension: number) => number;

export const SEQUENCE_DIMENSIONS_MAX = 256;

/** As in SciPy: enough for 2³⁰ points, and every point is exact in a double. */
const SOBOL_BITS = 30;
const SOBOL_SCALE = 2 ** -SOBOL_BITS;

/** Direction numbers, SOBOL_BITS a dimension, highest bit first. */
function directionNumbers(dimensions: number): Uint32Array {
  assert(dimensions <= SEQUENCE_DIMENSIONS_MAX, "dimension of a Sobol' sequence");
  const lines = JOE_KUO.trim().split('\n');
  const v = new Uint32Array(dimensions * SOBOL_BITS);
  for (let d = 0; d < dimensions; d++) {
    const row = v.subarray(d * SOBOL_BITS, (d + 1) * SOBOL_BITS);
    if (d === 0) row.fill(1);
    else
      extend(
        row,
        lines[d - 1]!.split(' ').map((text) => Number.parseInt(text, 36)),
      );
    for (let j = 0; j < SOBOL_BITS; j++) row[j] = row[j]! * 2 ** (SOBOL_BITS - 1 - j);
  }
  return v;
}

/** Fills a row from its first numbers by the recurrence of its primitive polynomial (Bratley and Fox 1988, doi:10.1145/42288.214372). */
function extend(row: Uint32Array, [polynomial, ...first]: number[]): void {
  const degree = first.length;
  row.set(first);
  for (let j = degree; j < SOBOL_BITS; j++) {
    let value = row[j - degree]!;
    for (let k = 0; k < degree; k++) {
      if (((polynomial! >> (degree - 1 - k)) & 1) === 1) value ^= row[j - k - 1]! << (k + 1);
    }
    row[j] = value;
  }
}

function sobolInteger(v: Uint32Array, index: number, dimension: number, start: number): number {
  let value = start;
  // SciPy visits points in Gray-code order, and so do we.
  for (let gray = (index ^ (index >>> 1)) >>> 0, bit = 0; gray !== 0; gray >>>= 1, bit++) {
    if ((gray & 1) === 1) value ^= v[dimension * SOBOL_BITS + bit]!;
  }
  return value;
}

/** Sobol' sequence; with `random` scrambled by a random linear map and a digital shift (Matoušek 1998, doi:10.1006/jcom.1998.0489). */
export function sobolSequence(dimensions: number, random: Random | null): Sequence {
  const v = directionNumbers(dimensions);
  if (random === null) return (index, dimension) => sobolInteger(v, index, dimension, 0) * SOBOL_SCALE;
  const shifts = new Uint32Array(dimensions);
  for (let d = 0; d < dimensions; d++) {
    scrambleRow(v.subarray(d * SOBOL_BITS, (d + 1) * SOBOL_BITS), random);
    shifts[d] = random.below(2 ** SOBOL_BITS);
  }
  // Half a step keeps 0 out.
  return (index, dimension) => (sobolInteger(v, index, dimension, shifts[dimension]!) + 0.5) * SOBOL_SCALE;
}

function scrambleRow(row: Uint32Array, random: Random): void {
  const masks = Array.from({ length: SOBOL_BITS }, (_, i) => {
    const diagonal = 2 ** (SOBOL_BITS - 1 - i);
    // Bits above the diagonal are free, the diagonal is 1, so that the map can be undone.
    const above = i === 0 ? 0 : random.below(2 ** i) * 2 ** (SOBOL_BITS - i);
    return (above | diagonal) >>> 0;
  });
  for (let j = 0; j < SOBOL_BITS; j++) {
    let value = 0;
    for (const [i, mask] of masks.entries()) if (parity(row[j]! & mask) === 1) value |= 2 ** (SOBOL_BITS - 1 - i);
    row[j] = value;
  }
}

function parity(bits: number): number {
  let x = bits;
  for (const shift of [16, 8, 4, 2, 1]) x ^= x >>> shift;
  return x & 1;
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++)
    if (primes.every((prime) => prime * prime > n || n % prime !== 0)) primes.push(n);
  return primes;
}

/** Halton sequence on the first primes; with `random` the digits are permuted (Owen 2017, arXiv:1706.02808). */
export function haltonSequence(dimensions: number, random: Random | null): Sequence {
  assert(dimensions <= SEQUENCE_DIMENSIONS_MAX, 'dimension of a Halton sequence');
  const bases = firstPrimes(dimensions);
  const permutations = random === null ? null : bases.map((base) => digitPermutations(base, random));
  return (index, dimension) => vanDerCorput(index, bases[dimension]!, permutations?.[dimension] ?? null);
}

/** One permutation a digit that a double can tell apart. */
function digitPermutations(base: number, random: Random): Uint16Array[] {
  const digits = Math.ceil(54 / Math.log2(base)) - 1;
  return Array.from({ length: digits }, () => random.shuffle(Uint16Array.from({ length: base }, (_, i) => i)));
}

/** The additions are in SciPy's order, digit after digit, because their rounding is part of the value. */
function vanDerCorput(index: number, base: number, permutations: Uint16Array[] | null): number {
  let value = 0;
  let quotient = index;
  let weight = 1 / base;
  for (let digit = 0; 1 - weight < 1; digit++) {
    const remainder = quotient % base;
    value += (permutations?.[digit]?.[remainder] ?? remainder) * weight;
    weight /= base;
    quotient = Math.floor(quotient / base);
    if (quotient === 0 && permutations === null) break;
  }
  return value;
}
