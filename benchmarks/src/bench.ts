// SPDX-License-Identifier: Apache-2.0
/**
 * What a benchmark is: one question, asked of the same machine in the same run as a peer or a bound, several times in turn, so that
 * other work on the machine meets both. The answer is a ratio (or an absolute time) with a goal. main.ts asks, report.ts tells.
 */

export type Setting = {
  /** Inputs so small that the answer means nothing: the test that the benchmark still runs. */
  tiny: boolean;
  /** Pairs of measurements, in turn; the answer is the median of their ratios. */
  repetitions: number;
  /** An empty folder of this benchmark's own, removed afterwards. */
  folder: string;
};

export type Answer = {
  value: number;
  /** Of what was computed: a benchmark that computes something else is not comparable. */
  hash: string;
  detail: Record<string, unknown>;
};

export type Bench = {
  name: string;
  question: string;
  /** What the value is divided by, or for an absolute time nothing. */
  peer: string;
  unit: 'ratio' | 'ms';
  /** null: it is reported, and there is nothing to meet. */
  goal: number | null;
  better: 'higher' | 'lower';
  /** What limits the figure, for docs/performance.md. */
  limits: string;
  /** A peer comes from a package registry: left out where only the benchmark itself is tested. */
  needsPackages?: boolean;
  /** It starts a Kubernetes, for minutes: left out there too. */
  needsCluster?: boolean;
  /** Instead of those asked for: a run of many minutes that has its many measurements within itself. */
  repetitions?: number;
  run: (setting: Setting) => Promise<Answer>;
};

/** One line of `npm run bench -- --json` and of results/*.jsonl. */
export type Result = {
  name: string;
  value: number;
  unit: Bench['unit'];
  goal: number | null;
  met: boolean;
  peer: string;
  detail: Record<string, unknown>;
};

export const met = (bench: Bench, value: number): boolean =>
  bench.goal === null || (bench.better === 'higher' ? value >= bench.goal : value <= bench.goal);

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const above = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? above : ((sorted[middle - 1] ?? Number.NaN) + above) / 2;
}

/** Nearest-rank percentile. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export type Pair = { ours: number; peer: number };

/** The median of ours / peer over repetitions that were measured in turn. */
export const ratioOf = (pairs: Pair[]): number => median(pairs.map(({ ours, peer }) => ours / peer));

/** Measures ours and the peer in turn; which of them is first alternates. */
export async function inTurn(
  repetitions: number,
  ours: (repetition: number) => Promise<number>,
  peer: (repetition: number) => Promise<number>,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    if (repetition % 2 === 0) {
      const first = await ours(repetition);
      pairs.push({ ours: first, peer: await peer(repetition) });
    } else {
      const first = await peer(repetition);
      pairs.push({ ours: await ours(repetition), peer: first });
    }
  }
  return pairs;
}

export const rounded = (value: number, digits = 4): number => Number(value.toPrecision(digits));
