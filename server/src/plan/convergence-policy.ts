// SPDX-License-Identifier: Apache-2.0
/**
 * When the study has converged (`stopWhen`): looked at every `every` groups once `minGroups` are folded, over the cells
 * that the ranks found eligible; the widest interval must be below the goal twice in a row, because a single look at a
 * wandering estimate stops too early. Pure; the head asks the ranks and brings the answer.
 */
import type { CompiledStopWhen } from '@melissa/crds';

export type ConvergenceState = { lastChecked: number; checking: boolean; streak: number; converged: boolean };
export const notChecked: ConvergenceState = { lastChecked: 0, checking: false, streak: 0, converged: false };

/** The next multiple of `every` that is at least `minGroups` has been passed. */
export function isCheckDue(stopWhen: CompiledStopWhen, state: ConvergenceState, groups: number): boolean {
  if (stopWhen === null || state.checking || state.converged || groups < stopWhen.minGroups) return false;
  const every = Math.max(1, stopWhen.every);
  return Math.floor(groups / every) > Math.floor(state.lastChecked / every) || state.lastChecked === 0;
}

export function afterCheck(
  stopWhen: CompiledStopWhen,
  state: ConvergenceState,
  found: { groups: number; widest: number; cells: number },
): ConvergenceState {
  const below = stopWhen !== null && found.cells > 0 && found.widest < stopWhen.sobolIntervalBelow;
  const streak = below ? state.streak + 1 : 0;
  return { lastChecked: found.groups, checking: false, streak, converged: state.converged || streak >= 2 };
}
