// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores, loopback. Baseline and last answer: benchmarks/results/send-cost.jsonl. */
import { median, percentile, rounded, type Bench } from '../bench.ts';
import { nativePath } from '../programs.ts';
import { plainSpec, runStudy } from '../study.ts';

type Told = { status: number; sends: number[]; copies: number[] };
const STEPS = 60;
/** The send window of 16 MiB holds two fields of 8 MB. */
const POOL = 2;
const PAUSE_US = 10_000;

export const bench: Bench = {
  name: 'send-cost',
  question: 'What does melissa_send of 8 MB cost the solver, 20 ms between sends?',
  peer: 'memcpy of the same values into a pool of touched buffers as deep as the send queue, in the same process, in turn',
  unit: 'ratio',
  goal: 1.5,
  better: 'lower',
  limits: 'One pass over the values: copy, hash and the search for non-finite values together.',
  run: async (setting) => {
    const cells = setting.tiny ? 1000 : 1_000_000;
    const steps = setting.tiny ? 4 : STEPS;
    const spec = {
      ...plainSpec(setting.tiny ? 1 : setting.repetitions),
      time: { steps },
      fields: [{ name: 'x', cells }],
      statistics: { moments: 1 },
      client: { parallelism: 1, workDirectory: false },
    };
    const command = [nativePath('send_cost'), String(cells), String(steps), String(POOL), String(PAUSE_US)];
    const study = await runStudy<Told>(setting.folder, { name: 'send-cost', spec }, command);
    const ratios = study.told.map(({ sends, copies }) => median(sends) / median(copies));
    const sends = study.told.flatMap((one) => one.sends);
    const copies = study.told.flatMap((one) => one.copies);
    const { digest = '' } = study.summary.digests[0] ?? {};
    study.discard();
    return {
      value: median(ratios),
      hash: digest,
      detail: {
        sendMedianMs: rounded(median(sends) / 1e6),
        sendP99Ms: rounded(percentile(sends, 0.99) / 1e6),
        copyMedianMs: rounded(median(copies) / 1e6),
        copyP99Ms: rounded(percentile(copies, 0.99) / 1e6),
        ratios: ratios.map((ratio) => rounded(ratio)),
      },
    };
  },
};
