// SPDX-License-Identifier: Apache-2.0
/**
 * The pilots: one Indexed Job whose `parallelism` alone changes. Why each field is as it is: with completions = parallelism a scale to 0 would complete
 * the Job for good, so completions are fixed; the global back-off keeps killed pilots away for minutes, so it is per index and never reached;
 * `TerminatingOrFailed` replaces pods of a dead node, which a podFailurePolicy would forbid; one pilot that exits 0 has heard from the
 * head that the plan is finished.
 */
import type { Wanted } from 'operator-runtime';
import { jobBackoffLimitPerIndex, jobCompletions, pilotGraceSeconds } from '../limits.ts';
import { clientSecret, CONTROL_PORT, headless, headPod, jobName, labelsOf, paths, pilotName } from '../names.ts';
import type { OperatorConfig } from '../types.ts';
import { containerSecurity, placement, podSecurity, resourcesOf } from './security.ts';
import { fieldOf, type Subject } from './subject.ts';

export function pilotJob(subject: Subject, config: OperatorConfig): Wanted {
  const { name, namespace, spec } = subject;
  const { template, drainSeconds, mode } = spec.client;
  const labels = labelsOf(name, 'pilot');
  const queue = spec.queue;
  const queueLabels = {
    ...(queue?.name === undefined ? {} : { 'kueue.x-k8s.io/queue-name': queue.name }),
    ...(queue?.priorityClassName === undefined ? {} : { 'kueue.x-k8s.io/priority-class': queue.priorityClassName }),
  };
  const pod = {
    serviceAccountName: pilotName(name),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: Math.ceil(drainSeconds) + pilotGraceSeconds,
    securityContext: podSecurity(template),
    ...placement(template),
    initContainers: [installer(config)],
    containers: [solver(subject, config)],
    volumes: [
      { name: 'pilot', emptyDir: {} },
      { name: 'secrets', secret: { secretName: clientSecret(name), defaultMode: 0o440 } },
      { name: 'work', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
      // MPI passes messages within a node through it; the container runtime's own has 64 MiB.
      { name: 'shm', emptyDir: { medium: 'Memory' } },
      ...(template?.volumes ?? []),
    ],
  };
  return {
    metadata: { name: jobName(name), namespace, labels: { ...labels, ...queueLabels } },
    spec: {
      completionMode: 'Indexed',
      completions: jobCompletions,
      backoffLimitPerIndex: jobBackoffLimitPerIndex,
      podReplacementPolicy: 'TerminatingOrFailed',
      ...(mode === 'Pilot' ? { successPolicy: { rules: [{ succeededCount: 1 }] } } : {}),
      template: {
        metadata: { labels: { ...template?.labels, ...labels }, annotations: { ...template?.annotations } },
        spec: pod,
      },
    },
  };
}

/** Copies the pilot, a static program, beside the solver: its image stays as it is. */
const installer = (config: OperatorConfig): Record<string, unknown> => ({
  name: 'pilot',
  image: config.pilotImage,
  imagePullPolicy: config.imagePullPolicy,
  command: ['/melissa-pilot', '--install', paths.pilot],
  resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '500m', memory: '32Mi' } },
  securityContext: containerSecurity(true),
  volumeMounts: [{ name: 'pilot', mountPath: paths.pilot }],
});

function solver({ name, namespace, spec }: Subject, config: OperatorConfig): Record<string, unknown> {
  const { image, template, ranks, mode } = spec.client;
  const head = `tcp://${headPod(name)}.${headless(name, namespace)}:${CONTROL_PORT}`;
  const usual = {
    requests: { cpu: `${250 * ranks}m`, memory: '256Mi' },
    limits: { cpu: String(ranks), memory: '2Gi' },
  };
  return {
    name: 'solver',
    image,
    imagePullPolicy: template?.imagePullPolicy ?? config.imagePullPolicy,
    command: [`${paths.pilot}/melissa-pilot`],
    args: [
      ...['--head', head],
      ...['--token-file', `${paths.client}/lease-token`],
      ...['--curve-dir', paths.client],
      ...['--id', '$(MELISSA_POD_NAME)'],
      ...['--work', `${paths.work}/run`],
      ...(mode === 'Pilot' ? [] : ['--simulations', '1']),
    ],
    env: [
      fieldOf('MELISSA_POD_NAME', 'metadata.name'),
      fieldOf('MELISSA_NODE_NAME', 'spec.nodeName'),
      // The user has no entry in passwd, and MPI makes sockets under TMPDIR, whose paths must be short.
      { name: 'HOME', value: paths.work },
      { name: 'TMPDIR', value: '/tmp' },
    ],
    resources: resourcesOf(template, usual),
    securityContext: containerSecurity(template?.securityContext?.readOnlyRootFilesystem ?? false),
    volumeMounts: [
      { name: 'pilot', mountPath: paths.pilot, readOnly: true },
      { name: 'secrets', mountPath: paths.client, readOnly: true },
      { name: 'work', mountPath: paths.work },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
      ...(template?.volumeMounts ?? []),
    ],
  };
}
