// SPDX-License-Identifier: Apache-2.0
/** Simulations as Melissa's launcher answers them, for monitors that were written for it. */
import type { Job, SimulationDetail } from '@melissa/api';

const states: Record<SimulationDetail['state'], Job['state']> = {
  Pending: 'WAITING',
  Leased: 'WAITING',
  Running: 'RUNNING',
  Received: 'RUNNING',
  Done: 'TERMINATED',
  Failed: 'ERROR',
  Cancelled: 'ERROR',
};

export function jobOf(simulation: Pick<SimulationDetail, 'simulation' | 'draw' | 'state'>): Job {
  // Unique among all that was ever run under this id: a redrawn simulation is another job.
  return {
    id: simulation.simulation,
    unique_id: `${simulation.simulation}.${simulation.draw}`,
    state: states[simulation.state],
  };
}
