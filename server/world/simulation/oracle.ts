// SPDX-License-Identifier: Apache-2.0
/**
 * What must be true at the end, computed without the server: the fold digest and the counts of every consumer from the set of units that
 * the outcome of each simulation implies. Units of failed, cancelled and redrawn simulations may have been folded before
 * they ended, each at most once: the digest has to be explained by some subset of them.
 *
 * The hash of a unit is that of server/native/src/core/digest.h, written again.
 */
import type { NativeCore } from '@melissa/native';
import { native } from '@melissa/native';
import { Code } from '../../src/plan/types.ts';
import { partitionOf } from '../../src/head/partition.ts';
import { unitOf, valueOf, type Shape, type Unit } from './studies.ts';

/** Outcome of one simulation, as the plan has it. */
export type Fate = { state: number; draw: number };

const mask = (1n << 64n) - 1n;
function mix64(value: bigint): bigint {
  let x = (value + 0x9e3779b97f4a7c15n) & mask;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & mask;
  return x ^ (x >> 31n);
}
const hashOf = (words: bigint[]): bigint => words.reduce((hash, word) => mix64(hash ^ word), 0n);

type Kind = { name: string; number: number };
/** Where a unit lies. */
type Place = { field: number; step: number; from: number; to: number };

/** Digests of units, remembered: they are the same in every world of a study. */
const memory = new Map<string, bigint | null>();
function remembered(key: string, make: () => bigint | null): bigint | null {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const value = make();
  memory.set(key, value);
  return value;
}

function unitHash(
  consumer: number,
  subject: number,
  draw: number,
  place: Place,
  unit: Unit,
  payloads: bigint[],
): bigint {
  const start = [
    (BigInt(consumer) << 32n) | BigInt(subject),
    (BigInt(draw) << 16n) | BigInt(place.field),
    BigInt(place.step),
  ];
  return hashOf([...start, BigInt(unit.begin), BigInt(unit.end - unit.begin), ...payloads]);
}

export type Expected = { consumer: string; must: bigint; units: number; may: bigint[] };

export class Oracle {
  #shape: Shape;

  constructor(shape: Shape) {
    this.#shape = shape;
  }
  /** The sentences that say what is wrong with a rank, given what became of the simulations. */
  check(core: NativeCore, rank: number, fates: Fate[]): string[] {
    const problems: string[] = [];
    const found = new Map(native.coreDigests(core).map((digest) => [digest.consumer, digest]));
    for (const expected of this.#expected(rank, fates)) {
      const digest = found.get(expected.consumer);
      const where = `rank ${rank}, ${expected.consumer}`;
      if (digest === undefined) problems.push(`${where}: there is no digest`);
      else problems.push(...explain(where, digest, expected));
    }
    return [...problems, ...this.#checkState(core, rank, fates)];
  }

  #expected(rank: number, fates: Fate[]): Expected[] {
    const { study } = this.#shape;
    const list: Expected[] = [];
    for (const field of study.fields) {
      const { moments, extrema, exceedance, sobol } = field.statistics;
      if (moments > 0 || extrema || exceedance.length > 0)
        list.push(this.#consumer({ name: `cells:${field.name}`, number: 1 }, field.index, rank, fates));
      if (sobol !== null)
        list.push(this.#consumer({ name: `sobol:${field.name}`, number: 2 }, field.index, rank, fates));
    }
    study.covariances.forEach(({ fields: [first, second] }, pair) => {
      const name = `covariance:${study.fields[first]!.name},${study.fields[second]!.name}`;
      list.push(this.#consumer({ name, number: 3 + pair }, first, rank, fates));
    });
    return list;
  }
  #consumer(kind: Kind, field: number, rank: number, fates: Fate[]): Expected {
    const { groupSize, groups, simulations } = this.#shape.study.sampling;
    const expected: Expected = { consumer: kind.name, must: 0n, units: 0, may: [] };
    const subjects = kind.number === 2 ? groups : simulations;
    for (let subject = 0; subject < subjects; subject++) {
      const simulation = kind.number === 2 ? subject * groupSize : subject;
      // Of a group only A and B are samples of the parameters' distribution.
      if (kind.number !== 2 && subject % groupSize > 1) continue;
      this.#subject(
        kind,
        field,
        rank,
        { subject, isDone: fates[simulation]!.state === Code.Done, draw: fates[simulation]!.draw },
        expected,
      );
    }
    return expected;
  }
  #subject(
    kind: Kind,
    field: number,
    to: number,
    of: { subject: number; isDone: boolean; draw: number },
    expected: Expected,
  ): void {
    const { clientRanks, study } = this.#shape;
    for (let draw = 0; draw <= of.draw; draw++) {
      for (const step of study.fields[field]!.keptSteps) {
        for (let from = 0; from < clientRanks; from++) {
          const hash = this.#hash(kind, of.subject, draw, { field, step, from, to });
          if (hash === null) continue;
          if (draw === of.draw && of.isDone) {
            expected.must = (expected.must + hash) & mask;
            expected.units += 1;
          } else {
            expected.may.push(hash);
          }
        }
      }
    }
  }
  #hash(kind: Kind, subject: number, draw: number, place: Place): bigint | null {
    const { field, step, from, to } = place;
    const key = `${this.#shape.name} ${kind.number} ${subject} ${draw} ${field} ${step} ${from} ${to}`;
    return remembered(key, () => {
      const { groupSize } = this.#shape.study.sampling;
      const at = (simulation: number, fieldIndex = field) =>
        unitOf(this.#shape, { simulation, draw, field: fieldIndex, step, from, to });
      const first = at(kind.number === 2 ? subject * groupSize : subject);
      if (first === null) return null;
      if (kind.number === 1) return unitHash(1, subject, draw, place, first, [first.hash]);
      if (kind.number === 2) {
        const members = Array.from({ length: groupSize }, (_, member) => at(subject * groupSize + member)!.hash);
        // The group's hash is taken member by member, in one chain with its place.
        return unitHash(2, subject, draw, place, first, members);
      }
      const [, second] = this.#shape.study.covariances[kind.number - 3]!.fields;
      return unitHash(kind.number, subject, draw, place, first, [first.hash, at(subject, second)!.hash]);
    });
  }

