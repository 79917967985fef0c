// SPDX-License-Identifier: Apache-2.0
/** What each condition says of a study that was accepted. One function a condition; reasons are listed in docs/how-to/conditions-of-a-study.md. */
import { headAddress } from '../head-link.ts';
import { headDoubtMs } from '../limits.ts';
import type { Suspension } from '../policy/suspend.ts';
import { endOf, type End } from '../policy/finish.ts';
import { makesRoom, parallelism } from '../policy/parallelism.ts';
import type { Observed, Trouble } from '../types.ts';
import { no, unknown, yes, type Verdict, type Verdicts } from './conditions.ts';
import { podTroubles } from './troubles.ts';

type Situation = { suspended: Suspension; completionTime: string | null };

/**
 * The head is up, as far as the kubelet can tell, and did not say anything yet: what was said before stands, rather than a condition that turns and turns back.
 * A finished head says nothing new.
 */
export const isInDoubt = (o: Observed, completionTime: string | null): boolean =>
  o.headSilentSinceMs !== null &&
  headAddress(o.serverPods) !== null &&
  (completionTime !== null || o.nowMs - o.headSilentSinceMs < headDoubtMs);

function before({ study }: Observed, type: string): Verdict | null {
  const found = study.status?.conditions?.find((one) => one.type === type);
  return found === undefined ? null : { status: found.status, reason: found.reason, message: found.message };
}

export function verdictsOf(o: Observed, situation: Situation): Verdicts {
  const end = endOf(o) ?? endBefore(o);
  const inDoubt = isInDoubt(o, situation.completionTime);
  return {
    Accepted: yes('Valid', 'The study is sound and its children are ours.'),
    ServerReady:
      (inDoubt && !situation.suspended.serverStopped ? before(o, 'ServerReady') : null) ?? serverReady(o, situation),
    ClientsReady: clientsReady(o, situation),
    BackendReachable: yes('Kubernetes', 'Pilots are pods of this cluster.'),
    Progressing: progressing(o, situation, end),
    Suspended: suspendedNow(situation.suspended),
    Degraded: (inDoubt ? before(o, 'Degraded') : null) ?? degraded(o, situation),
    Succeeded: succeeded(end, situation),
    Failed: failed(end, situation),
  };
}

/** A study that ended keeps what it ended with, also when its head is gone. */
function endBefore({ study }: Observed): End | null {
  const by = (type: string) => study.status?.conditions?.find((one) => one.type === type && one.status === 'True');
  const success = by('Succeeded');
  if (success !== undefined) return { outcome: 'Succeeded', reason: success.message };
  const failure = by('Failed');
  if (failure === undefined) return null;
  return { outcome: failure.reason === 'Cancelled' ? 'Cancelled' : 'Failed', reason: failure.message };
}

const first = (troubles: readonly Trouble[], about: Trouble['about']): Trouble | undefined =>
  troubles.find((one) => one.about === about);

function serverReady(o: Observed, { suspended, completionTime }: Situation): Verdict {
  if (suspended.serverStopped) return no('Suspended', 'The server stopped after its last checkpoint.');
  const { head, statefulSet } = o;
  if (completionTime !== null && (statefulSet === null || statefulSet.spec?.replicas === 0))
    return no('Finished', 'The server stopped; results are on the claim.');
  const trouble = first([...podTroubles(o.serverPods, 'server', o.nowMs), ...o.troubles], 'server');
  if (head !== null && o.headSilentSinceMs === null) {
    const ranks = head.status.ranks.filter(({ state }) => state === 'Ready' || state === 'Running').length;
    const wanted = head.demand.desiredRanks;
    if (ranks >= wanted) return yes('Ready', `The head answers and ${ranks} of ${wanted} ranks are there.`);
    if (trouble === undefined) return no('RanksMissing', `${ranks} of ${wanted} ranks are there.`);
  }
  if (trouble !== undefined) return no(trouble.reason, trouble.message);
  return head === null
    ? no('Starting', 'The server is being started.')
    : no('HeadSilent', 'The head does not answer; simulations that run go on.');
}

function clientsReady(o: Observed, { suspended, completionTime }: Situation): Verdict {
  if (suspended.wanted) return no('Suspended', 'Pilots were told to stop.');
  if (completionTime !== null) return no('Finished', 'The plan has ended.');
  if (makesRoom(o)) return no('MakingRoom', 'A pod of the server finds no node; pilots step aside for it.');
  const wanted = parallelism(o);
  const ready = o.job?.status?.ready ?? 0;
  if (ready >= wanted) return yes('Ready', `${wanted} pilots run.`);
  const trouble = first(o.troubles, 'pilots');
  if (trouble !== undefined) return no(trouble.reason, trouble.message);
  return no('Starting', `${ready} of ${wanted} pilots run.`);
}

function progressing(o: Observed, { suspended, completionTime }: Situation, end: End | null): Verdict {
  if (completionTime !== null) return no(end?.outcome ?? 'Finished', end?.reason ?? '');
  if (suspended.complete) return no('Suspended', 'Set spec.suspend to false to go on.');
  if (suspended.wanted) return yes('Suspending', 'Pilots stop, then the server after a last checkpoint.');
  const state = o.head?.status.state;
  if (state === undefined || state === 'Starting') return yes('Starting', 'Server and pilots are being started.');
  if (o.spec.cancel) return yes('Cancelling', 'What was counted is being written.');
  return yes(state, o.head?.status.reason ?? '');
}

function suspendedNow({ wanted, complete }: Suspension): Verdict {
  if (complete) return yes('Suspended', 'No pod is left; the claim keeps the checkpoint.');
  return wanted ? no('Suspending', 'Pods are still there.') : no('NotSuspended');
}

function degraded(o: Observed, { suspended, completionTime }: Situation): Verdict {
  const lost = podTroubles(o.serverPods, 'server', o.nowMs).find(({ reason }) => reason === 'NodeLost');
  if (lost !== undefined) return yes(lost.reason, lost.message);
  const said = o.head?.status.degraded ?? [];
  if (said.length > 0) return yes('HeadReports', said.join(' '));
  // An operator that was started since has nobody to ask, and nothing to wait for.
  if (o.head === null && (completionTime !== null || suspended.serverStopped)) {
    const told = before(o, 'Degraded');
    return told?.reason === 'HeadReports' ? told : no('AsExpected');
  }
  if (o.head === null && o.headSilentSinceMs !== null) return unknown('HeadSilent', 'The head has not answered yet.');
  return no('AsExpected');
}

const isEnded = (end: End | null, { completionTime }: Situation): end is End => end !== null && completionTime !== null;

function succeeded(end: End | null, situation: Situation): Verdict {
  if (!isEnded(end, situation)) return no('NotFinished');
  return end.outcome === 'Succeeded' ? yes('Succeeded', end.reason) : no(end.outcome, end.reason);
}

function failed(end: End | null, situation: Situation): Verdict {
  if (!isEnded(end, situation)) return no('NotFinished');
  return end.outcome === 'Succeeded' ? no('Succeeded') : yes(end.outcome, end.reason);
}
