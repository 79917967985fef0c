// SPDX-License-Identifier: Apache-2.0
/** Reads what an ended study has left: its table of simulations (Parquet) and its event log (SQLite, opened read-only). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import type { AttemptRecord, SimulationSummary } from '@melissa/api';
import type { Archive } from '../world.ts';

/** As many attempts of one simulation as the running server tells. */
const ATTEMPTS_MAX = 1000;

export const systemArchive: Archive = {
  async simulations(directory) {
    const path = join(directory, 'results', 'simulations.parquet');
    if (!existsSync(path)) return null;
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
    return rows.map(summaryOf);
  },
  attempts(directory, simulation) {
    const path = join(directory, 'events.sqlite');
    if (!existsSync(path)) return [];
    const log = new DatabaseSync(path, { readOnly: true });
    try {
      const newest = log
        .prepare('SELECT * FROM attempts WHERE simulation = ? ORDER BY draw DESC, attempt DESC LIMIT ?')
        .all(simulation, ATTEMPTS_MAX);
      return newest.reverse().map(({ simulation: _id, ...attempt }) => attempt as AttemptRecord);
    } finally {
      log.close();
    }
  },
};

/** The columns after the fixed ones are the parameters. */
function summaryOf(row: Record<string, unknown>): SimulationSummary {
  const { simulation, group, member, state, draw, attempts, reason, pilot, ...parameters } = row;
  return { simulation, group, member, state, draw, attempts, reason, pilot, parameters } as SimulationSummary;
}
