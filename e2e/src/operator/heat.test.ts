// SPDX-License-Identifier: Apache-2.0
/**
 * The whole path as a platform engineer and a scientist walk it: the chart installed with the images as they are built, a real heat study applied, watched, read
 * through a forwarded port, and deleted; its fold digests are those of the same study on one machine.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { cluster, skipWithoutCluster, type Cluster } from '../../cluster/src/cluster.ts';
import { cleanUp, root, runStudy, scratch, summaryOf } from '../melissa.ts';
import { heatManifest } from '../pods/study-pods.ts';
import { until } from './operator-process.ts';

const archives = ['server', 'operator', 'client', 'heat'].map((name) => join(root, 'build', 'images', `${name}.tar`));
const missing = archives.filter((path) => !existsSync(path));
const skip = missing.length > 0 ? `images are not built (npm run images): ${missing.join(', ')}` : skipWithoutCluster();
const limits = { skip, timeout: 600_000 };

let own: Cluster;
const kubectl = (args: string[], input?: string): string => {
  const { status, stdout, stderr } = own.kubectl(args, input);
  assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
};
const diagnosis = (): string =>
  [
    'get mst,pods -o wide',
    'describe pods',
    'get events',
    'logs heat-server-0 --tail=40',
    'logs heat-server-1 --tail=20',
    'logs -l app.kubernetes.io/component=pilot --tail=40 --all-containers',
  ]
    .map((words) => own.kubectl(['-n', 'lab', ...words.split(' ')]))
    .map(({ stdout, stderr }) => (stdout + stderr).slice(-6000))
    .join('\n');

before(
  async () => {
    if (skip !== false) return;
    own = await cluster();
    for (const archive of archives) own.loadImage(archive);
    const { status, stderr } = own.helm([
      'install',
      'melissa',
      join(root, 'charts', 'melissa'),
      '--namespace',
      'melissa-system',
      '--create-namespace',
      '--wait',
      '--timeout',
      '180s',
    ]);
    assert.equal(status, 0, `${stderr} ${own.kubectl(['-n', 'melissa-system', 'describe', 'pods']).stdout}`);
    kubectl(['create', 'namespace', 'lab']);
    kubectl(['label', 'namespace', 'lab', 'pod-security.kubernetes.io/enforce=restricted']);
  },
  { timeout: 900_000 },
);
after(
  async () => {
    cleanUp();
    if (skip === false) assert.deepEqual(await own.release(), []);
  },
  { timeout: 300_000 },
);

/** The same study on this machine. */
function onOneMachine(manifest: Record<string, unknown>): unknown {
  const folder = scratch();
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(root, 'examples', 'heat', 'bin', 'heat'), join(folder, 'bin', 'heat'));
  const path = join(folder, 'study.yaml');
  writeFileSync(path, JSON.stringify(manifest));
  const run = runStudy(path);
  assert.equal(run.code, 0, run.stderr);
  return sorted(summaryOf(run.directory).digests);
}
const sorted = (digests: { consumer: string; digest: string; units: number }[]): unknown =>
  [...digests].sort((a, b) => (a.consumer < b.consumer ? -1 : 1));

/** `kubectl port-forward svc/NAME :8888`. */
async function forwarded<T>(study: string, use: (url: string) => Promise<T>): Promise<T> {
  const environment = { ...process.env, KUBECONFIG: own.kubeconfig };
  const child: ChildProcess = spawn(kubectlProgram(), ['-n', 'lab', 'port-forward', `svc/${study}`, ':8888'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', (part: Buffer) => (text += part.toString()));
  try {
    await until('the forwarded port', () => /127\.0\.0\.1:(\d+)/.test(text));
    return await use(`http://127.0.0.1:${/127\.0\.0\.1:(\d+)/.exec(text)![1]}`);
  } finally {
    child.kill();
  }
}
const kubectlProgram = (): string => {
  const folder =
    process.env['MELISSA_CLUSTER_TOOLS'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? '/root', '.cache'), 'melissa', 'cluster-tools');
  const path = join(folder, 'bin', 'kubectl');
  return existsSync(path) ? path : 'kubectl';
};

test(
  'a heat study from kubectl apply to the same digests as on one machine, and nothing is left of it',
  limits,
  async () => {
    const client = {
      image: 'docker.io/example/heat:1.0',
      command: ['heat'],
      args: ['{initial}', '{left}', '{right}', '10', '16'],
      parallelism: 2,
    };
    const manifest = heatManifest({ client, server: { ranks: 2, memory: '1Gi' } });
    const expected = onOneMachine(manifest);
    kubectl(['-n', 'lab', 'apply', '-f', '-'], JSON.stringify(manifest));
    const wait = own.kubectl(['-n', 'lab', 'wait', '--for=condition=Succeeded', 'mst/heat', '--timeout=240s']);
    assert.equal(wait.status, 0, `${wait.stderr}\n${diagnosis()}`);
    assert.match(kubectl(['-n', 'lab', 'get', 'mst']), /heat +True +Kubernetes +60\/60 +0 +\d+ +100%/);
    const token = Buffer.from(
      kubectl(['-n', 'lab', 'get', 'secret', 'heat-server', '-o', 'jsonpath={.data.token}']),
      'base64',
    ).toString();
    await forwarded('heat', async (url) => {
      const ask = (path: string, bearer = token) =>
        fetch(url + path, { headers: { authorization: `Bearer ${bearer}` } });
      const { digests } = (await (await ask('/v1/digests')).json()) as {
        digests: { consumer: string; digest: string; units: number }[];
      };
      assert.deepEqual(sorted(digests), expected);
      assert.equal((await ask('/v1/status', 'wrong')).status, 401);
      const png = new Uint8Array(await (await ask('/v1/statistics/temperature/5/mean?format=png')).arrayBuffer());
      assert.deepEqual([...png.subarray(1, 4)], [...Buffer.from('PNG')]);
    });
    kubectl(['-n', 'lab', 'delete', 'mst', 'heat']);
    const left = () =>
      kubectl([
        '-n',
        'lab',
        'get',
        'all,secrets,configmaps,pvc,networkpolicies,sa',
        '-l',
        'melissa.dev/study=heat',
        '-o',
        'name',
      ]).trim();
    await until('nothing to be left', () => left() === '');
  },
);
