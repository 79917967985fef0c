// SPDX-License-Identifier: Apache-2.0
/** The end of a study: `spec.cancel` and `spec.deadlineSeconds` are the head's to carry out; what it ended with is final. */
import type { Observed } from '../types.ts';

export type End = { outcome: 'Succeeded' | 'Failed' | 'Cancelled'; reason: string };

const outcomes = ['Succeeded', 'Failed', 'Cancelled'] as const;

/** Null while the study goes on. It has ended when the head has written everything that is to stay. */
export function endOf({ head }: Pick<Observed, 'head'>): End | null {
  if (head === null || !head.demand.finished) return null;
  const outcome = outcomes.find((one) => one === head.status.state);
  return outcome === undefined ? null : { outcome, reason: head.status.reason };
}
