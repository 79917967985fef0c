// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores; absolute, so compare only on the same machine. Last answer: benchmarks/results/head-delay-3000-pilots.jsonl. */
import type { Bench } from '../bench.ts';
import { answerTo } from './head-delay.bench.ts';

export const bench: Bench = {
  name: 'head-delay-3000-pilots',
  question: 'How late do the head’s timers come with 3,000 pilots of a study of 100,000 simulations?',
  peer: 'none: p99 in milliseconds; as many simulations a second as with 1,000 pilots',
  unit: 'ms',
  goal: null,
  better: 'lower',
  limits:
    'Three thousand heartbeats a second, beside the messages of some 1,700 simulations. The swarm of pilots is one process on the same two cores, and often the slower one.',
  run: (setting) => answerTo(setting, { pilots: 3000, runMs: 1800 }),
};
