// SPDX-License-Identifier: Apache-2.0
/** What must be true of leases while a world runs, and of the plan when its study has ended. Problems are added as sentences. */
import { Code, states } from '../../src/plan/types.ts';
import type { PlanState } from '../../src/plan/plan-state.ts';
import type { LeaseBody } from './pilot.ts';
import type { Scenario } from './scenario.ts';
import type { Process } from './scheduler.ts';
import type { Shape } from './studies.ts';

const epochFactor = 2 ** 32;

export class Watch {
  #problems: string[];
  /** Who got a lease, by its number and by what it is for. */
  #owners = new Map<string, Process>();
  #starts = new Map<string, number>();

  constructor(problems: string[]) {
    this.#problems = problems;
  }
  accepted(pilot: Process, lease: LeaseBody, epoch: number, newestEpoch: number): void {
    const given = Math.floor(lease.lease / epochFactor);
    if (given !== epoch || epoch < newestEpoch)
      this.#problems.push(`${pilot.name} in epoch ${newestEpoch} accepted a lease that was given in epoch ${given}`);
    const { simulation, draw, attempt } = lease;
    for (const key of [`lease ${lease.lease}`, `attempt ${simulation}/${draw}/${attempt} of epoch ${given}`]) {
      const owner = this.#owners.get(key);
      if (owner !== undefined && owner !== pilot)
        this.#problems.push(`${key} was given to ${owner.name} and to ${pilot.name}`);
      this.#owners.set(key, pilot);
    }
  }
  started(simulation: number, draw: number): void {
    const key = `${simulation}/${draw}`;
    this.#starts.set(key, (this.#starts.get(key) ?? 0) + 1);
  }

  atEnd(scenario: Scenario, study: Shape['study'], plan: PlanState): void {
    const { misbehaviour, profile } = scenario;
    if (plan.outcome !== 'Succeeded') this.#problems.push(`the study ended as ${plan.outcome}: ${plan.outcomeReason}`);
    for (let simulation = 0; simulation < study.sampling.simulations; simulation++)
      this.#fate(scenario, study, plan, simulation);
    if ((profile !== 'cuts' && profile !== 'calm') || misbehaviour.kind !== 'none') return;
    for (const [key, starts] of this.#starts)
      if (starts > 1)
        this.#problems.push(`connections were cut and nothing else, but simulation ${key} was started ${starts} times`);
  }
  #fate(scenario: Scenario, study: Shape['study'], plan: PlanState, simulation: number): void {
    const { misbehaviour } = scenario;
    const state = plan.table.state[simulation]!;
    const draw = plan.table.draw[simulation]!;
    const said = `simulation ${simulation} is ${states[state]} with draw ${draw}`;
    const { groupSize } = study.sampling;
    const isPoison = misbehaviour.kind === 'poison';
    const isMate = isPoison && Math.floor(misbehaviour.simulation / groupSize) === Math.floor(simulation / groupSize);
    const itself = isPoison && misbehaviour.simulation === simulation;
    if (!isMate) {
      if (state !== Code.Done || draw !== 0)
        this.#problems.push(`${said}: ${plan.reasons.get(simulation) ?? 'without a reason'}`);
    } else if (misbehaviour.then === 'Redraw') {
      if (state !== Code.Done || draw !== 1) this.#problems.push(`${said} although its group was to be redrawn once`);
    } else if (state !== (itself ? Code.Failed : Code.Cancelled)) {
      this.#problems.push(`${said} although simulation ${misbehaviour.simulation} fails always`);
    } else if (itself && !/exited with 7/.test(plan.reasons.get(simulation) ?? '')) {
      this.#problems.push(`${said}, but its reason is not kept: ${plan.reasons.get(simulation)}`);
    }
  }
}