  /** Counts and means of the state itself, where the set of folded units is certain. */
  #checkState(core: NativeCore, rank: number, fates: Fate[]): string[] {
    if (fates.some((fate) => fate.state !== Code.Done || fate.draw > 0)) return [];
    const { study } = this.#shape;
    const members = fates.flatMap((_, simulation) => (simulation % study.sampling.groupSize > 1 ? [] : [simulation]));
    const problems: string[] = [];
    for (const field of study.fields) {
      const cut = partitionOf(field.keptCells, study.server.ranks);
      const cells = cut[rank + 1]! - cut[rank]!;
      for (const step of field.keptSteps) {
        const read = (statistic: string) => native.coreReadStatistic(core, field.index, step, statistic, 0, 0, cells);
        const where = `rank ${rank}, field ${field.name}, step ${step}`;
        const counts = read('count');
        if (counts.some((count) => count !== members.length))
          problems.push(`${where}: counts ${[...counts].join(' ')} instead of ${members.length}`);
        const means = read('mean');
        for (let cell = 0; cell < cells; cell++) {
          const mean = this.#mean(field.index, step, cut[rank]! + cell, members);
          if (!(Math.abs(means[cell]! - mean) <= 1e-9))
            problems.push(`${where}: mean ${means[cell]} instead of ${mean}`);
        }
      }
    }
    return problems;
  }
  #mean(field: number, step: number, cell: number, members: number[]): number {
    const isSingle = this.#shape.study.fields[field]!.dtype === 'Float32';
    const key = `${this.#shape.name} ${field} ${step} ${cell}`;
    const known = means.get(key);
    if (known !== undefined) return known;
    const values = members.map((simulation) => valueOf(simulation, 0, field, step, cell));
    const mean = values.reduce((sum, value) => sum + (isSingle ? Math.fround(value) : value), 0) / values.length;
    means.set(key, mean);
    return mean;
  }
}
const means = new Map<string, number>();

/** More candidates than this are not searched; the number of units still has to be possible. */
const candidatesMax = 26;

function explain(where: string, found: { digest: bigint; units: number }, expected: Expected): string[] {
  const extra = found.units - expected.units;
  if (extra < 0) return [`${where}: ${-extra} of ${expected.units} units are missing`];
  if (extra > expected.may.length)
    return [`${where}: ${found.units} units were folded, there are only ${expected.units + expected.may.length}`];
  if (expected.may.length > candidatesMax) return [];
  const rest = (found.digest - expected.must) & mask;
  return isSumOf(rest, extra, expected.may)
    ? []
    : [`${where}: the digest is not that of any set of ${found.units} different units`];
}

/** Whether `sum` is the sum of `count` of the numbers: meet in the middle. */
function isSumOf(sum: bigint, count: number, numbers: bigint[]): boolean {
  if (numbers.length === 0) return sum === 0n && count === 0;
  const middle = numbers.length >> 1;
  const left = new Set(subsets(numbers.slice(0, middle)).map(([total, size]) => `${total} ${size}`));
  return subsets(numbers.slice(middle)).some(([total, size]) => left.has(`${(sum - total) & mask} ${count - size}`));
}
function subsets(numbers: bigint[]): [bigint, number][] {
  let all: [bigint, number][] = [[0n, 0]];
  for (const number of numbers)
    all = [...all, ...all.map(([total, size]): [bigint, number] => [(total + number) & mask, size + 1])];
  return all;
}
