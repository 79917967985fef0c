// SPDX-License-Identifier: Apache-2.0
/**
 * Why pods do not run, in the cluster's own words. Reasons are those that Kubernetes gives (ImagePullBackOff, Unschedulable, OOMKilled), so that a person can
 * look them up; only what Kubernetes says in a sentence alone gets a word of ours (QuotaExceeded, SolverImageUser, NodeLost).
 */
import type { ClusterEvent, ContainerStatus, Pod } from '../kinds.ts';
import { messageLengthMax, nodeLostMs } from '../limits.ts';
import type { Trouble } from '../types.ts';

/** The one reason here upon which the operator acts. */
export const NAMESPACE_ENDS = 'NamespaceTerminating';
type About = Trouble['about'];
type Said = { reason: string; message: string };

const short = (text: string): string =>
  text.length > messageLengthMax ? `${text.slice(0, messageLengthMax - 1)}…` : text;

/** The image lacks the program, or it is for another machine. */
const cannotStart = ['StartError', 'ContainerCannotRun'];
/** Harmless on the way to running. */
const passing = ['ContainerCreating', 'PodInitializing'];

function ofContainer({ name, state, lastState }: ContainerStatus, about: About): Said | null {
  const waiting = state?.waiting;
  if (waiting?.reason !== undefined && !passing.includes(waiting.reason)) {
    const { reason, message = '' } = waiting;
    if (about === 'pilots' && reason === 'CreateContainerConfigError' && message.includes('runAsNonRoot'))
      return {
        reason: 'SolverImageUser',
        message: `${message}. Name a user with spec.client.template.securityContext.runAsUser.`,
      };
    const died = lastState?.terminated;
    const last =
      died === undefined ? '' : ` It last ended with ${died.reason ?? 'code'} (exit code ${died.exitCode ?? '?'}).`;
    return { reason, message: `container ${name}: ${message === '' ? reason : message}.${last}` };
  }
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended?.reason !== undefined && cannotStart.includes(ended.reason))
    return { reason: ended.reason, message: `container ${name}: ${ended.message ?? ended.reason}` };
  if (ended?.reason === 'OOMKilled')
    return { reason: 'OOMKilled', message: `container ${name} needed more memory than its limit; raise the limit.` };
  return null;
}

function ofPod(pod: Pod, about: About, nowMs: number): Said | null {
  const { status, metadata, spec } = pod;
  const deletedMs = Date.parse(metadata.deletionTimestamp ?? '');
  if (nowMs - deletedMs > nodeLostMs)
    return {
      reason: 'NodeLost',
      message: `node ${spec?.nodeName ?? '?'} does not answer and its pod cannot be replaced. When the machine is off for certain, run "kubectl delete node ${spec?.nodeName ?? 'NODE'}", or taint it with node.kubernetes.io/out-of-service=nodeshutdown:NoExecute.`,
    };
  // SchedulerError is the scheduler's own stumble: it tries again by itself, within seconds.
  const unscheduled = status?.conditions?.find(
    ({ type, status: is, reason }) => type === 'PodScheduled' && is === 'False' && reason !== 'SchedulerError',
  );
  if (unscheduled !== undefined && spec?.nodeName === undefined)
    return { reason: unscheduled.reason ?? 'Unschedulable', message: unscheduled.message ?? 'no node fits' };
  if (status?.phase === 'Failed' && status.reason !== undefined)
    return { reason: status.reason, message: status.message ?? status.reason };
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const said = ofContainer(container, about);
    if (said !== null) return said;
  }
  return null;
}

/** Pods with the same reason are one trouble, told with the first pod's name and the count. */
export function podTroubles(pods: readonly Pod[], about: About, nowMs: number): Trouble[] {
  const byReason = new Map<string, { first: string; message: string; count: number }>();
  for (const pod of pods) {
    const said = ofPod(pod, about, nowMs);
    if (said === null) continue;
    const known = byReason.get(said.reason);
    if (known !== undefined) known.count += 1;
    else byReason.set(said.reason, { first: pod.metadata.name, message: said.message, count: 1 });
  }
  return [...byReason].map(([reason, { first, message, count }]) => ({
    about,
    reason,
    message: short(`${first}${count > 1 ? ` and ${count - 1} more` : ''}: ${message}`),
  }));
}

const timeOf = ({ lastTimestamp, eventTime, metadata }: ClusterEvent): number =>
  Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0;

/** Events of a Job or StatefulSet: why it cannot even make its pods. Only the newest counts, and only while it is fresh. */
export function eventTroubles(events: readonly ClusterEvent[], about: About, sinceMs: number): Trouble[] {
  const failures = events
    .filter((event) => event.type === 'Warning' && event.reason === 'FailedCreate' && timeOf(event) >= sinceMs)
    .sort((a, b) => timeOf(b) - timeOf(a));
  const newest = failures[0];
  if (newest === undefined) return [];
  const message = newest.message ?? '';
  const reason = message.includes('exceeded quota')
    ? 'QuotaExceeded'
    : message.includes('PodSecurity')
      ? 'PodSecurity'
      : 'FailedCreate';
  return [{ about, reason, message: short(message) }];
}

/** Why a pod that failed is gone, for the head. */
export function lossOf(pod: Pod): string {
  const { status } = pod;
  if (status?.reason !== undefined && status.reason !== '') return status.reason;
  for (const { state } of status?.containerStatuses ?? []) {
    const ended = state?.terminated;
    if (ended !== undefined) return ended.reason === 'OOMKilled' ? 'OOMKilled' : `Exit ${ended.exitCode ?? '?'}`;
  }
  return 'Failed';
}
