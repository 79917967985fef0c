// SPDX-License-Identifier: Apache-2.0
/** The head's durable state on a real file system: what is damaged is passed over, and an old head is fenced. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock, type ProjectError } from '@melissa/kit';
import { realFiles, type Files } from '../io/files.ts';
import { aStudy } from '../plan/builders.ts';
import { Plan } from '../plan/plan.ts';
import { restorePlan } from '../plan/plan-checkpoint.ts';
import { Checkpoints, newestPlan, takeEpoch } from './checkpoints.ts';

const root = mkdtempSync(join(tmpdir(), 'melissa-checkpoints-'));
after(() => rmSync(root, { recursive: true, force: true }));
const freshFolder = () => mkdtempSync(join(root, 'study-'));

async function aHead(directory: string, files: Files = realFiles) {
  const { epoch } = await takeEpoch(files, directory);
  const study = aStudy().withSimulations(6).with({ epoch }).start();
  let fenced = false;
  const checkpoints = new Checkpoints({
    files,
    directory,
    epoch,
    fingerprint: 'f1',
    clock: new ManualClock(),
    ranks: [],
    plan: study.plan.state,
    number: 0,
    elapsedMs: () => 5,
    fenced: () => (fenced = true),
  });
  return { study, checkpoints, epoch, isFenced: () => fenced };
}

test('a plan comes back as it was, with what was under way pending again', async () => {
  const directory = freshFolder();
  const { study, checkpoints } = await aHead(directory);
  study.succeed(0);
  study.ended(1, 'Exited', 3);
  await checkpoints.writePlan();
  const { bytes } = await newestPlan(realFiles, directory, 'f1');
  const plan = new Plan({ ...study.options, epoch: 2, resumed: true }, 0);
  const rest = restorePlan(plan.state, bytes!, 'f1', realFiles.crc32);
  assert.deepEqual([...plan.state.table.counts], [5, 0, 0, 0, 1, 0, 0]);
  assert.equal(plan.state.table.failures[1], 1);
  assert.equal(plan.state.retried, 1);
  assert.equal(rest.elapsedMs, 5);
});

test('a truncated or flipped plan is passed over for the one before it, and named', async () => {
  const directory = freshFolder();
  const { study, checkpoints } = await aHead(directory);
  study.succeed(0);
  await checkpoints.writePlan();
  study.succeed(1);
  await checkpoints.writePlan();
  const newest = join(
    directory,
    readdirSync(directory)
      .filter((name) => name.startsWith('plan-'))
      .sort()
      .at(-1)!,
  );
  const whole = readFileSync(newest);
  const damages = [
    whole.subarray(0, whole.length - 9),
    whole.subarray(0, 3),
    flipped(whole, 30),
    flipped(whole, whole.length - 20),
    flipped(whole, 0),
    flipped(whole, 5),
  ];
  for (const damaged of damages) {
    writeFileSync(newest, damaged);
    const { bytes, refused } = await newestPlan(realFiles, directory, 'f1');
    assert.equal(refused.length, 1);
    const plan = new Plan(study.options, 0);
    restorePlan(plan.state, bytes!, 'f1', realFiles.crc32);
    assert.equal(plan.state.table.counts[4], 1);
  }
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 0x10;
  return copy;
}

test('the checkpoint of another study is refused, not passed over', async () => {
  const directory = freshFolder();
  const { checkpoints } = await aHead(directory);
  await checkpoints.writePlan();
  await assert.rejects(
    newestPlan(realFiles, directory, 'f2'),
    (cause: ProjectError) => cause.code === 'ECHECKPOINT_STUDY',
  );
});

test('a head that was frozen while another took over writes nothing', async () => {
  const directory = freshFolder();
  const old = await aHead(directory);
  const young = await aHead(directory);
  assert.equal(young.epoch, old.epoch + 1);
  await young.checkpoints.writePlan();
  const before = readdirSync(directory).sort();
  await assert.rejects(old.checkpoints.writePlan(), (cause: ProjectError) => cause.code === 'EFENCED');
  assert.ok(old.isFenced());
  assert.deepEqual(readdirSync(directory).sort(), before);
});

test('two heads that start at once get different epochs', async () => {
  const directory = freshFolder();
  const epochs = await Promise.all(Array.from({ length: 8 }, () => takeEpoch(realFiles, directory)));
  assert.equal(new Set(epochs.map(({ epoch }) => epoch)).size, 8);
});

test('on a full disk the previous checkpoint stays, the failure is told, and the next one counts', async () => {
  const directory = freshFolder();
  let isFull = false;
  const files: Files = {
    ...realFiles,
    writeAtomically: async (path, content) => {
      if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      await realFiles.writeAtomically(path, content);
    },
  };
  const { checkpoints } = await aHead(directory, files);
  assert.ok(await checkpoints.take());
  isFull = true;
  assert.ok(!(await checkpoints.take()));
  assert.equal(checkpoints.number, 1);
  assert.match(checkpoints.problem, /ENOSPC/);
  isFull = false;
  assert.ok(await checkpoints.take());
  assert.equal(checkpoints.number, 2);
  assert.equal(checkpoints.problem, '');
});

test('only the newest plans are kept', async () => {
  const directory = freshFolder();
  const { checkpoints } = await aHead(directory);
  for (let i = 0; i < 10; i++) await checkpoints.writePlan();
  assert.equal(readdirSync(directory).filter((name) => name.startsWith('plan-')).length, 3);
});

test('a checkpoint asked for while one is under way comes after it, and holds what came meanwhile', async () => {
  const directory = freshFolder();
  const { study, checkpoints } = await aHead(directory);
  const first = checkpoints.take();
  assert.equal(checkpoints.isUnderWay, true);
  study.succeed(0);
  const second = checkpoints.take();
  assert.deepEqual(await Promise.all([first, second]), [true, true]);
  assert.deepEqual([checkpoints.number, checkpoints.failures, checkpoints.isUnderWay], [2, 0, false]);
  const { bytes } = await newestPlan(realFiles, directory, 'f1');
  const plan = new Plan({ ...study.options, epoch: 2, resumed: true }, 0);
  assert.equal(restorePlan(plan.state, bytes!, 'f1', realFiles.crc32).checkpoint, 2);
  assert.equal(plan.state.table.counts[4], 1);
});
