// SPDX-License-Identifier: Apache-2.0
/**
 * Solvers that compute (native/computing.c), in a study and without one: for the questions of what a study adds to their time, and what
 * it saves against files. Whole wall times: a study's is that of `melissa run`, from its start to its end, with the start of head, rank and
 * pilot, the wait for the last field and the writing of results; a loop's is that of a shell that runs the same processes, as many at
 * a time.
 */
import { nativePath, run } from './programs.ts';
import { plainSpec, runStudy, type Finished } from './study.ts';

export type SolverCase = {
  /** Of float64, a field's. */
  cells: number;
  steps: number;
  /** Processes, one a simulation. */
  simulations: number;
  /** Megabytes that leave the solver for each second of processor time that it computes. */
  megabytesPerCpuSecond: number;
};

/** Both cores compute; the rank takes its share of them. */
const AT_A_TIME = 2;
const STUDY = 'solvers';

export const caseBytes = (one: SolverCase): number => 8 * one.cells * one.steps * one.simulations;

function words(one: SolverCase, simulation: string): string[] {
  const stepMicroseconds = (8 * one.cells) / one.megabytesPerCpuSecond;
  return [nativePath('computing'), String(one.cells), String(one.steps), stepMicroseconds.toFixed(3), simulation];
}

/** The study of these solvers: four moments and the extrema of every cell at every step. The caller discards it. */
export function studyOf(folder: string, one: SolverCase): Promise<Finished<unknown>> {
  const spec = {
    ...plainSpec(one.simulations),
    time: { steps: one.steps },
    fields: [{ name: 'x', cells: one.cells }],
    statistics: { moments: 4, extrema: true },
    client: { parallelism: AT_A_TIME, workDirectory: false },
  };
  return runStudy(folder, { name: STUDY, spec }, words(one, '{simulation}'));
}

/** Seconds of the same processes in a shell loop; what they compute goes to `into` (words of computing.c), or nowhere. */
export async function loopSeconds(one: SolverCase, into: string[] = []): Promise<number> {
  const command = [...words(one, '{}'), ...into].map((word) => `'${word}'`).join(' ');
  const script = `seq 0 ${one.simulations - 1} | xargs -P ${AT_A_TIME} -I '{}' ${command}`;
  const begun = performance.now();
  const ended = await run('sh', ['-c', script]);
  const seconds = (performance.now() - begun) / 1000;
  if (ended.code !== 0) throw new Error(`the loop of solvers ended with ${ended.code}: ${ended.stderr.slice(-2000)}`);
  return seconds;
}
