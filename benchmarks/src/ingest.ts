// SPDX-License-Identifier: Apache-2.0
/**
 * How fast a whole study takes in fields: head, rank, pilots and looping solvers as a user runs them, against a loop of plain ZeroMQ in C++
 * that receives the same bytes (native/ingest_peer.cpp). The time of ours is from the first send of any solver until all of them have
 * been told that everything is folded.
 */
import { createHash } from 'node:crypto';
import { inTurn, median, ratioOf, rounded, type Answer, type Setting } from './bench.ts';
import { nativePath, runNative } from './programs.ts';
import { plainSpec, runStudy } from './study.ts';

export type IngestCase = {
  cells: number;
  steps: number;
  simulations: number;
  /** Solver processes, each with several simulations. */
  clients: number;
  ranks: number;
  dtype: 'Float64' | 'Float32';
  /** `tcp` keeps the solvers from sharing memory with the rank. */
  transport: 'tcp' | 'auto';
};
export type PeerKind = 'fold' | 'discard';
type Told = { begun: number; ended: number; simulations: number; status: number };

/** Some seconds of data each, so that neither the start, which the peer's clock does not see, nor pages that are touched for the first time decide. */
export const cases = {
  '8MB': { cells: 1_000_000, steps: 10, simulations: 96 },
  '80kB': { cells: 10_000, steps: 100, simulations: 960 },
  '1kB': { cells: 128, steps: 1000, simulations: 1600 },
};

const tinyCase = { cells: 100, steps: 3, simulations: 4 };
const bytesOf = (one: IngestCase): number =>
  one.cells * one.steps * one.simulations * (one.dtype === 'Float32' ? 4 : 8);

/** Bytes a second, and the fold digest of the study. */
async function ours(folder: string, one: IngestCase): Promise<{ rate: number; hash: string; units: number }> {
  const spec = {
    ...plainSpec(one.simulations),
    time: { steps: one.steps },
    fields: [{ name: 'x', cells: one.cells, dtype: one.dtype }],
    statistics: { moments: 4, extrema: true },
    client: { loop: true, parallelism: one.clients, workDirectory: false },
    server: { ranks: one.ranks, checkpoint: { periodSeconds: 3600 }, results: { periodSeconds: 3600 } },
  };
  const environment: Record<string, string> = one.transport === 'tcp' ? { MELISSA_TRANSPORT: 'tcp' } : {};
  const command = [
    nativePath('sender'),
    String(one.cells),
    String(one.steps),
    ...(one.dtype === 'Float32' ? ['f32'] : []),
  ];
  const { told, summary, discard } = await runStudy<Told>(folder, { name: 'ingest', spec, environment }, command);
  const begun = Math.min(...told.filter(({ simulations }) => simulations > 0).map((process) => process.begun));
  const ended = Math.max(...told.filter(({ simulations }) => simulations > 0).map((process) => process.ended));
  const { digest = '', units = 0 } = summary.digests[0] ?? {};
  discard();
  return { rate: bytesOf(one) / (ended - begun), hash: digest, units };
}

async function peerRate(one: IngestCase, kind: PeerKind): Promise<number> {
  const narrow = one.dtype === 'Float32' ? ['f32'] : [];
  const args = [kind, one.cells, one.steps, one.simulations, one.clients, ...narrow];
  return (await runNative<{ bytesPerSecond: number }>('ingest_peer', args)).bytesPerSecond;
}

export async function ingest(setting: Setting, wanted: IngestCase, kind: PeerKind): Promise<Answer> {
  const one = setting.tiny ? { ...wanted, ...tinyCase } : wanted;
  const hashes = new Set<string>();
  const pairs = await inTurn(
    setting.repetitions,
    async () => {
      const { rate, hash, units } = await ours(setting.folder, one);
      hashes.add(`${hash} of ${units}`);
      return rate;
    },
    () => peerRate(one, kind),
  );
  const hash = createHash('sha256')
    .update([...hashes].sort().join('\n'))
    .digest('hex')
    .slice(0, 16);
  return {
    value: ratioOf(pairs),
    hash,
    detail: {
      ...one,
      oursBytesPerSecond: rounded(median(pairs.map((pair) => pair.ours))),
      peerBytesPerSecond: rounded(median(pairs.map((pair) => pair.peer))),
      ratios: pairs.map((pair) => rounded(pair.ours / pair.peer)),
      distinctDigests: hashes.size,
    },
  };
}
