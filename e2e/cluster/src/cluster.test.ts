// SPDX-License-Identifier: Apache-2.0
/** The cluster itself: two nodes, volumes, fake nodes, aggregation, helm, and parts that end and come back. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cluster, skipWithoutPrivateNode, waitFor, writeOciArchive, type Cluster } from './cluster.ts';
import { apiAddress, here, state } from './layout.ts';
import { must, run } from './shell.ts';

const skip = skipWithoutPrivateNode();
const FAKE_NODES = 50;
const WAIT_MS = 180_000;

let own: Cluster;
const scratch = mkdtempSync(join(tmpdir(), 'mel-cluster-'));
const children: ChildProcess[] = [];

before(
  async () => {
    if (skip !== false) return;
    own = await cluster({ nodes: 2, fakeNodes: FAKE_NODES });
  },
  { timeout: 1_200_000 },
);
after(
  async () => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
    if (skip === false) await own?.release();
  },
  { timeout: 300_000 },
);

const kubectl = (...args: string[]): string => {
  const ended = own.kubectl(args);
  assert.equal(ended.status, 0, `kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
};
const apply = (...objects: object[]): void => {
  const ended = own.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  assert.equal(ended.status, 0, ended.stderr);
};
const until = (what: string, expected: string, ...args: string[]): Promise<true> =>
  waitFor(what, WAIT_MS, () => (own.kubectl(args).stdout.trim() === expected ? true : null));
const ready = (node: string): string[] => [
  'get',
  'node',
  node,
  '-o',
  'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
];

const container = (script: string, more: object = {}) => ({
  name: 'main',
  image: 'localhost/busybox:1',
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', script],
  ...more,
});
const pod = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, ...spec },
});
/** Runs a pod to its end and returns what it printed. */
async function output(name: string, spec: object): Promise<string> {
  apply(pod(name, spec));
  await until(`pod ${name}`, 'Succeeded', 'get', 'pod', name, '-o', 'jsonpath={.status.phase}');
  const text = kubectl('logs', name);
  kubectl('delete', 'pod', name, '--wait=false');
  return text;
}

test('two nodes and the fake ones are Ready, and every API of the server is available', { skip }, () => {
  const nodes = kubectl('get', 'nodes', '--no-headers').trim().split('\n');
  assert.equal(nodes.filter((line) => / Ready /.test(line)).length, 2 + FAKE_NODES);
  assert.equal(own.nodes, 2);
  assert.doesNotMatch(kubectl('get', 'apiservices', '--no-headers'), /False/);
});

test('a pod reaches by DNS name the service of a pod on the other node', { skip }, async () => {
  apply(
    {
      ...pod('web', {
        nodeName: 'n2',
        containers: [container('echo from n2 > /tmp/index.html; exec httpd -f -p 8080 -h /tmp')],
      }),
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    },
  );
  await until('the web pod', 'true', 'get', 'pod', 'web', '-o', 'jsonpath={.status.containerStatuses[0].ready}');
  // The service's rules appear a moment after the pod is ready.
  const ask = 'until wget -q -O- http://web.default.svc.cluster.local; do usleep 200000; done';
  assert.equal(await output('asks', { nodeName: 'n1', containers: [container(ask)] }), 'from n2\n');
  kubectl('delete', 'pod/web', 'service/web', '--wait=false');
});

