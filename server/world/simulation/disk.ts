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

/** What was done to the folder, in order. A file is named by a number of its own: its name may change. */
export type DiskOperation =
  | { kind: 'create'; path: string; file: number }
  | { kind: 'write'; file: number; content: Uint8Array }
  | { kind: 'sync'; file: number }
  | { kind: 'rename'; from: string; to: string; file: number }
  | { kind: 'remove'; path: string }
  | { kind: 'syncFolder'; folder: string };

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

export class Disk {
  /** Filled when somebody wants to know. */
  journal: DiskOperation[] | null = null;
  #files = 0;
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
  #syncFolder(path: string): void {
    this.#durable = new Map(this.#visible);
    this.journal?.push({ kind: 'syncFolder', folder: folderOf(path) });
  }
  async write(process: Process, path: string, content: Uint8Array): Promise<void> {
    const beside = `${path}.tmp`;
    const file = ++this.#files;
    this.#visible.set(beside, content.subarray(0, this.#random.below(content.length + 1)));
    this.journal?.push({ kind: 'create', path: beside, file }, { kind: 'write', file, content });
    await this.#step(process);
    if (this.isFull) {
      this.remove(beside);
      throw new ProjectError({ code: 'ENOSPC', message: 'no space left on device', remedy: 'Free some space.' });
    }
    this.#visible.set(beside, content);
    this.journal?.push({ kind: 'sync', file });
    await this.#step(process);
    this.#visible.delete(beside);
    this.#visible.set(path, content);
    this.journal?.push({ kind: 'rename', from: beside, to: path, file });
    await this.#step(process);
    this.#syncFolder(path);
  }
  read(path: string): Uint8Array | null {
    return this.#visible.get(path) ?? null;
  }
  list(folder: string): string[] {
    const prefix = `${folder}/`;
    return [...this.#visible.keys()].flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
  }
  remove(path: string): void {
    if (this.#visible.delete(path)) this.journal?.push({ kind: 'remove', path });
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
        const file = ++this.#files;
        this.journal?.push({ kind: 'create', path, file }, { kind: 'write', file, content: bytesOf(content) });
        await this.#step(process);
        this.journal?.push({ kind: 'sync', file });
        this.#syncFolder(path);
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
