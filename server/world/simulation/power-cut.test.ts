// SPDX-License-Identifier: Apache-2.0
/**
 * The power goes after any operation on a study's folder, and takes what was not synced, all of it or some: whatever is left, the study
 * goes on from it to the right result.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '@melissa/kit';
import type { DiskOperation } from './disk.ts';
import { PowerCut, type Fate } from './power-cut.ts';
import { told } from './run.ts';
import { shapeNames } from './studies.ts';
import { simulate } from './world.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const written = (path: string, content: string, file: number): DiskOperation[] => [
  { kind: 'create', path: `${path}.tmp`, file },
  { kind: 'write', file, content: bytes(content) },
  { kind: 'sync', file },
  { kind: 'rename', from: `${path}.tmp`, to: path, file },
  { kind: 'syncFolder', folder: '/f' },
];

test('what was waited for is there, the rest is there, not there or torn', () => {
  const random = new Random(1);
  const cut = new PowerCut();
  const look = (fate: Fate) =>
    Object.fromEntries([...cut.folder(fate, random)].map(([path, content]) => [path, String.fromCharCode(...content)]));
  for (const operation of written('/f/a', 'old', 1)) cut.add(operation);
  assert.deepEqual(look('nothing'), { '/f/a': 'old' });
  const [create, write, sync, rename, syncFolder] = written('/f/a', 'newer', 2);
  cut.add(create!);
  cut.add(write!);
  assert.deepEqual(look('nothing'), { '/f/a': 'old' });
  assert.deepEqual(look('all'), { '/f/a': 'old', '/f/a.tmp': 'newer' });
  const torn = new Set(Array.from({ length: 200 }, () => look('some')['/f/a.tmp']));
  assert.deepEqual([...torn].sort(), ['', 'n', 'ne', 'new', 'newe', 'newer', undefined]);
  cut.add(sync!);
  cut.add(rename!);
  assert.deepEqual(look('nothing'), { '/f/a': 'old' });
  assert.deepEqual(look('all'), { '/f/a': 'newer' });
  cut.add(syncFolder!);
  cut.add({ kind: 'remove', path: '/f/a' });
  assert.deepEqual([look('nothing'), look('all')], [{ '/f/a': 'newer' }, {}]);
});

/** Resumes after each operation, with each fate of what was not synced; the first problem of each kind. */
async function resumeEverywhere(
  shape: string,
  operations: DiskOperation[],
  seed: number,
): Promise<{ worlds: number; restored: number; problems: string[] }> {
  const cut = new PowerCut();
  const random = new Random(seed);
  const seen: Map<string, Uint8Array>[] = [];
  const found = { worlds: 0, restored: 0, problems: [] as string[] };
  for (const [at, operation] of operations.entries()) {
    cut.add(operation);
    for (const fate of ['all', 'nothing', 'some'] as const) {
      const folder = cut.folder(fate, random);
      const known = seen.some(
        (other) => other.size === folder.size && [...other].every(([path, content]) => folder.get(path) === content),
      );
      if (known) continue;
      seen.push(folder);
      const verdict = await simulate(seed, { profile: 'calm', shape, folder, trace: false });
      found.worlds += 1;
      if ([...folder.keys()].some((path) => /rank-\d+\/\d+$/.test(path))) found.restored += 1;
      if (verdict.problems.length === 0) continue;
      const again = await simulate(seed, { profile: 'calm', shape, folder });
      found.problems.push(`after operation ${at} (${operation.kind}), ${fate} of the rest: ${told(again, 30)}`);
    }
  }
  return found;
}

for (const [index, shape] of shapeNames.entries()) {
  test(`a study of ${shape} resumes after a power cut at any moment`, { timeout: 300_000 }, async () => {
    const journal: DiskOperation[] = [];
    const seed = 100 + index;
    // Heads and ranks are killed, so that there are several epochs and checkpoints that others began.
    const recorded = await simulate(seed, { profile: 'kills', shape, journal });
    assert.deepEqual(recorded.problems, []);
    const { worlds, restored, problems } = await resumeEverywhere(shape, journal, seed);
    assert.deepEqual(problems, []);
    assert.ok(
      journal.length >= 40 && restored > worlds / 4,
      `${journal.length} operations, ${restored} of ${worlds} worlds had a checkpoint`,
    );
  });
}
