// SPDX-License-Identifier: Apache-2.0
/** A whole life of a study against a machine in memory: no process, no socket, a clock that the test moves. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ManualClock, type BackendScope } from '@melissa/kit';
import type { BackendDemand, Client, StudyStatus } from '@melissa/api';
import { aStatus } from '../testing.ts';
import { FAILURES_MAX } from '../limits.ts';
import { slotId, type Exit } from './reconcile.ts';
import { StudyRun, type HeadFile, type Outcome } from './study-run.ts';

/** Processes that live until told otherwise; a head answers as soon as it runs. */
class World {
  readonly clock = new ManualClock();
  readonly living = new Map<string, number>();
  readonly log: string[] = [];
  readonly notices: string[] = [];
  demand: Partial<BackendDemand> = {};
  status: Partial<StudyStatus> = {};
  headFile: HeadFile | null = null;
  headAnswers = true;
  lastWordWritten = true;
  diesAtOnce: Exit | null = null;
  outcome: Outcome | null = null;
  #pid = 100;
  readonly run: StudyRun;

  constructor() {
    const backend = {
      start: async (scope: BackendScope, indexes: number[]) =>
        indexes.forEach((index) => this.#start(slotId(scope, index))),
      stop: async (ids: string[]) => ids.forEach((id) => this.end(id, { code: 0, signal: null }, 'stopped')),
      list: async () => [],
      processId: (id: string) => this.living.get(id) ?? null,
      close: async () =>
        [...this.living.keys()].forEach((id) => this.end(id, { code: null, signal: 'SIGKILL' }, 'killed')),
    };
    this.run = new StudyRun({
      backend,
      clock: this.clock,
      readHeadFile: () => this.headFile,
      connect: () => this.#client(),
      headIsUp: (head) => this.log.push(`up ${head.control}`),
      lastWords: (id) => `last words of ${id}\n`,
      lastWordWritten: () => this.lastWordWritten,
      keepMs: 0,
      watcher: { status: () => undefined, notice: (text) => this.notices.push(text) },
    });
    void this.run.run().then((outcome) => (this.outcome = outcome));
  }

  end(id: string, exit: Exit, word = 'ended'): void {
    if (!this.living.delete(id)) return;
    this.log.push(`${word} ${id}`);
    this.run.onEnded(id, exit);
  }

  /** Lets promises settle and moves time in small steps. */
  async pass(ms: number): Promise<void> {
    for (let t = 0; t < ms; t += 50) {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      this.clock.advance(50);
    }
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  #start(id: string): void {
    this.living.set(id, this.#pid++);
    this.log.push(`started ${id}`);
    if (this.diesAtOnce !== null) return this.end(id, this.diesAtOnce);
    if (id === 'head')
      this.headFile = {
        pid: this.living.get('head')!,
        epoch: 1,
        control: 'tcp://127.0.0.1:5001',
        http: 'http://127.0.0.1:8888',
      };
  }

  #client(): Client {
    const answer = async <T>(value: T): Promise<T> =>
      this.headAnswers && this.living.has('head') ? value : Promise.reject(new TypeError('silent'));
    const demand: BackendDemand = {
      epoch: 1,
      desiredPilots: 2,
      desiredRanks: 1,
      controlEndpoint: '',
      planFinished: false,
      finished: false,
      pilots: [],
      ...this.demand,
    };
    return { backend: () => answer(demand), status: () => answer(aStatus(this.status)) } as unknown as Client;
  }
}

test('a study starts, runs, and is put away when the head says that it is finished', async () => {
  const world = new World();
  await world.pass(500);
  assert.deepEqual(world.log, [
    'started head',
    'up tcp://127.0.0.1:5001',
    'started rank-0',
    'started pilot-0',
    'started pilot-1',
  ]);
  world.demand = { planFinished: true };
  for (const id of ['pilot-0', 'pilot-1']) world.end(id, { code: 0, signal: null });
  await world.pass(1000);
  world.demand = { planFinished: true, finished: true };
  world.status = { state: 'Succeeded' };
  await world.pass(1000);
  assert.deepEqual(world.log.slice(-2), ['stopped head', 'stopped rank-0']);
  assert.equal(world.outcome!.kind, 'finished');
  assert.equal(world.outcome!.status!.state, 'Succeeded');
  assert.deepEqual(world.notices, []);
});

test('a head that crashes comes back while ranks and pilots go on', async () => {
  const world = new World();
  await world.pass(500);
  world.end('head', { code: null, signal: 'SIGSEGV' });
  await world.pass(1000);
  assert.deepEqual(world.log.slice(5), ['ended head', 'started head', 'up tcp://127.0.0.1:5001']);
  assert.deepEqual(world.notices, ['the study server (head) ended (signal SIGSEGV); starting it again']);
  assert.deepEqual([...world.living.keys()].sort(), ['head', 'pilot-0', 'pilot-1', 'rank-0']);
});

test('a head that does not answer is left alone, and nothing else is stopped', async () => {
  const world = new World();
  await world.pass(500);
  world.headAnswers = false;
  await world.pass(30_000);
  assert.equal(world.living.size, 4);
  assert.equal(world.log.length, 5);
});

test('a head that never opens its sockets is replaced', async () => {
  const world = new World();
  world.headFile = { pid: 1, epoch: 0, control: '', http: '' };
  await Promise.resolve();
  world.headFile = null;
  await world.pass(70_000);
  assert.ok(world.log.filter((line) => line === 'started head').length === 2, world.log.join());
  assert.match(world.notices[0]!, /does not come up/);
});

test('the first interruption lets pilots give back their simulations before the head writes its last checkpoint', async () => {
  const world = new World();
  await world.pass(500);
  world.run.interrupt();
  await world.pass(100);
  assert.deepEqual(world.log.slice(5), ['stopped pilot-0', 'stopped pilot-1', 'stopped head', 'stopped rank-0']);
  assert.equal(world.outcome!.kind, 'interrupted');
  assert.equal(world.notices.length, 1, 'ends that were asked for are no news');
});

test('a head that ends again and again is given up with its last words', async () => {
  const world = new World();
  world.diesAtOnce = { code: 2, signal: null };
  // The first start happened before the test could say so.
  world.end('head', { code: 2, signal: null });
  await world.pass(120_000);
  assert.equal(world.outcome!.kind, 'hopeless');
  assert.equal(world.outcome!.slot, 'head');
  assert.equal(world.outcome!.lastWords, 'last words of head\n');
  assert.equal(world.log.filter((line) => line === 'started head').length, FAILURES_MAX);
});

test('a head that leaves in good order ends the run', async () => {
  const world = new World();
  await world.pass(500);
  world.demand = { planFinished: true };
  for (const id of ['pilot-0', 'pilot-1']) world.end(id, { code: 0, signal: null });
  world.end('head', { code: 0, signal: null });
  await world.pass(1000);
  assert.equal(world.outcome!.kind, 'finished');
  assert.equal(world.living.size, 0);
});

test('the head is not told to leave before it has written its last word', async () => {
  const world = new World();
  await world.pass(500);
  world.lastWordWritten = false;
  world.demand = { planFinished: true, finished: true };
  for (const id of ['pilot-0', 'pilot-1']) world.end(id, { code: 0, signal: null });
  await world.pass(3000);
  assert.ok(world.living.has('head'));
  world.lastWordWritten = true;
  await world.pass(500);
  assert.equal(world.living.size, 0);
  assert.equal(world.outcome!.kind, 'finished');
});
