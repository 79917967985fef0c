// SPDX-License-Identifier: Apache-2.0
/** Machine: one core. Baseline and last answer: benchmarks/results/sobol-vs-iterative-stats.jsonl. */
import { inTurn, median, ratioOf, rounded, type Bench } from '../bench.ts';
import { kernel } from '../kernels.ts';
import { pythonWith, runPeer } from '../programs.ts';

export const bench: Bench = {
  name: 'sobol-vs-iterative-stats',
  question: 'How much faster are Sobol’ indices (Martinez, six parameters) than those of iterative-stats?',
  peer: 'iterative-stats 0.1.2, IterativeSensitivityMartinez, 10⁶ cells (peers/iterative_stats_sobol.py)',
  unit: 'ratio',
  goal: 12,
  better: 'higher',
  limits:
    'Fisher intervals, one group at a time; memory limits ours. Robust intervals and four groups at a time are reported.',
  needsPackages: true,
  run: async (setting) => {
    const python = await pythonWith(['numpy==2.4.6', 'iterative-stats==0.1.2']);
    const cells = setting.tiny ? 1000 : 1_000_000;
    const others: Record<string, number[]> = { 'sobol-4': [], 'sobol-robust': [], 'sobol-robust-4': [] };
    const hashes: string[] = [];
    const pairs = await inTurn(
      setting.repetitions,
      async () => {
        for (const [question, rates] of Object.entries(others))
          rates.push((await kernel(question, setting, 3)).valuesPerSecond);
        const one = await kernel('sobol', setting, 3);
        hashes.push(one.hash);
        return one.valuesPerSecond;
      },
      async () =>
        (await runPeer<{ valuesPerSecond: number }>(python, 'iterative_stats_sobol.py', [cells])).valuesPerSecond,
    );
    const theirs = median(pairs.map((pair) => pair.peer));
    const ratios = Object.entries(others).map(([name, rates]) => [name, rounded(median(rates) / theirs)]);
    return {
      value: ratioOf(pairs),
      hash: hashes[0] ?? '',
      detail: {
        oursValuesPerSecond: rounded(median(pairs.map((pair) => pair.ours))),
        theirValuesPerSecond: rounded(theirs),
        otherRatios: Object.fromEntries(ratios) as Record<string, number>,
      },
    };
  },
};
