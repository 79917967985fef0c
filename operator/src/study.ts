// SPDX-License-Identifier: Apache-2.0
/**
 * Is the study sound, and which of its settings belong to what is frozen? Called by reconcile.ts for every new generation. What is passed on by
 * intent while the study runs is left out of the hash; whatever else differs makes another ConfigMap, and with it a restart from the checkpoint.
 */
import {
  canonicalJson,
  compileStudy,
  completeSpec,
  sha256,
  withoutDefaults,
  type CheckedSpec,
  type CompiledStudy,
  type ManifestProblem,
  type MelissaStudySpec,
} from '@melissa/crds';
import type { Study } from './kinds.ts';
import { frozenBytesMax, messageLengthMax } from './limits.ts';
import type { Acceptance } from './types.ts';

/** Another value means that this operator leaves the study alone. */
export const MANAGED_BY = 'melissa.dev/operator';

export const isOurs = ({ spec }: Study): boolean => spec.managedBy === undefined || spec.managedBy === MANAGED_BY;

const refusal = (reason: string, message: string): Acceptance => ({ accepted: false, reason, message });

/** `configMapText` is what `sampling.list.configMap` names; undefined when nothing is named, null when it is not there. */
export function accept(study: Study, configMapText?: string | null): Acceptance {
  const { backend } = study.spec;
  const outside = backend?.slurm !== undefined ? 'slurm' : backend?.oar !== undefined ? 'oar' : null;
  if (outside !== null)
    return refusal(
      'BackendNotServed',
      `spec.backend.${outside}: this operator starts pods only. Leave spec.backend out, or run the study with melissa run on the site.`,
    );
  const result = compileStudy(
    { apiVersion: study.apiVersion, kind: study.kind, metadata: { name: study.metadata.name }, spec: study.spec },
    {
      manifestDirectory: '/',
      backend: 'Kubernetes',
      ...(configMapText === undefined ? {} : { readConfigMap: () => readOr(configMapText) }),
    },
  );
  if ('errors' in result) return refusal('Invalid', explained(result.errors));
  const spec = completeSpec(study.spec);
  if (spec === null) return refusal('Invalid', 'The spec does not follow the schema; apply it again.');
  if (spec.client.image === '')
    return refusal('Invalid', 'spec.client.image: is missing. Name the container image that holds the solver.');
  const tooLarge = sizeProblem(result.study, spec);
  if (tooLarge !== null) return refusal('TooLarge', tooLarge);
  return { accepted: true, spec, compiled: result.study, hash: frozenHash(study.spec) };
}

/** Server pods read the study from one ConfigMap. A million time steps, or a long list of rows, do not fit in. */
function sizeProblem(compiled: CompiledStudy, spec: CheckedSpec): string | null {
  const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');
  const bytes = bytesOf(compiled) + bytesOf(spec);
  if (bytes <= frozenBytesMax) return null;
  const large = Object.entries(compiled).filter(([, value]) => bytesOf(value) > frozenBytesMax / 10);
  const paths = large.map(([key]) => `spec.${key}`).join(', ') || 'spec';
  return `${paths}: the study takes ${Math.ceil(bytes / 1000)} kB as its pods read it, and at most ${frozenBytesMax / 1000} kB fit into a ConfigMap. Make it smaller, or run the study with melissa run on one machine.`;
}

function readOr(text: string | null): string {
  // The message becomes part of the problem that compileStudy reports.
  if (text === null) throw new TypeError('there is no such ConfigMap or key in the namespace');
  return text;
}

const explained = (problems: ManifestProblem[]): string =>
  problems
    .map(({ path, message, remedy }) => `${path}: ${message}. ${remedy}`)
    .join(' ')
    .slice(0, messageLengthMax);

/** Of what is frozen when the study starts; ten hexadecimal digits are enough to tell a study's few versions apart. */
export function frozenHash(spec: MelissaStudySpec): string {
  const bare = structuredClone(withoutDefaults(spec)) as MelissaStudySpec;
  const { suspend, cancel, deadlineSeconds, ttlSecondsAfterFinished, managedBy, local, ...rest } = bare;
  void [suspend, cancel, deadlineSeconds, ttlSecondsAfterFinished, managedBy, local];
  if (rest.client !== undefined) delete rest.client.parallelism;
  if (rest.server !== undefined) delete rest.server.keepSeconds;
  return sha256(canonicalJson(rest)).slice(0, 10);
}
