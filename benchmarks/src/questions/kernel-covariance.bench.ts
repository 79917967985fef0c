// SPDX-License-Identifier: Apache-2.0
/** Machine: one core. Baseline and last answer: benchmarks/results/kernel-covariance.jsonl. */
import type { Bench } from '../bench.ts';
import { kernelAnswer } from '../kernels.ts';

export const bench: Bench = {
  name: 'kernel-covariance',
  question: 'How close does the covariance of two fields come to the memory of one core?',
  peer: 'bytes that must move (whole cache lines, unbatched) over the best read-modify-write bandwidth of one core',
  unit: 'ratio',
  goal: 0.75,
  better: 'higher',
  limits: 'Five doubles of state and two values in: 96 bytes a cell.',
  run: (setting) => kernelAnswer(setting, ['covariance', 'covariance-4']),
};
