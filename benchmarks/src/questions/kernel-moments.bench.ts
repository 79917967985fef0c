// SPDX-License-Identifier: Apache-2.0
/** Machine: one core. Baseline and last answer: benchmarks/results/kernel-moments.jsonl. */
import type { Bench } from '../bench.ts';
import { kernelAnswer } from '../kernels.ts';

export const bench: Bench = {
  name: 'kernel-moments',
  question: 'How close do moments to the fourth and extrema come to the memory of one core?',
  peer: 'bytes that must move (whole cache lines, unbatched) over the best read-modify-write bandwidth of one core',
  unit: 'ratio',
  goal: 0.75,
  better: 'higher',
  limits:
    'State is read and written once a value: 104 bytes. Above 1 the kernel streams better than the loop that makes the bound.',
  run: (setting) => kernelAnswer(setting, ['moments', 'moments-float32', 'moments-threshold']),
};
