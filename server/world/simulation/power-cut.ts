// SPDX-License-Identifier: Apache-2.0
/**
 * What a power cut leaves of a folder: given the operations up to it, in order, the files that are found afterwards. What fsync was
 * waited for is there; of the rest anything may be: each file has its old content, the new one or a part of it, and of the
 * names that were made, changed and removed since their folder was synced some are and some are not. Pure; called by the tests.
 */
import type { Random } from '@melissa/kit';
import type { DiskOperation } from './disk.ts';

/** What becomes of what was not synced: all of it, nothing, or what chance says. */
export type Fate = 'all' | 'nothing' | 'some';

type Names = Map<string, number>;
/** Steps from one set of names to the next, each done whole or not at all. */
type Change = { folder: string; apply: (names: Names) => void };

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

export class PowerCut {
  readonly #contents = new Map<number, { synced: Uint8Array; later: Uint8Array[] }>();
  readonly #names: Names = new Map();
  #changes: Change[] = [];

  /** The next operation has been done. */
  add(operation: DiskOperation): void {
    switch (operation.kind) {
      case 'create':
        this.#contents.set(operation.file, { synced: new Uint8Array(), later: [] });
        return this.#change(operation.path, (names) => void names.set(operation.path, operation.file));
      case 'write':
        this.#contents.get(operation.file)!.later.push(operation.content);
        return;
      case 'sync': {
        const content = this.#contents.get(operation.file)!;
        content.synced = content.later.at(-1) ?? content.synced;
        content.later = [];
        return;
      }
      case 'rename':
        return this.#change(operation.to, (names) => {
          names.delete(operation.from);
          names.set(operation.to, operation.file);
        });
      case 'remove':
        return this.#change(operation.path, (names) => void names.delete(operation.path));
      case 'syncFolder':
        for (const { folder, apply } of this.#changes) if (folder === operation.folder) apply(this.#names);
        this.#changes = this.#changes.filter(({ folder }) => folder !== operation.folder);
    }
  }
  #change(path: string, apply: (names: Names) => void): void {
    this.#changes.push({ folder: folderOf(path), apply });
  }

  /** The power goes now. May be asked again and again. */
  folder(fate: Fate, random: Random): Map<string, Uint8Array> {
    const happens = () => fate === 'all' || (fate === 'some' && random.chance(0.5));
    const names = new Map(this.#names);
    for (const { apply } of this.#changes) if (happens()) apply(names);
    const found = new Map<string, Uint8Array>();
    for (const [path, file] of names) {
      const { synced, later } = this.#contents.get(file)!;
      const last = later.at(-1);
      let content = synced;
      if (last !== undefined && happens())
        content = fate === 'some' && random.chance(0.5) ? last.subarray(0, random.below(last.length + 1)) : last;
      found.set(path, content);
    }
    return found;
  }
}
