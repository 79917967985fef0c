// SPDX-License-Identifier: Apache-2.0
/**
 * The durable state of the head: which epoch it is, and the plan. Numbered checkpoints are those of the whole study: first every
 * rank writes its own, then the head, then ranks may forget the older one. The plan alone is also written between them (a
 * redraw must be on disk before it is leased). Files are named by epoch and sequence, so what an old head that wakes up still
 * writes is never taken; it also looks for its successor's epoch before each write, and ends.
 */
import { assert, ProjectError, type Clock } from '@melissa/kit';
import { errors } from '../errors.ts';
import type { Files } from '../io/files.ts';
import { checkpointLimitMs } from '../limits.ts';
import { encodePlan, inspectPlan } from '../plan/plan-checkpoint.ts';
import type { PlanState } from '../plan/plan-state.ts';
import type { RankLink } from './rank-link.ts';

/** Plans kept on disk: the newest, and those to fall back to. */
const plansKept = 3;
const epochName = (epoch: number) => `epoch-${epoch}`;
const planName = (epoch: number, sequence: number) =>
  `plan-${String(epoch).padStart(8, '0')}-${String(sequence).padStart(10, '0')}`;
const planPattern = /^plan-(\d+)-(\d+)$/;
const epochPattern = /^epoch-(\d+)$/;

/** Takes the next epoch of the study for this process alone. */
export async function takeEpoch(files: Files, directory: string): Promise<{ epoch: number; isFirst: boolean }> {
  await files.makeFolder(directory);
  const names = await files.listFolder(directory);
  const known = names.map((name) => Number(epochPattern.exec(name)?.[1] ?? planPattern.exec(name)?.[1] ?? 0));
  let epoch = Math.max(0, ...known);
  const isFirst = epoch === 0;
  do epoch += 1;
  while (!(await files.createExclusively(`${directory}/${epochName(epoch)}`, '')));
  for (const name of names) {
    const old = Number(epochPattern.exec(name)?.[1] ?? Infinity);
    if (old < epoch) await files.removeFile(`${directory}/${name}`);
  }
  return { epoch, isFirst };
}

/** The newest plan that is sound, and why newer ones were passed over. Throws ECHECKPOINT_STUDY for another study's. */
export async function newestPlan(
  files: Files,
  directory: string,
  fingerprint: string,
): Promise<{ bytes: Uint8Array | null; refused: string[] }> {
  const names = (await files.listFolder(directory))
    .filter((name) => planPattern.test(name))
    .sort()
    .reverse();
  const refused: string[] = [];
  for (const name of names) {
    try {
      const bytes = await files.readIfThere(`${directory}/${name}`);
      if (bytes === null) continue;
      inspectPlan(bytes, fingerprint, files.crc32);
      return { bytes, refused };
    } catch (cause) {
      if (cause instanceof ProjectError && cause.code === 'ECHECKPOINT_STUDY') throw cause;
      refused.push(`${name}: ${(cause as Error).message}`);
    }
  }
  return { bytes: null, refused };
}

export type CheckpointOptions = {
  files: Files;
  directory: string;
  epoch: number;
  fingerprint: string;
  clock: Clock;
  ranks: RankLink[];
  plan: PlanState;
  /** Number of the checkpoint that the head was restored from. */
  number: number;
  elapsedMs: () => number;
  /** A newer head has taken over: this one has to end. */
  fenced: () => void;
};

export class Checkpoints {
  /** Of the last one that all ranks have. */
  number: number;
  wallMs: number | null = null;
  failures = 0;
  /** Why the last one failed; '' when it went well. */
  problem = '';
  #o: CheckpointOptions;
  #sequence = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #underWay: Promise<boolean> | null = null;

  constructor(options: CheckpointOptions) {
    this.#o = options;
    this.number = options.number;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }
  /** The plan alone. Resolves when it is on disk. */
  writePlan(): Promise<void> {
    const next = this.#writing.then(() => this.#write());
    this.#writing = next.catch(() => undefined);
    return next;
  }
  /** Whether a newer head has taken over; then this one is told to end. */
  async isFenced(): Promise<boolean> {
    return this.#fencedBy(await this.#o.files.listFolder(this.#o.directory));
  }
  #fencedBy(names: string[]): boolean {
    const isFenced = names.some((name) => Number(epochPattern.exec(name)?.[1] ?? 0) > this.#o.epoch);
    if (isFenced) this.#o.fenced();
    return isFenced;
  }
  async #write(): Promise<void> {
    const { files, directory, epoch, fingerprint, plan } = this.#o;
    const names = await files.listFolder(directory);
    if (this.#fencedBy(names)) throw new ProjectError({ code: 'EFENCED', ...errors.EFENCED });
    const bytes = encodePlan(
      plan,
      { fingerprint, checkpoint: this.number, elapsedMs: this.#o.elapsedMs() },
      files.crc32,
    );
    this.#sequence += 1;
    await files.writeAtomically(`${directory}/${planName(epoch, this.#sequence)}`, bytes);
    const older = names
      .filter((name) => planPattern.test(name))
      .sort()
      .reverse()
      .slice(plansKept - 1);
    for (const name of older) await files.removeFile(`${directory}/${name}`);
  }

  /**
   * A checkpoint of the whole study, after the one that is under way: what came since that one began is in this one only.
   * False when it failed: the one before stays in force, the study goes on.
   */
  async take(): Promise<boolean> {
    while (this.#underWay !== null) await this.#underWay;
    this.#underWay = this.#take();
    return this.#underWay;
  }
  async #take(): Promise<boolean> {
    try {
      await this.#takeNumbered();
      this.wallMs = this.#o.clock.wallMs();
      this.problem = '';
      return true;
    } catch (cause) {
      this.failures += 1;
      this.problem = `${errors.ECHECKPOINT_WRITE.message}: ${(cause as Error).message}. ${errors.ECHECKPOINT_WRITE.remedy}`;
      return false;
    } finally {
      this.#underWay = null;
    }
  }
  async #takeNumbered(): Promise<void> {
    const { ranks } = this.#o;
    const number = Math.max(this.number, ...ranks.map((rank) => rank.checkpoint)) + 1;
    const answers = await Promise.all(ranks.map((rank) => rank.request('Checkpoint', { number }, checkpointLimitMs)));
    for (const [rank, answer] of answers.entries()) {
      assert(answer.name === 'CheckpointDone', 'a rank answers Checkpoint with CheckpointDone');
      if (answer.body.ok === 0) {
        const message = `rank ${rank}: ${answer.body.reason}`;
        throw new ProjectError({ code: 'ECHECKPOINT_WRITE', message, remedy: errors.ECHECKPOINT_WRITE.remedy });
      }
    }
    const before = this.number;
    this.number = number;
    try {
      await this.writePlan();
    } catch (cause) {
      this.number = before;
      throw cause;
    }
    for (const rank of ranks) {
      rank.checkpoint = number;
      rank.order('CheckpointCommitted', { number });
    }
  }
}
