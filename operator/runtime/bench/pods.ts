// SPDX-License-Identifier: Apache-2.0
/** Pods as a cluster has them: 5 kB of JSON each, a third of it managedFields. */
export function pod(index: number, version: string): Record<string, unknown> {
  const name = `worker-${index}-${(index * 2654435761) % 4294967296}`;
  const image = 'example.invalid/team/simulation-worker:2026.11.1';
  const mount = {
    name: 'kube-api-access-abcde',
    readOnly: true,
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  };
  const at = '2026-11-22T08:00:00Z';
  const fields = {
    'f:metadata': {
      'f:labels': { '.': {}, 'f:app': {}, 'f:job-name': {}, 'f:batch.kubernetes.io/job-completion-index': {} },
      'f:ownerReferences': { '.': {}, 'k:{"uid":"4f9daadd-2bc0-411e-975b-f9a71d830fdb"}': {} },
    },
    'f:spec': {
      'f:containers': {
        'k:{"name":"main"}': {
          '.': {},
          'f:image': {},
          'f:imagePullPolicy': {},
          'f:name': {},
          'f:resources': {
            '.': {},
            'f:limits': { '.': {}, 'f:cpu': {}, 'f:memory': {} },
            'f:requests': { '.': {}, 'f:cpu': {}, 'f:memory': {} },
          },
          'f:terminationMessagePath': {},
          'f:terminationMessagePolicy': {},
        },
      },
      'f:dnsPolicy': {},
      'f:enableServiceLinks': {},
      'f:restartPolicy': {},
      'f:schedulerName': {},
      'f:securityContext': {},
      'f:terminationGracePeriodSeconds': {},
    },
  };
  const status = {
    'f:status': {
      'f:conditions': {
        'k:{"type":"ContainersReady"}': {
          '.': {},
          'f:lastProbeTime': {},
          'f:lastTransitionTime': {},
          'f:status': {},
          'f:type': {},
        },
        'k:{"type":"Ready"}': {
          '.': {},
          'f:lastProbeTime': {},
          'f:lastTransitionTime': {},
          'f:status': {},
          'f:type': {},
        },
      },
      'f:containerStatuses': {},
      'f:hostIP': {},
      'f:phase': {},
      'f:podIP': {},
      'f:podIPs': {},
      'f:startTime': {},
    },
  };
  const condition = (type: string) => ({
    type,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: at,
    observedGeneration: 1,
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: `team-${index % 50}`,
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      resourceVersion: version,
      generation: 1,
      creationTimestamp: at,
      labels: {
        app: 'simulation',
        'job-name': `study-${index % 500}`,
        'batch.kubernetes.io/job-completion-index': String(index),
      },
      annotations: { 'batch.kubernetes.io/job-completion-index': String(index) },
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          name: `study-${index % 500}`,
          uid: `11111111-0000-4000-8000-${String(index % 500).padStart(12, '0')}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        {
          manager: 'kube-controller-manager',
          operation: 'Update',
          apiVersion: 'v1',
          time: at,
          fieldsType: 'FieldsV1',
          fieldsV1: fields,
        },
        {
          manager: 'kubelet',
          operation: 'Update',
          apiVersion: 'v1',
          time: at,
          fieldsType: 'FieldsV1',
          fieldsV1: status,
          subresource: 'status',
        },
      ],
    },
    spec: {
      volumes: [
        {
          name: 'kube-api-access-abcde',
          projected: {
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            ],
            defaultMode: 420,
          },
        },
      ],
      containers: [
        {
          name: 'main',
          image,
          command: ['/bin/simulate', '--index', String(index)],
          resources: { limits: { cpu: '2', memory: '2Gi' }, requests: { cpu: '2', memory: '2Gi' } },
          volumeMounts: [mount],
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      nodeName: `node-${index % 200}`,
      securityContext: {},
      schedulerName: 'default-scheduler',
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {
      phase: 'Running',
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
        condition,
      ),
      hostIP: '10.0.0.1',
      podIP: '10.244.1.2',
      podIPs: [{ ip: '10.244.1.2' }],
      startTime: at,
      containerStatuses: [
        {
          name: 'main',
          state: { running: { startedAt: at } },
          lastState: {},
          ready: true,
          restartCount: 0,
          image,
          imageID: `${image}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`,
          containerID: `containerd://${String(index).padStart(64, '0')}`,
          started: true,
        },
      ],
      qosClass: 'Guaranteed',
    },
  };
}
