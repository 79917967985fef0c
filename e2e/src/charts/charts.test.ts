// SPDX-License-Identifier: Apache-2.0
/** What each switch of the chart does to what is installed, rendered by the real helm; and what is refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { tool } from '../../cluster/src/layout.ts';
import { buildTools } from '../../cluster/src/tools.ts';
import { root } from '../melissa.ts';

const chart = join(root, 'charts', 'melissa');
type Json = Record<string, any>;

before(() => void buildTools(['helm']));

function helm(values: object, more: string[] = []): { code: number; stdout: string; stderr: string } {
  const args = [
    'template',
    'melissa',
    chart,
    '--namespace',
    'melissa-system',
    '--kube-version',
    '1.36.0',
    '--values',
    '-',
  ];
  const ended = spawnSync(tool('helm'), [...args, ...more], { input: JSON.stringify(values), encoding: 'utf8', maxBuffer: 1 << 26 }); // prettier-ignore
  return { code: ended.status ?? 1, stdout: ended.stdout, stderr: ended.stderr };
}
function rendered(values: object = {}): Json[] {
  const { code, stdout, stderr } = helm(values);
  assert.equal(code, 0, stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Json | null)
    .filter((item): item is Json => item !== null);
}
const all = (objects: Json[], kind: string): Json[] => objects.filter((item) => item['kind'] === kind);
const one = (objects: Json[], kind: string, name?: string): Json => {
  const found = all(objects, kind).filter((item) => name === undefined || item['metadata'].name === name);
  assert.equal(found.length, 1, `${found.length} objects ${kind} ${name ?? ''}`);
  return found[0]!;
};
const container = (objects: Json[]): Json => one(objects, 'Deployment')['spec'].template.spec.containers[0];
const variable = (objects: Json[], name: string): unknown =>
  container(objects)['env'].find((item: Json) => item['name'] === name)?.value;

test('as it stands the chart installs the kind, kept on uninstall, and one restricted operator for all namespaces', () => {
  const objects = rendered();
  const crd = one(objects, 'CustomResourceDefinition');
  assert.equal(crd['metadata'].annotations['helm.sh/resource-policy'], 'keep');
  assert.equal(crd['spec'].names.kind, 'MelissaStudy');
  const pod = one(objects, 'Deployment')['spec'].template.spec;
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
  const { securityContext, resources, readinessProbe, livenessProbe } = container(objects);
  assert.deepEqual(securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  assert.ok(resources.requests.memory !== undefined && resources.limits.memory !== undefined);
  assert.ok(readinessProbe !== undefined && livenessProbe !== undefined);
  assert.equal(variable(objects, 'MELISSA_NAMESPACES'), '');
  one(objects, 'ClusterRole', 'melissa-operator');
  for (const item of objects) {
    if (item['kind'] === 'CustomResourceDefinition') continue;
    assert.equal(item['metadata'].labels['app.kubernetes.io/instance'], 'melissa', item['kind']);
  }
});

test('the operator may do what its generated rules say, and nobody lists Secrets', () => {
  const rules = JSON.parse(readFileSync(join(chart, 'files', 'rbac.json'), 'utf8')) as Json;
  const objects = rendered();
  assert.deepEqual(one(objects, 'ClusterRole', 'melissa-operator')['rules'], rules['cluster']);
  assert.deepEqual(one(objects, 'Role', 'melissa-operator-own')['rules'], rules['namespaced']);
  for (const rule of rules['cluster'] as { resources?: string[]; verbs: string[] }[]) {
    assert.ok(!rule.verbs.includes('*') && !(rule.resources ?? []).includes('*'), JSON.stringify(rule));
    if (!(rule.resources ?? []).includes('secrets')) continue;
    for (const verb of ['list', 'watch', 'deletecollection']) assert.ok(!rule.verbs.includes(verb), verb);
  }
});

test('crds.install leaves the kind to others', () => {
  assert.equal(all(rendered({ crds: { install: false } }), 'CustomResourceDefinition').length, 0);
});

test('a list of namespaces gives a Role in each and no ClusterRole of the operator', () => {
  const objects = rendered({ namespaces: ['science', 'teaching'] });
  const roles = all(objects, 'Role').filter((item) => item['metadata'].name === 'melissa-operator');
  assert.deepEqual(roles.map((item) => item['metadata'].namespace), ['science', 'teaching']); // prettier-ignore
  assert.equal(all(objects, 'RoleBinding').length, 3);
  assert.deepEqual(all(objects, 'ClusterRole').map((item) => item['metadata'].name), ['melissa-operator-edit', 'melissa-operator-view']); // prettier-ignore
  assert.equal(variable(objects, 'MELISSA_NAMESPACES'), 'science,teaching');
});

test('replicas bring a disruption budget and need the election', () => {
  assert.equal(all(rendered(), 'PodDisruptionBudget').length, 0);
  const objects = rendered({ operator: { replicas: 3 } });
  assert.equal(one(objects, 'Deployment')['spec'].replicas, 3);
  assert.equal(one(objects, 'PodDisruptionBudget')['spec'].maxUnavailable, 1);
  assert.equal(
    all(rendered({ operator: { replicas: 3, podDisruptionBudget: false } }), 'PodDisruptionBudget').length,
    0,
  );
  const alone = rendered({ operator: { election: false } });
  assert.equal(one(alone, 'Deployment')['spec'].strategy.type, 'Recreate');
  assert.equal(variable(alone, 'MELISSA_ELECTION'), 'false');
  const refused = helm({ operator: { replicas: 2, election: false } });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /needs operator\.election/);
});

test('authorize binds the operator alone to the delegator role and brings a certificate that names the service', () => {
  const objects = rendered();
  const binding = one(objects, 'ClusterRoleBinding', 'melissa-operator-authorize');
  assert.deepEqual(binding['subjects'], [{ kind: 'ServiceAccount', name: 'melissa-operator', namespace: 'melissa-system' }]); // prettier-ignore
  assert.equal(binding['roleRef'].name, 'system:auth-delegator');
  assert.equal(
    variable(objects, 'MELISSA_AUTHORIZE_URL'),
    'https://melissa-operator.melissa-system.svc:8444/authorize',
  );
  const secret = one(objects, 'Secret');
  assert.deepEqual(Object.keys(secret['data']).sort(), ['ca.crt', 'tls.crt', 'tls.key']);
  // Heads of studies that outlive an installation trust this authority.
  assert.equal(secret['metadata'].annotations['helm.sh/resource-policy'], 'keep');
  const off = rendered({ authorize: { enabled: false } });
  assert.equal(all(off, 'Secret').length, 0);
  assert.equal(all(off, 'ClusterRoleBinding').length, 1);
  assert.equal(variable(off, 'MELISSA_AUTHORIZE_PORT'), '0');
  assert.equal(one(off, 'Service')['spec'].ports.length, 1);
});

test('images go by digest when one is given, else by tag, else by the version of the chart', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const objects = rendered({
    images: {
      operator: { repository: 'registry.example/operator', digest },
      server: { repository: 'registry.example/server', tag: 'edge' },
      pullPolicy: 'Always',
      pullSecrets: ['one'],
    },
  });
  assert.equal(container(objects)['image'], `registry.example/operator@${digest}`);
  assert.equal(variable(objects, 'MELISSA_SERVER_IMAGE'), 'registry.example/server:edge');
  assert.match(String(variable(objects, 'MELISSA_PILOT_IMAGE')), /^localhost\/melissa\/client:\d+\.\d+\.\d+$/);
  assert.equal(variable(objects, 'MELISSA_IMAGE_PULL_POLICY'), 'Always');
  assert.deepEqual(one(objects, 'Deployment')['spec'].template.spec.imagePullSecrets, [{ name: 'one' }]);
});

test('roles for people are aggregated, scale included, and can be left out', () => {
  const objects = rendered();
  const edit = one(objects, 'ClusterRole', 'melissa-operator-edit');
  assert.equal(edit['metadata'].labels['rbac.authorization.k8s.io/aggregate-to-edit'], 'true');
  assert.ok(JSON.stringify(edit['rules']).includes('melissastudies/scale'));
  const view = one(objects, 'ClusterRole', 'melissa-operator-view');
  for (const rule of view['rules']) assert.deepEqual(rule.verbs, ['get', 'list', 'watch']);
  assert.equal(all(rendered({ rbac: { aggregate: false } }), 'ClusterRole').length, 1);
});

test('network policy, monitoring, placement, account and log level follow their values', () => {
  const objects = rendered();
  const policy = one(objects, 'NetworkPolicy');
  assert.deepEqual(policy['spec'].policyTypes, ['Ingress']);
  assert.equal(all(rendered({ networkPolicy: { enabled: false } }), 'NetworkPolicy').length, 0);
  assert.equal(all(objects, 'ServiceMonitor').length + all(objects, 'ConfigMap').length, 0);
  const metrics = { serviceMonitor: { enabled: true, labels: { release: 'p' }, interval: '10s' }, dashboard: { enabled: true } }; // prettier-ignore
  const watched = rendered({ metrics });
  const monitor = one(watched, 'ServiceMonitor');
  assert.equal(monitor['metadata'].labels.release, 'p');
  assert.equal(monitor['spec'].endpoints[0].interval, '10s');
  const dashboard = JSON.parse(one(watched, 'ConfigMap')['data']['melissa.json']) as Json;
  assert.ok(dashboard['panels'].length >= 5);
  const operator = {
    logLevel: 'debug',
    nodeSelector: { pool: 'system' },
    tolerations: [{ key: 'k', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
    resources: { limits: { memory: '1Gi' } },
  };
  const placed = rendered({ operator, serviceAccount: { name: 'mine', annotations: { a: 'b' } } });
  const pod = one(placed, 'Deployment')['spec'].template.spec;
  assert.deepEqual([pod.nodeSelector, pod.priorityClassName, pod.tolerations.length, pod.serviceAccountName], [{ pool: 'system' }, 'high', 1, 'mine']); // prettier-ignore
  assert.deepEqual(pod.affinity, { nodeAffinity: {} });
  assert.equal(container(placed)['resources'].limits.memory, '1Gi');
  assert.equal(variable(placed, 'MELISSA_LOG_LEVEL'), 'debug');
  assert.equal(one(placed, 'ServiceAccount')['metadata'].annotations.a, 'b');
});

test('every value is described in the schema, and what is not is refused by name', () => {
  for (const wrong of [
    { operator: { replica: 2 } },
    { operator: { replicas: -1 } },
    { images: { pullPolicy: 'Sometimes' } },
    { images: { server: { digest: 'sha256:short' } } },
    { namespaces: 'science' },
    { crd: {} },
  ]) {
    const { code, stderr } = helm(wrong);
    assert.equal(code, 1, JSON.stringify(wrong));
    assert.match(stderr, /values don't meet the specifications/, JSON.stringify(wrong));
  }
  const old = helm({}, ['--kube-version', '1.32.9']);
  assert.equal(old.code, 1);
  assert.match(old.stderr, /kubeVersion/);
});
