// SPDX-License-Identifier: Apache-2.0
/** Machine: any. Baseline and last answer: benchmarks/results/memory-vs-simulations.jsonl. */
import { inTurn, median, rounded, type Bench } from '../bench.ts';
import { peakOfServer } from '../memory.ts';
import { nativePath } from '../programs.ts';
import { directoryOf, plainSpec, runStudy } from '../study.ts';

const MANY = 20_000;
const FEW = 100;
const ALLOWED_BYTES = 16 * 2 ** 20 + 256 * MANY;
const CELLS = 100;

export const bench: Bench = {
  name: 'memory-vs-simulations',
  question: 'How much more memory do head and rank need for 20,000 simulations than for 100?',
  peer: '16 MiB + 256 B a simulation',
  unit: 'ratio',
  goal: 1,
  better: 'lower',
  limits:
    'The largest resident memory of each process in its whole life: mostly how far V8 lets its heap grow between two collections.',
  run: async (setting) => {
    const hashes = new Set<string>();
    const measure = async (simulations: number) => {
      const spec = {
        ...plainSpec(simulations),
        fields: [{ name: 'x', cells: CELLS }],
        statistics: { moments: 2 },
        client: { loop: true, parallelism: 2, workDirectory: false },
      };
      const directory = directoryOf(setting.folder, 'memory');
      const { bytes, result } = await peakOfServer(directory, () =>
        runStudy(setting.folder, { name: 'memory', spec }, [nativePath('sender'), String(CELLS), '1']),
      );
      if (simulations !== FEW) hashes.add(result.summary.digests[0]?.digest ?? '');
      result.discard();
      return bytes;
    };
    const many = setting.tiny ? 2 * FEW : MANY;
    const pairs = await inTurn(
      setting.repetitions,
      () => measure(many),
      () => measure(FEW),
    );
    return {
      value: median(pairs.map(({ ours, peer }) => (ours - peer) / ALLOWED_BYTES)),
      hash: [...hashes].sort().join(' '),
      detail: {
        manyBytes: rounded(median(pairs.map((pair) => pair.ours))),
        fewBytes: rounded(median(pairs.map((pair) => pair.peer))),
        allowedBytes: ALLOWED_BYTES,
      },
    };
  },
};
