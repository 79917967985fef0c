// SPDX-License-Identifier: Apache-2.0
/** Runs the worlds of many seeds one after another and adds up what happened in them. Called by simulate.ts, in several processes. */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { simulate, type Verdict } from './world.ts';

export type Summary = {
  seeds: number;
  failed: number;
  virtualSeconds: number;
  events: number;
  faults: Record<string, number>;
  shapes: Record<string, number>;
  profiles: Record<string, number>;
  failedSeeds: number[];
};
/** Failed seeds that a summary names. */
const failedSeedsMax = 100;

export const emptySummary = (): Summary => ({
  seeds: 0, failed: 0, virtualSeconds: 0, events: 0, faults: {}, shapes: {}, profiles: {}, failedSeeds: [],
}); // prettier-ignore

function addCounts(into: Record<string, number>, from: Partial<Record<string, number>>): void {
  for (const [name, count] of Object.entries(from)) into[name] = (into[name] ?? 0) + (count ?? 0);
}
export function addSummary(into: Summary, from: Summary): void {
  into.seeds += from.seeds;
  into.failed += from.failed;
  into.virtualSeconds += from.virtualSeconds;
  into.events += from.events;
  addCounts(into.faults, from.faults);
  addCounts(into.shapes, from.shapes);
  addCounts(into.profiles, from.profiles);
  into.failedSeeds = [...into.failedSeeds, ...from.failedSeeds].sort((a, b) => a - b).slice(0, failedSeedsMax);
}
export async function runSeeds(first: number, count: number, failed: (verdict: Verdict) => void): Promise<Summary> {
  const summary = emptySummary();
  for (let seed = first; seed < first + count; seed++) {
    const verdict = await simulate(seed, { trace: false });
    const { scenario, problems, faults, virtualMs, events } = verdict;
    const isFailed = problems.length > 0;
    addSummary(summary, {
      seeds: 1,
      failed: isFailed ? 1 : 0,
      virtualSeconds: virtualMs / 1000,
      events,
      faults: faults as Record<string, number>,
      shapes: { [scenario.shape]: 1 },
      profiles: { [scenario.profile]: 1 },
      failedSeeds: isFailed ? [seed] : [],
    });
    if (isFailed) failed(await traced(verdict));
    // Native cores are given back by the event loop alone, which the worlds never return to.
    await turnOfTheLoop();
  }
  return summary;
}

/** The same world once more, written down. */
export async function traced(verdict: Verdict): Promise<Verdict> {
  const { profile, shape } = verdict.scenario;
  const again = await simulate(verdict.seed, { profile, shape });
  const isSame = again.problems.join() === verdict.problems.join();
  return {
    ...again,
    problems: isSame ? again.problems : [...verdict.problems, 'it ended in another way when it was replayed'],
  };
}

/** What a person needs to look into a failed seed. */
export function told(verdict: Verdict, traceLines: number): string {
  const { seed, scenario, problems, trace, virtualMs } = verdict;
  const { shape, profile, misbehaviour, stepMs } = scenario;
  const head = `seed ${seed} (study ${shape}, faults ${profile}, ${JSON.stringify(misbehaviour)}, steps of ${stepMs} ms), ${(virtualMs / 1000).toFixed(3)} s:`;
  const replay = `replay it alone: npm run simulate -- --seed ${seed}`;
  return [
    head,
    ...problems.map((problem) => `  ${problem}`),
    ...trace.slice(-traceLines).map((line) => `    ${line}`),
    replay,
  ].join('\n');
}
