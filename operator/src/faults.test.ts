// SPDX-License-Identifier: Apache-2.0
/**
 * The operator dies at every single write of a study's life (created, scaled, suspended, resumed, finished, deleted), before the request leaves and after it
 * was done but not answered. Another one takes over: the same objects must stand in the end, made with one set of keys, and nothing may be left behind.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Transport } from 'operator-runtime';
import { faulty, KilledError } from 'operator-runtime/testing';
import { NAMESPACE, World } from './testing.ts';

type Moment = 'before' | 'after';

class Life {
  readonly world = new World();
  readonly simulations: number;
  /** Writes of the first operator. */
  writes = 0;
  #isKilled = false;

  constructor(simulations: number) {
    this.simulations = simulations;
  }

  start(killAt?: { write: number; moment: Moment }): void {
    this.world.start((api) =>
      this.#counted(killAt === undefined ? api : faulty(api, { seed: 1, clock: this.world.clock, killAt })),
    );
  }
  #counted(inner: Transport): Transport {
    return {
      close: () => inner.close(),
      send: async (request) => {
        if (request.method !== 'GET') this.writes += 1;
        try {
          return await inner.send(request);
        } catch (error) {
          if (error instanceof KilledError) this.#isKilled = true;
          throw error;
        }
      },
    };
  }
  /** A second passes; an operator that died is replaced by the next one. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    for (let second = 0; second < 300 && !isSo(); second++) {
      await this.world.pass(1);
      if (!this.#isKilled) continue;
      this.#isKilled = false;
      await this.world.stop();
      this.world.start();
    }
    assert.ok(
      isSo(),
      `${what}: ${JSON.stringify(this.world.study('heat').status, null, 1)}\n${this.world.errors.join('\n')}`,
    );
  }

  async run(): Promise<{ end: string; left: string[] }> {
    const { world } = this;
    const is = (type: string) => () => world.condition('heat', type).startsWith('True');
    world.create('heat', { sampling: { method: 'Random', simulations: this.simulations } });
    await this.until('ready', is('ServerReady'));
    world.change('heat', (spec) => (spec.client.parallelism = 6));
    await this.until('scaled', () => world.job('heat')?.spec?.parallelism === 6);
    world.change('heat', (spec) => (spec.suspend = true));
    await this.until('suspended', is('Suspended'));
    world.change('heat', (spec) => (spec.suspend = false));
    await this.until('succeeded', is('Succeeded'));
    await this.until(
      'no pilots',
      () => world.job('heat')?.status?.ready === 0 && world.study('heat').status?.client?.ready === 0,
    );
    this.#keysAgree();
    const end = world.outcome();
    world.delete('heat');
    await world.pass(5);
    const kinds = [
      ['secrets'],
      ['configmaps'],
      ['services'],
      ['serviceaccounts'],
      ['persistentvolumeclaims'],
      ['pods'],
      ['statefulsets', 'apps'],
      ['jobs', 'batch'],
    ] as const;
    const left = kinds.flatMap(([plural, group]) => [...world.objects(plural, group ?? '').keys()]);
    await world.stop();
    return { end, left };
  }

  /** Both Secrets and the ConfigMap hold keys of the same making. */
  #keysAgree(): void {
    const secret = (name: string) =>
      this.world.objects<{ data: Record<string, string> }>('secrets').get(`${NAMESPACE}/${name}`)!;
    const [server, client] = [secret('heat-server'), secret('heat-client')];
    for (const [file, text] of Object.entries(client.data)) assert.equal(text, server.data[file], file);
    const [map] = [...this.world.objects<{ data?: Record<string, string> }>('configmaps').values()];
    assert.equal(map?.data?.['ca.crt'], Buffer.from(server.data['ca.crt'] ?? '', 'base64').toString());
  }
}

/** Lines that differ, for the person who has to find out why. */
function difference(actual: string, expected: string): string[] {
  const [a, b] = [actual.split('\n'), expected.split('\n')];
  return a.flatMap((line, at) => (line === b[at] ? [] : [`${at}: ${line} instead of ${b[at]}`])).slice(0, 8);
}

test('killed at any write, before it leaves or after it is done: the same end, and nothing is left', async () => {
  const whole = new Life(100);
  whole.start();
  const expected = await whole.run();
  assert.deepEqual(expected.left, []);
  assert.ok(whole.writes > 20, `${whole.writes} writes`);
  for (let write = 1; write <= whole.writes; write++)
    for (const moment of ['before', 'after'] as const) {
      const life = new Life(100);
      life.start({ write, moment });
      const { end, left } = await life.run();
      assert.deepEqual(difference(end, expected.end), [], `killed ${moment} write ${write}`);
      assert.deepEqual(left, [], `killed ${moment} write ${write}`);
    }
});

test('requests and answers that are lost, repeated conflicts and late watches change nothing in the end', async () => {
  const expected = new Life(900);
  expected.start();
  const { end } = await expected.run();
  for (let seed = 1; seed <= 10; seed++) {
    const life = new Life(900);
    const { clock } = life.world;
    const plan = {
      seed,
      clock,
      drop: 0.05,
      answerLost: 0.05,
      broken: 0.05,
      tooMany: 0.02,
      cut: 0.05,
      duplicate: 0.1,
      reorder: 0.1,
      stale: 0.1,
    };
    life.world.start((api) => faulty(api, plan));
    const ran = await life.run();
    assert.deepEqual(difference(ran.end, end), [], `seed ${seed}`);
    assert.deepEqual(ran.left, [], `seed ${seed}`);
  }
});