test(
  'a volume of the default class is made where the pod runs, opened for fsGroup, and removed with its claim',
  { skip },
  async () => {
    apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const spec = {
      nodeSelector: { 'kubernetes.io/hostname': 'n2' },
      securityContext: { runAsUser: 1234, runAsGroup: 1234, runAsNonRoot: true, fsGroup: 4321 },
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    };
    const using = (script: string) => ({
      ...spec,
      containers: [container(script, { volumeMounts: [{ name: 'data', mountPath: '/data' }] })],
    });
    assert.equal(await output('writes', using('echo kept > /data/file; stat -c %u:%g /data/file')), '1234:4321\n');
    assert.equal(await output('reads', using('cat /data/file')), 'kept\n');
    assert.equal(readdirSync(state('volumes')).length, 1);
    await until('both pods gone', '', 'get', 'pods', '-l', 'app in (writes, reads)', '-o', 'name');
    kubectl('delete', 'pvc', 'data', '--wait=false');
    await until('the volume gone', '', 'get', 'pv', '-o', 'name');
    assert.deepEqual(readdirSync(state('volumes')), []);
  },
);

test('a claim that a local volume cannot fulfil is told so by an event', { skip }, async () => {
  apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'shared' },
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } },
  });
  const events = [
    'get',
    'events',
    '--field-selector',
    'reason=ProvisioningFailed',
    '-o',
    'jsonpath={.items[*].message}',
  ];
  await until('the event', 'local volumes belong to one node: access mode ReadWriteMany is not possible', ...events);
  kubectl('delete', 'pvc', 'shared');
});

test('helm installs, upgrades and removes a chart', { skip }, () => {
  const chart = join(scratch, 'chart');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: small\nversion: 0.1.0\n');
  const template = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: small\ndata:\n  value: {{ .Values.value }}\n';
  writeFileSync(join(chart, 'templates', 'map.yaml'), template);
  const helm = (...args: string[]) => {
    const ended = own.helm(args);
    assert.equal(ended.status, 0, ended.stderr);
    return ended.stdout;
  };
  helm('install', 'small', chart, '--set', 'value=one');
  assert.match(helm('list'), /small\s+default\s+1/);
  helm('upgrade', 'small', chart, '--set', 'value=two');
  assert.equal(kubectl('get', 'configmap', 'small', '-o', 'jsonpath={.data.value}'), 'two');
  helm('uninstall', 'small');
  assert.notEqual(own.kubectl(['get', 'configmap', 'small']).status, 0);
});

test('an aggregated API is reached through the API server, which says who asks', { skip }, async () => {
  const port = 8443;
  const file = (name: string) => join(scratch, name);
  must('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=probe.default.svc', '-addext', 'subjectAltName=DNS:probe.default.svc'],
    ...['-keyout', file('probe.key'), '-out', file('probe.crt')],
  ]);
  const program = join(here, 'src', 'testing', 'extension-server.ts');
  const front = state('pki', 'front-proxy-ca.crt');
  const args = [program, apiAddress, String(port), file('probe.key'), file('probe.crt'), front];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(server);
  await once(server.stdout, 'data');
  const ports = [{ port: 443, targetPort: port, protocol: 'TCP' }];
  apply(
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'probe' }, spec: { ports } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'probe', labels: { 'kubernetes.io/service-name': 'probe' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [apiAddress], conditions: { ready: true } }],
      ports: [{ port, protocol: 'TCP' }],
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1.probe.melissa.dev' },
      spec: {
        group: 'probe.melissa.dev',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service: { namespace: 'default', name: 'probe' },
        caBundle: Buffer.from(must('cat', [file('probe.crt')])).toString('base64'),
      },
    },
  );
  const available = 'jsonpath={.status.conditions[?(@.type=="Available")].status}';
  await until('the APIService', 'True', 'get', 'apiservice', 'v1.probe.melissa.dev', '-o', available);
  const whoami = JSON.parse(kubectl('get', '--raw', '/apis/probe.melissa.dev/v1/whoami')) as object;
  assert.deepEqual(whoami, { user: 'admin', group: 'system:masters, system:authenticated', proxy: 'front-proxy' });
  kubectl('delete', 'apiservice/v1.probe.melissa.dev', 'service/probe');
});

