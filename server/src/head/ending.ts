// SPDX-License-Identifier: Apache-2.0
/**
 * The end of a study, and results on the way: a last checkpoint, then the results, then the seal. Until the seal a rank that
 * loses data reopens the study (`abort`). What cannot be written is tried again, for minutes, because a rank may be restarting
 * or somebody may be freeing space; then the study ends without and says so.
 */
import type { Clock } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import type { IoWorker } from '../io/worker.ts';
import type { Files } from '../io/files.ts';
import { resultsRetryMs, resultsTriesMax, resultsTriesUnsuccessfulMax } from '../limits.ts';
import type { PlanState } from '../plan/plan-state.ts';
import { Code, type PlanEvent } from '../plan/types.ts';
import type { Design } from '../sampling/index.ts';
import type { ResultsFacts } from '../results/writer.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Looker } from './convergence-check.ts';
import type { Log } from './log.ts';
import type { RankLink } from './rank-link.ts';
import type { HeadService } from './study-service.ts';

export type EndingParts = {
  study: CompiledStudy;
  manifest: Record<string, unknown>;
  design: Design;
  directory: string;
  host: string;
  versions: Record<string, string>;
  clock: Clock;
  files: Files;
  io: IoWorker;
  log: Log;
  plan: PlanState;
  ranks: RankLink[];
  checkpoints: Checkpoints;
  service: HeadService;
  looker: Looker;
  apply: (event: PlanEvent) => void;
};

export class Ending {
  /** Resolves when everything is written. */
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  #p: EndingParts;
  /** Counts begun ends; an aborted one finds another number here and leaves. */
  #run = 0;
  #writing = false;
  #problem = '';

  constructor(parts: EndingParts) {
    this.#p = parts;
    this.done = new Promise((resolve) => void (this.#resolve = resolve));
  }
  problems(): string[] {
    return this.#problem === '' ? [] : [this.#problem];
  }
  abort(): void {
    this.#run += 1;
  }

  async begin(): Promise<void> {
    this.#run += 1;
    const run = this.#run;
    const isCurrent = () => this.#run === run;
    const triesMax = this.#p.plan.outcome === 'Succeeded' ? resultsTriesMax : resultsTriesUnsuccessfulMax;
    let hasCheckpoint = false;
    for (let attempt = 0; attempt < triesMax && isCurrent(); attempt++) {
      if (this.#p.plan.ranksReady) {
        // A failed checkpoint does not keep the results back: they are safer on disk than in memory.
        if (!hasCheckpoint && this.#p.ranks.length > 0) hasCheckpoint = await this.#p.checkpoints.take();
        if (isCurrent() && (await this.#write(true)) && isCurrent()) break;
      }
      await new Promise<void>((wake) => void this.#p.clock.after(resultsRetryMs, wake));
    }
    if (isCurrent()) await this.#seal();
  }
  async writeInterval(): Promise<void> {
    if (!this.#p.plan.finished && this.#p.plan.ranksReady && this.#p.plan.table.counts[Code.Done]! > 0)
      await this.#write(false);
  }
  async #write(isFinal: boolean): Promise<boolean> {
    if (this.#writing) return false;
    this.#writing = true;
    try {
      // A head that was frozen and wakes up does not write over what its successor has written.
      if (await this.#p.checkpoints.isFenced()) return false;
      if (isFinal && this.#p.looker.hasIntervals) await this.#p.looker.look();
      const report = await this.#p.io.writeResults(this.#p.service, this.#facts(isFinal));
      this.#p.service.results = report.directory;
      this.#problem = '';
      for (const warning of report.warnings) this.#p.log('warn', warning);
      return true;
    } catch (cause) {
      this.#problem = `the results could not be written: ${(cause as Error).message}; it is tried again`;
      this.#p.log('warn', this.#problem);
      return false;
    } finally {
      this.#writing = false;
    }
  }
  #facts(isFinal: boolean): ResultsFacts {
    const { manifest, versions, host, clock, plan, design } = this.#p;
    const label =
      plan.redrawn > 0 && design.redrawLabel !== '' ? `${design.redrawLabel} by ${plan.redrawn} redraws` : '';
    return {
      manifest,
      versions,
      host,
      time: new Date(clock.wallMs()).toISOString(),
      isFinal,
      outcome: plan.outcome,
      stoppedEarly: plan.convergence.converged,
      partlyIn: this.#partlyIn(),
      designLabel: label,
    };
  }
  /** Ended without being done, after some of their samples were counted. */
  #partlyIn(): number[] {
    const { table } = this.#p.plan;
    const found: number[] = [];
    if (this.#p.study.partial === 'Whole') return found;
    for (let simulation = 0; simulation < table.simulations; simulation++) {
      if (table.state[simulation]! > Code.Done && table.communicator[simulation]! > 0) found.push(simulation);
    }
    return found;
  }
  async #seal(): Promise<void> {
    this.#p.apply({ type: 'sealed' });
    await this.#p.io.events.flush();
    try {
      await this.#p.checkpoints.writePlan();
      const status = { ...this.#p.service.status(), state: this.#p.plan.outcome };
      await this.#p.files.writeAtomically(`${this.#p.directory}/status.json`, `${JSON.stringify(status)}\n`);
    } catch (cause) {
      this.#p.log('error', 'the last status could not be written', { reason: (cause as Error).message });
    }
    // Told last: whoever runs the head may end it from now on.
    this.#p.service.finished = true;
    this.#resolve();
  }
}
