// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores or more, loopback, 4 GB free for 64 senders. Baseline and last answer: benchmarks/results/ingest-variants.jsonl. */
import { createHash } from 'node:crypto';
import { rounded, type Bench } from '../bench.ts';
import { cases, ingest, type IngestCase } from '../ingest.ts';

const base: IngestCase = { ...cases['8MB'], clients: 2, ranks: 1, dtype: 'Float64', transport: 'tcp' };
/** Every client has two simulations or more, so that connections are there when most of the data comes. */
const variants: Record<string, IngestCase> = {
  float32: { ...base, dtype: 'Float32' },
  oneClient: { ...base, clients: 1 },
  fourClients: { ...base, clients: 4 },
  sixtyFourClients: { ...base, clients: 64, simulations: 128 },
  twoRanks: { ...base, ranks: 2 },
};

export const bench: Bench = {
  name: 'ingest-variants',
  question: 'And with float32, with 1, 4 or 64 clients, with 2 ranks, fields of 10⁶ cells over TCP?',
  peer: 'C++ loop of libzmq PUSH/PULL with as many senders that folds with the same kernel (native/ingest_peer.cpp), one receiver always',
  unit: 'ratio',
  goal: null,
  better: 'higher',
  limits:
    'The value is the lowest of the ratios below. With one client neither side keeps two cores busy; with 64 the senders crowd out the receiver, here as there.',
  run: async (setting) => {
    const hash = createHash('sha256');
    const ratios: Record<string, number> = {};
    const details: Record<string, unknown> = {};
    for (const [name, variant] of Object.entries(variants)) {
      const { value, hash: computed, detail } = await ingest(setting, variant, 'fold');
      ratios[name] = value;
      details[name] = {
        ratio: rounded(value),
        oursBytesPerSecond: detail['oursBytesPerSecond'],
        peerBytesPerSecond: detail['peerBytesPerSecond'],
      };
      hash.update(computed);
    }
    return { value: Math.min(...Object.values(ratios)), hash: hash.digest('hex').slice(0, 16), detail: details };
  },
};
