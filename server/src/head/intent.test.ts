// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { CompiledStudy } from '@melissa/crds';
import type { Files } from '../io/files.ts';
import type { PlanEvent } from '../plan/types.ts';
import { IntentKeeper } from './intent.ts';

const study = {
  client: { parallelism: 3 },
  ...{ suspend: false, cancel: false, deadlineSeconds: null },
} as unknown as CompiledStudy;

/** A head's life on a disk that outlives it. */
async function life(
  disk: Map<string, Uint8Array>,
  owner: string,
): Promise<{ keeper: IntentKeeper; events: PlanEvent[] }> {
  const events: PlanEvent[] = [];
  const files = {
    readIfThere: async (path: string) => disk.get(path) ?? null,
    writeAtomically: async (path: string, text: string) => void disk.set(path, new TextEncoder().encode(text)),
  } as unknown as Files;
  const keeper = new IntentKeeper({
    study,
    files,
    directory: '/d',
    owner,
    apply: (event) => void events.push(event),
    setDeadline: () => {},
  });
  await keeper.start();
  return { keeper, events };
}
const intent = { generation: 7, parallelism: 9, suspend: true, cancel: false, deadlineSeconds: null };

test('what was told last outlives the head, and an older generation is refused', async () => {
  const disk = new Map<string, Uint8Array>();
  const { keeper } = await life(disk, 'uid-1');
  assert.equal(await keeper.take(intent), true);
  const next = await life(disk, 'uid-1');
  assert.equal(next.keeper.generation, 7);
  assert.ok(next.events.some(({ type }) => type === 'suspend'));
  assert.equal(await next.keeper.take({ ...intent, generation: 6 }), false);
});

test('another study object that uses the claim again is heard from its first generation', async () => {
  const disk = new Map<string, Uint8Array>();
  await (await life(disk, 'uid-1')).keeper.take(intent);
  const { keeper, events } = await life(disk, 'uid-2');
  assert.equal(keeper.generation, 0);
  assert.deepEqual(events, []);
  assert.equal(await keeper.take({ ...intent, generation: 1, suspend: false }), true);
  assert.ok(events.some(({ type }) => type === 'resume'));
});
