// SPDX-License-Identifier: Apache-2.0
/**
 * What a running study looks like: two lines on a terminal, one line elsewhere. Pure: a status and the terminal's
 * abilities in, text out. Segments are left out from the right when the terminal is narrow; the count stays longest.
 */
import { formatBytes, formatDuration } from '@melissa/kit';
import type { StudyStatus } from '@melissa/api';

export type Looks = { columns: number; unicode: boolean; color: boolean };

const BAR_CELLS_MAX = 20;
const GAP = '   ';
const INDENT = '      ';

/** Two lines for a terminal, each at most `columns` wide. */
export function renderProgress(status: StudyStatus, http: string, looks: Looks): string[] {
  const label = status.name.length > 24 ? `${status.name.slice(0, 23)}${looks.unicode ? '…' : '~'}` : status.name;
  const percent = `${percentOf(status)} %`.padStart(5);
  const counts = countsOf(status, true);
  const barCells = Math.min(BAR_CELLS_MAX, looks.columns - label.length - percent.length - 30);
  const bar = barCells >= 6 ? `  ${renderBar(status.progress, barCells, looks)}  ` : '  ';
  const visibleStart = label.length + (barCells >= 6 ? barCells + 4 : 2) + percent.length + GAP.length;
  const first = `${label}${bar}${percent}${GAP}${fit(counts, looks.columns - visibleStart)}`;
  const second = INDENT + fit([...detailsOf(status), http], looks.columns - INDENT.length);
  return [first, second];
}

/** One line for a log: everything that changes, no control characters. */
export function renderPlain(status: StudyStatus): string {
  return [`${status.name}: ${status.state}`, `${percentOf(status)} %`, ...countsOf(status), ...detailsOf(status)].join(
    ', ',
  );
}

/** `━━━━╸━━`: done part bright, the rest dim; half cells are shown. `####--` where the terminal has no Unicode. */
export function renderBar(progress: number, cells: number, looks: Pick<Looks, 'unicode' | 'color'>): string {
  const halves = Math.round(Math.min(1, Math.max(0, progress)) * cells * 2);
  const full = Math.floor(halves / 2);
  const half = halves % 2;
  const rest = cells - full - half;
  if (!looks.unicode) return '#'.repeat(full) + (half === 1 ? '>' : '') + '-'.repeat(rest);
  const done = '━'.repeat(full) + (half === 1 ? '╸' : '');
  if (!looks.color) return done + '─'.repeat(rest);
  return `\x1b[32m${done}\x1b[0m\x1b[2m${'━'.repeat(rest)}\x1b[0m`;
}

/** 100 only when it is: 9,999 of 10,000 are 99 %. */
function percentOf(status: StudyStatus): number {
  return Math.floor(status.progress * 100 + 1e-9);
}

export function countsOf(status: StudyStatus, withState = false): string[] {
  const { done, total, running, failed, received } = status.simulations;
  const segments = [`${grouped(done)} / ${grouped(total)}`];
  if (withState && status.state !== 'Running') segments.push(status.state.toLowerCase());
  segments.push(`${grouped(running)} running`);
  if (received > 0) segments.push(`${grouped(received)} waiting for their group`);
  if (failed > 0) segments.push(`${grouped(failed)} failed`);
  if (status.simulationsPerSecond > 0) segments.push(`${threeDigits(status.simulationsPerSecond)} /s`);
  if (status.etaSeconds !== null) segments.push(`ETA ${formatDuration(status.etaSeconds)}`);
  return segments;
}

function detailsOf(status: StudyStatus): string[] {
  const segments: string[] = [];
  if (status.bytesReceived > 0)
    segments.push(`received ${formatBytes(status.bytesReceived)} (${formatBytes(status.bytesPerSecond)}/s)`);
  const { widestInterval, goal } = status.convergence;
  if (widestInterval !== null) {
    segments.push(
      `widest Sobol' interval ${threeDigits(widestInterval)}${goal === null ? '' : ` (goal ${threeDigits(goal)})`}`,
    );
  }
  const away = status.ranks.filter((rank) => rank.state !== 'Ready').map((rank) => rank.rank);
  if (away.length > 0) segments.push(`rank ${away.slice(0, 4).join(', ')}${away.length > 4 ? '…' : ''} starting`);
  return segments;
}

function fit(segments: string[], columns: number): string {
  let text = segments[0] ?? '';
  for (const segment of segments.slice(1)) {
    if (segment === '') continue;
    if (text.length + GAP.length + segment.length > columns) break;
    text += GAP + segment;
  }
  return text.slice(0, Math.max(0, columns));
}

export const grouped = (count: number): string => count.toLocaleString('en-US');

export function threeDigits(value: number): string {
  if (value >= 100) return grouped(Math.round(value));
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}
