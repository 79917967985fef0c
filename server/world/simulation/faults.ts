// SPDX-License-Identifier: Apache-2.0
/** Lets happen what the scenario says. Whom a fault meets is drawn when it happens, among those that live then. */
import type { Random } from '@melissa/kit';
import type { Head } from '../../src/head/head.ts';
import type { Disk } from './disk.ts';
import type { Network } from './network.ts';
import type { Process, Scheduler } from './scheduler.ts';
import type { FaultKind, Scenario } from './scenario.ts';
import { newestCheckpoint, type SimulatedRank } from './rank.ts';
import type { Shape } from './studies.ts';

/** What of the world faults can meet. */
export type FaultTargets = {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly study: Shape['study'];
  heads: { process: Process; head: Head | null }[];
  ranks: { process: Process; rank: SimulatedRank }[];
  readonly pilots: Map<string, Process>;
  readonly solvers: Set<Process>;
  log(sentence: string): void;
  startHead(): void;
};

export class Faults {
  readonly counts: Partial<Record<FaultKind, number>> = {};
  #w: FaultTargets;

  constructor(world: FaultTargets) {
    this.#w = world;
  }
  plan(): void {
    for (const { timeMs, kind } of this.#w.scenario.faults)
      this.#w.scheduler.after(timeMs, () => {
        if (!this.#happen(kind)) return;
        this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      });
  }
  get #random() {
    return this.#w.random;
  }
  #oneOf<T>(items: Iterable<T>): T | undefined {
    const list = [...items];
    return list.length === 0 ? undefined : list[this.#random.below(list.length)];
  }
  /** False when there is nobody whom it could meet. */
  #happen(kind: FaultKind): boolean {
    this.#w.log(`fault: ${kind}`);
    switch (kind) {
      case 'killSolver':
        return this.#kill(this.#oneOf(this.#w.solvers));
      case 'killPilot':
        return this.#kill(this.#oneOf(this.#w.pilots.values()));
      case 'killRank':
        return this.#kill(this.#oneOf(this.#w.ranks)?.process);
      case 'killHead':
        return this.#kill(this.#w.heads.at(-1)?.process);
      case 'freezeSolver':
        return this.#freeze(this.#oneOf(this.#w.solvers));
      case 'freezePilot':
        return this.#freeze(this.#oneOf(this.#w.pilots.values()));
      case 'freezeRank':
        return this.#freeze(this.#oneOf(this.#w.ranks)?.process);
      case 'freezeHead':
        return this.#freeze(this.#w.heads.at(-1)?.process);
      case 'replaceHead':
        return this.#replaceHead();
      default:
        return this.#connectionOrDisk(kind);
    }
  }
  #connectionOrDisk(kind: FaultKind): boolean {
    const { network, disk, scheduler } = this.#w;
    const lastsMs = 300 + this.#random.uniform() * 3000;
    switch (kind) {
      case 'cut': {
        const link = this.#oneOf(network.links);
        if (link !== undefined) network.cut(link);
        return link !== undefined;
      }
      case 'cutMany':
        for (const link of [...network.links]) if (this.#random.chance(0.5)) network.cut(link);
        return true;
      case 'halfOpen': {
        const link = this.#oneOf(network.links);
        if (link !== undefined) network.halfOpen(link);
        return link !== undefined;
      }
      case 'delays':
        network.delayChance = 0.15;
        scheduler.after(lastsMs, () => void (network.delayChance = 0));
        return true;
      case 'fullDisk':
        disk.isFull = true;
        scheduler.after(lastsMs, () => void (disk.isFull = false));
        return true;
      case 'slowDisk':
        disk.slowness = 50;
        scheduler.after(lastsMs, () => void (disk.slowness = 1));
        return true;
      case 'powerCut':
        return this.#powerCut();
      default:
        return this.#damage(kind);
    }
  }
  #kill(process: Process | undefined): boolean {
    if (process === undefined || !process.isAlive) return false;
    this.#w.log(`${process.name} is killed`);
    process.end();
    return true;
  }
  #freeze(process: Process | undefined): boolean {
    if (process === undefined || process.state !== 'running') return false;
    const lastsMs = this.#random.chance(0.7) ? this.#random.uniform() * 4000 : this.#random.uniform() * 20_000;
    this.#w.log(`${process.name} freezes for ${lastsMs.toFixed(0)} ms`);
    process.freeze();
    this.#w.scheduler.after(lastsMs, () => {
      this.#w.log(`${process.name} wakes`);
      process.wake();
    });
    return true;
  }
  /** The backend takes a frozen head for dead and starts another; the old one wakes up later. */
  #replaceHead(): boolean {
    const old = this.#w.heads.at(-1);
    if (old === undefined || old.head === null || old.process.state !== 'running') return false;
    old.process.freeze();
    const { scheduler, network } = this.#w;
    const startsMs = 500 + this.#random.uniform() * 1500;
    scheduler.after(startsMs, () => {
      if (old !== this.#w.heads.at(-1) || !old.process.isAlive) return;
      this.#w.startHead();
      // Some of its connections are found dead; the others only when they are used.
      for (const link of [...network.links])
        if (link.router.process === old.process && this.#random.chance(0.7)) network.cut(link);
    });
    scheduler.after(startsMs + this.#random.uniform() * 4000, () => {
      this.#w.log(`${old.process.name} wakes`);
      old.process.wake();
    });
    // In the end somebody takes away its last connections.
    scheduler.after(startsMs + 8000, () => {
      for (const link of [...network.links])
        if (link.router.process === old.process && old !== this.#w.heads.at(-1)) network.cut(link);
    });
    return true;
  }
  /** The machine of the server loses its power: head and ranks end, and the folder is what was synced. */
  #powerCut(): boolean {
    this.#w.disk.powerCut();
    for (const { process } of [...this.#w.heads, ...this.#w.ranks]) process.end();
    return true;
  }
  /** What lies on the disk goes bad, and is read again soon after. */
  #damage(kind: FaultKind): boolean {
    const { disk } = this.#w;
    if (kind === 'damageRank') {
      const rank = this.#random.below(this.#w.study.server.ranks);
      const path = newestCheckpoint(disk, rank);
      if (path !== null) disk.damage(path);
      return path !== null && this.#kill(this.#w.ranks[rank]?.process);
    }
    const newest = disk
      .list('/study/checkpoint')
      .filter((name) => /^plan-\d+-\d+$/.test(name))
      .sort()
      .at(-1);
    if (newest !== undefined) disk.damage(`/study/checkpoint/${newest}`);
    return newest !== undefined && this.#kill(this.#w.heads.at(-1)?.process);
  }
}
