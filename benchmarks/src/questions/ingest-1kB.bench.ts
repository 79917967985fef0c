// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores or more, loopback. Baseline and last answer: benchmarks/results/ingest-1kB.jsonl. */
import type { Bench } from '../bench.ts';
import { cases, ingest } from '../ingest.ts';

export const bench: Bench = {
  name: 'ingest-1kB',
  question:
    'Over TCP, how much of what a plain ZeroMQ loop receives and folds does a whole study receive and fold, fields of 1kB?',
  peer: 'C++ loop of libzmq PUSH/PULL that folds with the same kernel (native/ingest_peer.cpp)',
  unit: 'ratio',
  goal: 0.5,
  better: 'higher',
  limits:
    'A frame has a header of 96 bytes, is hashed, checked against bits and booked; the peer does none of it. Clients put up to 64 KiB of frames into one message, which the peer does not.',
  run: (setting) =>
    ingest(setting, { ...cases['1kB'], clients: 2, ranks: 1, dtype: 'Float64', transport: 'tcp' }, 'fold'),
};
