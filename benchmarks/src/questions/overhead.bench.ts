// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores. Baseline and last answer: benchmarks/results/overhead.jsonl. */
import { inTurn, median, ratioOf, rounded, type Bench } from '../bench.ts';
import { loopSeconds, studyOf, type SolverCase } from '../solvers.ts';
import { spanMs } from '../study.ts';

/** A second of computing each, a minute and a half of two cores in all: start and end of the servers are in it, and a study is longer than they. */
const GOAL_CASE: SolverCase = { cells: 125_000, steps: 10, simulations: 180, megabytesPerCpuSecond: 10 };
/** Reported: what they compute in a simulation is short, so they also show what a simulation costs besides its data. */
const HEAVIER: SolverCase[] = [
  { cells: 125_000, steps: 10, simulations: 500, megabytesPerCpuSecond: 100 },
  { cells: 500_000, steps: 10, simulations: 1000, megabytesPerCpuSecond: 1000 },
];
const HEAVIER_REPETITIONS_MAX = 1;
const tiny = { cells: 100, steps: 3, simulations: 4 };

export const bench: Bench = {
  name: 'overhead',
  question:
    'How much longer than its bare solvers, which compute a second for each 10 MB they send, does a study take?',
  peer: 'the same processes with the same library, without a study and so without output, from a shell loop (xargs -P 2)',
  unit: 'ratio',
  goal: 1.1,
  better: 'lower',
  limits:
    'Whole wall times, `melissa run` from start to end: some seconds start and end the servers and write results, whatever the study’s length. During it solvers, rank, head and two pilots share the cores. Only the solver’s own thread counts as its computing.',
  run: async (setting) => {
    const hashes = new Set<string>();
    const spans: number[] = [];
    const measure = (wanted: SolverCase, repetitions: number) => {
      const one = setting.tiny ? { ...wanted, ...tiny } : wanted;
      const ours = async () => {
        const { seconds, summary, directory, discard } = await studyOf(setting.folder, one);
        const { digest = '', units = 0 } = summary.digests[0] ?? {};
        if (wanted === GOAL_CASE) {
          hashes.add(`${digest} of ${units}`);
          spans.push(spanMs(directory) / 1000);
        }
        discard();
        return seconds;
      };
      return inTurn(repetitions, ours, () => loopSeconds(one));
    };
    const pairs = await measure(GOAL_CASE, setting.repetitions);
    const heavier: Record<string, unknown>[] = [];
    for (const one of HEAVIER) {
      const ratio = ratioOf(await measure(one, Math.min(HEAVIER_REPETITIONS_MAX, setting.repetitions)));
      heavier.push({ megabytesPerCpuSecond: one.megabytesPerCpuSecond, ratio: rounded(ratio) });
    }
    return {
      value: ratioOf(pairs),
      hash: [...hashes].sort().join(' '),
      detail: {
        ...GOAL_CASE,
        studySeconds: rounded(median(pairs.map((pair) => pair.ours))),
        firstLeaseToLastDoneSeconds: rounded(median(spans)),
        loopSeconds: rounded(median(pairs.map((pair) => pair.peer))),
        ratios: pairs.map((pair) => rounded(pair.ours / pair.peer)),
        heavier,
      },
    };
  },
};
