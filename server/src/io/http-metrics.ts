// SPDX-License-Identifier: Apache-2.0
/** Metrics of a study for Prometheus, filled from the status when they are asked for. Names begin with `melissa_`. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { StudyStatus } from '@melissa/api';

export type HttpMetrics = {
  text: () => Promise<string>;
  counted: (operation: string, status: number) => void;
  stop: () => void;
};

export function httpMetrics(study: string, status: () => StudyStatus): HttpMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ study });
  collectDefaultMetrics({ register: registry, prefix: 'melissa_head_' });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `melissa_${name}`, help, labelNames, registers: [registry] });
  const simulations = gauge('simulations', 'Simulations by state.', ['state']);
  const pilots = gauge('pilots', 'Pilots: desired, connected, active.', ['kind']);
  const ranks = gauge('rank_resident_bytes', 'Resident memory of a rank.', ['rank']);
  const plain: [Gauge, (status: StudyStatus) => number][] = [
    [gauge('progress_ratio', 'Share of the study that is done, 0 to 1.'), (now) => now.progress],
    [gauge('simulations_per_second', 'Simulations done per second, lately.'), (now) => now.simulationsPerSecond],
    [gauge('held_bytes', 'Bytes of blocks that wait for their partner.'), (now) => now.heldBytes],
    [gauge('epoch', 'Number of the life of the head.'), (now) => now.epoch],
    [gauge('checkpoint_number', 'Number of the last checkpoint.'), (now) => now.checkpoint.number],
    [gauge('degraded', 'Number of troubles that the study has now.'), (now) => now.degraded.length],
    [
      gauge('sobol_interval_widest', 'Widest confidence interval of an index; NaN when there is none.'),
      (now) => now.convergence.widestInterval ?? NaN,
    ],
  ];
  // The study counts these itself and they start again with the head, as counters may.
  const totals: [Counter, (status: StudyStatus) => number][] = (
    [
      ['received_bytes_total', 'Bytes received from clients.', (now: StudyStatus) => now.bytesReceived],
      ['received_frames_total', 'Frames received from clients.', (now: StudyStatus) => now.framesReceived],
      ['duplicates_total', 'Blocks that arrived again and were left out.', (now: StudyStatus) => now.duplicates],
      ['retries_total', 'Executions after the first of a draw.', (now: StudyStatus) => now.simulations.retried],
      ['redraws_total', 'Simulations drawn anew.', (now: StudyStatus) => now.simulations.redrawn],
      [
        'checkpoint_failures_total',
        'Checkpoints that could not be written.',
        (now: StudyStatus) => now.checkpoint.failures,
      ],
    ] as const
  ).map(([name, help, read]) => [new Counter({ name: `melissa_${name}`, help, registers: [registry] }), read]);
  const requests = new Counter({
    name: 'melissa_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['operation', 'status'],
    registers: [registry],
  });

  const fill = (): void => {
    const now = status();
    for (const [state, count] of Object.entries(now.simulations))
      if (!['total', 'retried', 'redrawn'].includes(state)) simulations.set({ state }, count);
    for (const [kind, count] of Object.entries(now.pilots)) pilots.set({ kind }, count);
    ranks.reset();
    for (const { rank, rssBytes } of now.ranks) ranks.set({ rank: String(rank) }, rssBytes);
    for (const [metric, read] of plain) metric.set(read(now));
    for (const [metric, read] of totals) (metric.reset(), metric.inc(read(now)));
  };
  return {
    text: async () => (fill(), await registry.metrics()),
    counted: (operation, code) => requests.inc({ operation, status: String(code) }),
    stop: () => registry.clear(),
  };
}
