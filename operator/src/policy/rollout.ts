// SPDX-License-Identifier: Apache-2.0
/**
 * What a change of the spec, or new credentials, start again. Server pods of an older template are deleted, and continue from their checkpoint;
 * a Job cannot be changed, so one of another template is deleted and made anew when it is gone.
 */
import { sha256 } from '@melissa/crds';
import type { Wanted } from 'operator-runtime';
import type { Pod } from '../kinds.ts';
import { CREDENTIALS_ANNOTATION, TEMPLATE_ANNOTATION } from '../names.ts';
import type { Observed } from '../types.ts';

const REVISION_LABEL = 'controller-revision-hash';

type Template = { metadata: { annotations?: Record<string, string> } };

/** The pods of a set or job carry what keys they were started with: other keys are another template. */
export function withCredentials(wanted: Wanted, credentials: string): Wanted {
  if (credentials === '') return wanted;
  const spec = wanted['spec'] as { template: Template };
  const { metadata } = spec.template;
  const annotations = { ...metadata.annotations, [CREDENTIALS_ANNOTATION]: credentials };
  return { ...wanted, spec: { ...spec, template: { ...spec.template, metadata: { ...metadata, annotations } } } };
}

export const templateHash = (wanted: Wanted): string => sha256(JSON.stringify(wanted['spec'])).slice(0, 16);

export function withTemplateHash(wanted: Wanted): Wanted {
  const { metadata } = wanted;
  const annotations = { ...metadata.annotations, [TEMPLATE_ANNOTATION]: templateHash(wanted) };
  return { ...wanted, metadata: { ...metadata, annotations } };
}

/** The StatefulSet's controller has seen the present template, and these pods are of another. */
export function outdatedPods({ statefulSet, serverPods }: Pick<Observed, 'statefulSet' | 'serverPods'>): Pod[] {
  const { status, metadata } = statefulSet ?? {};
  const revision = status?.updateRevision;
  if (revision === undefined || status?.observedGeneration !== metadata?.generation) return [];
  return serverPods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      pod.metadata.labels?.[REVISION_LABEL] !== undefined &&
      pod.metadata.labels[REVISION_LABEL] !== revision,
  );
}

const isOver = (job: NonNullable<Observed['job']>): boolean =>
  job.status?.conditions?.some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  ) === true;

/** `job` is as it should be made. A Job that is over while the study is not has run out of indexes, or somebody ended it. */
export function jobMustGo(existing: Observed['job'], job: Wanted, planFinished: boolean): boolean {
  if (existing === null || existing.metadata.deletionTimestamp !== undefined) return false;
  const made = existing.metadata.annotations?.[TEMPLATE_ANNOTATION];
  return made !== job.metadata.annotations?.[TEMPLATE_ANNOTATION] || (isOver(existing) && !planFinished);
}
