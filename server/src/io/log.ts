// SPDX-License-Identifier: Apache-2.0
/** Logs: one JSON line each on stderr, which the backend keeps (a file in `logs/`, or the cluster's logs). */
import { destination, pino } from 'pino';

export type LogFunction = (level: 'info' | 'warn' | 'error', sentence: string, facts?: Record<string, unknown>) => void;

export function makeLog(name: string): LogFunction {
  // Synchronous: the last words of a process are the ones that matter.
  const logger = pino({ name, base: { pid: process.pid } }, destination({ fd: 2, sync: true }));
  return (level, sentence, facts = {}) => logger[level](facts, sentence);
}
