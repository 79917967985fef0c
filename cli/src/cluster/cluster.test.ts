// SPDX-License-Identifier: Apache-2.0
/**
 * The commands on a cluster, with a kubectl that answers from a table: what is asked of it, and what a person reads. The whole
 * way through a real cluster is in e2e.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Client } from '@melissa/api';
import { runCommandLine } from '../command-line.ts';
import { systemFiles } from '../io/files.ts';
import { systemWorld } from '../io/world.ts';
import { aStatus } from '../testing.ts';
import type { World } from '../world.ts';
import { readerPod, Unpacker } from './results.ts';

const condition = (type: string, status: string, reason = 'Because') => ({ type, status, reason, message: 'as it is', lastTransitionTime: '' }); // prettier-ignore
const study = (name: string, conditions: object[] = []) => ({
  apiVersion: 'melissa.dev/v1alpha1',
  kind: 'MelissaStudy',
  metadata: { name, namespace: 'science' },
  spec: {},
  status: { conditions, simulations: { summary: '3/10' } },
});
const files = [
  { path: 'summary.json', bytes: '{"a":1}\n' },
  { path: 'heat.zarr/empty', bytes: '' },
  { path: 'heat.zarr/c/0', bytes: 'x'.repeat(1000) },
];
const stream = Buffer.concat([
  ...files.flatMap(({ path, bytes }) => [Buffer.from(`${JSON.stringify({ path, size: bytes.length })}\n`), Buffer.from(bytes)]), // prettier-ignore
  Buffer.from('{"end":true}\n'),
]);
const statefulSet = {
  spec: {
    template: {
      spec: {
        containers: [
          { name: 'server', image: 'server@sha256:1', volumeMounts: [{ name: 'data', mountPath: '/var/lib/melissa' }] },
        ],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'heat-checkpoint' } }],
      },
    },
  },
  status: { readyReplicas: 2 },
};

function aCluster(context: TestContext, studies: object[], client: Partial<Client> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-cluster-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const asked: string[] = [];
  let [out, err, forwards] = ['', '', 0];
  const answer = (words: string[]): unknown => {
    const line = words.join(' ');
    if (line.includes('get melissastudies.melissa.dev -o json')) return { items: studies };
    if (line.includes('get melissastudies.melissa.dev')) return studies[0];
    if (line.includes('get secret')) return Buffer.from('the-token').toString('base64');
    if (line.includes('get statefulset')) return statefulSet;
    return 'done';
  };
  const base = systemWorld({});
  const world: World = {
    ...base,
    cwd: directory,
    terminal: {
      isTerminal: false,
      canAsk: false,
      looks: () => ({ columns: 100, unicode: true, color: false }),
      write: (text) => void (out += text),
      writeError: (text) => void (err += text),
      ask: async () => '',
    },
    kubectl: async (words, options = {}) => {
      asked.push(`${words.join(' ')}${options.input === undefined ? '' : ` < ${options.input}`}`);
      if (words.includes('exec')) options.onOutput?.(stream);
      const found = answer(words);
      return { code: 0, stdout: typeof found === 'string' ? found : JSON.stringify(found), stderr: '' };
    },
    forward: async () => {
      forwards += 1;
      return { url: 'http://127.0.0.1:1', isOpen: () => true, close: async () => void (forwards -= 1) };
    },
    connect: (_url, token) => {
      assert.equal(token, 'the-token');
      return client as Client;
    },
  };
  const melissa = async (...words: string[]) => {
    [out, err] = ['', ''];
    const code = await runCommandLine(words, world);
    assert.equal(forwards, 0, 'every forwarded port is closed');
    return { code, out, err };
  };
  return { directory, asked, melissa };
}

const on = ['--on', 'kubernetes', '-n', 'science'];

test('what changes a study is patched into its MelissaStudy', async (context) => {
  const { asked, melissa } = aCluster(context, [study('heat')]);
  const patch = 'patch melissastudies.melissa.dev heat --type=merge -p';
  for (const [words, spec] of [
    [['scale', '40'], { client: { parallelism: 40 } }],
    [['suspend'], { suspend: true }],
    [['resume'], { suspend: false }],
    [['cancel'], { cancel: true }],
  ] as const) {
    assert.equal((await melissa(...words, ...on)).code, 0);
    assert.equal(asked.at(-1), `--namespace science ${patch} ${JSON.stringify({ spec })}`);
  }
});

test('the study is the only one of the namespace, or has to be named', async (context) => {
  const two = aCluster(context, [study('heat'), study('ishigami')]);
  const refused = await two.melissa('suspend', ...on);
  assert.equal(refused.code, 3);
  assert.match(refused.err, /heat, ishigami.*\n.*--study/);
  assert.equal((await two.melissa('suspend', ...on, '--study', 'heat')).code, 0);
  const none = aCluster(context, []);
  assert.match((await none.melissa('status', ...on)).err, /there is none in this namespace/);
  const local = await two.melissa('status', '--study', 'heat');
  assert.equal(local.code, 2);
  assert.match(local.err, /--on kubernetes/);
});

test('status shows what the head says, or the conditions while there is none', async (context) => {
  const up = aCluster(context, [study('heat', [condition('ServerReady', 'True')])], { status: async () => aStatus() });
  assert.match((await up.melissa('status', ...on)).out, /8,123/);
  const down = aCluster(context, [study('heat', [condition('ServerReady', 'False', 'Unschedulable')])]);
  const { out } = await down.melissa('status', ...on);
  assert.match(out, /3\/10/);
  assert.match(out, /ServerReady=False Unschedulable: as it is/);
});

test('run applies the manifest, follows, brings the results and ends with the code of the study', async (context) => {
  let calls = 0;
  const client: Partial<Client> = {
    status: async () => aStatus({ state: 'Succeeded' }),
    backend: async () => ({ finished: ++calls > 1 }) as Awaited<ReturnType<Client['backend']>>,
  };
  const { directory, asked, melissa } = aCluster(context, [study('heat')], client);
  const manifest = {
    apiVersion: 'melissa.dev/v1alpha1',
    kind: 'MelissaStudy',
    metadata: { name: 'heat' },
    spec: {
      parameters: [{ name: 'a', uniform: { min: 0, max: 1 } }],
      sampling: { method: 'Random', simulations: 4 },
      time: { steps: 2 },
      fields: [{ name: 'u', cells: 10 }],
      client: { image: 'example/heat:1.0', command: ['heat'] },
    },
  };
  writeFileSync(join(directory, 'study.yaml'), JSON.stringify(manifest));
  const { code, out, err } = await melissa('run', ...on);
  assert.equal(code, 0, err);
  const apply = asked.find((line) => line.includes('apply --server-side'))!;
  assert.deepEqual(JSON.parse(apply.slice(apply.indexOf('< ') + 2)), manifest);
  assert.match(out, /heat succeeded/);
  for (const { path, bytes } of files)
    assert.equal(readFileSync(join(directory, 'studies', 'heat', 'results', path), 'utf8'), bytes);
  assert.ok(!asked.some((line) => line.includes('the-token')), 'no secret on a command line');
});

test('the stream of results is taken apart however it was cut, and nothing is written outside the folder', (context) => {
  for (const size of [1, 7, 100, stream.length]) {
    const folder = mkdtempSync(join(tmpdir(), 'melissa-unpack-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const unpacker = new Unpacker(folder, systemFiles);
    for (let at = 0; at < stream.length; at += size) unpacker.take(new Uint8Array(stream.subarray(at, at + size)));
    assert.ok(unpacker.isComplete);
    assert.equal(unpacker.files, files.length);
    for (const { path, bytes } of files) assert.equal(readFileSync(join(folder, path), 'utf8'), bytes);
  }
  for (const path of ['../out', '/etc/passwd', 'a/../../out']) {
    const unpacker = new Unpacker('/nowhere', systemFiles);
    assert.throws(() => unpacker.take(Buffer.from(`${JSON.stringify({ path, size: 1 })}\nx`)), /sent the path/);
  }
});

test('the pod that reads results has the image of the server, its claim read-only, and no rights', () => {
  const pod = JSON.stringify(readerPod('heat', 'heat-results-1', statefulSet));
  for (const part of [
    'server@sha256:1',
    '"claimName":"heat-checkpoint"',
    '"subPath":"heat-server-0"',
    '"drop":["ALL"]',
    '"automountServiceAccountToken":false',
  ])
    // prettier-ignore
    assert.ok(pod.includes(part), part);
});
