// SPDX-License-Identifier: Apache-2.0
/** A run of chaos: seeds one after another, and what they add up to. Called by main.ts and by chaos.test.ts. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Comparer } from './comparer.ts';
import { mountDisk, unmountDisk } from './faults.ts';
import { runSeed, runTwin, type Findings, type Stage } from './run-seed.ts';
import { scheduleOf, type Ability } from './schedule.ts';
import { buildSolver, hasMpi } from './solver.ts';
import type { Variant } from './variants.ts';

export type Total = {
  seeds: number;
  passed: number;
  failed: number;
  faults: Record<string, number>;
  maxRelativeError: number;
  duplicates: number;
  lost: number;
  orphans: number;
};

/** What this machine lacks is left out of every schedule, and said. */
export function abilityHere(): Ability {
  const place = mkdtempSync(join(tmpdir(), 'mel-disk-'));
  mkdirSync(place, { recursive: true });
  const mounts = process.getuid?.() === 0 && mountDisk(place);
  if (mounts) unmountDisk(place);
  rmSync(place, { recursive: true, force: true });
  return { mpi: hasMpi() && spawnSync('mpirun', ['--version']).status === 0, mounts };
}

export class Chaos {
  readonly folder = mkdtempSync(join(tmpdir(), 'mel-chaos-'));
  readonly ability = abilityHere();
  readonly total: Total = {
    seeds: 0,
    passed: 0,
    failed: 0,
    faults: {},
    maxRelativeError: 0,
    duplicates: 0,
    lost: 0,
    orphans: 0,
  };
  #comparer = new Comparer();
  #twins = new Map<string, Promise<string>>();
  #stage: Stage = { folder: this.folder, comparer: this.#comparer, solverOf };

  /** Study directory of the fault-free twin, which runs once. */
  twin(variant: Variant): Promise<string> {
    const known = this.#twins.get(variant.name);
    if (known !== undefined) return known;
    const twin = runTwin(variant, this.#stage);
    this.#twins.set(variant.name, twin);
    return twin;
  }
  async seed(seed: number): Promise<Findings> {
    const schedule = scheduleOf(seed, this.ability);
    const findings = await runSeed(schedule, await this.twin(schedule.variant), this.#stage);
    const { total } = this;
    total.seeds += 1;
    total[findings.problems.length === 0 ? 'passed' : 'failed'] += 1;
    for (const fault of findings.faults) total.faults[fault] = (total.faults[fault] ?? 0) + 1;
    total.maxRelativeError = Math.max(total.maxRelativeError, findings.maxRelativeError);
    total.duplicates += findings.duplicates;
    total.lost += findings.lost;
    total.orphans += findings.orphans;
    // What a failed seed leaves is evidence.
    if (findings.problems.length === 0) rmSync(join(this.folder, `seed-${seed}`), { recursive: true, force: true });
    return findings;
  }
  close(): void {
    this.#comparer.close();
    if (this.total.failed === 0) rmSync(this.folder, { recursive: true, force: true });
  }
}

function solverOf({ clientRanks }: Variant): string {
  const mpi = clientRanks > 1;
  return buildSolver('chaos/solver/solver.c', mpi ? 'chaos-solver-mpi' : 'chaos-solver', { mpi });
}
