// SPDX-License-Identifier: Apache-2.0
/** Logs: one JSON line each, which the backend keeps: stderr goes to a file in `logs/`, a pod's stdout to the cluster's logs. */
import { destination, pino } from 'pino';

export type LogFunction = (level: 'info' | 'warn' | 'error', sentence: string, facts?: Record<string, unknown>) => void;

export function makeLog(name: string): LogFunction {
  const fd = name === 'pod' ? 1 : 2;
  // Synchronous: the last words of a process are the ones that matter.
  const logger = pino({ name, base: { pid: process.pid } }, destination({ fd, sync: true }));
  return (level, sentence, facts = {}) => logger[level](facts, sentence);
}
