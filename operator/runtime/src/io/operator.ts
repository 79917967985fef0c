// SPDX-License-Identifier: Apache-2.0
/**
 * Runs controllers as a program: configuration of the pod or a kubeconfig, logs, health and metrics, signals. What most
 * operators' `main` would be; whoever needs more uses Manager directly.
 */
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import Gauge from 'prom-client/lib/gauge.js';
import Registry from 'prom-client/lib/registry.js';
import { pino } from 'pino';
import type { ControllerDeclaration } from '../controller.ts';
import type { RateLimits } from '../gate.ts';
import type { ReflectorLimits } from '../reflector.ts';
import { Manager } from '../manager.ts';
import { ownGauges, runtimeMetrics, type GaugeDeclaration, type RuntimeMetrics } from '../metrics.ts';
import type { KubernetesObject } from '../objects.ts';
import type { Transport } from '../transport.ts';
import { systemChance, systemClock } from './clock.ts';
import { healthServer } from './health-server.ts';
import { httpsTransport } from './https-transport.ts';
import { inCluster, runsInCluster } from './in-cluster.ts';
import { fromKubeconfig } from './kubeconfig.ts';

export type OperatorOptions = {
  /** Field manager, lease and log name. */
  name: string;
  // The array holds controllers of different kinds; each was checked where it was declared.
  controllers: readonly ControllerDeclaration<any>[];
  namespaces?: readonly string[];
  /** Elect a leader by a Lease of this name and namespace; without it, run one replica only. */
  election?: { name?: string; namespace?: string; leaseMs?: number; retryMs?: number };
  health?: { host?: string; port: number };
  gauges?: readonly GaugeDeclaration[];
  kubeconfig?: string;
  rate?: Partial<RateLimits>;
  reflectorLimits?: Partial<ReflectorLimits>;
  /** Longest time that a running reconcile gets at the end; 30 when not given. */
  stopSeconds?: number;
  logLevel?: string;
  /** Wraps the transport: faults for tests. */
  wrap?: (transport: Transport) => Transport;
};

/** Resolves when a SIGTERM or SIGINT (or `signal`) has ended everything in order. */
export async function runOperator(options: OperatorOptions, signal?: AbortSignal): Promise<void> {
  const log = pino({ name: options.name, level: options.logLevel ?? 'info' });
  const registry = new Registry();
  processMetrics(registry);
  const metrics = runtimeMetrics(registry);
  const environment = process.env;
  const connection =
    options.kubeconfig === undefined && runsInCluster(environment)
      ? inCluster(environment, systemClock)
      : await fromKubeconfig(options.kubeconfig ?? environment['KUBECONFIG']);
  const wire = counted(httpsTransport(connection.config), metrics);
  const transport = (options.wrap ?? ((one) => one))(wire);
  const { election } = options;
  const manager = new Manager({
    transport,
    clock: systemClock,
    chance: systemChance,
    log,
    metrics,
    fieldManager: options.name,
    identity: `${hostname()}_${randomUUID()}`,
    ...(options.namespaces === undefined ? {} : { namespaces: options.namespaces }),
    ...(options.rate === undefined ? {} : { rate: options.rate }),
    ...(options.reflectorLimits === undefined ? {} : { reflectorLimits: options.reflectorLimits }),
    ...(options.stopSeconds === undefined ? {} : { stopSeconds: options.stopSeconds }),
    ...(election === undefined
      ? {}
      : {
          election: {
            name: election.name ?? options.name,
            namespace: election.namespace ?? connection.namespace,
            ...(election.leaseMs === undefined ? {} : { leaseMs: election.leaseMs }),
            ...(election.retryMs === undefined ? {} : { retryMs: election.retryMs }),
          },
        }),
  });
  ownGauges(registry, options.gauges ?? [], manager);
  for (const declaration of options.controllers) manager.add(declaration as ControllerDeclaration<KubernetesObject>);
  const health =
    options.health === undefined
      ? null
      : await healthServer({
          host: options.health.host ?? '0.0.0.0',
          port: options.health.port,
          registry,
          isHealthy: () => true,
          isReady: () => manager.isReady,
        });
  if (health !== null) log.info({ port: health.port }, 'health and metrics are served');
  const stop = stopSignal(signal, log);
  await manager.run(stop.signal);
  stop.release();
  await health?.close();
  transport.close();
  log.info('stopped');
}

/** What dashboards ask of every process. prom-client's own defaults cost 12 MB. */
function processMetrics(registry: InstanceType<typeof Registry>): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'Used heap', () => process.memoryUsage().heapUsed);
  gauge('process_cpu_seconds_total', 'User and system time', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const startedSeconds = Date.now() / 1000 - process.uptime();
  gauge('process_start_time_seconds', 'Start since the epoch', () => startedSeconds);
}

function stopSignal(
  outer: AbortSignal | undefined,
  log: { info(message: string): void },
): { signal: AbortSignal; release(): void } {
  const stop = new AbortController();
  const onSignal = (name: string) => {
    log.info(`${name}: finishing what runs`);
    stop.abort();
  };
  const onOuter = () => stop.abort();
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  outer?.addEventListener('abort', onOuter, { once: true });
  if (outer?.aborted === true) stop.abort();
  return {
    signal: stop.signal,
    release: () => {
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
      outer?.removeEventListener('abort', onOuter);
    },
  };
}

function counted(transport: Transport, metrics: RuntimeMetrics): Transport {
  return {
    async send(request) {
      try {
        const response = await transport.send(request);
        metrics.requests.inc({ code: String(response.status), method: request.method });
        return response;
      } catch (error) {
        metrics.requests.inc({ code: '<error>', method: request.method });
        throw error;
      }
    },
    close: () => transport.close(),
  };
}
