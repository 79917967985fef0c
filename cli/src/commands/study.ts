// SPDX-License-Identifier: Apache-2.0
/** Commands that look at a study: status, simulations, simulation, logs, results. */
import { join } from 'node:path';
import { closest, formatBytes, formatDuration } from '@melissa/kit';
import type { AttemptRecord, SimulationDetail, SimulationQuery, SimulationSummary, StudyStatus } from '@melissa/api';
import { readerOf, type StudyReader } from '../ended-study.ts';
import { failure } from '../errors.ts';
import type { ExitName } from '../exit-codes.ts';
import { logFile } from '../local/launch.ts';
import { countsOf, grouped, renderBar, threeDigits } from '../progress/render.ts';
import { resultPaths, summaryOf, summaryText } from '../progress/summary.ts';
import { connectTo, findStudy, isRunning, readStudy } from '../study-directory.ts';
import { table } from '../table.ts';
import { reply, type CommandResult, type Context } from './context.ts';
import { STATES } from '../program.ts';

export type OnStudy = { directory?: string };

export async function status(context: Context, options: OnStudy): CommandResult {
  const { world } = context;
  const directory = findStudy(world, options.directory);
  if (!isRunning(world, directory)) return statusOfEnded(context, directory);
  const now = await connectTo(world, directory).status();
  reply(context, { directory, running: true, ...now }, () => statusText(now, directory, context));
  return 'ok';
}

function statusOfEnded(context: Context, directory: string): 'ok' {
  const summary = summaryOf(context.world.files, directory, readStudy(context.world, directory), null);
  reply(context, { running: false, ...summary }, () => summaryText(summary));
  return 'ok';
}

export function statusText(now: StudyStatus, directory: string, { world }: Context): string {
  const looks = world.terminal.looks();
  const rows: string[][] = [
    ['study', `${now.name} in ${directory}`],
    ['state', `${now.state}${now.reason === '' ? '' : `: ${now.reason}`}`],
    ['progress', `${renderBar(now.progress, 20, looks)} ${Math.floor(now.progress * 100)} %`],
    ['simulations', countsOf(now).join('   ')],
    ['pilots', `${now.pilots.active} busy, ${now.pilots.connected} connected, ${now.pilots.desired} wanted`],
    ['ranks', now.ranks.map(({ rank, state, rssBytes }) => `${rank} ${state} ${formatBytes(rssBytes)}`).join('; ')],
    [
      'received',
      `${formatBytes(now.bytesReceived)} (${formatBytes(now.bytesPerSecond)}/s), ${formatBytes(now.heldBytes)} held`,
    ],
    ['running for', formatDuration(now.elapsedSeconds)],
    ['checkpoint', now.checkpoint.time === null ? 'none yet' : `${now.checkpoint.number} of ${now.checkpoint.time}`],
  ];
  const { widestInterval, medianInterval, goal } = now.convergence;
  if (widestInterval !== null) {
    rows.push([
      "Sobol' indices",
      `widest interval ${threeDigits(widestInterval)}, median ${medianInterval === null ? '-' : threeDigits(medianInterval)}${goal === null ? '' : `, goal ${goal}`}`,
    ]);
  }
  for (const sentence of now.degraded) rows.push(['warning', sentence]);
  for (const { simulation, reason } of now.failedSimulations.slice(0, 10))
    rows.push(['failed', `simulation ${simulation}: ${reason}`]);
  return rows.map(([label, value]) => `${label!.padEnd(16)}${value}`).join('\n');
}

export type SimulationsOptions = OnStudy & { state?: string; group?: number; limit: number };
/** The server's own page size. */
const PAGE_MAX = 1000;

export async function simulations(context: Context, options: SimulationsOptions): CommandResult {
  return listSimulations(context, () => readerOf(context.world, findStudy(context.world, options.directory)), options);
}

export async function listSimulations(
  context: Context,
  open: () => Pick<StudyReader, 'simulations'>,
  options: SimulationsOptions,
): CommandResult {
  const state = options.state === undefined ? undefined : statesOf(options.state);
  const reader = open();
  const rows: SimulationSummary[] = [];
  let cursor: string | null = '';
  while (cursor !== null && rows.length < options.limit) {
    const query: SimulationQuery = { limit: Math.min(PAGE_MAX, options.limit - rows.length) };
    if (state !== undefined) query.state = state;
    if (options.group !== undefined) query.group = options.group;
    if (cursor !== '') query.cursor = cursor;
    const page = await reader.simulations(query);
    rows.push(...page.simulations);
    cursor = page.next;
  }
  reply(context, { simulations: rows, more: cursor !== null }, () => simulationsText(rows, cursor !== null));
  return 'ok';
}

/** Spelling and case are forgiven; what is no state at all is refused with the nearest one. */
function statesOf(text: string): string {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  return words
    .map((word) => {
      const state = STATES.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
      if (state !== undefined) return state;
      const near = closest(word, STATES);
      throw failure('ECOMMAND', `"${word}" is no state of a simulation`, {
        remedy: `${near === null ? '' : `Did you mean ${near}? `}States are ${STATES.join(', ')}.`,
      });
    })
    .join(',');
}

function simulationsText(rows: SimulationSummary[], more: boolean): string {
  if (rows.length === 0) return 'no simulation matches';
  const names = Object.keys(rows[0]!.parameters);
  const columns = [
    { title: 'ID', align: 'right' as const },
    { title: 'STATE' },
    { title: 'ATTEMPTS', align: 'right' as const },
    { title: 'PILOT' },
  ];
  const text = table(
    [...columns, ...names.map((title) => ({ title, align: 'right' as const })), { title: 'REASON' }],
    rows.map((row) => [
      String(row.simulation),
      row.state,
      String(row.attempts),
      row.pilot,
      ...names.map((name) => shortValue(row.parameters[name])),
      row.reason.split('\n')[0]!,
    ]),
  );
  return more ? `${text}\nThere are more: raise --limit.` : text;
}

