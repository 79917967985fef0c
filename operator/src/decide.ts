// SPDX-License-Identifier: Apache-2.0
/**
 * The decision core: what belongs to a study, as it is now → what is to be made, changed and taken away, and what the status says. Pure, and the same
 * whatever happened before: an operator that was killed between any two writes decides again from what it finds. Called by reconcile.ts.
 */
import { configMaps, jobs, networkPolicies, serviceAccounts, serverPods, services, statefulSets } from './kinds.ts';
import { lookPeriodMs } from './limits.ts';
import { endOf } from './policy/finish.ts';
import { keptForMs } from './policy/keep-seconds.ts';
import { parallelism } from './policy/parallelism.ts';
import { claimFor } from './policy/retention.ts';
import { jobMustGo, outdatedPods, withCredentials, withTemplateHash } from './policy/rollout.ts';
import { suspension, type Suspension } from './policy/suspend.ts';
import { expiresInMs } from './policy/ttl-seconds-after-finished.ts';
import { statusOf } from './status/status.ts';
import { NAMESPACE_ENDS } from './status/troubles.ts';
import { timestamp } from './time.ts';
import type { Apply, Decision, Intent, Observed, Remove } from './types.ts';

export function decide(o: Observed): Decision {
  const completionTime = o.study.status?.completionTime ?? (endOf(o) === null ? null : timestamp(o.nowMs));
  return completionTime === null ? running(o) : finished(o, completionTime);
}

function running(o: Observed): Decision {
  const suspended = suspension(o);
  const children = childrenOf(o, suspended);
  const intent = intentFor(o);
  const status = statusOf(o, { suspended, completionTime: null });
  // A stopped study changes only when somebody changes it.
  const lookAgainMs = suspended.complete ? null : lookPeriodMs;
  return { ...children, intent, expired: false, status, lookAgainMs };
}

function childrenOf(o: Observed, suspended: Suspension): Pick<Decision, 'apply' | 'remove'> {
  const { rendered, compiled, study } = o;
  if (o.troubles.some(({ reason }) => reason === NAMESPACE_ENDS)) return leavingNamespace(o);
  const apply: Apply[] = [
    ...rendered.accounts.map((wanted) => ({ kind: serviceAccounts, wanted, owned: true })),
    ...rendered.networkPolicies.map((wanted) => ({ kind: networkPolicies, wanted, owned: true })),
    ...rendered.services.map((wanted) => ({ kind: services, wanted, owned: true })),
    ...(rendered.claim === null ? [] : [claimFor(rendered.claim, study, o.spec)]),
  ];
  const replicas = suspended.serverStopped ? 0 : compiled.server.ranks + 1;
  apply.push({
    kind: statefulSets,
    wanted: withSpec(withCredentials(rendered.statefulSet, o.credentials), { replicas }),
    owned: true,
  });
  const outdated = outdatedPods(o);
  const remove: Remove[] = outdated.map((object) => ({ kind: serverPods, object }));
  // No pod of an earlier version is left that could start again and look for it.
  const isRolledOut = outdated.length === 0 && o.serverPods.length === replicas && o.headSilentSinceMs === null;
  if (isRolledOut) remove.push(...o.staleConfigMaps.map((object) => ({ kind: configMaps, object })));
  const job = withTemplateHash(withCredentials(rendered.job, o.credentials));
  const planFinished = o.head?.demand.planFinished === true;
  // Kueue owns `suspend` of a queued Job, so a suspended study has none.
  const isQueued = o.spec.queue?.name !== undefined;
  const mustGo = jobMustGo(o.job, job, planFinished) || (isQueued && suspended.wanted);
  if (o.job !== null && mustGo) {
    if (o.job.metadata.deletionTimestamp === undefined) remove.push({ kind: jobs, object: o.job });
  } else if (o.job?.metadata.deletionTimestamp === undefined && !(isQueued && suspended.wanted)) {
    const changing = { parallelism: parallelism(o), ...(isQueued ? {} : { suspend: suspended.wanted }) };
    apply.push({ kind: jobs, wanted: withSpec(job, changing), owned: true });
  }
  return { apply, remove };
}

/**
 * The namespace goes when its pods are gone, and those of an index wait for their successor, which cannot be made any more: deleting the Job lets them go.
 */
function leavingNamespace({ job }: Observed): Pick<Decision, 'apply' | 'remove'> {
  const isThere = job !== null && job.metadata.deletionTimestamp === undefined;
  return { apply: [], remove: isThere ? [{ kind: jobs, object: job }] : [] };
}

const withSpec = (wanted: Apply['wanted'], more: Record<string, unknown>): Apply['wanted'] => ({
  ...wanted,
  spec: { ...(wanted['spec'] as Record<string, unknown>), ...more },
});

/** What the spec says of the study's life; the head is told each generation once, and again after it was started anew. */
export function intentFor({ study, spec, head, headSilentSinceMs }: Observed): Intent | null {
  const generation = study.metadata.generation ?? 0;
  if (head === null || headSilentSinceMs !== null || head.status.generation === generation) return null;
  return {
    generation,
    parallelism: spec.client.parallelism,
    suspend: spec.suspend && !spec.cancel,
    cancel: spec.cancel,
    deadlineSeconds: spec.deadlineSeconds ?? null,
  };
}

/** A finished study makes nothing any more: what is there is scaled down when its time has come. */
function finished(o: Observed, completionTime: string): Decision {
  const { rendered, compiled } = o;
  const status = statusOf(o, { suspended: { wanted: false, serverStopped: false, complete: false }, completionTime });
  const ttlMs = expiresInMs(o.spec.ttlSecondsAfterFinished, completionTime, o.nowMs);
  const base = { remove: [], intent: null, status };
  // What it came to is written before the study goes.
  const isWritten = o.study.status?.completionTime !== undefined;
  if (ttlMs !== null && ttlMs <= 0 && isWritten) return { ...base, apply: [], expired: true, lookAgainMs: null };
  const keepMs = keptForMs(o.spec.server.keepSeconds, completionTime, o.nowMs);
  const apply: Apply[] = [];
  if (o.statefulSet !== null && o.statefulSet.metadata.deletionTimestamp === undefined) {
    const replicas = keepMs > 0 ? compiled.server.ranks + 1 : 0;
    const set = withSpec(withCredentials(rendered.statefulSet, o.credentials), { replicas });
    apply.push({ kind: statefulSets, wanted: set, owned: true });
  }
  if (o.job !== null && o.job.metadata.deletionTimestamp === undefined && (o.job.spec?.parallelism ?? 0) > 0) {
    const job = withTemplateHash(withCredentials(rendered.job, o.credentials));
    const isSame = !jobMustGo(o.job, job, true);
    if (isSame) apply.push({ kind: jobs, wanted: withSpec(job, { parallelism: 0 }), owned: true });
  }
  const times = [keepMs, ttlMs ?? 0].filter((ms) => ms > 0);
  return { ...base, apply, expired: false, lookAgainMs: times.length === 0 ? null : Math.min(...times) };
}
