// SPDX-License-Identifier: Apache-2.0
/**
 * The study's folder. A write goes the way of a real one: the new content is written beside its place, synced, renamed, and the folder
 * synced; each step takes time, and a process can die between any two. A power cut takes back every rename and removal whose
 * folder was not synced. The disk can be full for a while, and what lies on it can be damaged.
 */
import { crc32 } from 'node:zlib';
import type { Random } from '@melissa/kit';
import { ProjectError } from '@melissa/kit';
import type { Files } from '../../src/io/files.ts';
import type { Process } from './scheduler.ts';

/** Longest time of each step of a write. */
const stepMsMax = 8;

export class Disk {
  readonly #random: Random;
  /** What a reader finds. */
  readonly #visible = new Map<string, Uint8Array>();
  /** What is found after a power cut. */
  #durable = new Map<string, Uint8Array>();
  isFull = false;
  /** Steps take longer on a slow disk. */
  slowness = 1;

  constructor(random: Random) {
    this.#random = random;
  }
  /** Resolves after the time of one step; never if the process has died. */
  #step(process: Process): Promise<void> {
    return new Promise((resolve) => void process.after(this.#random.uniform() * stepMsMax * this.slowness, resolve));
  }
  #syncFolder(): void {
    this.#durable = new Map(this.#visible);
  }
  async write(process: Process, path: string, content: Uint8Array): Promise<void> {
    const beside = `${path}.tmp`;
    this.#visible.set(beside, content.subarray(0, this.#random.below(content.length + 1)));
    await this.#step(process);
    if (this.isFull) {
      this.#visible.delete(beside);
      throw new ProjectError({ code: 'ENOSPC', message: 'no space left on device', remedy: 'Free some space.' });
    }
    this.#visible.set(beside, content);
    await this.#step(process);
    this.#visible.delete(beside);
    this.#visible.set(path, content);
    await this.#step(process);
    this.#syncFolder();
  }
  read(path: string): Uint8Array | null {
    return this.#visible.get(path) ?? null;
  }
  list(folder: string): string[] {
    const prefix = `${folder}/`;
    return [...this.#visible.keys()].flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
  }
  remove(path: string): void {
    this.#visible.delete(path);
  }
  /** Everything that was not synced is as it was before. */
  powerCut(): void {
    this.#visible.clear();
    for (const [path, content] of this.#durable) this.#visible.set(path, content);
  }
  /** Turns a bit of the file, or cuts its end off. */
  damage(path: string): void {
    const content = this.#visible.get(path);
    if (content === undefined || content.length === 0) return;
    const bad = content.slice();
    if (this.#random.chance(0.5)) {
      bad[this.#random.below(bad.length)]! ^= 1 << this.#random.below(8);
      this.put(path, bad);
    } else {
      this.put(path, bad.subarray(0, this.#random.below(bad.length)));
    }
  }
  /** As if it had always lain there. */
  put(path: string, content: Uint8Array): void {
    this.#visible.set(path, content);
    this.#durable.set(path, content);
  }
  files(process: Process): Files {
    const encoder = new TextEncoder();
    const bytesOf = (content: Uint8Array | string) => (typeof content === 'string' ? encoder.encode(content) : content);
    return {
      writeAtomically: (path, content) => this.write(process, path, bytesOf(content)),
      createExclusively: async (path, content) => {
        if (this.#visible.has(path)) return false;
        this.#visible.set(path, bytesOf(content));
        await this.#step(process);
        this.#syncFolder();
        return true;
      },
      readIfThere: async (path) => {
        await this.#step(process);
        return this.read(path);
      },
      listFolder: async (path) => {
        await this.#step(process);
        return this.list(path);
      },
      makeFolder: () => this.#step(process),
      removeFile: async (path) => this.remove(path),
      crc32: (bytes) => crc32(bytes),
    };
  }
}
