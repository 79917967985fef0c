// SPDX-License-Identifier: Apache-2.0
/** The terminal that melissa was started from, or the pipe it writes to. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { Terminal } from '../world.ts';

const COLUMNS_WHEN_UNKNOWN = 100;

export function systemTerminal(environment: Record<string, string | undefined>): Terminal {
  const isTerminal = process.stdout.isTTY === true && environment['TERM'] !== 'dumb';
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return {
    isTerminal,
    canAsk: process.stdin.isTTY === true && process.stdout.isTTY === true,
    looks: () => ({
      columns: process.stdout.columns ?? COLUMNS_WHEN_UNKNOWN,
      unicode: /utf-?8/i.test(locale),
      color: isTerminal && (environment['NO_COLOR'] ?? '') === '',
    }),
    write: (text) => writeAll(1, text),
    writeError: (text) => writeAll(2, text),
    async ask(question) {
      const reader = createInterface({ input: process.stdin, output: process.stdout });
      try {
        return await reader.question(question);
      } finally {
        reader.close();
      }
    },
  };
}

/** A terminal that somebody made non-blocking takes more after a moment. */
const RETRY_MS = 5;
const patience = new Int32Array(new SharedArrayBuffer(4));

/** Synchronous, so that nothing is lost when the process exits next; a reader that has gone (`| head`) ends the writing. */
function writeAll(file: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let sent = 0; sent < bytes.length;) {
    try {
      sent += writeSync(file, bytes, sent);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(patience, 0, 0, RETRY_MS);
    }
  }
}
