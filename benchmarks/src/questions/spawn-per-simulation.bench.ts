// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores. Baseline and last answer: benchmarks/results/spawn-per-simulation.jsonl. */
import { inTurn, median, ratioOf, rounded, type Bench } from '../bench.ts';
import { pythonWith, runNative, runPeer } from '../programs.ts';
import { tasksPerSecond } from '../tasks.ts';

/** HyperQueue and Parsl are measured with fewer: they need longer. */
const PEER_SHARE = 4;

export const bench: Bench = {
  name: 'spawn-per-simulation',
  question: 'How many simulations that start /bin/true does a study run a second, with event log and captured output?',
  peer: 'bare posix_spawn loop, two at a time (native/spawn_loop.c)',
  unit: 'ratio',
  goal: 0.5,
  better: 'higher',
  limits:
    'Two pilots, the head and the event log share two cores with the programs they start; the bare loop has them for itself. HyperQueue (goal 3 ×) and Parsl (goal 2.5 ×) are reported beside it.',
  run: async (setting) => {
    const simulations = setting.tiny ? 50 : 10_000;
    const hashes: string[] = [];
    const hyperQueue: number[] = [];
    const parsl: number[] = [];
    const pairs = await inTurn(
      setting.repetitions,
      async () => {
        const { perSecond, hash } = await tasksPerSecond(setting.folder, simulations, 'program');
        hashes.push(hash);
        return perSecond;
      },
      async (repetition) => {
        if (!setting.tiny && repetition < 2) {
          const python = await pythonWith(['hyperqueue', 'parsl']);
          const count = simulations / PEER_SHARE;
          hyperQueue.push((await runPeer<{ perSecond: number }>(python, 'hyperqueue_tasks.py', [count])).perSecond);
          parsl.push((await runPeer<{ perSecond: number }>(python, 'parsl_tasks.py', ['program', count])).perSecond);
        }
        return (await runNative<{ perSecond: number }>('spawn_loop', [simulations, 2, '/bin/true'])).perSecond;
      },
    );
    const ours = median(pairs.map((pair) => pair.ours));
    return {
      value: ratioOf(pairs),
      hash: hashes[0] ?? '',
      detail: {
        simulations,
        oursPerSecond: rounded(ours),
        spawnPerSecond: rounded(median(pairs.map((pair) => pair.peer))),
        hyperQueuePerSecond: rounded(median(hyperQueue)),
        parslPerSecond: rounded(median(parsl)),
        timesHyperQueue: rounded(ours / median(hyperQueue)),
        timesParsl: rounded(ours / median(parsl)),
      },
    };
  },
};
