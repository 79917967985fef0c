// SPDX-License-Identifier: Apache-2.0
/**
 * What the I/O worker keeps in SQLite: events (append-only) and attempts (one row an execution, the newest report wins).
 * The log follows the checkpoint and is never a source of truth: after a restore the head appends `rewound`.
 */
import type { AttemptRecord } from '@melissa/api';
import type { StudyEvent } from '../head/service.ts';

/** One execution of a simulation. The head sends it when the attempt starts and again when it ends. */
export type Attempt = AttemptRecord & { simulation: number };

/** An item of a batch. The sequence is given before sending, so that a repeated batch adds nothing twice. */
export type LogItem = { kind: 'event'; sequence: number; event: StudyEvent } | { kind: 'attempt'; attempt: Attempt };

/** Rough size in memory and in a message: what the bound of the buffer counts. */
export function itemBytes(item: LogItem): number {
  if (item.kind === 'attempt') return 400 + 2 * (item.attempt.stdout.length + item.attempt.stderr.length);
  const { entity, id, from, to, cause } = item.event;
  return 200 + 2 * (entity.length + id.length + from.length + to.length + cause.length);
}

/** Keeps head and tail of a text, with a line between that says how much is gone. */
export function clip(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const half = Math.floor(charactersMax / 2);
  return `${text.slice(0, half)}\n… ${text.length - 2 * half} characters left out …\n${text.slice(-half)}`;
}

/** The tables. Readers may open the file while the study runs: WAL keeps them apart from the writer. */
export const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 2000;
  CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY,
    timeMs INTEGER NOT NULL,
    entity TEXT NOT NULL,
    id TEXT NOT NULL,
    "from" TEXT NOT NULL,
    "to" TEXT NOT NULL,
    cause TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS eventsOfEntity ON events (entity, id, sequence);
  CREATE TRIGGER IF NOT EXISTS eventsStay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
  CREATE TRIGGER IF NOT EXISTS eventsAreFinal BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
  CREATE TABLE IF NOT EXISTS attempts (
    simulation INTEGER NOT NULL,
    draw INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    pilot TEXT NOT NULL,
    host TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    exitCode INTEGER,
    signal INTEGER,
    startTime TEXT,
    endTime TEXT,
    wallSeconds REAL,
    cpuSeconds REAL,
    peakRssBytes INTEGER,
    stdout TEXT NOT NULL,
    stderr TEXT NOT NULL,
    PRIMARY KEY (simulation, draw, attempt)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = 1;
`;
