// SPDX-License-Identifier: Apache-2.0
/** Bodies of messages as events of the plan: codes become words, bytes become text. Pure; called by control-router.ts. */
import type { ControlBody } from '@melissa/protocol';
import type { Outcome, PlanEvent } from '../plan/types.ts';
import type { RankTotals } from './rank-link.ts';

const outcomes: Record<number, Outcome> = {
  1: 'Exited',
  2: 'Signalled',
  3: 'CouldNotStart',
  4: 'PreprocessingFailed',
  5: 'ReturnedUnstarted',
  6: 'InterruptedByDrain',
  7: 'EndedOnOrder',
  8: 'OutputMissing',
};
const decoder = new TextDecoder();

export function endedEvent(pilot: string, body: ControlBody<'Ended'>): Extract<PlanEvent, { type: 'ended' }> {
  const { lease, simulation, draw, attempt, exitCode, reason, wallSeconds, cpuSeconds, peakRssBytes } = body;
  return {
    type: 'ended',
    pilot,
    lease,
    reference: { simulation, draw, attempt },
    // An outcome of a newer pilot that this head does not know is a failure all the same.
    outcome: outcomes[body.outcome] ?? 'CouldNotStart',
    exitCode,
    reason,
    usage: {
      wallSeconds,
      cpuSeconds,
      peakRssBytes,
      stdout: decoder.decode(body.stdout),
      stderr: decoder.decode(body.stderr),
    },
  };
}

export function progressEvent(
  rank: number,
  body: ControlBody<'RankProgress'>,
): { event: Extract<PlanEvent, { type: 'rankProgress' }>; totals: RankTotals } {
  const { active, faults, groupsFolded } = body;
  const completed = body.completed.map((item) => ({ ...item, state: item.state === 2 ? (2 as const) : (1 as const) }));
  return {
    event: { type: 'rankProgress', rank, completed, active, faults, groupsFolded },
    totals: {
      frames: body.framesTotal,
      bytes: body.bytesTotal,
      foldedUnits: body.foldedUnitsTotal,
      duplicates: body.duplicatesTotal,
      refused: body.refusedTotal,
      heldBytes: body.heldBytes,
      connections: body.connections,
      groupsFolded,
      foldSeconds: body.foldSeconds,
      rssBytes: body.rssBytes,
    },
  };
}
