// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores or more, loopback. Baseline and last answer: benchmarks/results/ingest-vs-discard-8MB.jsonl. */
import type { Bench } from '../bench.ts';
import { cases, ingest } from '../ingest.ts';

export const bench: Bench = {
  name: 'ingest-vs-discard-8MB',
  question: 'Over TCP, what does the analysis cost on top of receiving the bytes, fields of 8 MB?',
  peer: 'C++ loop of libzmq PUSH/PULL that receives and throws away (native/ingest_peer.cpp)',
  unit: 'ratio',
  goal: 0.65,
  better: 'higher',
  limits: 'With two cores the bare pair already uses both, so every nanosecond of copying, hashing and folding shows.',
  run: (setting) =>
    ingest(setting, { ...cases['8MB'], clients: 2, ranks: 1, dtype: 'Float64', transport: 'tcp' }, 'discard'),
};
