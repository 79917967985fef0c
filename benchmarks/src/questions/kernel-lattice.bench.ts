// SPDX-License-Identifier: Apache-2.0
/** Machine: one core. Baseline and last answer: benchmarks/results/kernel-lattice.jsonl. */
import type { Bench } from '../bench.ts';
import { kernelAnswer } from '../kernels.ts';

export const bench: Bench = {
  name: 'kernel-lattice',
  question: 'How close do the quantile counters come to the memory of one core?',
  peer: 'bytes that must move (whole cache lines, unbatched) over the best read-modify-write bandwidth of one core',
  unit: 'ratio',
  goal: 0.75,
  better: 'higher',
  limits:
    'A value touches one cache line of counters. In a field, as simulations make it, neighbours touch neighbouring lines; where every cell is a draw of its own (reported) each line is at random, which memory serves at about half the rate.',
  run: (setting) => kernelAnswer(setting, ['lattice-smooth', 'lattice', 'lattice-smooth-4', 'lattice-4']),
};
