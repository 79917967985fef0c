// SPDX-License-Identifier: Apache-2.0
/** What a person does with curl while a study runs: every path with the token, none without, and the study steered by it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanUp, scratch, startStudy, variant } from './melissa.ts';

after(cleanUp);

/** Long enough to be steered, ended by the test. */
const manifest = `
apiVersion: melissa.dev/v1alpha1
kind: MelissaStudy
metadata: { name: steered }
spec:
  parameters:
    - { name: initial, unit: K, uniform: { min: 100, max: 500 } }
    - { name: left, unit: K, uniform: { min: 100, max: 500 } }
    - { name: right, unit: K, uniform: { min: 100, max: 500 } }
  sampling: { method: PickFreeze, groups: 4000, seed: 7 }
  time: { steps: 5 }
  fields: [{ name: temperature, unit: K, shape: [16, 16], mesh: { spacing: [1, 1] } }]
  client: { command: [${join(import.meta.dirname, '..', '..', 'examples', 'heat', 'bin', 'heat')}], args: ['{initial}', '{left}', '{right}', '5', '16'], parallelism: 2, workDirectory: false }
`;

type Answer = { status: number; type: string; body: Buffer };

function curl(url: string, token: string | null, ...more: string[]): Answer {
  const headers = token === null ? [] : ['-H', `Authorization: Bearer ${token}`];
  const ended = spawnSync(
    'curl',
    ['-s', '-m', '30', '-w', '\\n%{http_code} %{content_type}', ...headers, ...more, url],
    { maxBuffer: 1 << 26 },
  );
  const split = ended.stdout.lastIndexOf(10);
  const [status, type] = ended.stdout
    .subarray(split + 1)
    .toString()
    .split(' ');
  return { status: Number(status), type: type ?? '', body: ended.stdout.subarray(0, split) };
}

async function until<T>(what: string, read: () => T | null): Promise<T> {
  for (const endMs = Date.now() + 120_000; Date.now() < endMs; await delay(200)) {
    const value = read();
    if (value !== null) return value;
  }
  throw new Error(`waited two minutes for ${what}`);
}

test('curl with the token reads and steers a running study; without it every answer is 401', async (context) => {
  const directory = join(scratch(), 'study');
  const cli = startStudy(variant('steered', manifest), directory);
  const ended = new Promise((resolve) => cli.once('exit', resolve));
  context.after(async () => {
    cli.kill('SIGTERM');
    await ended;
  });
  const base = await until('the head', () =>
    existsSync(`${directory}/head.json`)
      ? (JSON.parse(readFileSync(`${directory}/head.json`, 'utf8')) as { http: string }).http
      : null,
  );
  const token = readFileSync(`${directory}/token`, 'utf8').trim();
  const json = (path: string, ...more: string[]) => JSON.parse(curl(`${base}${path}`, token, ...more).body.toString());
  await until('two groups', () =>
    curl(`${base}/v1/status`, token).status === 200 && json('/v1/status').simulations.done >= 10 ? true : null,
  );

  const paths = [
    '/v1/status',
    '/v1/simulations?limit=3',
    '/v1/simulations/0',
    '/v1/simulations/0/output',
    '/v1/events?limit=5',
    '/v1/fields',
    '/v1/digests',
    '/v1/backend',
    '/v1/manifest',
    '/jobs',
    '/metrics',
  ];
  for (const path of [...paths, '/v1/statistics/temperature/0/mean?format=json']) {
    assert.equal(curl(`${base}${path}`, token).status, 200, path);
    const refused = curl(`${base}${path}`, null);
    assert.equal(refused.status, 401, path);
    assert.match(refused.body.toString(), /ETOKEN/);
    assert.equal(curl(`${base}${path}`, `${token}x`).status, 401, path);
  }
  assert.equal(curl(`${base}/healthz`, null).status, 200);
  assert.equal(curl(`${base}/readyz`, null).status, 200);

  const page = json('/v1/simulations?limit=2&state=Done');
  assert.equal(page.simulations.length, 2);
  assert.notEqual(
    json(`/v1/simulations?limit=2&state=Done&cursor=${page.next}`).simulations[0].simulation,
    page.simulations[0].simulation,
  );
  assert.equal(json('/v1/simulations/3').history[0].exitCode, 0);
  const map = curl(`${base}/v1/statistics/temperature/2/mean?format=npy`, token);
  assert.equal(map.body.subarray(1, 6).toString(), 'NUMPY');
  const picture = curl(`${base}/v1/statistics/temperature/2/sobolFirst?argument=1&format=png`, token);
  assert.deepEqual([picture.status, picture.type, picture.body.subarray(1, 4).toString()], [200, 'image/png', 'PNG']);

  // Melissa's own paths, with Melissa's own header.
  const jobs = JSON.parse(curl(`${base}/jobs`, null, '-H', `token: ${token}`).body.toString());
  assert.ok(JSON.stringify(jobs).includes('0'));
  assert.deepEqual(
    Object.keys(JSON.parse(curl(`${base}/jobs/0`, null, '-H', `token: ${token}`).body.toString())).sort(),
    ['id', 'state', 'unique_id'],
  );

  assert.ok(
    curl(
      `${base}/v1/parallelism`,
      token,
      '-X',
      'PUT',
      '-H',
      'content-type: application/json',
      '-d',
      '{"parallelism":1}',
    ).status < 300,
  );
  await until('one pilot', () => (json('/v1/status').pilots.desired === 1 ? true : null));
  assert.ok(curl(`${base}/v1/suspend`, token, '-X', 'POST').status < 300);
  await until('the suspension', () => (json('/v1/status').state === 'Suspended' ? true : null));
  const resting = json('/v1/status').simulations.done;
  assert.ok(curl(`${base}/v1/resume`, token, '-X', 'POST').status < 300);
  await until('more simulations', () => (json('/v1/status').simulations.done > resting ? true : null));
  assert.ok(curl(`${base}/v1/cancel`, token, '-X', 'POST').status < 300);
  await until('the end', () => (existsSync(`${directory}/status.json`) ? true : null));
  assert.equal(JSON.parse(readFileSync(`${directory}/status.json`, 'utf8')).state, 'Cancelled');
});
