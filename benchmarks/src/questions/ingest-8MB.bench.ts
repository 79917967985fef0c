// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores or more, loopback. Baseline and last answer: benchmarks/results/ingest-8MB.jsonl. */
import type { Bench } from '../bench.ts';
import { cases, ingest } from '../ingest.ts';

export const bench: Bench = {
  name: 'ingest-8MB',
  question:
    'Over TCP, how much of what a plain ZeroMQ loop receives and folds does a whole study receive and fold, fields of 8MB?',
  peer: 'C++ loop of libzmq PUSH/PULL that folds with the same kernel (native/ingest_peer.cpp)',
  unit: 'ratio',
  goal: 0.9,
  better: 'higher',
  limits:
    'Sender, ZeroMQ’s two I/O threads and the rank share the cores. Beyond the peer, ours hashes every payload on both sides and acknowledges it. The rank’s one thread is the narrow place: busy for five sixths of the time, three quarters of that folding and a sixth hashing. Several simulations are folded together only where they are at the same step, and two clients that send without a pause seldom are.',
  run: (setting) =>
    ingest(setting, { ...cases['8MB'], clients: 2, ranks: 1, dtype: 'Float64', transport: 'tcp' }, 'fold'),
};
