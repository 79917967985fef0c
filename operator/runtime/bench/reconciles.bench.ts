// SPDX-License-Identifier: Apache-2.0
/**
 * Question: how many reconciles that do nothing does a manager get through in a second, metrics and all, and what does an
 * operator weigh that has nothing to do?
 * Machine: any. Run: node bench/reconciles.bench.ts [OBJECTS]; one JSON line a question.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import { controller, done, Manager, runtimeMetrics, systemChance, systemClock, type Kind } from 'operator-runtime';
import { FakeApi, servedOverHttp } from 'operator-runtime/testing';

const objects = Number(process.argv[2] ?? 1_000);
const things: Kind = { group: 'bench.example', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
await throughput();
await idle();

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

async function idle(): Promise<void> {
  const served = await servedOverHttp(new FakeApi(systemClock));
  const folder = mkdtempSync(join(tmpdir(), 'idle-'));
  const path = join(folder, 'config.json');
  const clusters = [{ name: 'c', cluster: { server: served.url } }];
  writeFileSync(
    path,
    JSON.stringify({
      clusters,
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  // As shipped, in JavaScript: stripping types costs 30 MB more. Give the path of another program to compare.
  const program = process.argv[3] ?? fileURLToPath(new URL('../examples/greeter.ts', import.meta.url));
  const child = spawn(process.execPath, [program], {
    env: { KUBECONFIG: path, PORT: '0', NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let isLeader = false;
  child.stdout.on('data', (text: Buffer) => void (isLeader ||= text.includes('"isLeader":true')));
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1000;
  while (!isLeader) await new Promise((resolve) => setTimeout(resolve, 50));
  const startedMs = performance.now();
  let worst = 0;
  while (performance.now() - startedMs < 10_000) {
    worst = Math.max(worst, rss());
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  process.stdout.write(
    `${JSON.stringify({ bench: 'idle operator', rssMegabytes: Math.round(rss()), worstMegabytes: Math.round(worst) })}\n`,
  );
  child.kill();
  await new Promise((resolve) => child.once('exit', resolve));
  await served.close();
  rmSync(folder, { recursive: true });
}
