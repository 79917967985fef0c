// SPDX-License-Identifier: Apache-2.0
/** A controller runtime for TypeScript. The README has an operator in thirty lines; docs/guide.md explains the parts. */
export * from './errors.ts';
export * from './clock.ts';
export * from './objects.ts';
export * from './projection.ts';
export * from './store.ts';
export * from './queue.ts';
export * from './transport.ts';
export * from './reflector.ts';
export * from './election.ts';
export * from './gate.ts';
export * from './client.ts';
export { AppliedMemory } from './applied.ts';
export * from './events.ts';
export * from './controller.ts';
export * from './manager.ts';
export { runtimeMetrics, type GaugeDeclaration, type RuntimeMetrics } from './metrics.ts';
export { runOperator, type OperatorOptions } from './io/operator.ts';
export { httpsTransport, type Credentials, type ServerConfig } from './io/https-transport.ts';
export { inCluster, runsInCluster } from './io/in-cluster.ts';
export { fromKubeconfig } from './io/kubeconfig.ts';
export { systemChance, systemClock } from './io/clock.ts';
