// SPDX-License-Identifier: Apache-2.0
/** Machine: one core. Baseline and last answer: benchmarks/results/kernel-moments-batched.jsonl. */
import type { Bench } from '../bench.ts';
import { kernelAnswer } from '../kernels.ts';

export const bench: Bench = {
  name: 'kernel-moments-batched',
  question: 'How much do several simulations at one step gain when their state stays in registers?',
  peer: 'bytes that must move (whole cache lines, unbatched) over the best read-modify-write bandwidth of one core',
  unit: 'ratio',
  goal: 2,
  better: 'higher',
  limits: 'Eight simulations at a time; the goal is 1.6 with AVX2. State moves once a batch, so arithmetic limits.',
  run: (setting) => kernelAnswer(setting, ['moments-8', 'moments-4']),
};
