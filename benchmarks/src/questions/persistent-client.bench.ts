// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores. Baseline and last answer: benchmarks/results/persistent-client.jsonl. */
import { inTurn, median, ratioOf, rounded, type Bench } from '../bench.ts';
import { pythonWith, runPeer } from '../programs.ts';
import { tasksPerSecond } from '../tasks.ts';

export const bench: Bench = {
  name: 'persistent-client',
  question: 'How many simulations a second does a solver run that loops over them and does nothing?',
  peer: 'Parsl, high-throughput executor, two workers, a Python no-op (peers/parsl_tasks.py)',
  unit: 'ratio',
  goal: 20,
  better: 'higher',
  limits: 'The head’s plan and event log: each simulation is leased, reported and written down.',
  needsPackages: true,
  run: async (setting) => {
    const simulations = setting.tiny ? 100 : 50_000;
    const python = await pythonWith(['hyperqueue', 'parsl']);
    const hashes: string[] = [];
    const pairs = await inTurn(
      setting.repetitions,
      async () => {
        const { perSecond, hash } = await tasksPerSecond(setting.folder, simulations, 'loop');
        hashes.push(hash);
        return perSecond;
      },
      async () => {
        const count = setting.tiny ? 20 : 4000;
        return (await runPeer<{ perSecond: number }>(python, 'parsl_tasks.py', ['nothing', count])).perSecond;
      },
    );
    return {
      value: ratioOf(pairs),
      hash: hashes[0] ?? '',
      detail: {
        simulations,
        oursPerSecond: rounded(median(pairs.map((pair) => pair.ours))),
        parslPerSecond: rounded(median(pairs.map((pair) => pair.peer))),
      },
    };
  },
};
