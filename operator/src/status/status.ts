// SPDX-License-Identifier: Apache-2.0
/** The whole status, of which the operator is the only writer: counters of the head, capped ranges, conditions. What a silent head last said stays. */
import type { MelissaStudyStatus } from '@melissa/crds';
import { failedRangesLengthMax, heartbeatRefreshMs, messageLengthMax } from '../limits.ts';
import { HTTPS_PORT, pilotSelector, restName } from '../names.ts';
import type { Suspension } from '../policy/suspend.ts';
import { parallelism } from '../policy/parallelism.ts';
import { timestamp } from '../time.ts';
import type { Acceptance, HeadView, Observed } from '../types.ts';
import type { Study } from '../kinds.ts';
import { conditionsOf, no, unknown, type Verdicts } from './conditions.ts';
import { rangesOf } from './ranges.ts';
import { isInDoubt, verdictsOf } from './verdicts.ts';

type Part<K extends keyof MelissaStudyStatus> = NonNullable<MelissaStudyStatus[K]>;
type Situation = { suspended: Suspension; completionTime: string | null };

export function statusOf(o: Observed, situation: Situation): MelissaStudyStatus {
  const { study, head } = o;
  const before = study.status ?? {};
  const generation = study.metadata.generation ?? 0;
  const now = timestamp(o.nowMs);
  const { completionTime } = situation;
  return calm(before, {
    observedGeneration: generation,
    conditions: conditionsOf(verdictsOf(o, situation), before.conditions, { generation, now }),
    startTime: before.startTime ?? now,
    ...(completionTime === null ? {} : { completionTime }),
    backend: 'Kubernetes',
    server: serverOf(o, before, situation),
    client: clientOf(o, situation),
    ...(head === null ? kept(before, 'simulations') : { simulations: simulationsOf(head) }),
    ...(head === null ? kept(before, 'progress') : { progress: progressOf(head) }),
  });
}

/** Of a study that is refused, or that cannot go on: what was known stays. */
export function refusedStatus(
  study: Study,
  { reason, message }: Extract<Acceptance, { accepted: false }>,
  nowMs: number,
): MelissaStudyStatus {
  const { startTime, conditions: _conditions, observedGeneration: _generation, ...rest } = study.status ?? {};
  const waiting = unknown('NotAccepted', 'The study was not accepted.');
  const verdicts: Verdicts = {
    Accepted: no(reason, message.slice(0, messageLengthMax)),
    ServerReady: waiting,
    ClientsReady: waiting,
    BackendReachable: waiting,
    Progressing: no(reason, message.slice(0, messageLengthMax)),
    Suspended: waiting,
    Degraded: waiting,
    Succeeded: no('NotFinished'),
    Failed: no('NotFinished'),
  };
  const generation = study.metadata.generation ?? 0;
  return {
    ...rest,
    observedGeneration: generation,
    conditions: conditionsOf(verdicts, study.status?.conditions, { generation, now: timestamp(nowMs) }),
    ...(startTime === undefined ? {} : { startTime }),
    // An autoscaler asks for the selector before anything runs.
    client: { ...rest.client, active: rest.client?.active ?? 0, selector: pilotSelector(study.metadata.name) },
  };
}

/** Something that the API server refuses, or that only a person can mend, stands in the way. */
export function withProblem(
  status: MelissaStudyStatus,
  { reason, message }: { reason: string; message: string },
  nowMs: number,
): MelissaStudyStatus {
  const conditions = (status.conditions ?? []).map((one) => {
    if (one.type !== 'Degraded' && !(one.type === 'ServerReady' && one.status !== 'True')) return one;
    const verdict = one.type === 'Degraded' ? ('True' as const) : ('False' as const);
    const lastTransitionTime = one.status === verdict ? one.lastTransitionTime : timestamp(nowMs);
    return { ...one, status: verdict, reason, message: message.slice(0, messageLengthMax), lastTransitionTime };
  });
  return { ...status, conditions };
}

