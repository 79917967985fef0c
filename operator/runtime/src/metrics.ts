// SPDX-License-Identifier: Apache-2.0
/** Metrics with the names of Go's controller-runtime and client-go, so that dashboards and alerts made for those work. */
import type { Registry } from 'prom-client';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';

import type { Manager } from './manager.ts';

export type RuntimeMetrics = ReturnType<typeof runtimeMetrics>;

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function runtimeMetrics(registry: Registry) {
  const registers = [registry];
  return { ...reconcileMetrics(registers), ...queueMetrics(registers), ...clientMetrics(registers) };
}

function reconcileMetrics(registers: Registry[]) {
  return {
    reconciles: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles by controller and result',
      labelNames: ['controller', 'result'],
      registers,
    }),
    reconcileErrors: new Counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Reconciles that threw',
      labelNames: ['controller'],
      registers,
    }),
    terminalErrors: new Counter({
      name: 'controller_runtime_terminal_reconcile_errors_total',
      help: 'Reconciles that threw a PermanentError',
      labelNames: ['controller'],
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Length of a reconcile',
      labelNames: ['controller'],
      buckets: seconds,
      registers,
    }),
    activeWorkers: new Gauge({
      name: 'controller_runtime_active_workers',
      help: 'Reconciles in work',
      labelNames: ['controller'],
      registers,
    }),
    maxWorkers: new Gauge({
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Reconciles allowed at once',
      labelNames: ['controller'],
      registers,
    }),
  };
}

function queueMetrics(registers: Registry[]) {
  return {
    queueDepth: new Gauge({ name: 'workqueue_depth', help: 'Keys that wait', labelNames: ['name'], registers }),
    queueAdds: new Counter({
      name: 'workqueue_adds_total',
      help: 'Keys added to the queue',
      labelNames: ['name'],
      registers,
    }),
    queueSeconds: new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long a key waited',
      labelNames: ['name'],
      buckets: seconds,
      registers,
    }),
    queueRetries: new Counter({
      name: 'workqueue_retries_total',
      help: 'Keys that came back after an error',
      labelNames: ['name'],
      registers,
    }),
  };
}

function clientMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server by method and status',
      labelNames: ['code', 'method'],
      registers,
    }),
    relists: new Counter({
      name: 'reflector_lists_total',
      help: 'Full pictures taken',
      labelNames: ['name'],
      registers,
    }),
    watches: new Counter({ name: 'reflector_watches_total', help: 'Watches started', labelNames: ['name'], registers }),
    cacheObjects: new Gauge({
      name: 'reflector_objects',
      help: 'Objects in the cache',
      labelNames: ['name'],
      registers,
    }),
    leader: new Gauge({
      name: 'leader_election_master_status',
      help: '1 while this replica leads',
      labelNames: ['name'],
      registers,
    }),
  };
}

/** A metric of the operator's own, read when it is asked for; of the leader alone, so that a sum over replicas is right. */
export type GaugeDeclaration = {
  name: string;
  help: string;
  labelNames: readonly string[];
  read: (manager: Pick<Manager, 'storeFor'>) => Iterable<{ labels: Record<string, string>; value: number }>;
};

export function ownGauges(
  registry: Registry,
  gauges: readonly GaugeDeclaration[],
  manager: Pick<Manager, 'isLeader' | 'storeFor'>,
): void {
  for (const { name, help, labelNames, read } of gauges)
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        if (!manager.isLeader) return;
        for (const { labels, value } of read(manager)) this.set(labels, value);
      },
    });
}
