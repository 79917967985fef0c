// SPDX-License-Identifier: Apache-2.0
/**
 * The provisioner of the default StorageClass, a program of its own: `node provisioner.ts`. It looks at all claims and volumes
 * whenever a watch says that something changed, and every few seconds, and does what volumes.ts decides. Each step can be repeated,
 * so a killed provisioner only has to be started again. It stands on nothing of the controller runtime, which is tested on
 * this cluster.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { apiClient, type ApiClient } from './api-client.ts';
import { provisionerName, state, storageClassName } from './layout.ts';
import { ClusterError } from './shell.ts';
import { decide, storageClass, type Claim, type Settings, type Step, type Volume } from './volumes.ts';

const RESYNC_MS = 10_000; // a lost watch costs at most this
const SETTLE_MS = 50; // one look for changes that come together

const settings: Settings = {
  provisioner: provisionerName,
  className: storageClassName,
  directory: state('volumes'),
};
const api = apiClient('storage');
const refused = new Set<string>();
let changed = Promise.withResolvers<void>();

async function step(one: Step): Promise<void> {
  if (one.kind === 'make') {
    mkdirSync(one.path, { recursive: true, mode: 0o755 }); // as a fresh disk: fsGroup must open it for others
    await api.send('POST', '/api/v1/persistentvolumes', one.volume, [409]);
  } else if (one.kind === 'remove') {
    rmSync(one.path, { recursive: true, force: true });
    await api.send('DELETE', `/api/v1/persistentvolumes/${one.name}`, { preconditions: { uid: one.uid } }, [404, 409]);
  } else if (!refused.has(one.claim.metadata.uid)) {
    refused.add(one.claim.metadata.uid);
    await api.send('POST', `/api/v1/namespaces/${one.claim.metadata.namespace}/events`, refusal(one.claim, one.reason));
  }
}

function refusal(claim: Claim, message: string): object {
  const { name, namespace, uid } = claim.metadata;
  const now = new Date().toISOString();
  return {
    metadata: { generateName: `${name}.`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid },
    type: 'Warning',
    reason: 'ProvisioningFailed',
    message,
    source: { component: provisionerName },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}

async function reconcile(client: ApiClient): Promise<void> {
  type List<T> = { items: T[] };
  const claims = (await client.send('GET', '/api/v1/persistentvolumeclaims')) as List<Claim>;
  const volumes = (await client.send('GET', '/api/v1/persistentvolumes')) as List<Volume>;
  for (const one of decide(claims.items, volumes.items, settings)) {
    if (one.kind !== 'refuse') console.log(`${one.kind} ${one.path}`);
    await step(one);
  }
}

/** Wakes the loop at every event, for ever. */
async function watch(path: string): Promise<void> {
  for (;;) {
    await api.watch(`${path}?watch=1&timeoutSeconds=300`, () => changed.resolve());
    changed.resolve();
    await delay(1000);
  }
}

/** Says the same trouble once a while, not in every round. */
async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    console.log(`${what}: ${error.message}`);
    return false;
  }
}

const makeClass = () => api.send('POST', '/apis/storage.k8s.io/v1/storageclasses', storageClass(settings), [409]);
while (!(await attempt('storage class', makeClass))) await delay(500);
void watch('/api/v1/persistentvolumeclaims');
void watch('/api/v1/persistentvolumes');
for (;;) {
  const wake = changed.promise;
  if (!(await attempt('claims', () => reconcile(api)))) await delay(1000);
  await Promise.race([wake, delay(RESYNC_MS, undefined, { ref: true })]);
  await delay(SETTLE_MS);
  changed = Promise.withResolvers<void>();
}