const shortValue = (value: number | string | undefined): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : (value ?? '');

export async function simulation(context: Context, idText: string, options: OnStudy): CommandResult {
  return printSimulation(context, readerOf(context.world, findStudy(context.world, options.directory)), idText);
}

export async function printSimulation(
  context: Context,
  reader: Pick<StudyReader, 'simulation'>,
  idText: string,
): CommandResult {
  const detail = await reader.simulation(simulationId(idText));
  reply(context, detail, () => detailText(detail));
  return 'ok';
}

function simulationId(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text))
    throw failure('ECOMMAND', `"${text}" is no simulation`, {
      remedy: 'Give its number; `melissa simulations` lists them.',
    });
  return Number(text);
}

function detailText(detail: SimulationDetail): string {
  const lines = [
    `simulation ${detail.simulation}: ${detail.state}${detail.reason === '' ? '' : ` (${detail.reason})`}`,
    `  group ${detail.group}, member ${detail.member}, draw ${detail.draw}`,
    ...Object.entries(detail.parameters).map(([name, value]) => `  ${name} = ${value}`),
  ];
  for (const attempt of detail.history) lines.push('', ...attemptLines(attempt));
  return lines.join('\n');
}

function attemptLines(attempt: AttemptRecord): string[] {
  const ended =
    attempt.signal !== null && attempt.signal !== 0
      ? `signal ${attempt.signal}`
      : attempt.exitCode === null
        ? ''
        : `exit code ${attempt.exitCode}`;
  const used = [
    attempt.wallSeconds === null ? '' : `${threeDigits(attempt.wallSeconds)} s`,
    attempt.cpuSeconds === null ? '' : `${threeDigits(attempt.cpuSeconds)} s of CPU`,
    attempt.peakRssBytes === null ? '' : `${formatBytes(attempt.peakRssBytes)} of memory`,
  ].filter((part) => part !== '');
  const lines = [
    `  draw ${attempt.draw}, attempt ${attempt.attempt} on ${attempt.pilot} (${attempt.host}): ${attempt.state} ${ended}`.trimEnd(),
  ];
  if (attempt.reason !== '') lines.push(`    ${attempt.reason}`);
  if (used.length > 0) lines.push(`    ${used.join(', ')}`);
  return lines;
}

export type LogsOptions = OnStudy & { tail?: number };
/** The most of a log file that is printed; a longer one is better opened where it is. */
const LOG_PRINT_BYTES_MAX = 16_000_000;

export async function logs(context: Context, what: string[], options: LogsOptions): CommandResult {
  const { world } = context;
  const directory = findStudy(world, options.directory);
  const words = what.join(' ').replace('-', ' ').split(' ');
  if (/^[0-9]+$/.test(words[0] ?? ''))
    return printSimulationOutput(context, readerOf(world, directory), words[0]!, options);
  const id = logName(words);
  const path = logFile(directory, id);
  if (!world.files.exists(path)) {
    const there = world.files.list(join(directory, 'logs')).map((name) => name.replace(/\.log$/, '').replace('-', ' '));
    throw failure('ECOMMAND', `there is no log of "${words.join(' ')}"`, {
      remedy: `There are logs of: ${there.join(', ')}.`,
    });
  }
  const text = lastLines(world.files.readTail(path, LOG_PRINT_BYTES_MAX), options.tail);
  reply(context, { path, text }, () => text);
  return 'ok';
}

function logName(words: string[]): string {
  const [scope = '', index = ''] = words;
  if (scope === '' || scope === 'head') return 'head';
  if ((scope === 'rank' || scope === 'pilot') && /^[0-9]+$/.test(index)) return `${scope}-${index}`;
  throw failure('ECOMMAND', `"${words.join(' ')}" has no log`, {
    remedy: 'Give the number of a simulation, head, rank N, or pilot N.',
  });
}

export async function printSimulationOutput(
  context: Context,
  reader: Pick<StudyReader, 'output'>,
  id: string,
  options: LogsOptions,
): CommandResult {
  const output = await reader.output(simulationId(id));
  const stdout = lastLines(output.stdout, options.tail);
  const stderr = lastLines(output.stderr, options.tail);
  reply(context, output, () =>
    [stdout, stderr === '' ? '' : `--- standard error\n${stderr}`].filter((part) => part !== '').join('\n'),
  );
  return 'ok';
}

export function lastLines(text: string, count: number | undefined): string {
  if (count === undefined) return text;
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.slice(Math.max(0, lines.length - count)).join('\n');
}

export async function results(context: Context, options: OnStudy): CommandResult {
  const { world } = context;
  const directory = findStudy(world, options.directory);
  const folder = isRunning(world, directory)
    ? ((await connectTo(world, directory).status()).results ?? join(directory, 'results'))
    : join(directory, 'results');
  return printResults(context, folder);
}

export function printResults(context: Context, folder: string): ExitName {
  const paths = resultPaths(context.world.files, folder);
  if (paths === null) throw failure('ENORESULTS', folder);
  reply(context, paths, () => {
    const lines = [
      ...paths.zarr,
      ...paths.tables,
      ...(paths.summary === null ? [] : [paths.summary]),
      ...paths.pictures,
    ];
    const open =
      paths.zarr[0] === undefined
        ? ''
        : `\n\nOpen them in Python:\n  import xarray; results = xarray.open_zarr("${paths.zarr[0]}")`;
    return `${grouped(lines.length)} files in ${paths.folder}\n${lines.map((line) => `  ${line}`).join('\n')}${open}`;
  });
  return 'ok';
}
