// SPDX-License-Identifier: Apache-2.0
/**
 * The operator's side of a study's head: its view, its intent, its lost pods. At most one look a second and study, and twenty a second in all; a head that is
 * silent costs nothing but the time of one request every few seconds. Never throws: a head that does not answer is an observation.
 */
import type { BackendDemand, StudyStatus } from '@melissa/api';
import { ProjectError } from '@melissa/kit';
import type { Pod } from './kinds.ts';
import { INDEX_LABEL } from './names.ts';
import { lookAfterFailureMs, lookPeriodMs, lostPodsMax } from './limits.ts';
import type { KnownCredentials, Memory, Remembered } from './memory.ts';
import { lossOf } from './status/troubles.ts';
import type { Intent } from './types.ts';

export type HeadApi = {
  status(): Promise<StudyStatus>;
  backend(): Promise<BackendDemand>;
  intent(intent: Intent): Promise<unknown>;
  gone(pilots: { pilot: string; reason: string }[]): Promise<unknown>;
};
export type HeadAddress = { podIp: string; study: string; namespace: string; credentials: KnownCredentials };
export type OpenHead = (address: HeadAddress) => HeadApi;
type Log = { debug(facts: object, message: string): void; warn(facts: object, message: string): void };

/** The head's pod when it has an address and the kubelet finds it ready: anything else would only wait for a timeout. */
export function headAddress(pods: readonly Pod[]): string | null {
  const head = pods.find(({ metadata }) => metadata.labels?.[INDEX_LABEL] === '0');
  const isReady = head?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  return isReady && head?.metadata.deletionTimestamp === undefined ? (head?.status?.podIP ?? null) : null;
}

/** Asks the head if it is time to, and notes what it said in `known`. */
export async function look(
  api: HeadApi | null,
  known: Remembered,
  { memory, nowMs, log }: { memory: Memory; nowMs: () => number; log: Log },
): Promise<void> {
  const startMs = nowMs();
  if (api === null) {
    known.headSilentSinceMs ??= startMs;
    return;
  }
  if (startMs < known.nextLookMs || !memory.takeLook(startMs)) return;
  try {
    const [status, demand] = await Promise.all([api.status(), api.backend()]);
    const atMs = nowMs();
    known.head = { status, demand, atMs };
    known.headSilentSinceMs = null;
    known.nextLookMs = startMs + lookPeriodMs;
  } catch (error) {
    failed(known, nowMs(), error, log);
  }
}

/** Tells the head what the spec wants, and which pods are gone for good. True when it took everything. */
export async function tell(
  api: HeadApi,
  known: Remembered,
  {
    intent,
    failedPilots,
    nowMs,
    log,
  }: { intent: Intent | null; failedPilots: readonly Pod[]; nowMs: number; log: Log },
): Promise<boolean> {
  const present = new Set(failedPilots.map(({ metadata }) => metadata.uid ?? ''));
  for (const uid of known.toldPods) if (!present.has(uid)) known.toldPods.delete(uid);
  const news = failedPilots.filter(({ metadata }) => !known.toldPods.has(metadata.uid ?? '')).slice(0, lostPodsMax);
  try {
    if (intent !== null) await api.intent(intent);
    if (news.length > 0) await api.gone(news.map((pod) => ({ pilot: pod.metadata.name, reason: lossOf(pod) })));
  } catch (error) {
    // A head that refuses answers all the same; it is told again at the next look.
    if (!(error instanceof ProjectError && error.facts['status'] !== undefined)) failed(known, nowMs, error, log);
    else log.warn({ error: error.message }, 'the head refused what it was told');
    return false;
  }
  for (const { metadata } of news) known.toldPods.add(metadata.uid ?? '');
  return true;
}

function failed(known: Remembered, nowMs: number, error: unknown, log: Log): void {
  known.headSilentSinceMs ??= nowMs;
  known.nextLookMs = nowMs + lookAfterFailureMs;
  log.debug({ error: error instanceof Error ? error.message : String(error) }, 'the head does not answer');
}
