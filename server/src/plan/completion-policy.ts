// SPDX-License-Identifier: Apache-2.0
/**
 * When a simulation is done: when every rank has folded all of it, not when its solver exits. Without fields there is
 * nothing to fold and exit 0 is success. A solver that exits 0 with data missing gets `graceSeconds` for what is still
 * under way; what is missing then is a failed attempt. Pure; called by PlanState.
 */
import type { SimulationTable } from './simulation-table.ts';

export type Completion = 'Missing' | 'Received' | 'Done';

export function completionOf(table: SimulationTable, simulation: number): Completion {
  if (table.isCompleteEverywhere(simulation)) return 'Done';
  return table.isReceivedEverywhere(simulation) ? 'Received' : 'Missing';
}

export function missingReason(table: SimulationTable, simulation: number, firstSteps: Uint32Array | undefined): string {
  const lacking = table.ranksLacking(simulation).map((rank) => {
    const step = firstSteps?.[rank];
    return step === undefined ? `rank ${rank} has nothing of it` : `rank ${rank} lacks data from step ${step} on`;
  });
  return `exited with 0, but not all of its data arrived: ${lacking.join('; ')}`;
}
