// SPDX-License-Identifier: Apache-2.0
/**
 * One visit to one study: read what there is, decide (decide.ts), carry it out, write the status once, tell events. Called by the runtime after every change of
 * the study or of anything that belongs to it, and every second while it runs. Every step may be the last one: whatever was written is
 * found by the next visit.
 */
import {
  after,
  ApiError,
  done,
  NotOursError,
  type Context,
  type KubernetesObject,
  type Result,
  type Store,
} from 'operator-runtime';
import { ensureCredentials, readCredentials, type MakeCredentials } from './credentials.ts';
import { decide } from './decide.ts';
import { ensureFrozen } from './frozen.ts';
import { headAddress, look, tell, type HeadApi, type OpenHead } from './head-link.ts';
import { claims, failedPilots, jobs, serverPods, statefulSets, studies, type Pod, type Study } from './kinds.ts';
import { credentialsPeriodMs, lookPeriodMs, looksPerSecondMax } from './limits.ts';
import { claimName, COMPONENT_LABEL, jobName, ROTATE_ANNOTATION, serverName, STUDY_LABEL } from './names.ts';
import type { Memory, Remembered } from './memory.ts';
import { UID_ANNOTATION } from './policy/retention.ts';
import { isSame, refusedStatus, withProblem } from './status/status.ts';
import { transitions } from './status/events.ts';
import { accept, isOurs } from './study.ts';
import { findTroubles } from './find-troubles.ts';
import type { Acceptance, Apply, Decision, Observed, OperatorConfig } from './types.ts';
import type { MelissaStudyStatus } from '@melissa/crds';

export type Parts = {
  config: OperatorConfig;
  memory: Memory;
  makeCredentials: MakeCredentials;
  openHead: OpenHead;
};
type Refusal = Extract<Acceptance, { accepted: false }>;
type Visit = { parts: Parts; context: Context<Study>; study: Study; known: Remembered };

/** A name that another study's remains still hold is free as soon as they are collected. */
const CONFLICT_SECONDS = 5;

export async function reconcile(parts: Parts, context: Context<Study>): Promise<Result> {
  const { object: study, key, clock } = context;
  if (study === null) {
    parts.memory.forget(key);
    return done;
  }
  if (study.metadata.deletionTimestamp !== undefined || !isOurs(study)) return done;
  const known = parts.memory.of(key, study.metadata.uid ?? '', clock.wallMs());
  const visit = { parts, context, study, known };
  const verdict = await acceptance(visit);
  if (!verdict.accepted) return refused(visit, verdict, done);
  try {
    return await visitAccepted(visit, verdict);
  } catch (error) {
    const problem =
      error instanceof NotOursError
        ? { reason: 'NameConflict', message: error.message }
        : error instanceof CannotPrepare
          ? error.problem
          : null;
    if (problem === null) throw error;
    return refused(visit, { accepted: false, ...problem }, after(CONFLICT_SECONDS));
  }
}

/** Keys and the frozen study come before everything else: where the API server refuses them, there is no study yet that could be called degraded. */
class CannotPrepare extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}
async function prepared<T>(what: Promise<T>): Promise<T> {
  try {
    return await what;
  } catch (error) {
    const problem = problemOf(error);
    throw problem === null ? error : new CannotPrepare(problem);
  }
}

/** The verdict on one generation does not change, except where the study refers to a ConfigMap. */
async function acceptance({ context, study, known }: Visit): Promise<Acceptance> {
  const generation = study.metadata.generation ?? 0;
  const before = known.acceptance;
  const source = study.spec.sampling?.list?.configMap;
  if (before?.generation === generation && (before.verdict.accepted || source === undefined)) return before.verdict;
  let text: string | null | undefined;
  if (source !== undefined) {
    // Not through the cache, which holds the operator's own ConfigMaps only.
    const found = await context.client.get({ ...uncached }, study.metadata.namespace, source.name);
    text = (found as { data?: Record<string, string> } | null)?.data?.[source.key] ?? null;
  }
  const verdict = accept(study, text);
  known.acceptance = { generation, verdict };
  return verdict;
}
const uncached = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true } as const;

