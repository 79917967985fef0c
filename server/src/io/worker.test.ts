// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import type { StudyEvent } from '../head/service.ts';
import type { Attempt } from '../events/log-items.ts';
import { createIoWorker, type IoWorkerLimits } from './worker.ts';

const event = (id: string, to: string, entity: StudyEvent['entity'] = 'simulation'): StudyEvent => ({
  timeMs: 1_767_225_600_000,
  entity,
  id,
  from: 'Pending',
  to,
  cause: 'test',
  data: { exitCode: 1, isLast: true, reason: null },
});
const attempt = (simulation: number, draw: number, number: number, more: Partial<Attempt> = {}): Attempt => ({
  simulation, draw, attempt: number, pilot: 'pilot-0', host: 'here', state: 'Failed', reason: 'exit code 1', exitCode: 1, signal: null,
  startTime: '2026-01-01T00:00:00.000Z', endTime: '2026-01-01T00:00:01.000Z', wallSeconds: 1, cpuSeconds: 0.5, peakRssBytes: 1e6, stdout: 'out', stderr: 'err', ...more,
}); // prettier-ignore

async function workerIn(context: TestContext, directory = newFolder(context), limits: Partial<IoWorkerLimits> = {}) {
  const sentences: string[] = [];
  const worker = await createIoWorker({ directory, limits, log: (sentence) => sentences.push(sentence) });
  context.after(() => worker.close());
  return { worker, directory, sentences };
}
function newFolder(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-io-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
/** Waits until the condition holds, at most 20 s. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    assert.ok(waited < 20_000, `waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('events are kept in order, filtered, paged, and can be read by others meanwhile', async (context) => {
  const { worker, directory } = await workerIn(context);
  for (let i = 0; i < 2500; i++) worker.events.append(event(String(i % 10), `state${i}`));
  worker.events.append(event('0', 'Ready', 'rank'));
  await worker.events.flush();
  const page = await worker.queryEvents({ entity: 'simulation', id: '7', limit: 2 });
  assert.deepEqual(page.events.map(({ to, sequence }) => [to, sequence]), [['state7', 8], ['state17', 18]]); // prettier-ignore
  const next = await worker.queryEvents({ entity: 'simulation', id: '7', limit: 1, since: page.last });
  assert.equal(next.events[0]!.to, 'state27');
  assert.deepEqual(next.events[0]!.data, { exitCode: 1, isLast: true, reason: null });
  assert.equal(next.events[0]!.time, '2026-01-01T00:00:00.000Z');
  assert.deepEqual(await worker.queryEvents({ since: 99_999 }), { events: [], last: 99_999 });
  const reader = new DatabaseSync(join(directory, 'events.sqlite'), { readOnly: true });
  worker.events.append(event('0', 'Gone', 'rank'));
  await worker.events.flush();
  assert.equal(Number(reader.prepare('SELECT count(*) AS n FROM events').get()!['n']), 2502);
  reader.close();
});

test('the log is append-only, for everybody', async (context) => {
  const { worker, directory } = await workerIn(context);
  worker.events.append(event('0', 'Done'));
  await worker.events.flush();
  const other = new DatabaseSync(join(directory, 'events.sqlite'));
  assert.throws(() => other.exec('DELETE FROM events'), /append-only/);
  assert.throws(() => other.exec(`UPDATE events SET "to" = 'x'`), /append-only/);
  other.close();
});

test('the log survives a restart of the head and goes on with the next sequence', async (context) => {
  const { worker, directory } = await workerIn(context);
  worker.events.append(event('0', 'Done'));
  await worker.close();
  const { worker: again } = await workerIn(context, directory);
  again.events.append(event('study', 'rewound', 'head'));
  const { events } = await again.queryEvents({});
  assert.deepEqual(events.map(({ sequence, to }) => [sequence, to]), [[1, 'Done'], [2, 'rewound']]); // prettier-ignore
});

test('attempts are kept by draw and attempt, the newest report wins, and long output is clipped', async (context) => {
  const { worker } = await workerIn(context);
  worker.recordAttempt(attempt(4, 1, 0, { state: 'Running', endTime: null, exitCode: null }));
  worker.recordAttempt(attempt(4, 0, 1));
  worker.recordAttempt(attempt(4, 0, 0, { stdout: `begin${'x'.repeat(200_000)}end` }));
  worker.recordAttempt(attempt(5, 0, 0));
  worker.recordAttempt(attempt(4, 1, 0, { state: 'Done', exitCode: 0 }));
  const attempts = await worker.attempts(4);
  assert.deepEqual(attempts.map(({ draw, attempt, state }) => [draw, attempt, state]), [[0, 0, 'Failed'], [0, 1, 'Failed'], [1, 0, 'Done']]); // prettier-ignore
  const { stdout } = attempts[0]!;
  assert.ok(stdout.startsWith('beginx') && stdout.endsWith('xend') && stdout.length < 66_000);
  assert.match(stdout, /134472 characters left out/);
  assert.ok(!('simulation' in attempts[0]!));
  assert.deepEqual(await worker.attempts(99), []);
});

test('a log that cannot be written degrades the study, refuses to grow, and catches up later', async (context) => {
  const { worker, directory, sentences } = await workerIn(context, newFolder(context), {
    retryMs: 20,
    logItemsMax: 50,
  });
  worker.events.append(event('0', 'first'));
  await worker.events.flush();
  // Another process holds the database beyond the worker's patience: to the worker it is as unwritable as a full disk.
  const other = new DatabaseSync(join(directory, 'events.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  worker.events.append(event('1', 'second'));
  await worker.events.flush(); // nobody waits for a full disk
  assert.match(worker.degraded().join(), /event log cannot be written/);
  for (let i = 0; i < 60; i++) worker.events.append(event(String(i), 'more'));
  assert.equal(worker.events.isFull, true);
  assert.match(worker.degraded().join(), /events are left out/);
  other.exec('ROLLBACK');
  other.close();
  await until(() => worker.degraded().length === 0, 'the log is written again');
  const { events } = await worker.queryEvents({ limit: 1000 });
  assert.deepEqual(events.slice(0, 3).map(({ to }) => to), ['first', 'second', 'more']); // prettier-ignore
  assert.equal(events.length, 53);
  assert.deepEqual([events.at(-1)!.to, events.at(-1)!.data], ['gap', { dropped: 10 }]);
  assert.equal(worker.events.isFull, false);
  assert.match(sentences.join('\n'), /over \(log\)/);
});

test('a worker that dies is reported and started again, and no event is lost or doubled', async (context) => {
  const { worker, sentences } = await workerIn(context, newFolder(context), { retryMs: 10 });
  for (let i = 0; i < 1500; i++) worker.events.append(event(String(i), 'before'));
  const lost = worker.request('summarise', { values: null as never }).then(
    () => 'answered',
    (cause: { code: string }) => cause.code,
  );
  worker.crash();
  for (let i = 0; i < 10; i++) worker.events.append(event(String(i), 'after'));
  assert.ok(['EIOWORKER', 'EINTERNAL'].includes(await lost));
  await until(() => worker.degraded().length === 0 && sentences.length > 1, 'the worker is back');
  assert.match(sentences[0]!, /ended .* being started again/);
  await worker.events.flush();
  const all = [
    ...(await worker.queryEvents({ limit: 1000 })).events,
    ...(await worker.queryEvents({ limit: 1000, since: 1000 })).events,
  ];
  assert.deepEqual(all.map(({ sequence }) => sequence), Array.from({ length: 1510 }, (_, i) => i + 1)); // prettier-ignore
});

test('too many requests are refused, not queued', async (context) => {
  const { worker } = await workerIn(context, newFolder(context), { requestsMax: 2 });
  const answers = await Promise.allSettled([0, 1, 2, 3].map(() => worker.summarise(Float64Array.of(1, 2, NaN, 3))));
  assert.deepEqual(answers.map(({ status }) => status), ['fulfilled', 'fulfilled', 'rejected', 'rejected']); // prettier-ignore
  const refused = answers[2] as PromiseRejectedResult;
  assert.equal((refused.reason as { code: string }).code, 'EIOBUSY');
  const first = (
    answers[0] as PromiseFulfilledResult<{ nanCount: number; mean: number; quantiles: { value: number }[] }>
  ).value;
  assert.deepEqual([first.nanCount, first.mean, first.quantiles[3]!.value], [1, 2, 2]);
});

test('a folder that cannot be used is said at once', async () => {
  await assert.rejects(createIoWorker({ directory: '/nowhere/at/all' }), { code: 'EIOWORKER' });
});

test('closing writes what was appended and leaves no journal behind', async (context) => {
  const { worker, directory } = await workerIn(context);
  for (let i = 0; i < 5000; i++) worker.events.append(event(String(i), 'Done'));
  await worker.close();
  assert.throws(() => statSync(join(directory, 'events.sqlite-wal')));
  const reader = new DatabaseSync(join(directory, 'events.sqlite'), { readOnly: true });
  assert.equal(Number(reader.prepare('SELECT count(*) AS n FROM events').get()!['n']), 5000);
  reader.close();
});
