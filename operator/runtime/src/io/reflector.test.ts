// SPDX-License-Identifier: Apache-2.0
/**
 * The reflector against a scripted API server that speaks HTTP on loopback. Each test names the behaviour of client-go (or of
 * the API machinery) that it mirrors, and ends with the same question: does the cache equal the truth?
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Kind, KubernetesObject } from '../objects.ts';
import { Reflector, type ReflectorEvent, type ReflectorLimits } from '../reflector.ts';
import { Store } from '../store.ts';
import { FakeApi } from '../testing/fake-api.ts';
import { faulty, type FaultPlan } from '../testing/faulty.ts';
import { seeded } from '../testing/random.ts';
import type { Transport } from '../transport.ts';
import { systemClock } from './clock.ts';
import { httpsTransport, type ServerConfig } from './https-transport.ts';
import { fromKubeconfig } from './kubeconfig.ts';
import { servedOverHttp, type Script, type Served } from './scripted-server.ts';

const pods: Kind = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
const quick: Partial<ReflectorLimits> = {
  pageObjects: 3,
  backoffBaseMs: 20,
  backoffMaxMs: 200,
  inactivityMs: 60_000,
  verifySeconds: 0,
  verifyGraceMs: 50,
};
const LIMIT_MS = 20_000;

async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!isSo()) {
    assert.ok(performance.now() < endMs, `${what} did not happen within ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

type Options = {
  script?: Script;
  limits?: Partial<ReflectorLimits>;
  faults?: Partial<FaultPlan>;
  config?: (url: string) => ServerConfig;
  tls?: { key: string; cert: string };
  before?: (api: FakeApi) => void;
};

async function world(t: TestContext, options: Options = {}) {
  const api = new FakeApi(systemClock);
  options.before?.(api);
  const plan: FaultPlan = { seed: 1, clock: systemClock, ...options.faults };
  const served: Served = await servedOverHttp(faulty(api, plan), {
    ...(options.script === undefined ? {} : { script: options.script }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  const config = options.config?.(served.url) ?? { server: served.url, credentials: () => ({ headers: {} }) };
  const transport: Transport = httpsTransport(config);
  const store = new Store<KubernetesObject>();
  const events: ReflectorEvent[] = [];
  const stop = new AbortController();
  const reflector = new Reflector({
    transport,
    store,
    kind: pods,
    clock: systemClock,
    chance: seeded(1),
    limits: { ...quick, ...options.limits },
    onEvent: (event) => events.push(event),
  });
  const ended = reflector.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await ended;
    transport.close();
    await served.close();
  });
  const put = (name: string, phase = 'Running') =>
    api.put(`/api/v1/namespaces/n/pods/${name}`, { metadata: { name, namespace: 'n' }, spec: { phase } });
  const remove = (name: string) => api.remove(`/api/v1/namespaces/n/pods/${name}`);
  const isTrue = () => {
    const truth = api.objects('/api/v1/pods');
    return (
      store.hasSynced &&
      truth.size === store.size &&
      [...truth].every(([key, { metadata }]) => store.get(key)?.metadata.resourceVersion === metadata.resourceVersion)
    );
  };
  const equal = () => until('the cache equal to the truth', isTrue);
  const count = (type: ReflectorEvent['type']) => events.filter((event) => event.type === type).length;
  return { api, served, store, events, put, remove, equal, count, plan, reflector };
}
const many = (count: number) => (api: FakeApi) => {
  for (let i = 0; i < count; i++)
    api.put(`/api/v1/namespaces/n/pods/p${i}`, { metadata: { name: `p${i}`, namespace: 'n' }, spec: {} });
};
const status = (response: ServerResponse, code: number, reason: string, headers: Record<string, string> = {}) => {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message: reason }));
  return true;
};

test('WatchList: one request brings the picture and the watch (client-go Reflector.watchList)', async (t) => {
  const { served, put, remove, equal, events } = await world(t, { before: many(10) });
  await equal();
  put('new');
  remove('p1');
  await equal();
  assert.equal(served.requests.length, 1);
  assert.match(served.requests[0]!.url, /sendInitialEvents=true/);
  assert.equal(events.find(({ type }) => type === 'synced')?.type, 'synced');
});

test('a server without WatchList gets a chunked list, then a watch (client-go falls back on IsInvalid)', async (t) => {
  const before = (api: FakeApi) => {
    api.offersWatchList = false;
    many(10)(api);
  };
  const { served, put, equal, count } = await world(t, { before });
  await equal();
  await until('a watch', () => count('watchStarted') === 1);
  put('new');
  await equal();
  assert.equal(served.requests.filter(({ url }) => url.includes('limit=3')).length, 4);
});

test('a dropped connection resumes at the last version without a relist (client-go ListAndWatch, watch loop)', async (t) => {
  const { api, served, put, remove, equal, count } = await world(t, { before: many(5) });
  await equal();
  served.cut();
  put('while-away');
  remove('p2');
  await equal();
  assert.equal(count('synced'), 1);
  assert.ok(served.requests.some(({ url }) => url.includes(`resourceVersion=${api.version - 2}`)));
});

test('a truncated event is not applied, and comes again (client-go StreamWatcher, unexpected EOF)', async (t) => {
  let isCut = false;
  const { put, equal, count } = await world(t, {
    before: many(2),
    script: (request, response) => {
      if (isCut || !(request.url ?? '').includes('&resourceVersion=') || (request.url ?? '').includes('sendInitial'))
        return false;
      isCut = true;
      response.writeHead(200);
      response.write('{"type":"ADDED","object":{"metadata":{"name":"half","namespace":"n","resourceVer');
      setTimeout(() => response.destroy(), 20);
      return true;
    },
    limits: { watchSeconds: 1 },
  });
  await equal();
  await until('the cut', () => isCut);
  put('after');
  await equal();
  assert.ok(count('failed') + count('watchEnded') > 0);
});

test('duplicated, reordered and stale events do not turn the cache back (client-go has no defence; versions decide)', async (t) => {
  const { put, remove, equal, count } = await world(t, {
    before: many(5),
    faults: { seed: 3, duplicate: 0.5, reorder: 0.5, stale: 0.5 },
  });
  await until('the picture', () => count('synced') === 1);
  for (let i = 0; i < 200; i++) {
    if (i % 7 === 3) remove(`p${i % 5}`);
    else put(`p${i % 5}`, String(i));
    if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  put('last', 'a held event needs a successor');
  await equal();
});

test('delayed events are only late (API machinery: events are ordered, not timely)', async (t) => {
  const { put, equal } = await world(t, { before: many(3), faults: { delay: 1, delayMs: 300 } });
  put('x');
  await equal();
});

test('lost events are found by comparing metadata (client-go needs a restart for this)', async (t) => {
  const { plan, put, equal, count, events } = await world(t, { before: many(5), limits: { verifySeconds: 1 } });
  await equal();
  plan.loss = 1;
  put('unseen');
  await new Promise((resolve) => setImmediate(resolve));
  await until('a doubt', () => {
    if (count('relist') > 0) plan.loss = 0;
    return count('relist') > 0;
  });
  await equal();
  assert.match(JSON.stringify(events), /differ from the server/);
});

test('a half-open watch is given up after silence (client-go relies on HTTP/2 pings)', async (t) => {
  const { plan, put, equal, count } = await world(t, { before: many(3), limits: { inactivityMs: 500 } });
  await equal();
  plan.halfOpen = 1;
  put('last-words');
  await until('the event', () => count('synced') === 1);
  put('unheard');
  await until('silence noticed', () => count('watchEnded') > 0);
  plan.halfOpen = 0;
  await equal();
  assert.equal(count('synced'), 1, 'resumed, not relisted');
});

test('410 on a watch costs one relist, and the old picture stands until the new one is complete (client-go isExpiredError)', async (t) => {
  const { api, served, store, put, equal, count } = await world(t, { before: many(5) });
  await equal();
  let least = Infinity;
  store.subscribe(() => void (least = Math.min(least, store.size)));
  put('x');
  await equal();
  api.put('/api/v1/namespaces/n/pods/p0', { metadata: { name: 'p0', namespace: 'n' }, spec: { phase: 'late' } });
  served.cut();
  for (let i = 0; i < 3; i++) put(`y${i}`);
  api.compact();
  await equal();
  assert.ok(least >= 5, `the store had ${least} objects for a moment`);
  assert.ok(count('synced') <= 2);
});

test('an ERROR event with 410 relists (client-go apierrors.FromObject)', async (t) => {
  let isTold = false;
  const { served, put, equal, count } = await world(t, {
    before: many(3),
    script: (request, response) => {
      if (isTold || !/[?&]resourceVersion=\d/.test(request.url ?? '')) return false;
      isTold = true;
      response.writeHead(200);
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`);
      return true;
    },
  });
  await equal();
  served.cut();
  await until('the second picture', () => count('synced') === 2);
  put('x');
  await equal();
});

test('410 in the middle of a list takes the list again in one piece (client-go pager, FullListIfExpired)', async (t) => {
  let hasExpired = false;
  const { served, equal } = await world(t, {
    before: (api) => {
      api.offersWatchList = false;
      many(10)(api);
    },
    script: (request, response) => {
      if (hasExpired || !(request.url ?? '').includes('continue=')) return false;
      hasExpired = true;
      return status(response, 410, 'Expired');
    },
  });
  await equal();
  assert.ok(served.requests.some(({ url }) => !url.includes('limit=') && !url.includes('watch=')));
});

test('429 waits as long as Retry-After says (client-go withRetry)', async (t) => {
  let refusedMs: number | null = null;
  let againMs: number | null = null;
  const { equal } = await world(t, {
    before: many(3),
    script: (_, response) => {
      if (refusedMs !== null) {
        againMs ??= performance.now();
        return false;
      }
      refusedMs = performance.now();
      return status(response, 429, 'TooManyRequests', { 'retry-after': '1' });
    },
  });
  await equal();
  assert.ok(againMs! - refusedMs! >= 990, `came back after ${againMs! - refusedMs!} ms`);
});

test('500s are met with growing back-off, not with a storm (client-go wait.Backoff 800 ms to 30 s)', async (t) => {
  let refusals = 0;
  const { equal, served } = await world(t, {
    before: many(3),
    script: (_, response) => (refusals++ < 6 ? status(response, 500, 'InternalError') : false),
  });
  await equal();
  assert.equal(served.requests.length, 7);
});

test('slow and truncated lists are asked for again (client-go request timeout, unexpected EOF)', async (t) => {
  let requests = 0;
  const { equal } = await world(t, {
    before: (api) => {
      api.offersWatchList = false;
      many(10)(api);
    },
    limits: { requestMs: 400 },
    script: (request, response) => {
      if ((request.url ?? '').includes('watch=')) return false;
      requests += 1;
      if (requests === 1) {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"metadata":{"resourceVersion":"5"},"items":[');
        setTimeout(() => response.destroy(), 10);
        return true;
      }
      if (requests > 2) return false;
      response.writeHead(200); // headers come, the body never does
      response.write('{"items":[');
      return true;
    },
  });
  await equal();
  assert.ok(requests > 2);
});

test('a watch that ends at once and empty is met with back-off (client-go "very short watch")', async (t) => {
  let short = 0;
  const { equal, put, served } = await world(t, {
    before: many(3),
    script: (request, response) => {
      if (!/[?&]resourceVersion=\d/.test(request.url ?? '') || short >= 4) return false;
      short += 1;
      response.writeHead(200);
      response.end();
      return true;
    },
  });
  await equal();
  served.cut();
  await until('the short watches', () => short === 4);
  put('x');
  await equal();
});

test('after etcd was restored from a backup the cache follows it back (client-go needs a restart)', async (t) => {
  const { api, put, equal, events } = await world(t, { before: many(5), limits: { verifySeconds: 1 } });
  await equal();
  const restore = api.snapshot();
  for (let i = 0; i < 20; i++) put(`newer${i}`);
  await equal();
  restore();
  await equal();
  assert.ok(events.some((event) => event.type === 'synced' && event.isRestored));
});

test('an expired token is read again and the request repeated once (client-go rotating token source)', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'config');
  const write = (token: string, server: string) =>
    writeFileSync(
      path,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server } }],
        users: [{ name: 'u', user: { token } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    );
  let valid = 'first';
  let url = '';
  let connection: ServerConfig | null = null;
  const { served, equal, put, count } = await world(t, {
    before: many(3),
    script: (request, response) => {
      if (request.headers.authorization === `Bearer ${valid}`) return false;
      return status(response, 401, 'Unauthorized');
    },
    config: (server) => {
      url = server;
      return {
        server,
        credentials: async (isRefused) => {
          if (connection === null) {
            write('first', server);
            connection = (await fromKubeconfig(path)).config;
          }
          return connection.credentials(isRefused);
        },
      };
    },
  });
  await equal();
  valid = 'second';
  write('second', url);
  served.cut();
  put('x');
  await equal();
  assert.equal(served.requests.at(-1)?.authorization, 'Bearer second');
  assert.equal(count('synced'), 1);
});

test('a certificate authority rotated on disk is used without a restart (client-go does this since 1.36)', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const certificate = (name: string) => {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    return {
      key: execFileSync('cat', [key], { encoding: 'utf8' }),
      cert: execFileSync('cat', [cert], { encoding: 'utf8' }),
    };
  };
  const [old, fresh] = [certificate('old'), certificate('fresh')];
  let onDisk = old.cert;
  let loaded = old.cert;
  const { served, equal, put } = await world(t, {
    before: many(3),
    tls: old,
    config: (server) => ({
      server,
      credentials: (isRefused) => {
        if (isRefused) loaded = onDisk;
        return { headers: {}, ca: loaded };
      },
    }),
  });
  await equal();
  onDisk = fresh.cert;
  served.useCertificate(fresh);
  served.cut();
  put('x');
  await equal();
});
