// SPDX-License-Identifier: Apache-2.0
/**
 * Drives the writing of results from the head's thread: asks the study for one map at a time, hands it to the I/O worker,
 * waits until it is on disk, asks for the next. So memory holds two maps at most, whatever the study's size, and the
 * event loop only ever passes buffers on. A map that cannot be read is named in the summary and left as NaN.
 */
import { ProjectError } from '@melissa/kit';
import type { SimulationPage } from '@melissa/api';
import type { StatisticQuery } from '../head/service.ts';
import { planResults, type ResultsPlan, type Variable } from './plan.ts';
import type { SimulationRow } from './simulation-table.ts';
import type { ResultsFacts, ResultsReport, ResultsSource } from './source.ts';
import { summaryOf } from './summary.ts';

export type { ResultsFacts, ResultsReport, ResultsSource } from './source.ts';

/** The I/O worker as the writer uses it: one request under way at a time. */
export interface ResultsSink {
  /** A short wait before something busy is asked again. */
  pause(): Promise<void>;
  request(kind: 'resultsBegin', ask: { plan: ResultsPlan }): Promise<null>;
  request(kind: 'resultsSlice', ask: SliceAsk, transfer: ArrayBuffer[]): Promise<{ minimum: number; maximum: number }>;
  request(kind: 'resultsRows', ask: { rows: SimulationRow[] }): Promise<null>;
  request(
    kind: 'resultsFinish',
    ask: { summary: string },
  ): Promise<{ directory: string; bytes: number; warnings: string[] }>;
  request(kind: 'resultsAbort', ask: null): Promise<null>;
}
type SliceAsk = { variable: number; argument: number; step: number; values: Float64Array };

const ROWS_PER_PAGE = 1000;
/** Times that a busy reader is asked for one map: with the pause, some ten seconds. */
const READ_TRIES_MAX = 100;
/** Missing maps that the summary names; more are only counted. */
const MISSING_NAMED_MAX = 100;

export async function writeResults(
  source: ResultsSource,
  facts: ResultsFacts,
  sink: ResultsSink,
): Promise<ResultsReport> {
  const plan = planResults(source.study, facts.isFinal);
  await sink.request('resultsBegin', { plan });
  try {
    const written = { maps: 0, missing: [] as string[], latticeBinWidths: {} as Record<string, number> };
    for (const [index, variable] of plan.variables.entries())
      await writeVariable(source, sink, written, variable, index);
    await writeRows(source, sink);
    const summary = summaryOf({
      study: source.study,
      status: source.status(),
      digests: await source.digests(),
      facts,
      written,
    });
    const { directory, bytes, warnings } = await sink.request('resultsFinish', {
      summary: `${JSON.stringify(summary, null, 2)}\n`,
    });
    return { directory, bytes, maps: written.maps, missing: written.missing, warnings };
  } catch (cause) {
    await sink.request('resultsAbort', null).catch(() => undefined); // the cause says more than a second failure
    throw cause;
  }
}

type Written = { maps: number; missing: string[]; latticeBinWidths: Record<string, number> };

async function writeVariable(
  source: ResultsSource,
  sink: ResultsSink,
  written: Written,
  variable: Variable,
  index: number,
): Promise<void> {
  for (const [place, { argument }] of variable.arguments.entries()) {
    for (const step of variable.steps) {
      const values = await readMap(
        source,
        sink,
        { field: variable.field, step, statistic: variable.statistic, argument },
        written,
      );
      if (values === null) continue;
      const { maximum } = await sink.request('resultsSlice', { variable: index, argument: place, step, values }, [
        values.buffer as ArrayBuffer,
      ]);
      written.maps += 1;
      if (variable.statistic === 'histogramWidth' && maximum > (written.latticeBinWidths[variable.field] ?? 0)) {
        written.latticeBinWidths[variable.field] = maximum;
      }
    }
  }
}

/**
 * Null when the study cannot derive this map. Readers that are busy with people's requests are asked again; a rank that is
 * away ends the writing, and the next period tries again.
 */
async function readMap(
  source: ResultsSource,
  sink: ResultsSink,
  query: StatisticQuery,
  written: Written,
): Promise<Float64Array | null> {
  for (let tries = 1; ; tries++) {
    try {
      const values = await source.readStatistic(query);
      // The buffer is handed over whole, so a view into a larger one is copied first.
      return values.byteLength === values.buffer.byteLength ? values : values.slice();
    } catch (cause) {
      const isTransient = cause instanceof ProjectError && (cause.retryable || cause.code === 'EUNAVAILABLE');
      if (!isTransient) {
        noteMissing(query, cause, written);
        return null;
      }
      if (cause.code === 'EUNAVAILABLE' || tries >= READ_TRIES_MAX) throw cause;
      await sink.pause();
    }
  }
}

function noteMissing(query: StatisticQuery, cause: unknown, written: Written): void {
  if (written.missing.length >= MISSING_NAMED_MAX) return;
  const reason = cause instanceof Error ? cause.message : String(cause);
  written.missing.push(`${query.field} ${query.statistic} ${query.argument} at step ${query.step}: ${reason}`);
}

async function writeRows(source: ResultsSource, sink: ResultsSink): Promise<void> {
  let cursor: string | null = null;
  do {
    const page: SimulationPage = source.simulations({ limit: ROWS_PER_PAGE, ...(cursor === null ? {} : { cursor }) });
    await sink.request('resultsRows', { rows: page.simulations });
    cursor = page.next;
  } while (cursor !== null);
}
