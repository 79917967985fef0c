// SPDX-License-Identifier: Apache-2.0
/** The nine conditions of a study. Each is there from the first visit; its time changes only when its status does. */
import type { MelissaStudyStatus } from '@melissa/crds';
import { CONDITION_TYPES } from '@melissa/crds';
import { messageLengthMax } from '../limits.ts';

export type Condition = NonNullable<MelissaStudyStatus['conditions']>[number];
export type ConditionType = (typeof CONDITION_TYPES)[number];
/** What is said of one condition now. */
export type Verdict = { status: 'True' | 'False' | 'Unknown'; reason: string; message: string };
export type Verdicts = Record<ConditionType, Verdict>;

export const yes = (reason: string, message = ''): Verdict => ({ status: 'True', reason, message });
export const no = (reason: string, message = ''): Verdict => ({ status: 'False', reason, message });
export const unknown = (reason: string, message = ''): Verdict => ({ status: 'Unknown', reason, message });

export function conditionsOf(
  verdicts: Verdicts,
  before: readonly Condition[] | undefined,
  { generation, now }: { generation: number; now: string },
): Condition[] {
  return CONDITION_TYPES.map((type) => {
    const { status, reason, message } = verdicts[type];
    const old = before?.find((one) => one.type === type);
    return {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime: old !== undefined && old.status === status ? old.lastTransitionTime : now,
      reason,
      message: message.slice(0, messageLengthMax),
    };
  });
}
