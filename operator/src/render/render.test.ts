// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { completeSpec, type CheckedSpec, type MelissaStudySpec } from '@melissa/crds';
import { aSpec, config } from '../testing.ts';
import { render } from './render.ts';
import type { Rendered } from '../types.ts';

type Json = Record<string, unknown>;
type Container = {
  name: string;
  args?: string[];
  resources: { requests: Json; limits: Json };
  securityContext: Json;
  volumeMounts: { mountPath: string }[];
};
type PodSpec = { containers: Container[]; initContainers?: Container[]; securityContext: Json; volumes: Json[] } & Json;

function rendered(changes: Partial<MelissaStudySpec> = {}): Rendered {
  const spec = completeSpec(aSpec(changes)) as CheckedSpec;
  return render({ name: 'heat', namespace: 'lab', spec }, config, 'abc');
}
const podOf = (wanted: Json): PodSpec => (wanted['spec'] as { template: { spec: PodSpec } }).template.spec;
const pods = (all: Rendered): PodSpec[] => [podOf(all.statefulSet), podOf(all.job)];

test('every pod keeps the restricted standard, and every container has requests and limits', () => {
  for (const pod of pods(rendered())) {
    assert.equal(pod['automountServiceAccountToken'], false);
    assert.equal(pod['enableServiceLinks'], false);
    assert.deepEqual(
      [pod.securityContext['runAsNonRoot'], pod.securityContext['runAsUser'], pod.securityContext['fsGroup']],
      [true, 65_532, 65_532],
    );
    assert.deepEqual(pod.securityContext['seccompProfile'], { type: 'RuntimeDefault' });
    for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
      assert.equal(container.securityContext['allowPrivilegeEscalation'], false);
      assert.deepEqual(container.securityContext['capabilities'], { drop: ['ALL'] });
      for (const amounts of [container.resources.requests, container.resources.limits])
        assert.deepEqual(Object.keys(amounts).sort(), ['cpu', 'memory']);
      // Only the user's own solver may write beside its volumes.
      assert.equal(container.securityContext['readOnlyRootFilesystem'], container.name !== 'solver');
    }
  }
});

test('the Job of pilots has the fields on which elasticity and survival rest, and no others', () => {
  const { template: _template, ...spec } = rendered().job['spec'] as Json;
  assert.deepEqual(spec, {
    completionMode: 'Indexed',
    completions: 100_000,
    backoffLimitPerIndex: 2_147_483_647,
    podReplacementPolicy: 'TerminatingOrFailed',
    successPolicy: { rules: [{ succeededCount: 1 }] },
  });
  assert.equal(podOf(rendered().job)['restartPolicy'], 'Never');
  assert.equal(podOf(rendered().job)['terminationGracePeriodSeconds'], 40);
});

test('a pod for each simulation: no success policy, and a pilot that leases one', () => {
  const { job } = rendered({ client: { ...aSpec().client, mode: 'PodPerSimulation' } });
  assert.equal('successPolicy' in (job['spec'] as Json), false);
  assert.deepEqual(podOf(job).containers[0]?.args?.slice(-2), ['--simulations', '1']);
});

test('a template adds, overrides users and amounts, and null leaves users to the cluster', () => {
  const template = {
    resources: { requests: { cpu: '2' }, limits: { memory: '8Gi', 'nvidia.com/gpu': '1' } },
    nodeSelector: { disk: 'fast' },
    labels: { team: 'lab', 'melissa.dev/study': 'other' },
    volumes: [{ name: 'mesh', configMap: { name: 'mesh' } }],
    volumeMounts: [{ name: 'mesh', mountPath: '/mesh' }],
    securityContext: { runAsUser: null, runAsGroup: 1000, fsGroup: null, readOnlyRootFilesystem: true },
  };
  const { job } = rendered({ client: { ...aSpec().client, template } });
  const pod = podOf(job);
  assert.deepEqual(pod.containers[0]?.resources, {
    requests: { cpu: '2', memory: '8Gi', 'nvidia.com/gpu': '1' },
    limits: { cpu: '2', memory: '8Gi', 'nvidia.com/gpu': '1' },
  });
  assert.deepEqual(pod['nodeSelector'], { disk: 'fast' });
  assert.equal('runAsUser' in pod.securityContext || 'fsGroup' in pod.securityContext, false);
  assert.equal(pod.securityContext['runAsGroup'], 1000);
  assert.equal(pod.containers[0]?.securityContext['readOnlyRootFilesystem'], true);
  assert.ok(pod.containers[0]?.volumeMounts.some(({ mountPath }) => mountPath === '/mesh'));
  const { labels } = (job['spec'] as { template: { metadata: { labels: Json } } }).template.metadata;
  assert.deepEqual(
    [labels['team'], labels['melissa.dev/study']],
    ['lab', 'heat'],
    'its own labels cannot be taken over',
  );
});

test('a queue is copied to the Job for Kueue; a claim that exists is used', () => {
  const { job, claim, statefulSet } = rendered({
    queue: { name: 'night' },
    server: { checkpoint: { storage: { existingClaim: 'old' } } },
  });
  assert.equal(job.metadata.labels?.['kueue.x-k8s.io/queue-name'], 'night');
  assert.equal(claim, null);
  assert.ok(podOf(statefulSet).volumes.some((volume) => JSON.stringify(volume).includes('"claimName":"old"')));
});

test('what is rendered is small: a hundredth of what an object may hold', () => {
  assert.ok(JSON.stringify(rendered()).length < 16_000, `${JSON.stringify(rendered()).length} bytes`);
});
