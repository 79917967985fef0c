// SPDX-License-Identifier: Apache-2.0
/** Builders for the tests of this package. */
import type { StudyStatus } from '@melissa/api';

/** A study in the middle of its run. */
export function aStatus(part: Partial<StudyStatus> = {}): StudyStatus {
  return {
    name: 'heat',
    state: 'Running',
    reason: '',
    epoch: 1,
    generation: 1,
    startTime: '2026-01-01T00:00:00.000Z',
    elapsedSeconds: 720,
    simulations: {
      total: 10_000,
      pending: 1_835,
      leased: 0,
      running: 40,
      received: 0,
      done: 8_123,
      failed: 2,
      cancelled: 0,
      retried: 3,
      redrawn: 0,
    },
    progress: 0.8125,
    simulationsPerSecond: 11.3,
    etaSeconds: 166,
    bytesReceived: 65e9,
    bytesPerSecond: 0.9e9,
    heldBytes: 0,
    framesReceived: 812_300,
    duplicates: 0,
    convergence: { groups: 1_600, widestInterval: 0.08, medianInterval: 0.03, goal: 0.05 },
    pilots: { desired: 40, connected: 40, active: 40 },
    ranks: [{ rank: 0, state: 'Ready', endpoint: 'tcp://127.0.0.1:7001', checkpoint: 3, rssBytes: 1e9 }],
    checkpoint: { number: 3, time: '2026-01-01T00:10:00.000Z', failures: 0 },
    degraded: [],
    failedSimulations: [],
    results: null,
    ...part,
  };
}
