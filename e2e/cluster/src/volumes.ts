// SPDX-License-Identifier: Apache-2.0
/**
 * What the provisioner of the default StorageClass does, decided from the claims and volumes that exist: a `local` volume for a
 * claim whose pod has been placed, and the end of a volume whose claim has gone. `local` and not hostPath, because the kubelet
 * applies fsGroup to the one and not to the other. Called by provisioner.ts.
 */
export type Claim = {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion?: string;
    deletionTimestamp?: string;
    annotations?: Record<string, string>;
  };
  spec: {
    storageClassName?: string;
    volumeName?: string;
    volumeMode?: string;
    accessModes?: string[];
    selector?: object;
    dataSource?: object;
    dataSourceRef?: object;
    resources?: { requests?: { storage?: string } };
  };
};
export type Volume = {
  metadata: { name: string; uid: string; annotations?: Record<string, string>; deletionTimestamp?: string };
  spec: { persistentVolumeReclaimPolicy?: string; local?: { path: string } };
  status?: { phase?: string };
};

export type Settings = { provisioner: string; className: string; directory: string };
export type Step =
  | { kind: 'make'; path: string; volume: { metadata: { name: string } } & Record<string, unknown> }
  | { kind: 'remove'; path: string; name: string; uid: string }
  | { kind: 'refuse'; claim: Claim; reason: string };

const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
/** Two pods of one node may share a local volume; pods of two nodes may not. */
const possibleModes = ['ReadWriteOnce', 'ReadWriteOncePod'];

export function decide(claims: readonly Claim[], volumes: readonly Volume[], settings: Settings): Step[] {
  const existing = new Set(volumes.map((one) => one.metadata.name));
  const made = claims.flatMap((claim): Step[] => {
    const node = claim.metadata.annotations?.[SELECTED_NODE];
    const isWaiting =
      claim.spec.storageClassName === settings.className &&
      (claim.spec.volumeName ?? '') === '' &&
      claim.metadata.deletionTimestamp === undefined;
    if (!isWaiting) return [];
    const reason = impossible(claim);
    if (reason !== null) return [{ kind: 'refuse', claim, reason }];
    if (node === undefined || existing.has(nameOf(claim))) return [];
    const path = `${settings.directory}/${nameOf(claim)}`;
    return [{ kind: 'make', path, volume: volumeFor(claim, node, path, settings) }];
  });
  const removed = volumes
    .filter(
      ({ metadata, spec, status }) =>
        metadata.annotations?.[PROVISIONED_BY] === settings.provisioner &&
        spec.persistentVolumeReclaimPolicy === 'Delete' &&
        status?.phase === 'Released' &&
        // Only folders that we made: nothing else is ever removed, whatever a volume says.
        spec.local?.path === `${settings.directory}/${metadata.name}` &&
        /^pvc-[0-9a-f-]+$/.test(metadata.name),
    )
    .map(({ metadata, spec }): Step => ({
      kind: 'remove',
      path: spec.local!.path,
      name: metadata.name,
      uid: metadata.uid,
    }));
  return [...made, ...removed];
}

const nameOf = (claim: Claim): string => `pvc-${claim.metadata.uid}`;

function impossible({ spec }: Claim): string | null {
  const modes = (spec.accessModes ?? []).filter((mode) => !possibleModes.includes(mode));
  if (modes.length > 0) return `local volumes belong to one node: access mode ${modes.join(', ')} is not possible`;
  if (spec.volumeMode === 'Block') return 'local volumes are file systems: volumeMode Block is not possible';
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined)
    return 'local volumes start empty: a data source is not possible';
  return null;
}

const volumeFor = (claim: Claim, node: string, path: string, { provisioner, className }: Settings) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: nameOf(claim), annotations: { [PROVISIONED_BY]: provisioner } },
  spec: {
    capacity: { storage: claim.spec.resources?.requests?.storage ?? '1Gi' },
    accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
    volumeMode: 'Filesystem',
    persistentVolumeReclaimPolicy: 'Delete',
    storageClassName: className,
    claimRef: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: claim.metadata.namespace,
      name: claim.metadata.name,
      uid: claim.metadata.uid,
    },
    local: { path },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }],
      },
    },
  },
});

export const storageClass = ({ provisioner, className }: Settings) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: className, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer', // the pod's node decides where the volume is
  allowVolumeExpansion: false,
});
