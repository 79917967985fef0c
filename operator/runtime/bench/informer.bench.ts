// SPDX-License-Identifier: Apache-2.0
/**
 * Question: what do 100,000 cached pods cost in heap, and how many watch events a second does one process take in, beside
 * the informer of @kubernetes/client-node on the same stream?
 * Machine: any with 2 cores; the stream comes from another process on loopback. Baseline: client-node's makeInformer.
 * Run: node bench/informer.bench.ts [PODS [EVENTS [ROUNDS]]]; one JSON line a trial, each a process of its own, in turn, and one with the
 * medians. Compare CPU time: wall time is that of whatever else the machine does.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  httpsTransport,
  Reflector,
  Store,
  systemChance,
  systemClock,
  type Kind,
  type KubernetesObject,
} from 'operator-runtime';
import { pod } from './pods.ts';

const [role = '2000', ...rest] = process.argv.slice(2);
const self = fileURLToPath(import.meta.url);
const VERSION_DIGITS = 9;
const versionAt = (index: number) => String(10 ** (VERSION_DIGITS - 1) + index);

if (role === 'server') serve(Number(rest[0]), Number(rest[1]));
else if (role === 'ours') await ours(rest[0]!, Number(rest[1]), Number(rest[2]));
else if (role === 'theirs') await theirs(rest[0]!, Number(rest[1]), Number(rest[2]));
else await main(Number(role), Number(rest[0] ?? role), Number(rest[1] ?? 1));

async function main(pods: number, events: number, rounds: number): Promise<void> {
  const server = spawn(process.execPath, [self, 'server', String(pods), String(events)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise<string>((resolve) =>
      server.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())),
    );
    const rates: Record<string, number[]> = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round++)
      for (const [client, all] of Object.entries(rates)) {
        const args = [self, client, url, String(pods), String(events)];
        const { stdout } = spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=6000', ...args], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
          timeout: 600_000,
        });
        process.stdout.write(stdout);
        all.push((JSON.parse(stdout) as { eventsPerCpuSecond: number }).eventsPerCpuSecond);
      }
    const median = (all: number[]) => all.sort((a, b) => a - b)[all.length >> 1]!;
    const [ours, theirs] = [median(rates['ours']!), median(rates['theirs']!)];
    const facts = { rounds, ours, theirs, ratio: Math.round((ours / theirs) * 100) / 100 };
    process.stdout.write(`${JSON.stringify({ bench: 'events a CPU second, medians', ...facts })}\n`);
  } finally {
    server.kill();
  }
}

/** Pictures and changes, made before they are asked for; only versions are written into the bytes on the way. */
function serve(pods: number, events: number): void {
  const line = (type: string, index: number) =>
    Buffer.from(`${JSON.stringify({ type, object: pod(index, versionAt(0)) })}\n`);
  const changes = Array.from({ length: Math.min(pods, 1_000) }, (_, index) => {
    const bytes = line('MODIFIED', index);
    return { bytes, at: bytes.indexOf('"resourceVersion":"') + '"resourceVersion":"'.length };
  });
  const write = (response: ServerResponse, bytes: Buffer): Promise<void> | undefined =>
    response.write(bytes) ? undefined : new Promise((resolve) => response.once('drain', resolve));
  async function change(response: ServerResponse): Promise<void> {
    for (let i = 1; i <= events; i++) {
      const { bytes, at } = changes[i % changes.length]!;
      bytes.write(versionAt(i), at);
      await write(response, Buffer.from(bytes));
    }
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const answer = async () => {
      if (url.searchParams.get('watch') !== null) {
        if (url.searchParams.get('sendInitialEvents') === 'true') {
          for (let i = 0; i < pods; i++) await write(response, line('ADDED', i));
          const annotations = { 'k8s.io/initial-events-end': 'true' };
          const object = { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: versionAt(0), annotations } };
          await write(response, Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`));
        }
        return change(response);
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      await write(
        response,
        Buffer.from(`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"${versionAt(0)}"},"items":[`),
      );
      for (let i = 0; i < pods; i++)
        await write(response, Buffer.from((i === 0 ? '' : ',') + JSON.stringify(pod(i, versionAt(0)))));
      response.end(']}');
    };
    void answer();
  });
  server.listen(0, '127.0.0.1', () =>
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
  );
}

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Called per event; tells what was measured at the last one. */
function meter(client: string, pods: number, events: number, emptyBytes: number) {
  let isFull = false;
  let seen = 0;
  let startedMs = 0;
  const cpu = () => process.cpuUsage().user + process.cpuUsage().system;
  let cpuAt = 0;
  return {
    full() {
      if (isFull) return;
      isFull = true;
      startedMs = performance.now();
      cpuAt = cpu();
    },
    event() {
      if (!isFull || ++seen < events) return;
      const seconds = (performance.now() - startedMs) / 1000;
      const cpuSeconds = (cpu() - cpuAt) / 1e6;
      const bytes = heap() - emptyBytes;
      process.stdout.write(
        `${JSON.stringify({ bench: 'informer', client, pods, events, bytesPerPod: Math.round(bytes / pods), heapMegabytes: Math.round(bytes / 1e6), rssMegabytes: Math.round(process.memoryUsage().rss / 1e6), eventsPerSecond: Math.round(events / seconds), eventsPerCpuSecond: Math.round(events / cpuSeconds) })}\n`,
      );
      process.exit(0);
    },
  };
}

async function ours(url: string, pods: number, events: number): Promise<void> {
  const keep = ['spec.nodeName', 'status.phase'];
  const kind: Kind = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true, keep };
  const store = new Store<KubernetesObject>();
  const measured = meter('operator-runtime', pods, events, heap());
  store.subscribe(({ type }) => type === 'Modified' && measured.event());
  const reflector = new Reflector({
    transport: httpsTransport({ server: url, credentials: () => ({ headers: {} }) }),
    store,
    kind,
    clock: systemClock,
    chance: systemChance,
    onEvent: ({ type }) => type === 'synced' && measured.full(),
  });
  await reflector.run(new AbortController().signal);
}

async function theirs(url: string, pods: number, events: number): Promise<void> {
  const { CoreV1Api, KubeConfig, makeInformer } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
  const api = config.makeApiClient(CoreV1Api);
  const emptyBytes = heap();
  const measured = meter('@kubernetes/client-node', pods, events, emptyBytes);
  const informer = makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces());
  let added = 0;
  informer.on('add', () => void (++added === pods && measured.full()));
  informer.on('update', () => measured.event());
  informer.on('error', (error: unknown) => process.stderr.write(`${String(error)}\n`));
  await informer.start();
}
