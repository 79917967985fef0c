// SPDX-License-Identifier: Apache-2.0
/** The end of a study: counts, sizes, times, how well the indices are known, and where the results are. */
import { join } from 'node:path';
import { formatBytes, formatDuration } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import type { StudyStatus } from '@melissa/api';
import type { Files } from '../world.ts';
import { grouped, threeDigits } from './render.ts';

export type ResultPaths = {
  folder: string;
  zarr: string[];
  pictures: string[];
  tables: string[];
  summary: string | null;
};

export type Summary = {
  name: string;
  directory: string;
  state: string;
  reason: string;
  resumable: boolean;
  simulations: StudyStatus['simulations'] | null;
  failedSimulations: StudyStatus['failedSimulations'];
  degraded: string[];
  bytesReceived: number;
  /** spec.keepRaw: raw fields were written too. */
  rawKept: boolean;
  elapsedSeconds: number;
  convergence: StudyStatus['convergence'] | null;
  results: ResultPaths | null;
};

const PICTURES_LISTED_MAX = 200;

const ENDED = ['Succeeded', 'Failed', 'Cancelled'];

/** `seen` is the last status that the head told; what it wrote when it ended (status.json) is newer. */
export function summaryOf(files: Files, directory: string, study: CompiledStudy, seen: StudyStatus | null): Summary {
  const status = lastStatus(files, directory) ?? seen;
  const isEnded = status !== null && ENDED.includes(status.state);
  return {
    name: study.name,
    directory,
    state: isEnded ? status.state : 'Interrupted',
    reason: isEnded ? status.reason : '',
    resumable: !isEnded,
    simulations: status?.simulations ?? null,
    failedSimulations: status?.failedSimulations ?? [],
    degraded: status?.degraded ?? [],
    bytesReceived: status?.bytesReceived ?? 0,
    rawKept: study.keepRaw.all || study.keepRaw.ids.length > 0,
    elapsedSeconds: status?.elapsedSeconds ?? 0,
    convergence: status?.convergence ?? null,
    results: resultPaths(files, status?.results ?? join(directory, 'results')),
  };
}

export const lastStatusFile = (directory: string): string => join(directory, 'status.json');

/** What the head wrote as its last word; null while the study has not ended. */
function lastStatus(files: Files, directory: string): StudyStatus | null {
  const path = lastStatusFile(directory);
  return files.exists(path) ? (JSON.parse(files.readText(path)) as StudyStatus) : null;
}

/** What a results folder holds; null when there is none. Pictures lie at most one folder deep. */
export function resultPaths(files: Files, folder: string): ResultPaths | null {
  if (!files.isDirectory(folder)) return null;
  const here = files
    .list(folder)
    .sort()
    .map((name) => join(folder, name));
  const inside = here
    .filter((path) => files.isDirectory(path) && !path.endsWith('.zarr'))
    .flatMap((path) =>
      files
        .list(path)
        .sort()
        .map((name) => join(path, name)),
    );
  const all = [...here, ...inside];
  return {
    folder,
    zarr: here.filter((path) => path.endsWith('.zarr')),
    pictures: all.filter((path) => path.endsWith('.png')).slice(0, PICTURES_LISTED_MAX),
    tables: here.filter((path) => /\.(parquet|csv)$/.test(path)),
    summary: here.find((path) => path.endsWith('/summary.json')) ?? null,
  };
}

export function summaryText(summary: Summary): string {
  const lines = ['', headline(summary)];
  const row = (label: string, value: string): void => void lines.push(`  ${label.padEnd(16)}${value}`);
  if (summary.simulations !== null) row('simulations', countsText(summary.simulations));
  if (summary.convergence !== null && summary.convergence.groups > 0)
    row('groups', `n = ${grouped(summary.convergence.groups)}`);
  if (summary.bytesReceived > 0)
    row('received', `${formatBytes(summary.bytesReceived)}${summary.rawKept ? '' : ', none of it stored'}`);
  const intervals = intervalText(summary);
  if (intervals !== '') row("Sobol' indices", intervals);
  for (const { simulation, reason } of summary.failedSimulations.slice(0, 5))
    row('failed', `simulation ${simulation}: ${reason}`);
  for (const sentence of summary.degraded) row('warning', sentence);
  if (summary.results !== null) lines.push(...resultLines(summary.results));
  if (summary.resumable) lines.push('', `Continue with: melissa run --resume ${summary.directory}`);
  return lines.join('\n');
}

function headline({ name, state, reason, elapsedSeconds }: Summary): string {
  const words =
    { Succeeded: 'succeeded', Failed: 'failed', Cancelled: 'was cancelled', Interrupted: 'was interrupted' }[state] ??
    state;
  return `${name} ${words}${elapsedSeconds > 0 ? ` after ${formatDuration(elapsedSeconds)}` : ''}${reason === '' ? '' : `: ${reason}`}`;
}

function countsText({ done, total, failed, cancelled, retried, redrawn }: StudyStatus['simulations']): string {
  const parts = [`${grouped(done)} of ${grouped(total)} done`];
  if (failed > 0) parts.push(`${grouped(failed)} failed`);
  if (cancelled > 0) parts.push(`${grouped(cancelled)} cancelled`);
  if (retried > 0) parts.push(`${grouped(retried)} retried`);
  if (redrawn > 0) parts.push(`${grouped(redrawn)} redrawn`);
  return parts.join(', ');
}

function intervalText({ convergence }: Summary): string {
  if (convergence === null || convergence.widestInterval === null) return '';
  const median =
    convergence.medianInterval === null ? '' : `median interval ${threeDigits(convergence.medianInterval)}, `;
  return `${median}widest ${threeDigits(convergence.widestInterval)}`;
}

function resultLines(results: ResultPaths): string[] {
  const lines = ['', `Results in ${results.folder}`];
  for (const path of [...results.zarr, ...results.tables]) lines.push(`  ${path}`);
  if (results.summary !== null) lines.push(`  ${results.summary}`);
  const first =
    ['_sobol_total_', '_sobol_first_', '_mean'].flatMap((part) =>
      results.pictures.filter((path) => path.includes(part)),
    )[0] ?? results.pictures[0];
  if (first !== undefined)
    lines.push(`  ${first}${results.pictures.length > 1 ? `  (and ${results.pictures.length - 1} more maps)` : ''}`);
  if (results.zarr[0] !== undefined)
    lines.push('', 'Open them in Python:', `  import xarray; results = xarray.open_zarr("${results.zarr[0]}")`);
  return lines;
}
