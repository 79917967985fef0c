// SPDX-License-Identifier: Apache-2.0
/** Whole studies, run as a user runs them: `melissa run` with a manifest, in a folder of the benchmark's own. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { root, run } from './programs.ts';

export type Study = {
  name: string;
  /** Everything below `spec`; JSON is YAML. */
  spec: Record<string, unknown>;
  environment?: Record<string, string>;
};

export type Summary = {
  digests: { consumer: string; digest: string; units: number }[];
  simulations: Record<string, number>;
  elapsedSeconds: number;
  bytesReceived: number;
};
export type Finished<Told> = {
  summary: Summary;
  told: Told[];
  directory: string;
  seconds: number;
  discard: () => void;
};

/** Where the study of that name lies, while it runs and until it is discarded. */
export const directoryOf = (folder: string, name: string): string => join(folder, name, 'study');

/** Runs to the end. What the solvers wrote to BENCH_OUT comes back as `told`. */
export async function runStudy<Told>(folder: string, study: Study, command: string[]): Promise<Finished<Told>> {
  const own = join(folder, study.name);
  rmSync(own, { recursive: true, force: true });
  const out = join(own, 'out');
  mkdirSync(out, { recursive: true });
  const manifest = join(own, 'study.yaml');
  const client = { ...(study.spec['client'] as Record<string, unknown>), command, env: { BENCH_OUT: out } };
  const document = {
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: study.name },
    spec: { ...study.spec, client },
  };
  writeFileSync(manifest, JSON.stringify(document, null, 2));
  const directory = directoryOf(folder, study.name);
  const begun = performance.now();
  const words = ['run', manifest, '--directory', directory, '--port', '0'];
  const ended = await run(join(root, 'bin', 'melissa'), words, study.environment);
  const seconds = (performance.now() - begun) / 1000;
  if (ended.code !== 0)
    throw new Error(
      `the study ${study.name} ended with ${ended.code}: ${`${ended.stdout}\n${ended.stderr}`.slice(-3000)}`,
    );
  const told = readdirSync(out).map((name) => JSON.parse(readFileSync(join(out, name), 'utf8')) as Told);
  const summary = JSON.parse(readFileSync(join(directory, 'results', 'summary.json'), 'utf8')) as Summary;
  const discard = () => rmSync(own, { recursive: true, force: true });
  return { summary, told, directory, seconds, discard };
}

/** The parts of a manifest that most benchmarks share. */
export const plainSpec = (simulations: number): Record<string, unknown> => ({
  parameters: [{ name: 'p', uniform: { min: 0, max: 1 } }],
  sampling: { method: 'Random', simulations, seed: 1 },
  server: { checkpoint: { periodSeconds: 3600 }, results: { periodSeconds: 3600 } },
});

/** Milliseconds from the first lease to the last simulation done, by the study's own event log. */
export function spanMs(directory: string): number {
  const database = new DatabaseSync(join(directory, 'events.sqlite'), { readOnly: true });
  try {
    const row = database
      .prepare(`SELECT min(timeMs) AS first, max(timeMs) AS last FROM events WHERE entity = 'simulation'`)
      .get() as { first: number; last: number };
    return row.last - row.first;
  } finally {
    database.close();
  }
}
