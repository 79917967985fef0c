// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores or more. Baseline and last answer: benchmarks/results/ingest-shm-8MB.jsonl. */
import type { Bench } from '../bench.ts';
import { cases, ingest } from '../ingest.ts';

export const bench: Bench = {
  name: 'ingest-shm-8MB',
  question: 'Through shared memory, how much does a whole study take in of what plain ZeroMQ moves, fields of 8MB?',
  peer: 'C++ loop of libzmq PUSH/PULL over TCP that receives and throws away (native/ingest_peer.cpp)',
  unit: 'ratio',
  goal: 1.2,
  better: 'higher',
  limits:
    'One copy by the solver, which also hashes; the rank hashes and folds where the values lie. With two cores the solvers get one and the rank the other.',
  run: (setting) =>
    ingest(setting, { ...cases['8MB'], clients: 2, ranks: 1, dtype: 'Float64', transport: 'auto' }, 'discard'),
};
