// SPDX-License-Identifier: Apache-2.0
/** What can be tested of the cluster's tools without a cluster: parsing, comparing, deciding, locking. Runs anywhere. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { parseAudit } from './audit.ts';
import { differences, linkNames, mountPoints, packetRules, type Baseline } from './baseline.ts';
import { startComponent } from './components.ts';
import { words } from './down.ts';
import { lock } from './lock.ts';
import { decide, type Claim, type Volume } from './volumes.ts';

test('a rule of iptables is split into the words that made it', () => {
  assert.deepEqual(
    words('-D POSTROUTING -s 10.0.0.0/8 -m comment --comment "name: \\"melissa\\" id: \\"a b\\"" -j CNI-1'),
    ['-D', 'POSTROUTING', '-s', '10.0.0.0/8', '-m', 'comment', '--comment', 'name: "melissa" id: "a b"', '-j', 'CNI-1'],
  );
  assert.deepEqual(words(''), []);
});

test('saved rules keep table and command, and lose counters and built-in chains', () => {
  const saved =
    '# by iptables\n*nat\n:PREROUTING ACCEPT [1:2]\n:CNI-1 - [0:0]\n-A CNI-1 -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -j X\n';
  assert.deepEqual(packetRules('iptables', saved), [
    'iptables nat :CNI-1',
    'iptables nat -A CNI-1 -j ACCEPT',
    'iptables filter -A INPUT -j X',
  ]);
});

test('links and mounts are read as the kernel prints them', () => {
  assert.deepEqual(linkNames('1: lo: <UP> mtu\n7: veth1@if2: <UP>\n'), ['lo', 'veth1']);
  assert.deepEqual(mountPoints('none /a\\040b tmpfs rw 0 0\n'), ['/a b']);
});

const baseline = (change: Partial<Baseline> = {}): Baseline => ({
  links: ['lo'],
  namespaces: [],
  mounts: [],
  tables: [],
  rules: [],
  routes: ['default'],
  cgroups: [],
  files: [],
  processes: 0,
  settings: { 'net.ipv4.ip_forward': '0', 'net.bridge.bridge-nf-call-iptables': '' },
  ...change,
});

test('every kind of left-over and loss is a sentence; an equal machine has none', () => {
  assert.deepEqual(differences(baseline(), baseline()), []);
  const after = baseline({
    links: ['lo', 'mel0'],
    routes: [],
    processes: 2,
    settings: { 'net.ipv4.ip_forward': '1', 'net.bridge.bridge-nf-call-iptables': '1' },
  });
  assert.deepEqual(differences(baseline(), after), [
    'links: mel0 is left over',
    'routes: default is gone',
    'processes: 2 are left over',
    'settings: net.ipv4.ip_forward was 0, is 1',
  ]);
  for (const key of ['namespaces', 'mounts', 'tables', 'rules', 'cgroups', 'files'] as const)
    assert.deepEqual(differences(baseline(), baseline({ [key]: ['x'] })), [`${key}: x is left over`]);
});

test('the audit log is counted once a request, also while its last line is being written', () => {
  const line = (id: string, at: string, code: number) =>
    JSON.stringify({
      auditID: id,
      verb: 'watch',
      requestURI: '/api/v1/pods',
      userAgent: 'u',
      user: { username: 'admin' },
      responseStatus: { code },
      requestReceivedTimestamp: at,
    });
  const text = `${line('b', '2', 200)}\n${line('a', '1', 200)}\n${line('b', '2', 410)}\n{"auditID":"c","ver`;
  assert.deepEqual(
    parseAudit(text).map(({ receivedAt, code, user }) => [receivedAt, code, user]),
    [
      ['1', 200, 'admin'],
      ['2', 410, 'admin'],
    ],
  );
});

const settings = { provisioner: 'p', className: 'local', directory: '/v' };
const claim = (spec: Partial<Claim['spec']> = {}, node: string | null = 'n2'): Claim => ({
  metadata: {
    name: 'data',
    namespace: 'default',
    uid: '12ab',
    ...(node === null ? {} : { annotations: { 'volume.kubernetes.io/selected-node': node } }),
  },
  spec: { storageClassName: 'local', accessModes: ['ReadWriteOnce'], ...spec },
});
const volume = (change: { path?: string; phase?: string; by?: string } = {}): Volume => ({
  metadata: { name: 'pvc-12ab', uid: 'u', annotations: { 'pv.kubernetes.io/provisioned-by': change.by ?? 'p' } },
  spec: { persistentVolumeReclaimPolicy: 'Delete', local: { path: change.path ?? '/v/pvc-12ab' } },
  status: { phase: change.phase ?? 'Released' },
});

test('a placed claim of our class gets a volume on its node, once', () => {
  const [step] = decide([claim({ resources: { requests: { storage: '3Gi' } } })], [], settings);
  assert.equal(step?.kind, 'make');
  assert.match(JSON.stringify(step), /"path":"\/v\/pvc-12ab".*"storage":"3Gi".*"values":\["n2"\]/);
  assert.deepEqual(decide([claim()], [volume({ phase: 'Available' })], settings), []);
  assert.deepEqual(decide([claim({}, null)], [], settings), [], 'its pod has no node yet');
  assert.deepEqual(decide([claim({ storageClassName: 'other' })], [], settings), []);
  assert.deepEqual(decide([claim({ volumeName: 'chosen' })], [], settings), []);
});

test('what a local volume cannot be is refused with the reason', () => {
  const reason = (spec: Partial<Claim['spec']>) => {
    const [step] = decide([claim(spec)], [], settings);
    return step?.kind === 'refuse' ? step.reason : step?.kind;
  };
  assert.match(reason({ accessModes: ['ReadWriteMany'] })!, /ReadWriteMany is not possible/);
  assert.match(reason({ volumeMode: 'Block' })!, /Block is not possible/);
  assert.match(reason({ dataSource: {} })!, /data source is not possible/);
});

test('a released volume goes with its folder, and never any other folder', () => {
  assert.deepEqual(decide([], [volume()], settings), [
    { kind: 'remove', path: '/v/pvc-12ab', name: 'pvc-12ab', uid: 'u' },
  ]);
  assert.deepEqual(decide([], [volume({ phase: 'Bound' })], settings), []);
  assert.deepEqual(decide([], [volume({ by: 'somebody' })], settings), []);
  assert.deepEqual(decide([], [volume({ path: '/v/../etc' })], settings), []);
});

test('an unknown part is refused and the parts are named', () => {
  assert.throws(() => startComponent('n1-nothing'), { name: 'ClusterError', message: /n1-nothing/ });
  assert.throws(
    () => startComponent('scheduller'),
    (error: { remedy?: string }) => /scheduler/.test(error.remedy ?? ''),
  );
});

test('a lock is held by one, and is free as soon as its holder was killed', async () => {
  const locking = new URL('lock.ts', import.meta.url).href;
  const program = `const { lock } = await import(${JSON.stringify(locking)}); await lock(60, 'cluster-test'); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await assert.rejects(lock(0, 'cluster-test'), { name: 'ClusterError', message: /started or ended by/ });
  child.kill('SIGKILL');
  const giveBack = await lock(60, 'cluster-test');
  await giveBack();
  await (
    await lock(0, 'cluster-test')
  )();
});
