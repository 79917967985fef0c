// SPDX-License-Identifier: Apache-2.0
/** The real server on the loopback interface, the real I/O worker, the real client; only the study is scripted. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { allRoutes, createClient, mismatches, openApiDocument, type Client, type FetchLike } from '@melissa/api';
import { compiled, plateManifest, ScriptedService, scriptedValue } from '../http/scripted-service.ts';
import { startHttpServer, type HttpServerOptions } from './http-server.ts';
import { createIoWorker } from './worker.ts';

const token = 'a-token-of-more-than-sixteen';
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function serverOf(context: TestContext, options: Partial<HttpServerOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-http-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const manifest = plateManifest();
  const service = new ScriptedService(compiled(manifest));
  const worker = await createIoWorker({ directory });
  const server = await startHttpServer({
    service,
    eventReader: worker,
    port: 0,
    token,
    log: silent,
    manifest,
    version: '0.1.0',
    ...options,
  });
  context.after(async () => {
    await server.close();
    await worker.close();
  });
  const client: Client = createClient({ baseUrl: server.url, token, fetch: fetch as FetchLike, timeoutMs: 20_000 });
  const get = (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }, method = 'GET') =>
    fetch(server.url + path, { method, headers });
  return { server, service, worker, client, get, directory };
}
type Body = { code: string; message: string; remedy: string };

test('without the token every path but health answers 401 with a remedy, and a wrong one too', async (context) => {
  const { get } = await serverOf(context);
  for (const route of allRoutes) {
    const path = route.path.replace('{id}', '1').replace('{field}/{step}/{statistic}', 'temperature/0/mean');
    const answer = await get(path, {}, route.method);
    assert.equal(answer.status, route.needsToken ? 401 : 200, path);
    if (!route.needsToken) continue;
    const body = (await answer.json()) as Body;
    assert.equal(body.code, 'ETOKEN');
    assert.match(body.remedy, /Authorization: Bearer/);
  }
  for (const authorization of [
    'Bearer wrong-token-of-some-length',
    `Bearer ${token}x`,
    `Basic ${token}`,
    'Bearer ',
    token,
  ]) {
    assert.equal((await get('/v1/status', { authorization })).status, 401, authorization);
  }
  assert.equal((await get('/v1/status', { token })).status, 401);
  assert.equal((await get('/no/such/path', {})).status, 401);
});

test('every JSON answer has the shape that the OpenAPI document promises', async (context) => {
  const { get, worker } = await serverOf(context);
  worker.events.append({
    timeMs: 1,
    entity: 'simulation',
    id: '3',
    from: 'Running',
    to: 'Failed',
    cause: 'exit',
    data: { exitCode: 1 },
  });
  worker.recordAttempt({ simulation: 3, draw: 0, attempt: 0, pilot: 'p', host: 'h', state: 'Failed', reason: 'exit code 1', exitCode: 1, signal: null, startTime: null, endTime: null, wallSeconds: 1, cpuSeconds: 1, peakRssBytes: 5, stdout: 'o', stderr: 'e' }); // prettier-ignore
  const document = (await (await get('/openapi.json')).json()) as ReturnType<typeof openApiDocument>;
  assert.deepEqual(document, openApiDocument('0.1.0'));
  assert.equal((await new Validator().validate(structuredClone(document))).valid, true);
  for (const route of allRoutes.filter(({ answer, method }) => answer.body !== undefined && method === 'GET')) {
    const path = route.path.replace('{id}', '3').replace('{field}/{step}/{statistic}', 'temperature/0/mean');
    const answer = await get(path);
    assert.equal(answer.status, 200, path);
    assert.deepEqual(mismatches(route.answer.body!, await answer.json()), [], path);
  }
  assert.notDeepEqual(mismatches(allRoutes[0]!.answer.body!, { name: 'plate' }), []);
});

test('simulations are paged by cursor and filtered by state and group', async (context) => {
  const { client, get } = await serverOf(context);
  const ids: number[] = [];
  let cursor: string | null | undefined;
  for (let pages = 0; cursor !== null; pages++) {
    assert.ok(pages < 10);
    const page = await client.simulations({ limit: 7, ...(cursor === undefined ? {} : { cursor }) });
    ids.push(...page.simulations.map(({ simulation }) => simulation));
    cursor = page.next;
  }
  assert.deepEqual(
    ids,
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.deepEqual((await client.simulations({ state: 'Failed' })).simulations.map(({ simulation }) => simulation), [3]); // prettier-ignore
  assert.equal((await client.simulations({ state: 'Failed,Done', group: 0 })).simulations.length, 4);
  const wrong: [string, RegExp][] = [
    ['limit=0', /limit must be >= 1/],
    ['limit=1001', /limit must be <= 1000/],
    ['limit=x', /limit must be integer/],
    ['stat=Failed', /unknown key "stat"/],
    ['state=Faild', /no state "Faild"/],
  ];
  for (const [query, message] of wrong) {
    const answer = await get(`/v1/simulations?${query}`);
    assert.equal(answer.status, 400, query);
    assert.match(((await answer.json()) as Body).message, message);
  }
  const near = (await (await get('/v1/simulations?stat=Failed')).json()) as Body;
  assert.match(near.remedy, /Did you mean state\?/);
});

test('one simulation has its attempts, its reason and its output', async (context) => {
  const { client, worker } = await serverOf(context);
  const attempt = {
    pilot: 'p',
    host: 'h',
    state: 'Failed',
    reason: 'exit code 1',
    exitCode: 1,
    signal: null,
    startTime: null,
    endTime: null,
    wallSeconds: 1,
    cpuSeconds: 1,
    peakRssBytes: 5,
    stderr: '',
  };
  worker.recordAttempt({ ...attempt, simulation: 3, draw: 0, attempt: 0, stdout: 'first' });
  worker.recordAttempt({ ...attempt, simulation: 3, draw: 0, attempt: 1, stdout: 'second' });
  const detail = await client.simulation(3);
  assert.equal(detail.state, 'Failed');
  assert.match(detail.reason, /exit code 1/);
  assert.deepEqual(detail.history.map(({ stdout }) => stdout), ['first', 'second']); // prettier-ignore
  assert.equal((await client.output(3)).stdout, 'second');
  assert.equal((await client.output(3, { attempt: 0 })).stdout, 'first');
  await assert.rejects(client.output(4), { code: 'ENOOUTPUT' });
  await assert.rejects(client.simulation(20), { code: 'ENOSIMULATION' });
});

test('events are read on from a sequence', async (context) => {
  const { client, worker } = await serverOf(context);
  for (const to of ['Leased', 'Running', 'Failed']) {
    worker.events.append({ timeMs: 1, entity: 'simulation', id: '3', from: '', to, cause: 'test', data: {} });
    worker.events.append({ timeMs: 1, entity: 'pilot', id: 'p0', from: '', to, cause: 'test', data: {} });
  }
  const first = await client.events({ entity: 'simulation', id: '3', limit: 2 });
  assert.deepEqual(first.events.map(({ to }) => to), ['Leased', 'Running']); // prettier-ignore
  assert.deepEqual((await client.events({ entity: 'simulation', since: first.last })).events.map(({ to }) => to), ['Failed']); // prettier-ignore
});

test('a statistic comes as summary, as npy and as a picture', async (context) => {
  const { client, get, service } = await serverOf(context);
  const { fields } = await client.fields();
  assert.deepEqual(fields[0]!.shape, [6, 8]);
  const first = fields[0]!.statistics.find(({ statistic }) => statistic === 'sobolFirst')!;
  assert.deepEqual(first.arguments, [{ argument: 0, label: 'initial' }, { argument: 1, label: 'left' }]); // prettier-ignore
  const selection = { field: 'temperature', step: 2, statistic: 'sobolFirst', argument: 1 };
  const summary = await client.statistic(selection);
  assert.deepEqual([summary.label, summary.cells, summary.nanCount], ['left', 48, 0]);
  assert.equal(summary.minimum, scriptedValue(selection, 0));
  assert.equal(summary.maximum, scriptedValue(selection, 47));
  assert.equal((await client.statistic({ field: 'temperature', step: 2, statistic: 'skewness' })).nanCount, 1);
  const npy = await client.statisticNpy(selection);
  assert.match(Buffer.from(npy).toString('latin1'), /'shape': \(6, 8\)/);
  assert.deepEqual(new Float64Array(npy.slice(-8 * 48).buffer)[5], scriptedValue(selection, 5));
  const png = await client.statisticPng({ field: 'temperature', step: 2, statistic: 'mean' });
  assert.deepEqual([...png.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
  if (process.env['MELISSA_KEEP_PICTURE'] !== undefined) writeFileSync(process.env['MELISSA_KEEP_PICTURE'], png);
  const absent = [
    'tempereture/2/mean',
    'temperature/99/mean',
    'temperature/2/meen',
    'temperature/2/quantile?argument=9',
  ];
  for (const path of absent) {
    const answer = await get(`/v1/statistics/${path}`);
    assert.equal(answer.status, 404, path);
    assert.equal(((await answer.json()) as Body).code, 'ENOSTATISTIC');
  }
  service.failing.set('mean', 'EUNAVAILABLE');
  await assert.rejects(client.statistic({ field: 'temperature', step: 2, statistic: 'mean' }), {
    code: 'EUNAVAILABLE',
    retryable: true,
  });
});

test('changes reach the study, and on a cluster they are refused with the command to give', async (context) => {
  const { client, service } = await serverOf(context);
  assert.deepEqual(await client.parallelism(12), { accepted: true, state: 'Running' });
  await client.suspend();
  await client.resume();
  await client.cancel('enough seen');
  assert.deepEqual(service.calls, ['parallelism 12', 'suspend', 'resume', 'cancel enough seen']);
  await assert.rejects(client.parallelism(-1), { code: 'EREQUEST' });
  const cluster = await serverOf(context, { intent: 'kubernetes' });
  const refusals: [() => Promise<unknown>, string][] = [
    [() => cluster.client.parallelism(12), 'kubectl scale mst/plate --replicas=12'],
    [() => cluster.client.suspend(), `kubectl patch mst/plate --type=merge -p '{"spec":{"suspend":true}}'`],
    [() => cluster.client.resume(), `kubectl patch mst/plate --type=merge -p '{"spec":{"suspend":false}}'`],
    [() => cluster.client.cancel(), `kubectl patch mst/plate --type=merge -p '{"spec":{"cancel":true}}'`],
  ];
  for (const [refused, command] of refusals)
    await assert.rejects(refused(), { code: 'EINTENT', remedy: `Run \`${command}\`.`, facts: { status: 409 } });
  assert.deepEqual(cluster.service.calls, []);
});

test("Melissa's paths answer as Melissa does, with its header", async (context) => {
  const { get } = await serverOf(context);
  assert.deepEqual(
    await (await get('/jobs', { token })).json(),
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.deepEqual(await (await get('/jobs/3', { token })).json(), { id: 3, unique_id: '3.0', state: 'ERROR' });
  assert.deepEqual(await (await get('/jobs/4')).json(), { id: 4, unique_id: '4.0', state: 'TERMINATED' });
  assert.equal(((await (await get('/jobs/19', { token })).json()) as { state: string }).state, 'WAITING');
  assert.equal((await get('/jobs/20', { token })).status, 404);
  assert.equal((await get('/jobs', { token: 'wrong' })).status, 401);
});

test('metrics are in the format of Prometheus, with or without the token as configured', async (context) => {
  const { client, get } = await serverOf(context);
  const text = await client.metrics();
  assert.match(text, /^melissa_simulations\{state="done",study="plate"\} 15$/m);
  assert.match(text, /^melissa_received_bytes_total\{study="plate"\} 4096$/m);
  assert.equal((await client.metrics()).match(/^melissa_received_bytes_total.* (\d+)$/m)![1], '4096');
  assert.match(text, /^melissa_head_nodejs_eventloop_lag_p99_seconds/m);
  assert.equal((await get('/metrics', {})).status, 401);
  const open = await serverOf(context, { metricsNeedToken: false });
  assert.equal((await open.get('/metrics', {})).status, 200);
  assert.equal((await open.get('/v1/status', {})).status, 401);
});

test('unknown paths, wrong methods and wrong bodies are answered readably', async (context) => {
  const { get, server } = await serverOf(context);
  const answers: [Response, number, RegExp][] = [
    [await get('/v1/nothing'), 404, /no such path: \/v1\/nothing/],
    [await get('/v1/cancel'), 405, /does not answer to this method: GET/],
    [await get('/v1/simulations/x'), 400, /params\/id must be integer/],
    [await get('/v1/simulations/%zz'), 400, /not a valid url/],
    [await get(`/v1/simulations/${'9'.repeat(400)}`), 414, /exceeding the max param length/],
  ];
  const put = (body: string, type = 'application/json') =>
    fetch(`${server.url}/v1/parallelism`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body,
    });
  answers.push([await put('{"parallelism":'), 400, /not JSON/]);
  answers.push([await put('{}'), 400, /required property 'parallelism'/]);
  answers.push([await put('{"parallelism":3,"paralelism":4}'), 400, /unknown key "paralelism"/]);
  answers.push([await put('parallelism: 3', 'application/yaml'), 415, /Unsupported Media Type/]);
  answers.push([await put(JSON.stringify({ parallelism: 3, padding: 'x'.repeat(70_000) })), 413, /too large/]);
  for (const [answer, status, message] of answers) {
    const body = (await answer.json()) as Body;
    assert.equal(answer.status, status, body.message);
    assert.match(body.message, message);
    assert.ok(body.remedy.length > 10 && body.code.startsWith('E'));
  }
  assert.equal(answers[1]![0].headers.get('allow'), 'POST');
});

test('it is ready when the study is', async (context) => {
  const { get, service } = await serverOf(context);
  assert.equal((await get('/readyz', {})).status, 200);
  service.state = 'Starting';
  assert.equal((await get('/readyz', {})).status, 503);
  assert.equal((await get('/healthz', {})).status, 200);
});

test('a peer that drips its request is cut off, and too many connections are refused', async (context) => {
  const { server, get } = await serverOf(context, {
    limits: { headersMs: 300, requestMs: 600, checkMs: 50, connectionsMax: 8 },
  });
  const drip = (first: string): Promise<string> =>
    new Promise((resolve) => {
      let seen = '';
      const socket = connect(server.port, server.host, () => socket.write(first));
      socket.on('data', (data) => (seen += data.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(seen));
    });
  const started = performance.now();
  assert.match(await drip('GET /healthz HTTP/1.1\r\nHost: x\r\n'), /^HTTP\/1.1 408|^$/);
  const withoutBody = `PUT /v1/parallelism HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"par`;
  assert.match(await drip(withoutBody), /408|^$/);
  assert.ok(performance.now() - started < 15_000);
  const held = await Promise.all(
    Array.from({ length: 12 }, () => new Promise<boolean>((resolve) => {
      const socket = connect(server.port, server.host);
      context.after(() => socket.destroy());
      let isOpen = false;
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(isOpen));
      socket.on('connect', () => (socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'), (isOpen = false)));
      socket.on('data', () => ((isOpen = true), resolve(true)));
    })),
  ); // prettier-ignore
  assert.ok(held.filter(Boolean).length <= 8, `${held.filter(Boolean).length} connections were served`);
  assert.ok(held.filter(Boolean).length >= 1);
  await assert.doesNotReject(get('/healthz').catch(() => undefined));
});

test('a port that is taken and a weak token are said with a remedy', async (context) => {
  const { server, service, worker } = await serverOf(context);
  const options = { service, eventReader: worker, log: silent, token };
  await assert.rejects(startHttpServer({ ...options, port: server.port }), { code: 'EPORT', message: /EADDRINUSE/ });
  await assert.rejects(startHttpServer({ ...options, port: 0, token: 'short' }), { code: 'EWEAKTOKEN' });
});
