// SPDX-License-Identifier: Apache-2.0
/** The study server: headless Service, REST Service, StatefulSet of head and ranks, and the claim with their checkpoints. See CONTRACT.md. */
import type { Wanted } from 'operator-runtime';
import { serverGraceSeconds } from '../limits.ts';
import {
  claimName,
  CONTROL_PORT,
  headless,
  HTTP_PORT,
  HTTPS_PORT,
  INDEX_LABEL,
  labelsOf,
  paths,
  selectorOf,
  serverName,
  serverSecret,
} from '../names.ts';
import type { OperatorConfig } from '../types.ts';
import { containerSecurity, placement, podSecurity, resourcesOf } from './security.ts';
import { fieldOf, type Subject } from './subject.ts';

export function services({ name, namespace }: Subject): Wanted[] {
  const labels = labelsOf(name, 'server');
  const selector = selectorOf(name, 'server');
  return [
    {
      metadata: { name: serverName(name), namespace, labels },
      // Peers look for a pod before it is ready: ranks and pilots wait for the head on their own.
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector,
        ports: [{ name: 'control', port: CONTROL_PORT, targetPort: 'control' }],
      },
    },
    {
      metadata: { name, namespace, labels },
      spec: {
        selector: { ...selector, [INDEX_LABEL]: '0' },
        ports: [
          // Only `kubectl port-forward` reaches it: in the pod it listens on loopback.
          { name: 'http', port: HTTP_PORT, targetPort: HTTP_PORT },
          { name: 'https', port: HTTPS_PORT, targetPort: HTTPS_PORT },
        ],
      },
    },
  ];
}

/** Null when the study brings its own. */
export function claim({ name, namespace, spec }: Subject): Wanted | null {
  const { storage } = spec.server.checkpoint;
  if (storage?.existingClaim !== undefined) return null;
  return {
    metadata: { name: claimName(name), namespace, labels: labelsOf(name, 'server') },
    spec: {
      accessModes: [storage?.accessMode ?? 'ReadWriteOnce'],
      resources: { requests: { storage: storage?.size ?? '10Gi' } },
      ...(storage?.storageClassName === undefined ? {} : { storageClassName: storage.storageClassName }),
    },
  };
}

export function statefulSet(subject: Subject, config: OperatorConfig, configMap: string): Wanted {
  const { name, namespace, spec } = subject;
  const { template, checkpoint } = spec.server;
  const labels = labelsOf(name, 'server');
  const existing = checkpoint.storage?.existingClaim;
  const volumes = [
    { name: 'study', configMap: { name: configMap } },
    { name: 'secrets', secret: { secretName: serverSecret(name), defaultMode: 0o440 } },
    { name: 'data', persistentVolumeClaim: { claimName: existing ?? claimName(name) } },
    { name: 'tmp', emptyDir: {} },
    ...(template?.volumes ?? []),
  ];
  const pod = {
    serviceAccountName: serverName(name),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: serverGraceSeconds,
    securityContext: podSecurity(template),
    ...placement(template),
    containers: [container(subject, config)],
    volumes,
  };
  return {
    metadata: { name: serverName(name), namespace, labels },
    spec: {
      serviceName: serverName(name),
      podManagementPolicy: 'Parallel',
      // The operator decides when a pod of an older template goes: never because the operator itself was upgraded.
      updateStrategy: { type: 'OnDelete' },
      selector: { matchLabels: selectorOf(name, 'server') },
      template: {
        metadata: { labels: { ...template?.labels, ...labels }, annotations: { ...template?.annotations } },
        spec: pod,
      },
    },
  };
}

function container({ name, namespace, spec }: Subject, config: OperatorConfig): Record<string, unknown> {
  const { template, memory, ranks } = spec.server;
  const authorize =
    config.authorize === null
      ? []
      : ['--authorize', config.authorize.url, '--authorize-ca', `${paths.study}/authorize-ca.crt`];
  return {
    name: 'server',
    image: config.serverImage,
    imagePullPolicy: template?.imagePullPolicy ?? config.imagePullPolicy,
    args: [
      'pod',
      ...['--config', paths.study],
      ...['--secrets', paths.server],
      ...['--data', paths.data],
      ...['--headless', headless(name, namespace)],
      ...['--ranks', String(ranks)],
      ...authorize,
    ],
    env: [
      fieldOf('MELISSA_POD_NAME', 'metadata.name'),
      fieldOf('MELISSA_NAMESPACE', 'metadata.namespace'),
      fieldOf('MELISSA_POD_INDEX', `metadata.labels['${INDEX_LABEL}']`),
      { name: 'MELISSA_STUDY', value: name },
    ],
    ports: [
      { name: 'control', containerPort: CONTROL_PORT },
      { name: 'https', containerPort: HTTPS_PORT },
    ],
    // Head and ranks both listen there. Nobody is killed for being slow: a head that cannot go on exits by itself.
    readinessProbe: { tcpSocket: { port: 'control' }, periodSeconds: 2, failureThreshold: 3 },
    resources: resourcesOf(template, { requests: { cpu: '250m', memory }, limits: { cpu: '4', memory } }),
    securityContext: containerSecurity(template?.securityContext?.readOnlyRootFilesystem ?? true),
    volumeMounts: [
      { name: 'study', mountPath: paths.study, readOnly: true },
      { name: 'secrets', mountPath: paths.server, readOnly: true },
      { name: 'data', mountPath: paths.data, subPathExpr: '$(MELISSA_POD_NAME)' },
      { name: 'tmp', mountPath: '/tmp' },
      ...(template?.volumeMounts ?? []),
    ],
  };
}
