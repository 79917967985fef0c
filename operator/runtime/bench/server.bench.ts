// SPDX-License-Identifier: Apache-2.0
/**
 * Question: what does it take to cache every ConfigMap of a real API server: requests, CPU time, memory, beside the informer of
 * @kubernetes/client-node?
 * Machine: any with a cluster whose KUBECONFIG is given; both clients talk to it through a relay here that counts requests. Only
 * metadata is kept by the one, everything by the other, which knows no other way. The ConfigMaps are made in a namespace of
 * their own, which is deleted in the end.
 * Run: KUBECONFIG=… node bench/server.bench.ts [OBJECTS]; one JSON line a client.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  fromKubeconfig,
  httpsTransport,
  kindOf,
  Reflector,
  sendJson,
  Store,
  systemChance,
  systemClock,
  type KubernetesObject,
} from 'operator-runtime';
import { servedOverHttp } from 'operator-runtime/testing';

const NAMESPACE = 'cache-benchmark';
const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
/** Creations under way at once. */
const WRITERS = 24;

const [role = '50000', ...rest] = process.argv.slice(2);
if (role === 'ours') await ours(rest[0]!, Number(rest[1]));
else if (role === 'theirs') await theirs(rest[0]!, Number(rest[1]));
else await main(Number(role));

async function main(objects: number): Promise<void> {
  const api = httpsTransport((await fromKubeconfig(process.env['KUBECONFIG'])).config);
  const send = (method: 'POST' | 'DELETE', to: string, body: object) =>
    sendJson<KubernetesObject>(api, { method, path: to, body: JSON.stringify(body), timeoutMs: 60_000 });
  await send('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  const startedMs = performance.now();
  let next = 0;
  const make = async () => {
    for (let index = next++; index < objects; index = next++)
      await send('POST', path, {
        metadata: { name: `map-${index}`, labels: { app: 'bench', shard: String(index % 50) } },
        data: { text: `${index} `.repeat(200).slice(0, 1_000) },
      });
  };
  await Promise.all(Array.from({ length: WRITERS }, make));
  process.stderr.write(`${objects} objects made in ${Math.round((performance.now() - startedMs) / 1000)} s\n`);
  let requests = 0;
  const relay = await servedOverHttp({
    send: (request) => {
      requests += 1;
      return api.send(request);
    },
    close: () => {},
  });
  try {
    for (const client of ['ours', 'theirs']) {
      requests = 0;
      const args = ['--expose-gc', '--max-old-space-size=6000', fileURLToPath(import.meta.url)];
      const child = spawn(process.execPath, [...args, client, relay.url, String(objects)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => void (text += chunk.toString()));
      await new Promise((resolve) => child.once('exit', resolve));
      process.stdout.write(`${JSON.stringify({ ...(JSON.parse(text) as object), requests })}\n`);
    }
  } finally {
    await relay.close();
    await send('DELETE', `/api/v1/namespaces/${NAMESPACE}`, {});
    api.close();
  }
}

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function report(client: string, objects: number, emptyBytes: number, startedMs: number): never {
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const { user, system } = process.cpuUsage();
  const facts = {
    bench: 'real server',
    client,
    objects,
    seconds,
    cpuSeconds: Math.round((user + system) / 1e5) / 10,
    bytesPerObject: Math.round((heap() - emptyBytes) / objects),
    rssMib: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
  process.stdout.write(JSON.stringify(facts), () => process.exit(0));
  return undefined as never;
}

async function ours(url: string, objects: number): Promise<void> {
  const store = new Store<KubernetesObject>();
  const emptyBytes = heap();
  const startedMs = performance.now();
  const reflector = new Reflector({
    transport: httpsTransport({ server: url, credentials: () => ({ headers: {} }) }),
    store,
    kind: kindOf('v1/configmaps', 'ConfigMap', { keep: [] }),
    namespace: NAMESPACE,
    clock: systemClock,
    chance: systemChance,
    onEvent: ({ type }) => {
      if (type === 'synced') setTimeout(() => report('operator-runtime', objects, emptyBytes, startedMs), 1_000);
    },
  });
  await reflector.run(new AbortController().signal);
}

async function theirs(url: string, objects: number): Promise<void> {
  const { CoreV1Api, KubeConfig, makeInformer } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
  const api = config.makeApiClient(CoreV1Api);
  const emptyBytes = heap();
  const startedMs = performance.now();
  let added = 0;
  const informer = makeInformer(config, path, () => api.listNamespacedConfigMap({ namespace: NAMESPACE }));
  informer.on('add', () => {
    // The namespace has one of the cluster's own too.
    if (++added === objects + 1)
      setTimeout(() => report('@kubernetes/client-node', objects, emptyBytes, startedMs), 1_000);
  });
  await informer.start();
}
