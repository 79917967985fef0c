// SPDX-License-Identifier: Apache-2.0
/**
 * Looks for the reason when pods have been missing for ten seconds: a few pending pods, and the newest events of the Job and the StatefulSet. Pods of pilots are
 * not watched, because a study may have thousands.
 */
import type { Client } from 'operator-runtime';
import { events, failedPilots, namespaces, type Pod } from './kinds.ts';
import { eventsMax, pendingPodsMax, pilotsMissingMs, troublePeriodMs } from './limits.ts';
import { pilotSelector } from './names.ts';
import type { Remembered } from './memory.ts';
import { parallelism } from './policy/parallelism.ts';
import { suspension } from './policy/suspend.ts';
import { eventTroubles, NAMESPACE_ENDS, podTroubles } from './status/troubles.ts';
import type { Observed, Trouble } from './types.ts';

/** An event older than this says nothing about now: controllers try again within minutes. */
const EVENT_FRESH_MS = 10 * 60_000;

export async function findTroubles(o: Observed, known: Remembered, client: Client): Promise<Trouble[]> {
  const { nowMs } = o;
  // There is no way back from this one.
  if (known.troubles.some(({ reason }) => reason === NAMESPACE_ENDS)) return known.troubles;
  const missing = missingOf(o);
  if (!missing.pilots && !missing.server) {
    known.missingSinceMs = null;
    known.troubles = [];
    return [];
  }
  known.missingSinceMs ??= nowMs;
  if (nowMs - known.missingSinceMs < pilotsMissingMs || nowMs < known.nextTroubleMs) return known.troubles;
  known.nextTroubleMs = nowMs + troublePeriodMs;
  const found: Trouble[] = await ofNamespace(o, client);
  if (missing.server) found.push(...(await ofEvents(o, o.statefulSet?.metadata.uid, 'server', client)));
  if (missing.pilots) {
    found.push(...podTroubles(await pendingPilots(o, client), 'pilots', nowMs));
    found.push(...(await ofEvents(o, o.job?.metadata.uid, 'pilots', client)));
    found.push(...podTroubles(o.failedPilots.slice(-pendingPodsMax), 'pilots', nowMs));
  }
  known.troubles = found;
  return found;
}

function missingOf(o: Observed): { server: boolean; pilots: boolean } {
  if (o.study.status?.completionTime !== undefined || suspension(o).wanted) return { server: false, pilots: false };
  return {
    server: o.statefulSet !== null && o.serverPods.length < o.compiled.server.ranks + 1,
    pilots: o.job !== null && (o.job.status?.ready ?? 0) < parallelism(o),
  };
}

/** In a namespace that is being deleted nothing can be made any more, and nothing but this says so: events cannot be made either. */
async function ofNamespace({ study }: Observed, client: Client): Promise<Trouble[]> {
  const { namespace = '' } = study.metadata;
  const found = await client.get(namespaces, undefined, namespace);
  if (found?.metadata.deletionTimestamp === undefined) return [];
  const message = `Namespace ${namespace} is being deleted, and the study with it.`;
  return (['server', 'pilots'] as const).map((about) => ({ about, reason: NAMESPACE_ENDS, message }));
}

const pendingPilots = ({ study }: Observed, client: Client): Promise<Pod[]> =>
  client.list({ ...failedPilots, keep: [] }, study.metadata.namespace, {
    labelSelector: pilotSelector(study.metadata.name),
    fieldSelector: 'status.phase=Pending',
    limit: pendingPodsMax,
  });

async function ofEvents(
  o: Observed,
  uid: string | undefined,
  about: Trouble['about'],
  client: Client,
): Promise<Trouble[]> {
  if (uid === undefined) return [];
  const found = await client.list(events, o.study.metadata.namespace, {
    fieldSelector: `involvedObject.uid=${uid}`,
    limit: eventsMax,
  });
  return eventTroubles(found, about, o.nowMs - EVENT_FRESH_MS);
}
