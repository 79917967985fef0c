// SPDX-License-Identifier: Apache-2.0
/**
 * Question: how many reconciles that do nothing does a manager get through in a second, metrics and all?
 * Machine: any. Run: node bench/reconciles.bench.ts [OBJECTS]; one JSON line.
 */
import { Registry } from 'prom-client';
import { controller, done, Manager, runtimeMetrics, systemChance, systemClock, type Kind } from 'operator-runtime';
import { FakeApi } from 'operator-runtime/testing';

const objects = Number(process.argv[2] ?? 1_000);
const things: Kind = { group: 'bench.example', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
await throughput();

async function throughput(): Promise<void> {
  const api = new FakeApi(systemClock);
  for (let i = 0; i < objects; i++)
    api.put(`/apis/bench.example/v1/namespaces/n/things/t${i}`, {
      metadata: { name: `t${i}`, namespace: 'n' },
      spec: { i },
    });
  const stop = new AbortController();
  let reconciles = 0;
  let startedMs = 0;
  let startedCpu = 0;
  const manager = new Manager({
    transport: api,
    clock: systemClock,
    chance: systemChance,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    metrics: runtimeMetrics(new Registry()),
    fieldManager: 'bench',
    identity: 'bench',
  });
  manager.add(
    controller({
      name: 'things',
      kind: things,
      async reconcile() {
        if (reconciles++ === 0) {
          startedMs = performance.now();
          startedCpu = process.cpuUsage().user;
        }
        if (reconciles === objects) stop.abort();
        return done;
      },
    }),
  );
  await manager.run(stop.signal);
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(
    `${JSON.stringify({ bench: 'no-op reconciles', objects, perSecond: Math.round(objects / seconds), perCpuSecond: Math.round(objects / ((process.cpuUsage().user - startedCpu) / 1e6)) })}\n`,
  );
}
