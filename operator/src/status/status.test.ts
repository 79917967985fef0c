// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ClusterEvent, Pod } from '../kinds.ts';
import { conditionsOf, no, yes, type Verdicts } from './conditions.ts';
import { transitions } from './events.ts';
import { rangesOf } from './ranges.ts';
import { eventTroubles, lossOf, podTroubles } from './troubles.ts';

const nowMs = Date.parse('2026-01-01T01:00:00Z');
const aPod = (status: Pod['status'], metadata: Partial<Pod['metadata']> = {}, name = 'p'): Pod => ({
  metadata: { name, namespace: 'lab', ...metadata },
  spec: { nodeName: 'n1' },
  status: { phase: 'Pending', ...status },
});
const waiting = (reason: string, message = '') =>
  aPod({ containerStatuses: [{ name: 'solver', state: { waiting: { reason, message } } }] });
const reasons = (pods: Pod[]) => podTroubles(pods, 'pilots', nowMs).map(({ reason }) => reason);

test('ids are told as ranges, and cut at a whole one', () => {
  assert.deepEqual(rangesOf([17, 3, 18, 19, 20, 18], 100), { text: '3,17-20', isCut: false });
  assert.deepEqual(rangesOf([], 100), { text: '', isCut: false });
  assert.deepEqual(rangesOf([1, 3, 5, 7], 5), { text: '1,3,5', isCut: true });
});

test('pods that wait say why in the words of the cluster', () => {
  assert.deepEqual(reasons([waiting('ContainerCreating'), waiting('PodInitializing')]), []);
  assert.deepEqual(reasons([waiting('ImagePullBackOff', 'no such image')]), ['ImagePullBackOff']);
  assert.deepEqual(
    reasons([waiting('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root')]),
    ['SolverImageUser'],
  );
  const unscheduled = {
    conditions: [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/2 nodes are available' },
    ],
  };
  const homeless = ['p', 'q'].map((name) => ({ ...aPod(unscheduled, {}, name), spec: {} }));
  assert.deepEqual(reasons(homeless), ['Unschedulable']);
  assert.deepEqual(reasons([aPod(unscheduled)]), [], 'it was scheduled meanwhile');
  assert.match(podTroubles(homeless, 'pilots', nowMs)[0]!.message, /^p and 1 more: 0\/2 nodes/);
  assert.deepEqual(reasons([aPod({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' })]), ['Evicted']);
});

test('a pod that was deleted long ago and does not go sits on a lost node; what to do is said', () => {
  const [lost] = podTroubles([aPod({}, { deletionTimestamp: '2026-01-01T00:50:00Z' })], 'server', nowMs);
  assert.equal(lost?.reason, 'NodeLost');
  assert.match(lost.message, /kubectl delete node n1/);
  assert.match(lost.message, /node\.kubernetes\.io\/out-of-service/);
  assert.deepEqual(podTroubles([aPod({}, { deletionTimestamp: '2026-01-01T00:59:30Z' })], 'server', nowMs), []);
});

test('the newest failure to make a pod names quota and pod security; old ones are forgotten', () => {
  const event = (message: string, lastTimestamp: string): ClusterEvent => ({
    metadata: { name: 'e' },
    type: 'Warning',
    reason: 'FailedCreate',
    message,
    lastTimestamp,
  });
  const quota = event('pods "heat-pilots-0" is forbidden: exceeded quota: small', '2026-01-01T00:59:00Z');
  const since = nowMs - 600_000;
  assert.deepEqual(
    eventTroubles([event('violates PodSecurity "restricted"', '2026-01-01T00:58:00Z'), quota], 'pilots', since).map(
      ({ reason }) => reason,
    ),
    ['QuotaExceeded'],
  );
  assert.deepEqual(eventTroubles([event('exceeded quota', '2026-01-01T00:40:00Z')], 'pilots', since), []);
});

test('why a failed pod is gone', () => {
  assert.equal(lossOf(aPod({ phase: 'Failed', reason: 'Evicted' })), 'Evicted');
  assert.equal(
    lossOf(aPod({ containerStatuses: [{ name: 's', state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }] })),
    'OOMKilled',
  );
  assert.equal(
    lossOf(aPod({ containerStatuses: [{ name: 's', state: { terminated: { reason: 'Error', exitCode: 4 } } }] })),
    'Exit 4',
  );
});

const quiet = no('NotYet');
const verdicts = (changes: Partial<Verdicts>): Verdicts => ({
  ...{ Accepted: yes('Valid'), ServerReady: quiet, ClientsReady: quiet, BackendReachable: yes('Kubernetes') },
  ...{ Progressing: quiet, Suspended: quiet, Degraded: quiet, Succeeded: quiet, Failed: quiet },
  ...changes,
});

test('the time of a condition changes with its status alone', () => {
  const first = conditionsOf(verdicts({}), undefined, { generation: 1, now: 'a' });
  const second = conditionsOf(verdicts({ ServerReady: no('Other'), ClientsReady: yes('Ready') }), first, {
    generation: 2,
    now: 'b',
  });
  const of = (type: string) => second.find((one) => one.type === type);
  assert.deepEqual(
    [of('ServerReady')?.lastTransitionTime, of('ServerReady')?.reason, of('ServerReady')?.observedGeneration],
    ['a', 'Other', 2],
  );
  assert.equal(of('ClientsReady')?.lastTransitionTime, 'b');
});

test('an event is told when a condition turns, and for what a person must mend', () => {
  const at = (changes: Partial<Verdicts>) => ({
    conditions: conditionsOf(verdicts(changes), undefined, { generation: 1, now: 'a' }),
  });
  const told = (before: Partial<Verdicts>, now: Partial<Verdicts>) =>
    transitions(at(before), at(now)).map(({ type, reason }) => `${type} ${reason}`);
  assert.deepEqual(told({}, {}), []);
  assert.deepEqual(told({}, { ServerReady: yes('Ready') }), ['Normal ServerReady']);
  assert.deepEqual(told({}, { ClientsReady: no('QuotaExceeded', 'exceeded quota') }), ['Warning QuotaExceeded']);
  assert.deepEqual(told({ ClientsReady: no('QuotaExceeded') }, { ClientsReady: no('Starting') }), []);
  assert.deepEqual(told({}, { Failed: yes('Cancelled') }), ['Warning Cancelled']);
});