test('500 pods run on fake nodes, and a job of them ends', { skip }, async (context) => {
  const template = (more: object, annotations: object) => ({
    metadata: { labels: { app: 'many' }, annotations },
    spec: {
      nodeSelector: { type: 'kwok' },
      tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists', effect: 'NoSchedule' }],
      containers: [{ name: 'main', image: 'localhost/none:1' }],
      ...more,
    },
  });
  const startedMs = performance.now();
  apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'many' },
    spec: { replicas: 450, selector: { matchLabels: { app: 'many' } }, template: template({}, {}) },
  });
  apply({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'ending' },
    spec: {
      completions: 50,
      parallelism: 50,
      template: template({ restartPolicy: 'Never' }, { 'melissa.dev/fake-run': '1s' }),
    },
  });
  await until('the deployment', '450', 'get', 'deployment', 'many', '-o', 'jsonpath={.status.readyReplicas}');
  await until('the job', '50', 'get', 'job', 'ending', '-o', 'jsonpath={.status.succeeded}');
  context.diagnostic(`500 pods after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  kubectl('delete', 'deployment/many', 'job/ending', '--wait=false');
  await until('the pods gone', '', 'get', 'pods', '-l', 'app=many', '-o', 'name');
});

test('a cut link makes the node Unknown and moves its pods; a healed one makes it Ready', { skip }, async (context) => {
  const tolerations = ['unreachable', 'not-ready'].map((name) => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 2,
  }));
  apply(pod('victim', { nodeName: 'n2', tolerations, containers: [container('exec sleep 1000')] }));
  await until('the victim', 'Running', 'get', 'pod', 'victim', '-o', 'jsonpath={.status.phase}');
  const seconds = (sinceMs: number) => ((performance.now() - sinceMs) / 1000).toFixed(1);
  const cutMs = performance.now();
  own.cutLink('n2');
  await until('node n2 Unknown', 'Unknown', ...ready('n2'));
  const unknownAfter = seconds(cutMs);
  await waitFor('the eviction', WAIT_MS, () =>
    own.kubectl(['get', 'pod', 'victim', '-o', 'jsonpath={.metadata.deletionTimestamp}']).stdout === '' ? null : true,
  );
  const evictedAfter = seconds(cutMs);
  const healedMs = performance.now();
  own.healLink('n2');
  await own.nodeReady('n2');
  context.diagnostic(
    `Unknown after ${unknownAfter} s, evicted ${evictedAfter} s, Ready ${seconds(healedMs)} s after healing`,
  );
  await until('the victim gone', '', 'get', 'pods', '-l', 'app=victim', '-o', 'name');
  assert.throws(() => own.cutLink('n1'), { message: /n1 has no link/ });
});

test('API server, etcd, kubelet and containerd can be killed and started, and pods outlive it', { skip }, async () => {
  apply(pod('survivor', { nodeName: 'n1', containers: [container('exec sleep 1000')] }));
  await until('the survivor', 'Running', 'get', 'pod', 'survivor', '-o', 'jsonpath={.status.phase}');
  const readyz = () => own.kubectl(['get', '--raw', '/readyz', '--request-timeout=2s']).stdout;
  await own.stop('apiserver', 'SIGKILL');
  assert.notEqual(readyz(), 'ok');
  own.start('apiserver');
  await waitFor('the API server', WAIT_MS, () => (readyz() === 'ok' ? true : null));
  await own.stop('etcd', 'SIGKILL');
  assert.notEqual(own.kubectl(['create', 'configmap', 'lost', '--request-timeout=2s']).status, 0);
  own.start('etcd');
  await waitFor('etcd', WAIT_MS, () => (readyz() === 'ok' ? true : null));
  await own.stop('n1-kubelet', 'SIGKILL');
  await until('node n1 Unknown', 'Unknown', ...ready('n1'));
  own.start('n1-kubelet');
  await own.nodeReady('n1');
  await own.stop('n1-containerd');
  own.start('n1-containerd');
  assert.equal(await output('fresh', { nodeName: 'n1', containers: [container('echo again')] }), 'again\n');
  const survivor = [
    'get',
    'pod',
    'survivor',
    '-o',
    'jsonpath={.status.phase} {.status.containerStatuses[0].restartCount}',
  ];
  await until('the survivor', 'Running 0', ...survivor);
  assert.throws(() => own.start('n1-kubelet'), { message: /runs already/ });
  await assert.rejects(own.stop('n3-kubelet'), { message: /n3-kubelet does not run/ });
});

test('a paused part answers again when it goes on', { skip }, async () => {
  own.signal('apiserver', 'SIGSTOP');
  assert.notEqual(own.kubectl(['get', '--raw', '/readyz', '--request-timeout=1s']).stdout, 'ok');
  own.signal('apiserver', 'SIGCONT');
  await until('the API server', 'ok', 'get', '--raw', '/readyz');
});

test('requests are counted by who sent them', { skip }, async () => {
  const count = () => own.requests().filter((one) => one.verb === 'list' && one.uri.includes('/limitranges')).length;
  const earlier = count();
  for (let i = 0; i < 3; i++) kubectl('get', 'limitranges');
  await waitFor('three lists', WAIT_MS, () => (count() === earlier + 3 ? true : null));
  assert.equal(own.requests().filter((one) => /^system:(node|kube)/.test(one.user)).length, 0);
});

test('an image archive is loaded on every node', { skip }, async () => {
  const root = join(scratch, 'image');
  mkdirSync(join(root, 'bin'), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'));
  const archive = join(scratch, 'image.tar');
  writeOciArchive({ root, archive, name: 'localhost/loaded:1', entrypoint: ['/bin/busybox'], cmd: ['echo', 'loaded'] });
  assert.throws(() => own.loadImage(join(scratch, 'no-such.tar')), { name: 'ClusterError' });
  own.loadImage(archive);
  const image = { name: 'main', image: 'localhost/loaded:1', imagePullPolicy: 'Never' };
  for (const nodeName of ['n1', 'n2'])
    assert.equal(await output(`loaded-${nodeName}`, { nodeName, containers: [image] }), 'loaded\n');
});

test('with KUBECONFIG the cluster is foreign: used, and none of its parts touched', { skip }, async () => {
  const copy = join(scratch, 'foreign.kubeconfig');
  copyFileSync(own.kubeconfig, copy);
  const earlier = process.env['KUBECONFIG'];
  process.env['KUBECONFIG'] = copy;
  try {
    const foreign = await cluster();
    assert.equal(foreign.isPrivate, false);
    assert.equal(foreign.nodes, 2 + FAKE_NODES);
    assert.equal(foreign.kubectl(['get', '--raw', '/readyz']).stdout, 'ok');
    assert.throws(() => foreign.cutLink('n2'), { message: /needs a cluster of our own/ });
    assert.match(String(skipWithoutPrivateNode()), /needs a private node/);
    assert.deepEqual(await foreign.release(), []);
    assert.ok(existsSync(state('ready')), 'the release of a foreign cluster ends nothing');
  } finally {
    if (earlier === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = earlier;
  }
});

test('others are told who has the machine, and neither start nor end it', { skip }, () => {
  const main = join(here, 'src', 'main.ts');
  const cli = (command: string) => run(process.execPath, [main, command], { env: { MELISSA_CLUSTER_WAIT: '0' } });
  const up = cli('up');
  assert.equal(up.status, 1);
  assert.match(up.stderr, new RegExp(`a cluster runs already: process ${process.pid} `));
  const down = cli('down');
  assert.equal(down.status, 1);
  assert.match(down.stderr, new RegExp(`belongs to the tests of process ${process.pid} `));
  assert.equal(own.kubectl(['get', '--raw', '/readyz']).stdout, 'ok');
});

test('its end leaves the machine as it was', { skip }, async () => {
  assert.deepEqual(await own.release(), []);
  assert.equal(existsSync(state()), false);
});
