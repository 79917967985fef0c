// SPDX-License-Identifier: Apache-2.0
/** Events and attempts in SQLite. Used by the I/O worker only: every call here blocks its thread on the disk. */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { AttemptRecord, EventPage, EventQuery } from '@melissa/api';
import { clip, SCHEMA, type LogItem } from '../../events/log-items.ts';

/** Bound on what is kept of each of stdout and stderr of one attempt, whatever the pilot sent. */
const OUTPUT_CHARACTERS_MAX = 65_536;
/** 16 GiB in pages of 4 KiB: a log that grows beyond it is refused as on a full disk. */
const PAGES_MAX = 4_194_304;
/** Bound on the attempts of one simulation that one answer carries: newest first in the table, oldest first in the answer. */
const ATTEMPTS_PER_ANSWER_MAX = 200;

const attemptColumns = [
  'simulation', 'draw', 'attempt', 'pilot', 'host', 'state', 'reason', 'exitCode', 'signal', 'startTime', 'endTime',
  'wallSeconds', 'cpuSeconds', 'peakRssBytes', 'stdout', 'stderr',
] as const; // prettier-ignore

export class EventStore {
  #database: DatabaseSync;
  #insertEvent: StatementSync;
  #insertAttempt: StatementSync;

  constructor(path: string, pagesMax = PAGES_MAX) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(SCHEMA);
    this.#database.exec(`PRAGMA max_page_count = ${pagesMax}`);
    // A batch that is sent again after a crash holds sequences that are already there: they are left as they are.
    this.#insertEvent = this.#database.prepare('INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertAttempt = this.#database.prepare(
      `INSERT OR REPLACE INTO attempts (${attemptColumns.join(', ')}) VALUES (${attemptColumns.map(() => '?').join(', ')})`,
    );
  }
  lastSequence(): number {
    const row = this.#database.prepare('SELECT coalesce(max(sequence), 0) AS last FROM events').get();
    return Number(row?.['last'] ?? 0);
  }
  /** All of the batch or nothing. */
  append(items: readonly LogItem[]): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const item of items) this.#insertSoundly(item);
      this.#database.exec('COMMIT');
    } catch (cause) {
      // SQLite has already rolled back by itself when the disk is full; a second rollback would hide the reason.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw cause;
    }
  }
  events(query: EventQuery): EventPage {
    const since = query.since ?? 0;
    const conditions = ['sequence > ?'];
    const values: (string | number)[] = [since];
    if (query.entity !== undefined) (conditions.push('entity = ?'), values.push(query.entity));
    if (query.id !== undefined) (conditions.push('id = ?'), values.push(query.id));
    const sql = `SELECT * FROM events WHERE ${conditions.join(' AND ')} ORDER BY sequence LIMIT ?`;
    const rows = this.#database.prepare(sql).all(...values, query.limit ?? 100);
    const events = rows.map((row) => ({
      sequence: Number(row['sequence']),
      time: new Date(Number(row['timeMs'])).toISOString(),
      entity: String(row['entity']),
      id: String(row['id']),
      from: String(row['from']),
      to: String(row['to']),
      cause: String(row['cause']),
      data: JSON.parse(String(row['data'])) as Record<string, unknown>,
    }));
    return { events, last: events.at(-1)?.sequence ?? since };
  }
  attempts(simulation: number): AttemptRecord[] {
    const sql = 'SELECT * FROM attempts WHERE simulation = ? ORDER BY draw DESC, attempt DESC LIMIT ?';
    const rows = this.#database.prepare(sql).all(simulation, ATTEMPTS_PER_ANSWER_MAX).reverse();
    return rows.map(({ simulation: _, ...row }) => ({ ...row }) as unknown as AttemptRecord);
  }
  close(): void {
    this.#database.close();
  }
  /** An item that SQLite refuses for what it is would keep every later one waiting: it is replaced by the reason. */
  #insertSoundly(item: LogItem): void {
    try {
      this.#insert(item);
    } catch (cause) {
      if (!isItemsFault(cause)) throw cause;
      const data = { unwritable: cause instanceof Error ? cause.message : String(cause) };
      if (item.kind === 'event')
        this.#insertEvent.run(item.sequence, 0, 'head', 'log', 'complete', 'gap', 'not writable', JSON.stringify(data));
    }
  }
  #insert(item: LogItem): void {
    if (item.kind === 'event') {
      const { timeMs, entity, id, from, to, cause, data } = item.event;
      this.#insertEvent.run(item.sequence, Math.round(timeMs), entity, id, from, to, cause, JSON.stringify(data));
      return;
    }
    const attempt = { ...item.attempt };
    attempt.stdout = clip(attempt.stdout, OUTPUT_CHARACTERS_MAX);
    attempt.stderr = clip(attempt.stderr, OUTPUT_CHARACTERS_MAX);
    if (attempt.peakRssBytes !== null) attempt.peakRssBytes = Math.round(attempt.peakRssBytes);
    this.#insertAttempt.run(...attemptColumns.map((column) => attempt[column]));
  }
}

/** Primary result codes of SQLite that speak of the value: too big, constraint, mismatch. Others speak of the disk. */
const itemsFaults = [18, 19, 20];

function isItemsFault(cause: unknown): boolean {
  const code = (cause as { errcode?: number }).errcode;
  return code === undefined || itemsFaults.includes(code & 0xff);
}
