// SPDX-License-Identifier: Apache-2.0
/** Machine: one core. Baseline and last answer: benchmarks/results/moments-vs-numpy.jsonl. */
import { inTurn, median, ratioOf, rounded, type Bench } from '../bench.ts';
import { kernel } from '../kernels.ts';
import { pythonWith, runPeer } from '../programs.ts';

export const bench: Bench = {
  name: 'moments-vs-numpy',
  question: 'How much faster are mean to fourth moment and extrema than the same recurrences in NumPy?',
  peer: 'NumPy 2.4, one pass a statistic, in place (peers/numpy_moments.py)',
  unit: 'ratio',
  goal: 6,
  better: 'higher',
  limits:
    'NumPy makes a pass over memory for each operation; ours makes one for all. Four simulations at a time are reported beside it (goal 15).',
  needsPackages: true,
  run: async (setting) => {
    const python = await pythonWith(['numpy==2.4.6']);
    const cells = setting.tiny ? 1000 : 1_000_000;
    const hashes: string[] = [];
    const batched: number[] = [];
    const pairs = await inTurn(
      setting.repetitions,
      async () => {
        const one = await kernel('moments', setting, 3);
        const four = await kernel('moments-4', setting, 3);
        batched.push(four.valuesPerSecond);
        hashes.push(one.hash);
        return one.valuesPerSecond;
      },
      async () => (await runPeer<{ valuesPerSecond: number }>(python, 'numpy_moments.py', [cells])).valuesPerSecond,
    );
    const numpy = median(pairs.map((pair) => pair.peer));
    return {
      value: ratioOf(pairs),
      hash: hashes[0] ?? '',
      detail: {
        oursValuesPerSecond: rounded(median(pairs.map((pair) => pair.ours))),
        numpyValuesPerSecond: rounded(numpy),
        batchedRatio: rounded(median(batched.map((rate, index) => rate / (pairs[index]?.peer ?? numpy)))),
        batchedGoal: 15,
      },
    };
  },
};
