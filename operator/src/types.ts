// SPDX-License-Identifier: Apache-2.0
/** What the decision core reads and what it answers: plain data, made and carried out by reconcile.ts. */
import type { BackendDemand, StudyStatus } from '@melissa/api';
import type { CheckedSpec, CompiledStudy, MelissaStudyStatus } from '@melissa/crds';
import type { Kind, KubernetesObject, Wanted } from 'operator-runtime';
import type { Claim, ConfigMap, Job, Pod, StatefulSet, Study } from './kinds.ts';

/** What the operator itself was told at its start. */
export type OperatorConfig = {
  serverImage: string;
  pilotImage: string;
  imagePullPolicy: string;
  /** Null: heads take the study's token only. */
  authorize: { url: string; caCertificate: string } | null;
};

/** A study's children as they were first rendered: frozen in its ConfigMap, so that another version of the operator changes nothing. */
export type Rendered = {
  version: 1;
  accounts: Wanted[];
  services: Wanted[];
  networkPolicies: Wanted[];
  /** Null when the study brings its own. */
  claim: Wanted | null;
  /** Without replicas. */
  statefulSet: Wanted;
  /** Without parallelism and suspend. */
  job: Wanted;
};

export type Acceptance =
  | { accepted: true; spec: CheckedSpec; compiled: CompiledStudy; hash: string }
  | { accepted: false; reason: string; message: string };

/** The head as it last answered. */
export type HeadView = { status: StudyStatus; demand: BackendDemand; atMs: number };

/** Something that keeps pods from running, in the cluster's words. */
export type Trouble = { about: 'server' | 'pilots'; reason: string; message: string };

/** A study that was accepted, with everything that belongs to it. */
export type Observed = {
  nowMs: number;
  study: Study;
  spec: CheckedSpec;
  compiled: CompiledStudy;
  rendered: Rendered;
  /** Which keys the pods are to have; in the annotations of pods. */
  credentials: string;
  statefulSet: StatefulSet | null;
  job: Job | null;
  claim: Claim | null;
  /** Of the StatefulSet. */
  serverPods: Pod[];
  failedPilots: Pod[];
  /** Of earlier versions of the spec. */
  staleConfigMaps: ConfigMap[];
  head: HeadView | null;
  /** Since when the head has not answered, on the clock of `nowMs`; null while it answers. */
  headSilentSinceMs: number | null;
  troubles: Trouble[];
};

export type Apply = { kind: Kind; wanted: Wanted; owned: boolean };
export type Remove = { kind: Kind; object: KubernetesObject };
export type Intent = {
  generation: number;
  parallelism: number;
  suspend: boolean;
  cancel: boolean;
  deadlineSeconds: number | null;
};
export type EventToTell = { type: 'Normal' | 'Warning'; reason: string; note: string };

export type Decision = {
  apply: Apply[];
  remove: Remove[];
  /** What the head is to be told; null when it knows, or is not there. */
  intent: Intent | null;
  /** The study itself is to be deleted. */
  expired: boolean;
  status: MelissaStudyStatus;
  /** Look again after this, even if nothing changes; null: never. */
  lookAgainMs: number | null;
};
