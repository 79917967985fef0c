// SPDX-License-Identifier: Apache-2.0
/**
 * Studies for the tests of bad input: a misbehaving solver of our own, a study around it, and what was recorded of every
 * attempt. The undisturbed result of the same study is computed once a test file.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSolver } from '../chaos/solver.ts';
import { describe, signal } from '../chaos/processes.ts';
import { ChaosStudy } from '../chaos/study.ts';
import { environment, melissa, scratch, summaryOf } from '../melissa.ts';
import { assert } from '@melissa/kit';

export const STEPS = 5;
export const CELLS = 32;
export const SIMULATIONS = 30;
/** Only a broken study takes so long. */
const STUDY_LIMIT_MS = 180_000;

/** `where` says what the solver does in the first attempt of which simulation: "3=crash,7=wrong-size". */
export function manifestOf(
  where: string,
  more: { client?: object; faultPolicy?: object; server?: object; seed?: number; name?: string } = {},
): string {
  const solver = buildSolver('bad-input/solver.c', 'bad-solver');
  return JSON.stringify({
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: more.name ?? 'bad-input' },
    spec: {
      parameters: [{ name: 'x', uniform: { min: 1, max: 2 } }],
      sampling: { method: 'Random', simulations: SIMULATIONS, seed: more.seed ?? 3 },
      time: { steps: STEPS },
      fields: [{ name: 'u', shape: [CELLS] }],
      statistics: { moments: 2, extrema: true },
      client: {
        command: [solver],
        args: ['{x}', String(STEPS), String(CELLS), where],
        parallelism: 4,
        drainSeconds: 1,
        ...more.client,
      },
      server: { memory: '512Mi', checkpoint: { periodSeconds: 1 }, ...more.server },
      faultPolicy: {
        retryLimit: 3,
        maxFailed: 0,
        timeoutSeconds: 60,
        graceSeconds: 2,
        onExhausted: 'Fail',
        ...more.faultPolicy,
      },
    },
  });
}

export function makeStudy(manifest: string, variables: Record<string, string> = {}): ChaosStudy {
  return new ChaosStudy(scratch(), manifest, null, variables);
}

/** Waits for the end; a study that does not end is ended, and the test fails with what it said. */
export async function ended(study: ChaosStudy): Promise<number> {
  const endMs = performance.now() + STUDY_LIMIT_MS;
  while (study.exitCode === null && performance.now() < endMs) await sleep(50);
  if (study.exitCode === null) {
    const tree = describe(study.processes());
    for (const { pid } of study.processes()) signal(pid, 'SIGKILL');
    assert(false, `the study ends within ${STUDY_LIMIT_MS / 1000} s\n${tree}\n${study.lastWords()}`);
  }
  return study.exitCode;
}

export async function run(manifest: string): Promise<ChaosStudy> {
  const study = makeStudy(manifest);
  study.start();
  const code = await ended(study);
  assert(code === 0, `the study ends well, not with ${code}\n${study.lastWords()}`);
  return study;
}

export const digestsOf = (study: ChaosStudy) => summaryOf(study.directory).digests;

let undisturbed: Promise<ChaosStudy> | null = null;
/** The study that nothing happens to. */
export const twin = (): Promise<ChaosStudy> => (undisturbed ??= run(manifestOf('none')));

export type Attempt = {
  simulation: number;
  attempt: number;
  state: string;
  reason: string;
  exitCode: number | null;
  signal: number | null;
  stdout: string;
  stderr: string;
  peakRssBytes: number;
};

export function attemptsOf(study: ChaosStudy, simulation: number): Attempt[] {
  const database = new DatabaseSync(join(study.directory, 'events.sqlite'), { readOnly: true });
  try {
    return database
      .prepare('SELECT * FROM attempts WHERE simulation = ? ORDER BY attempt')
      .all(simulation) as unknown as Attempt[];
  } finally {
    database.close();
  }
}

/** A command line that is to fail: its exit code and what it says. */
export function command(words: string[], env: Record<string, string> = {}): { code: number | null; stderr: string } {
  const { status, stderr } = spawnSync(melissa, words, {
    encoding: 'utf8',
    env: { ...environment, ...env },
    timeout: STUDY_LIMIT_MS,
  });
  return { code: status, stderr };
}