async function refused({ context, study, known }: Visit, refusal: Refusal, result: Result): Promise<Result> {
  const status = refusedStatus(study, refusal, context.clock.wallMs());
  await write({ context, study, known }, status);
  // A ConfigMap that is missing may come.
  return result === done && study.spec.sampling?.list?.configMap !== undefined ? after(30) : result;
}

async function visitAccepted(visit: Visit, accepted: Extract<Acceptance, { accepted: true }>): Promise<Result> {
  const { parts, context, study, known } = visit;
  const { client, clock, log } = context;
  const nowMs = () => clock.wallMs();
  const isFinished = study.status?.completionTime !== undefined;
  const pods = podsOf(visit);
  const lost = await prepared(credentials(visit, isFinished, pods.server.length > 0));
  const frozen = await prepared(ensureFrozen({ study, accepted, known, config: parts.config, context, isFinished }));
  const podIp = headAddress(pods.server);
  const { name, namespace = '' } = study.metadata;
  const api: HeadApi | null =
    podIp === null || known.credentials === null
      ? null
      : parts.openHead({ podIp, study: name, namespace, credentials: known.credentials });
  await look(api, known, { memory: parts.memory, nowMs, log });
  const key = (of: string) => `${namespace}/${of}`;
  const observed: Observed = {
    nowMs: nowMs(),
    study,
    spec: accepted.spec,
    compiled: accepted.compiled,
    rendered: frozen.rendered,
    credentials: known.credentials?.revision ?? '',
    statefulSet: context.store(statefulSets).get(key(serverName(name))) ?? null,
    job: context.store(jobs).get(key(jobName(name))) ?? null,
    claim: context.store(claims).get(key(claimName(name))) ?? null,
    serverPods: pods.server,
    failedPilots: pods.failed,
    staleConfigMaps: frozen.stale,
    head: known.head,
    headSilentSinceMs: known.headSilentSinceMs,
    troubles: [],
  };
  observed.troubles = await findTroubles(observed, known, client);
  const decision = decide(observed);
  const problem = lost ?? (await carryOut(visit, decision));
  if (api !== null && known.headSilentSinceMs === null) {
    const told = await tell(api, known, { ...decision, failedPilots: pods.failed, nowMs: nowMs(), log });
    // What it makes of an intent is worth a look at once.
    if (told && decision.intent !== null) known.nextLookMs = 0;
  }
  const status = problem === null ? decision.status : withProblem(decision.status, problem, nowMs());
  const isWritten = await write(visit, status);
  if (decision.expired) {
    await client.delete(studies, study);
    return done;
  }
  if (!isWritten) return after(lookPeriodMs / 1000);
  const againMs = problem !== null ? 5 * lookPeriodMs : decision.lookAgainMs;
  if (againMs === null) return done;
  // With many studies each waits for its turn to look, rather than being visited in vain.
  const crowd = Math.max(1, parts.memory.size / looksPerSecondMax);
  return after((Math.max(againMs, 50) * (againMs > lookPeriodMs ? 1 : crowd)) / 1000);
}

/** Reads or makes the study's keys when it must; says what is wrong when they are lost. */
async function credentials(
  { parts, context, study, known }: Visit,
  isFinished: boolean,
  hasServer: boolean,
): Promise<Problem | null> {
  const nowMs = context.clock.wallMs();
  const isFresh =
    known.credentials !== null &&
    known.credentials.revision === (study.metadata.annotations?.[ROTATE_ANNOTATION] ?? '') &&
    (known.headSilentSinceMs === null || nowMs - known.credentials.readAtMs < credentialsPeriodMs);
  if (isFresh) return null;
  const { client } = context;
  if (isFinished) {
    // Its server still answers for a while; nothing is made any more.
    if (hasServer) known.credentials = await readCredentials(study, client, nowMs);
    return null;
  }
  const hasStarted = study.status?.startTime !== undefined;
  const found = await ensureCredentials({ study, client, make: parts.makeCredentials, hasStarted, nowMs });
  if (found.state === 'Lost') return { reason: 'CredentialsLost', message: found.message };
  if (found.known.revision !== known.credentials?.revision) known.head = null;
  known.credentials = found.known;
  return null;
}

