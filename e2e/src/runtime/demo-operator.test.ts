// SPDX-License-Identifier: Apache-2.0
/** The demo operator on a real API server: it runs, survives being killed anywhere, and two of it never write both. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { ApiRequest } from 'operator-runtime';
import {
  clusterSkip,
  greet,
  greetingPath,
  isLease,
  isWrite,
  json,
  openCluster,
  Operator,
  outcome,
  until,
  type Cluster,
  type Greeting,
  type Hooks,
} from './operators.ts';
import { pictureOf, StaleReads } from './stale.ts';

const names = ['ada', 'bob', 'cleo'];
const PAUSES = Number(process.env['PAUSES'] ?? 20);
const STALE_MS = Number(process.env['STALE_MS'] ?? 3_000);
/** What the demo operator watches. */
const watched = [{ path: '/apis/demo.example/v1/greetings' }, { path: '/api/v1/configmaps' }];
const report = (facts: object) => process.stderr.write(`${JSON.stringify(facts)}\n`);

describe('the demo operator', { skip: clusterSkip, concurrency: false }, () => {
  let cluster: Cluster;
  let wanted = '';
  before(async () => void (cluster = await openCluster()));
  after(() => cluster.close());

  const isDone = (namespace: string) => async () => (await outcome(cluster, namespace)) === wanted;

  test('makes the objects, follows a change, gives up what is no longer wanted, and stops in order', async () => {
    await greet(cluster, 'plain', names);
    const operator = await new Operator().start(cluster, 'plain');
    try {
      await until('three cards', async () => /"greeted":3/.test(await outcome(cluster, 'plain')));
      wanted = await outcome(cluster, 'plain');
      assert.equal(JSON.parse(wanted).cards.length, 3);
      assert.match(wanted, /"greeter Apply"/);
      assert.doesNotMatch(wanted, /Update/, 'a create leaves no second manager behind');
      await json(
        cluster,
        'PATCH',
        greetingPath('plain', 'hello'),
        { spec: { names: ['ada'] } },
        'application/merge-patch+json',
      );
      await until('one card', async () => /"greeted":1/.test(await outcome(cluster, 'plain')));
      assert.equal(JSON.parse(await outcome(cluster, 'plain')).cards.length, 1);
      const writes = operator.requests.filter((request) => isWrite(request) && !isLease(request)).length;
      await json(
        cluster,
        'PATCH',
        greetingPath('plain', 'hello'),
        { metadata: { labels: { seen: 'yes' } } },
        'application/merge-patch+json',
      );
      await until('the renewal of the lease', () => operator.requests.slice(-3).some(isLease));
      assert.equal(
        operator.requests.filter((request) => isWrite(request) && !isLease(request)).length,
        writes,
        'nothing new, nothing sent',
      );
      operator.signal('SIGTERM');
      await operator.ended();
      assert.equal(operator.exitCode, 0);
    } finally {
      await operator.close();
      await json(cluster, 'DELETE', greetingPath('plain', 'hello'));
    }
  });

  test('killed at any write, before it was sent or after it was done, it ends with the same objects', async () => {
    let runs = 0;
    for (const moment of ['before', 'after'] as const)
      for (let write = 1; ; write++) {
        const namespace = `kill-${moment}-${write}`;
        await greet(cluster, namespace, names);
        const wasKilled = await killedAt(namespace, write, moment);
        runs += 1;
        const again = await new Operator().start(cluster, namespace, { LEASE_MS: '1000' });
        try {
          await until(`the outcome of ${namespace}`, isDone(namespace));
        } finally {
          await again.close();
        }
        await json(cluster, 'DELETE', greetingPath(namespace, 'hello'));
        if (!wasKilled) break;
      }
    report({ test: 'killed at every write', runs });
    assert.ok(runs >= 10, `only ${runs} runs`);
  });

  /** False when the operator finished before it came to that write. */
  async function killedAt(namespace: string, write: number, moment: 'before' | 'after'): Promise<boolean> {
    let writes = 0;
    let isKilled = false;
    const kill = (operator: Operator): Promise<never> => {
      isKilled = true;
      operator.signal('SIGKILL');
      return new Promise(() => {}); // nothing of this connection goes on
    };
    const isIt = (request: ApiRequest) => isWrite(request) && ++writes === write;
    let hit: ApiRequest | null = null;
    const hooks: Hooks = {
      before: (request, operator) => {
        if (!isIt(request)) return;
        hit = request;
        if (moment === 'before') return kill(operator);
      },
      after: (request, _response, operator) =>
        request === hit && moment === 'after' ? kill(operator) : Promise.resolve(),
    };
    const operator = await new Operator(hooks).start(cluster, namespace, { LEASE_MS: '1000' });
    try {
      await until(
        'the kill, or the end of the work',
        async () => isKilled || (operator.requests.filter(isLease).length > 8 && (await isDone(namespace)())),
      );
      if (isKilled) await operator.ended();
    } finally {
      await operator.close();
    }
    return isKilled;
  }

  test('restarted on a cache that is behind, it refuses to believe it and ends with the same objects', async () => {
    for (const write of [2, 4]) {
      const namespace = `stale-${write}`;
      await greet(cluster, namespace, names);
      const old = await pictureOf(cluster.api, watched);
      assert.equal(await killedAt(namespace, write + 1, 'after'), true);
      // Counted from the first write: on a busy machine it takes a while to come to it.
      let wroteMs: number | null = null;
      const stale = new StaleReads(old, () => wroteMs !== null && performance.now() - wroteMs >= STALE_MS);
      const answers: number[] = [];
      const operator = await new Operator({
        answer: (request) => Promise.resolve(stale.answer(request)),
        after: (request, response) => {
          if (isWrite(request) && !isLease(request)) {
            answers.push(response.status);
            wroteMs ??= performance.now();
          }
          return Promise.resolve();
        },
      }).start(cluster, namespace, { LEASE_MS: '1000' });
      try {
        await until(`the outcome of ${namespace}`, isDone(namespace));
        await until('the end of the staleness', () => !stale.isStale, STALE_MS + 60_000);
        await until(`the outcome of ${namespace} afterwards`, isDone(namespace));
      } finally {
        await operator.close(); // one that went on would work on the objects of the other tests
      }
      report({ test: 'stale cache', staleMs: STALE_MS, killedAfterWrite: write + 1, answers });
      assert.ok(answers.includes(409), 'the server refused to create what the cache did not show');
      await json(cluster, 'DELETE', greetingPath(namespace, 'hello'));
    }
  });

  test(`of two replicas a write caught by a pause between check and wire changes nothing once the other leads, ${PAUSES} times`, async () => {
    const namespace = 'replicas';
    await greet(cluster, namespace, ['start']);
    const caught: { at: number; takeOverMs: number; status: number; hasChanged: boolean }[] = [];
    let plant = false;
    let isHeld = false;
    let release = (): void => {};
    let heldMs = 0;
    const versionOf = async (path: string): Promise<string> => {
      const object = await json<Greeting>(cluster, 'GET', path.replace(/\/status$/, '')).catch(() => null);
      return object === null ? 'none' : `${object.metadata.uid} ${object.metadata.resourceVersion}`;
    };
    let beforeVersion = '';
    let target: ApiRequest | null = null;
    const hooks: Hooks = {
      before: async (request, operator) => {
        if (!plant || !isWrite(request) || isLease(request) || request.path.includes('/events')) return;
        plant = false;
        target = request;
        operator.signal('SIGSTOP');
        heldMs = performance.now();
        isHeld = true;
        await new Promise<void>((resolve) => (release = resolve));
        beforeVersion = await versionOf(request.path);
      },
      after: async (request, response, operator) => {
        if (request !== target) return;
        target = null;
        const hasChanged = response.status < 300 && (await versionOf(request.path)) !== beforeVersion;
        caught.at(-1)!.status = response.status;
        caught.at(-1)!.hasChanged = hasChanged;
        operator.signal('SIGCONT');
        isHeld = false;
      },
    };
    const operators = await Promise.all([
      new Operator(hooks).start(cluster, namespace),
      new Operator(hooks).start(cluster, namespace),
    ]);
    const greeting = () => json<Greeting>(cluster, 'GET', greetingPath(namespace, 'hello'));
    try {
      await until('the first outcome', async () => (await greeting()).status?.greeted === 1);
      for (let i = 0; i < PAUSES; i++) {
        const count = 2 + (i % 3);
        const now = Array.from({ length: count }, (_, name) => `n${i}-${name}`);
        plant = true;
        await json(
          cluster,
          'PATCH',
          greetingPath(namespace, 'hello'),
          { spec: { names: now }, status: null },
          'application/merge-patch+json',
        );
        await until('a caught write', () => isHeld);
        // The other takes over and does all the work while the first stands still with its write in its hand.
        await until('the other to finish', async () => {
          const { items } = await json<{ items: { metadata: { name: string } }[] }>(
            cluster,
            'GET',
            `/api/v1/namespaces/${namespace}/configmaps`,
          );
          const cards = items.filter((card) => card.metadata.name.startsWith('hello-'));
          return cards.length === count && (await greeting()).status?.greeted === count;
        });
        caught.push({ at: i, takeOverMs: Math.round(performance.now() - heldMs), status: 0, hasChanged: false });
        release();
        await until('the caught write to arrive', () => !isHeld);
      }
    } finally {
      for (const operator of operators) await operator.close();
      await json(cluster, 'DELETE', greetingPath(namespace, 'hello'));
    }
    const took = caught.map(({ takeOverMs }) => takeOverMs).sort((a, b) => a - b);
    report({
      test: 'pauses',
      pauses: caught.length,
      changed: caught.filter(({ hasChanged }) => hasChanged).length,
      statuses: caught.map(({ status }) => status),
      takeOverAndWorkMs: { median: took[took.length >> 1], worst: took.at(-1) },
    });
    assert.equal(caught.length, PAUSES);
    assert.deepEqual(
      caught.filter(({ hasChanged }) => hasChanged),
      [],
    );
  });

  test('of three replicas another leads within the lease and two seconds, after SIGTERM within two', async () => {
    const namespace = 'takeover';
    await json(cluster, 'POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/greeter`;
    const holder = async () =>
      (await json<{ spec?: { holderIdentity?: string } }>(cluster, 'GET', lease).catch(() => null))?.spec
        ?.holderIdentity ?? '';
    const operators: Operator[] = [];
    const took: Record<'SIGKILL' | 'SIGTERM', number[]> = { SIGKILL: [], SIGTERM: [] };
    try {
      while (operators.length < 3) operators.push(await new Operator().start(cluster, namespace));
      for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
        await until('a leader', async () => (await holder()) !== '');
        const leads = (one: Operator) =>
          one.isRunning && one.log.lastIndexOf('"isLeader":true') > one.log.lastIndexOf('"isLeader":false');
        await until('the leader to say so', () => operators.some(leads));
        const leader = operators.find(leads)!;
        await until('all to watch', () =>
          operators.every((one) => !one.isRunning || one.requests.filter(isLease).length > 3),
        );
        const old = await holder();
        const fromMs = performance.now();
        leader.signal(signal);
        await until('another leader', async () => !['', old].includes(await holder()), 20_000, 10);
        took[signal].push(Math.round(performance.now() - fromMs));
        await leader.close();
        operators.splice(operators.indexOf(leader), 1, await new Operator().start(cluster, namespace));
      }
    } finally {
      for (const operator of operators) await operator.close();
    }
    report({ test: 'take-over', leaseMs: 3_000, tookMs: took });
    assert.ok(Math.max(...took.SIGKILL) <= 5_000, String(took.SIGKILL));
    assert.ok(Math.max(...took.SIGTERM) <= 2_000, String(took.SIGTERM));
  });
});
