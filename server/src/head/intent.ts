// SPDX-License-Identifier: Apache-2.0
/**
 * What the manifest wants of a running study: how many pilots, suspended or not, cancelled, until when. The owner of the
 * backend tells all of it at once, with the manifest's generation; what was told last is kept beside the checkpoints, so that a head
 * that starts again while nobody can tell it anything goes on with it. Called by head.ts at start and by the HTTP server.
 */
import type { Intent } from '@melissa/api';
import type { CompiledStudy } from '@melissa/crds';
import type { Files } from '../io/files.ts';
import type { PlanEvent } from '../plan/types.ts';

export type IntentParts = {
  study: CompiledStudy;
  files: Files;
  directory: string;
  /** Which study object speaks: generations of another one (a claim that is used again) say nothing. Empty: the only one. */
  owner: string;
  apply: (event: PlanEvent) => void;
  /** Sets the end of the study, in its own time; null: it has none. */
  setDeadline: (seconds: number | null) => void;
};

const cancelReason = 'spec.cancel is true';

export class IntentKeeper {
  #p: IntentParts;
  #now: Intent;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: IntentParts) {
    this.#p = parts;
    const { study } = parts;
    this.#now = {
      generation: 0,
      parallelism: study.client.parallelism,
      suspend: study.suspend,
      cancel: study.cancel,
      deadlineSeconds: study.deadlineSeconds,
    };
  }
  get generation(): number {
    return this.#now.generation;
  }

  /** Applies what was told last; otherwise what the study was started with, as far as it does not undo what a checkpoint says. */
  async start(): Promise<void> {
    const bytes = await this.#p.files.readIfThere(this.#path);
    const kept = bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as Intent & { owner?: string });
    if (kept !== null && (kept.owner ?? '') === this.#p.owner) {
      const { owner: _owner, ...intent } = kept;
      this.#now = intent;
      this.#apply();
      return;
    }
    const { suspend, cancel, deadlineSeconds } = this.#now;
    this.#p.setDeadline(deadlineSeconds);
    if (cancel) this.#p.apply({ type: 'cancel', reason: cancelReason });
    if (suspend) this.#p.apply({ type: 'suspend' });
  }
  /** False when a newer generation was taken before. The same one again changes nothing. */
  async take(intent: Intent): Promise<boolean> {
    if (intent.generation < this.#now.generation) return false;
    const { generation, parallelism, suspend, deadlineSeconds } = intent;
    // What was cancelled stays so: its simulations have been given up.
    this.#now = { generation, parallelism, suspend, cancel: this.#now.cancel || intent.cancel, deadlineSeconds };
    const text = `${JSON.stringify({ ...this.#now, owner: this.#p.owner })}\n`;
    this.#apply();
    const before = this.#writing.catch(() => undefined);
    this.#writing = before.then(() => this.#p.files.writeAtomically(this.#path, text));
    await this.#writing;
    return true;
  }

  get #path(): string {
    return `${this.#p.directory}/intent.json`;
  }
  #apply(): void {
    const { parallelism, suspend, cancel, deadlineSeconds } = this.#now;
    this.#p.apply({ type: 'setParallelism', pilots: parallelism });
    this.#p.setDeadline(deadlineSeconds);
    if (cancel) this.#p.apply({ type: 'cancel', reason: cancelReason });
    this.#p.apply({ type: suspend ? 'suspend' : 'resume' });
  }
}
