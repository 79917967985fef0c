// SPDX-License-Identifier: Apache-2.0
/** `spec.server.checkpoint.storage.retention`: a claim that is kept has no owner, and names the study that it was made for. */
import type { Wanted } from 'operator-runtime';
import type { Apply } from '../types.ts';
import { claims, type Study } from '../kinds.ts';
import type { CheckedSpec } from '@melissa/crds';

/** Whose claim it is, where no owner reference may say so. */
export const UID_ANNOTATION = 'melissa.dev/study-uid';

export function claimFor(claim: Wanted, study: Study, spec: CheckedSpec): Apply {
  const owned = spec.server.checkpoint.storage?.retention !== 'Retain';
  if (owned) return { kind: claims, wanted: claim, owned };
  const annotations = { [UID_ANNOTATION]: study.metadata.uid ?? '' };
  return { kind: claims, wanted: { ...claim, metadata: { ...claim.metadata, annotations } }, owned };
}
