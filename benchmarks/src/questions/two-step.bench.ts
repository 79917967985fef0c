// SPDX-License-Identifier: Apache-2.0
/** Machine: two cores, 8 GB free in /dev/shm and on the disk of this tree. Baseline and last answer: benchmarks/results/two-step.jsonl. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, median, rounded, type Bench, type Setting } from '../bench.ts';
import { pythonWith, root, runPeer } from '../programs.ts';
import { caseBytes, loopSeconds, studyOf, type SolverCase } from '../solvers.ts';

const GOAL_CASE: SolverCase = { cells: 250_000, steps: 10, simulations: 400, megabytesPerCpuSecond: 1000 };
/** Reported, once: the longer a solver computes for what it leaves, the less it matters how that is read. */
const SLOWER: SolverCase[] = [
  { cells: 125_000, steps: 10, simulations: 200, megabytesPerCpuSecond: 100 },
  { cells: 125_000, steps: 10, simulations: 60, megabytesPerCpuSecond: 10 },
];
const tiny = { cells: 100, steps: 3, simulations: 4 };
/** Rounding of two ways to the same moments. */
const DIFFERS_MAX = 1e-9;

type Medium = { parent: string; words: string[] };
const TMPFS: Medium = { parent: '/dev/shm', words: [] };
const DISK: Medium = { parent: join(root, 'build', 'benchmarks'), words: ['sync'] };
type TwoSteps = { seconds: number; writeSeconds: number };

/** Files first, statistics after; `npyFolder` holds the study's own, to compare. */
async function twoSteps(python: string, one: SolverCase, medium: Medium, npyFolder: string | null): Promise<TwoSteps> {
  const folder = mkdtempSync(join(medium.parent, 'melissa-two-step-'));
  try {
    const writeSeconds = await loopSeconds(one, [folder, ...medium.words]);
    const begun = performance.now();
    const args = [folder, one.cells, one.steps, one.simulations, ...(npyFolder === null ? [] : [npyFolder])];
    const { differs } = await runPeer<{ differs: number | null }>(python, 'numpy_two_step.py', args);
    const seconds = writeSeconds + (performance.now() - begun) / 1000;
    if (differs !== null && !(differs <= DIFFERS_MAX))
      throw new Error(`the two ways to the statistics differ by ${differs}`);
    return { seconds, writeSeconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Both ways to the same statistics once, which must agree; then as often as wanted for their times alone. */
async function agree(setting: Setting, python: string, one: SolverCase): Promise<{ hash: string; ratio: number }> {
  const study = await studyOf(setting.folder, one);
  const { digest = '' } = study.summary.digests[0] ?? {};
  const { seconds } = await twoSteps(python, one, TMPFS, join(study.directory, 'results', 'npy'));
  study.discard();
  return { hash: digest, ratio: seconds / study.seconds };
}

async function measure(setting: Setting, python: string, one: SolverCase) {
  const tmpfs: TwoSteps[] = [];
  const disk: TwoSteps[] = [];
  const pairs = await inTurn(
    setting.repetitions,
    async () => {
      const study = await studyOf(setting.folder, one);
      study.discard();
      return study.seconds;
    },
    async () => {
      disk.push(await twoSteps(python, one, DISK, null));
      const shared = await twoSteps(python, one, TMPFS, null);
      tmpfs.push(shared);
      return shared.seconds;
    },
  );
  const times = (of: TwoSteps[], key: keyof TwoSteps) =>
    median(pairs.map(({ ours }, index) => (of[index]?.[key] ?? Number.NaN) / ours));
  return {
    tmpfs: times(tmpfs, 'seconds'),
    disk: times(disk, 'seconds'),
    tmpfsWriteOnly: times(tmpfs, 'writeSeconds'),
    diskWriteOnly: times(disk, 'writeSeconds'),
    studySeconds: median(pairs.map((pair) => pair.ours)),
    tmpfsSeconds: median(tmpfs.map(({ seconds }) => seconds)),
    diskSeconds: median(disk.map(({ seconds }) => seconds)),
  };
}

export const bench: Bench = {
  name: 'two-step',
  question:
    'How much longer do solvers take that write files, and NumPy that reads them, than a study of the same solvers?',
  peer: 'the same processes writing a raw file each, two at a time, then one NumPy process (peers/numpy_two_step.py): to tmpfs, and to a disk of which they come back',
  unit: 'ratio',
  goal: 1.5,
  better: 'higher',
  limits:
    'Solvers that leave 1,000 MB for each second they compute; the value is the worse of tmpfs and disk. Whole wall times, with start and end of the study’s servers. Files on disk are forced there and dropped from memory, as those of a study larger than memory are. `slower` has solvers of 100 and 10 MB a second: where computing takes all the time there is nothing to save but the files.',
  needsPackages: true,
  run: async (setting) => {
    const python = await pythonWith(['numpy==2.4.6']);
    const sized = (one: SolverCase): SolverCase => (setting.tiny ? { ...one, ...tiny } : one);
    const one = sized(GOAL_CASE);
    const { hash } = await agree(setting, python, one);
    const ratios = await measure(setting, python, one);
    const slower: Record<string, unknown>[] = [];
    for (const { megabytesPerCpuSecond, ...rest } of SLOWER) {
      const { ratio } = await agree(setting, python, sized({ megabytesPerCpuSecond, ...rest }));
      slower.push({ megabytesPerCpuSecond, tmpfs: rounded(ratio) });
    }
    return {
      value: Math.min(ratios.tmpfs, ratios.disk),
      hash,
      detail: {
        ...one,
        bytes: caseBytes(one),
        ...Object.fromEntries(Object.entries(ratios).map(([key, value]) => [key, rounded(value)])),
        slower,
      },
    };
  },
};