function podsOf({ context, study }: Visit): { server: Pod[]; failed: Pod[] } {
  const { name, namespace } = study.metadata;
  const mine = (component: string) => (pod: Pod) =>
    pod.metadata.namespace === namespace &&
    pod.metadata.labels?.[STUDY_LABEL] === name &&
    pod.metadata.labels[COMPONENT_LABEL] === component;
  const of = (kind: typeof serverPods) => byStudy(context.store(kind)).byIndex(STUDY_INDEX, `${namespace}/${name}`);
  return {
    server: of(serverPods).filter(mine('server')),
    failed: of(failedPilots).filter((pod) => mine('pilot')(pod) && pod.status?.phase === 'Failed'),
  };
}

const STUDY_INDEX = 'study';
const withIndex = new WeakSet<Store<Pod>>();
/** Pods belong to their StatefulSet or Job; the label says to which study. */
function byStudy(store: Store<Pod>): Store<Pod> {
  if (withIndex.has(store)) return store;
  withIndex.add(store);
  store.addIndex(STUDY_INDEX, studyKeyOf);
  return store;
}
export const studyKeyOf = ({ metadata }: KubernetesObject): readonly string[] => {
  const study = metadata.labels?.[STUDY_LABEL];
  return study === undefined ? [] : [`${metadata.namespace}/${study}`];
};

type Problem = { reason: string; message: string };

/** What the API server refuses for as long as nobody changes something; null: another try may help. */
function problemOf(error: unknown): Problem | null {
  if (!(error instanceof ApiError) || ![400, 403, 413, 422].includes(error.status)) return null;
  return { reason: error.message.includes('exceeded quota') ? 'QuotaExceeded' : 'Refused', message: error.message };
}

/** Makes, changes and removes, in the decision's order. What the API server refuses for good is told, and tried again later. */
async function carryOut({ context, study }: Visit, { apply, remove }: Decision): Promise<Problem | null> {
  const { client } = context;
  for (const { kind, object } of remove) await client.delete(kind, object);
  let problem: Problem | null = null;
  for (const one of apply) {
    try {
      if (!one.owned) await mustBeFor(context, one, study);
      await client.apply(one.kind, one.wanted, one.owned ? study : null);
    } catch (error) {
      const refusal = problemOf(error);
      if (refusal === null) throw error;
      problem ??= { ...refusal, message: `${one.kind.kind} ${one.wanted.metadata.name}: ${refusal.message}` };
    }
  }
  return problem;
}

/** A claim that outlives its study has no owner; its annotation says whose it is. */
async function mustBeFor(context: Context<Study>, { kind, wanted }: Apply, study: Study): Promise<void> {
  const { name } = wanted.metadata;
  const { namespace } = study.metadata;
  const cached = context.store(kind).get(`${namespace}/${name}`);
  const found = cached ?? (await context.client.get(kind, namespace, name));
  const uid = found?.metadata.annotations?.[UID_ANNOTATION];
  if (found === null || uid === study.metadata.uid) return;
  throw new NotOursError(
    kind,
    `${namespace}/${name}`,
    uid === undefined
      ? 'nobody'
      : 'an earlier study of this name; name it in spec.server.checkpoint.storage.existingClaim to go on with it',
  );
}

/** At most once a second; then the events that follow from it. False when it must wait. */
async function write(
  { context, study, known }: Pick<Visit, 'context' | 'study' | 'known'>,
  status: MelissaStudyStatus,
): Promise<boolean> {
  const nowMs = context.clock.wallMs();
  const isNew = !isSame(status, study.status);
  const age = known.statusWrittenMs === null ? Infinity : nowMs - known.statusWrittenMs;
  if (isNew && age >= 0 && age < lookPeriodMs) return false;
  const events = transitions(study.status, status);
  let written: Study;
  try {
    written = await context.client.applyStatus(studies, study, status);
  } catch (error) {
    // It was deleted since this visit began; the next one sees that.
    if (error instanceof ApiError && error.isNotFound) return true;
    throw error;
  }
  if (written === study) return true;
  known.statusWrittenMs = nowMs;
  for (const { type, reason, note } of events) await context.event(type, reason, note);
  return true;
}
