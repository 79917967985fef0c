// SPDX-License-Identifier: Apache-2.0
/** Runs studies as a user would, by the command line, for the end-to-end tests. Each study gets a folder of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const python = process.env['MELISSA_TEST_PYTHON'] ?? join(root, '.cache', 'python', 'bin', 'python');
export const melissa = join(root, 'bin', 'melissa');

const folders: string[] = [];
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mel-e2e-'));
  folders.push(folder);
  return folder;
}
/** For `after` of every test file. */
export const cleanUp = (): void =>
  folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true }));

export const environment = {
  ...process.env,
  PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}`,
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  PYTHONPATH: join(root, 'client-api', 'python'),
};

export type Finished = { code: number; stdout: string; stderr: string; directory: string };

/** Any number of --set; port 0, so that studies do not meet. */
export const runArguments = (manifest: string, directory: string, sets: Record<string, string> = {}): string[] => [
  'run',
  resolve(root, manifest),
  '--directory',
  directory,
  '--port',
  '0',
  ...Object.entries(sets).flatMap(([path, value]) => ['--set', `${path}=${value}`]),
];

const STUDY_LIMIT_MS = 300_000;

/** Runs a study to its end. */
export function runStudy(
  manifest: string,
  sets: Record<string, string> = {},
  directory: string = join(scratch(), 'study'),
): Finished {
  const ended = spawnSync(melissa, runArguments(manifest, directory, sets), {
    encoding: 'utf8',
    env: environment,
    timeout: STUDY_LIMIT_MS,
    maxBuffer: 1 << 26,
  });
  return { code: ended.status ?? 1, stdout: ended.stdout, stderr: ended.stderr, directory };
}

export function startStudy(manifest: string, directory: string, sets: Record<string, string> = {}): ChildProcess {
  return spawn(melissa, runArguments(manifest, directory, sets), {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export type Summary = { digests: { consumer: string; digest: string; units: number }[] } & Record<string, unknown>;
export const summaryOf = (directory: string): Summary =>
  JSON.parse(readFileSync(join(directory, 'results', 'summary.json'), 'utf8')) as Summary;

/** `nonFinite`: number of values of each field that are NaN or infinite. */
export type Comparison = { largest: number; ratios: Record<string, number>; nonFinite: Record<string, number> };
/** Largest |difference| / tolerance between the results and an offline computation from the raw fields. */
export function compareOffline(directory: string): Comparison {
  const ended = spawnSync(python, [join(root, 'e2e', 'src', 'offline.py'), directory], {
    encoding: 'utf8',
    timeout: STUDY_LIMIT_MS,
    maxBuffer: 1 << 26,
  });
  if (ended.status !== 0)
    return { largest: Number.POSITIVE_INFINITY, ratios: { [ended.stderr.slice(-2000)]: 1 }, nonFinite: {} };
  return JSON.parse(ended.stdout) as Comparison;
}

/** Writes a manifest beside the example's, so that its relative paths hold. */
export function variant(name: string, text: string): string {
  const path = join(scratch(), `${name}.yaml`);
  writeFileSync(path, text);
  return path;
}
