// SPDX-License-Identifier: Apache-2.0
/** Machine: one core. Baseline and last answer: benchmarks/results/kernel-sobol.jsonl. */
import type { Bench } from '../bench.ts';
import { kernelAnswer } from '../kernels.ts';

export const bench: Bench = {
  name: 'kernel-sobol',
  question: 'How close do Sobol’ indices (Martinez, six parameters, Fisher intervals) come to the memory of one core?',
  peer: 'bytes that must move (whole cache lines, unbatched) over the best read-modify-write bandwidth of one core',
  unit: 'ratio',
  goal: 0.75,
  better: 'higher',
  limits:
    'Schedule: all members of a group at a register of cells, state in and out once: 64 bytes of input and 448 of state a cell. Robust intervals keep 104 doubles a cell.',
  run: (setting) => kernelAnswer(setting, ['sobol', 'sobol-4', 'sobol-robust', 'sobol-robust-4']),
};