const kept = <K extends keyof MelissaStudyStatus>(before: MelissaStudyStatus, key: K): Partial<MelissaStudyStatus> =>
  before[key] === undefined ? {} : { [key]: before[key] };

function serverOf(o: Observed, before: MelissaStudyStatus, { suspended, completionTime }: Situation): Part<'server'> {
  const { name, namespace = '' } = o.study.metadata;
  const { head } = o;
  const restarts = o.serverPods.reduce(
    (sum, { status }) =>
      sum + (status?.containerStatuses ?? []).reduce((all, { restartCount = 0 }) => all + restartCount, 0),
    0,
  );
  const base = { endpoint: `https://${restName(name, namespace)}:${HTTPS_PORT}`, restarts };
  const inDoubt = isInDoubt(o, completionTime);
  if (head === null) return { ...before.server, ...base, ...(inDoubt ? {} : { ready: false, ranksReady: 0 }) };
  const ranksReady = head.status.ranks.filter(({ state }) => state === 'Ready' || state === 'Running').length;
  const { number, time } = head.status.checkpoint;
  return {
    ...base,
    ready:
      !suspended.serverStopped && (o.headSilentSinceMs === null || inDoubt) && ranksReady >= head.demand.desiredRanks,
    ranksReady,
    epoch: head.status.epoch,
    lastHeartbeatTime: timestamp(head.atMs),
    ...(time === null ? {} : { checkpoint: { number, time } }),
  };
}

function clientOf(o: Observed, { suspended, completionTime }: Situation): Part<'client'> {
  const status = o.job?.status;
  const isOver = suspended.wanted || completionTime !== null;
  return {
    desired: isOver ? 0 : parallelism(o),
    ready: status?.ready ?? 0,
    active: isOver ? 0 : (o.head?.status.pilots.active ?? o.study.status?.client?.active ?? 0),
    failed: status?.failed ?? 0,
    selector: pilotSelector(o.study.metadata.name),
  };
}

function simulationsOf({ status }: HeadView): Part<'simulations'> {
  const { total, pending, leased, running, received, done, failed, retried, redrawn } = status.simulations;
  const ids = status.failedSimulations.map(({ simulation }) => simulation);
  const { text, isCut } = rangesOf(ids, failedRangesLengthMax);
  return {
    total,
    pending,
    running: leased + running + received,
    succeeded: done,
    failed,
    retried,
    redrawn,
    summary: `${done}/${total}`,
    ...(text === '' ? {} : { failedRanges: text, failedRangesTruncated: isCut || new Set(ids).size < failed }),
  };
}

function progressOf({ status, atMs }: HeadView): Part<'progress'> {
  const percent = Math.floor(status.progress * 100);
  return {
    percent,
    text: `${percent}%`,
    bytesReceived: status.bytesReceived,
    ...(status.etaSeconds === null ? {} : { estimatedRemainingSeconds: Math.max(0, Math.round(status.etaSeconds)) }),
    ...(status.convergence.widestInterval === null ? {} : { widestInterval: status.convergence.widestInterval }),
    lastReportTime: timestamp(atMs),
  };
}

/** Times alone are no news: they are written with other changes, or once in a minute. */
function calm(before: MelissaStudyStatus, now: MelissaStudyStatus): MelissaStudyStatus {
  const old = before.server?.lastHeartbeatTime;
  const fresh = now.server?.lastHeartbeatTime;
  if (old === undefined || fresh === undefined || Date.parse(fresh) - Date.parse(old) >= heartbeatRefreshMs) return now;
  const report = before.progress?.lastReportTime;
  const same: MelissaStudyStatus = {
    ...now,
    server: { ...now.server, lastHeartbeatTime: old },
    ...(now.progress === undefined || report === undefined
      ? {}
      : { progress: { ...now.progress, lastReportTime: report } }),
  };
  return isSame(before, same) ? same : now;
}

/** Order of keys does not matter. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
