// SPDX-License-Identifier: Apache-2.0
/** A real head and real ranks run a study, alone and while they are killed; the mean is that of an offline computation. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { ControlBody } from '@melissa/protocol';
import { randomIdentity } from '../src/io/process.ts';
import { Pilot, Speaker, type SolverFormula } from './pilot.ts';
import { PATIENCE_MS, Server, until } from './processes.ts';

const spec = {
  parameters: [
    { name: 'initial', unit: 'K', uniform: { min: 100, max: 500 } },
    { name: 'left', unit: 'K', normal: { mean: 300, sd: 20 } },
  ],
  sampling: { method: 'Random', simulations: 40, seed: 7 },
  time: { steps: 5, unit: 's', step: 0.1 },
  fields: [
    { name: 'temperature', unit: 'K', cells: 31 },
    { name: 'flux', unit: 'W', cells: 7, dtype: 'Float32' },
  ],
  statistics: { moments: 2, extrema: true },
  client: { command: ['none'], parallelism: 3 },
  server: { ranks: 2, checkpoint: { periodSeconds: 1 } },
  faultPolicy: { timeoutSeconds: 30, retryLimit: 2 },
};

const formula: SolverFormula = ({ values, field, step, cell }) => {
  const [initial, left] = values.map(Number);
  return field === 'flux' ? Math.fround(initial! / (1 + cell) + step) : initial! + left! * Math.sin(cell + step);
};

/** Means of the first field at one step, from the parameters that the study says it used. */
async function expectedMean(server: Server, field: string, step: number, cells: number): Promise<number[]> {
  const { simulations } = await (await server.client()).simulations({ limit: 1000 });
  const done = simulations.filter((simulation) => simulation.state === 'Done');
  const values = done.map(({ parameters }) => [String(parameters['initial']), String(parameters['left'])]);
  return Array.from({ length: cells }, (_, cell) => {
    const each = values.map((list, simulation) => formula({ simulation, values: list, field, step, cell }));
    return each.reduce((sum, value) => sum + value, 0) / each.length;
  });
}

function npyValues(bytes: Uint8Array): Float64Array {
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true);
  return new Float64Array(bytes.slice(10 + headerBytes).buffer);
}

async function checkMeans(server: Server): Promise<void> {
  const client = await server.client();
  for (const [field, cells, step] of [
    ['temperature', 31, 0],
    ['temperature', 31, 4],
    ['flux', 7, 3],
  ] as const) {
    const expected = await expectedMean(server, field, step, cells);
    const found = npyValues(await client.statisticNpy({ field, step, statistic: 'mean' }));
    const counts = npyValues(await client.statisticNpy({ field, step, statistic: 'count' }));
    assert.equal(found.length, cells);
    expected.forEach((mean, cell) => {
      assert.equal(counts[cell], 40, `${field} step ${step} cell ${cell} counts every simulation once`);
      assert.ok(
        Math.abs(found[cell]! - mean) <= 1e-13 * 1000,
        `${field} step ${step} cell ${cell}: ${found[cell]} instead of ${mean}`,
      );
    });
  }
}

const living = new Set<Pilot>();
afterEach(async () => {
  await Promise.all([...living].map((pilot) => pilot.vanish()));
  living.clear();
});

async function pilots(
  server: Server,
  count: number,
  changes: Partial<ConstructorParameters<typeof Pilot>[0]> = {},
): Promise<Pilot[]> {
  const { control: head } = await server.headFile();
  return Array.from({ length: count }, (_, i) => {
    const pilot = new Pilot({ head, token: server.token, name: `pilot-${i}`, formula, stepMs: 1, ...changes });
    living.add(pilot);
    return pilot;
  });
}

const finished = (server: Server) =>
  until('the study has ended', async () => {
    const status = await (await server.client()).status();
    return status.state === 'Succeeded' || status.state === 'Failed' ? status : null;
  });

test(
  'a study of two fields on two ranks ends with the right means, results and files',
  { timeout: 2 * PATIENCE_MS },
  async () => {
    const server = new Server(spec);
    try {
      await server.start();
      const running = await pilots(server, 3);
      const status = await finished(server);
      assert.equal(status.state, 'Succeeded', JSON.stringify(status));
      assert.equal(status.simulations.done, 40);
      assert.ok(status.bytesReceived >= 40 * 5 * (31 * 8 + 7 * 4));
      await checkMeans(server);
      await Promise.all(running.map((pilot) => pilot.ended));
      const detail = await (await server.client()).simulation(3);
      assert.deepEqual(
        detail.history.map((attempt) => attempt.state),
        ['Succeeded'],
      );
      assert.ok(existsSync(join(server.directory, 'results', 'summary.json')));
      const last = JSON.parse(readFileSync(join(server.directory, 'status.json'), 'utf8'));
      assert.equal(last.state, 'Succeeded');
      assert.deepEqual(server.exits, []);
      assert.deepEqual(await server.stop(), { head: 0, 'rank-0': 0, 'rank-1': 0 });
    } catch (cause) {
      throw new Error(`${(cause as Error).message}\n${server.log('head').slice(-4000)}`, { cause });
    } finally {
      server.remove();
    }
  },
);

/** Kills `slot` when about a third of the study is done, and again when two thirds are. */
async function killTwice(server: Server, slot: string): Promise<void> {
  for (const share of [12, 26]) {
    await until(`${share} simulations are done`, async () =>
      (await (await server.client()).status()).simulations.done >= share ? true : null,
    );
    server.kill(slot);
    await until(`${slot} is back`, () => (server.exits.length > 0 ? true : null));
  }
}

test(
  'a client that comes to a restarted head before its pilot is told to come again',
  { timeout: 3 * PATIENCE_MS },
  async () => {
    const server = new Server({ ...spec, server: { ranks: 1 } });
    let isOver = false;
    const speakers: Speaker[] = [];
    try {
      await server.start();
      const { control } = await server.headFile();
      const speaker = () => {
        const one = new Speaker(control, () => isOver);
        speakers.push(one);
        return one;
      };
      const pilot = speaker();
      const leases: ControlBody<'Lease'>['leases'] = [];
      pilot.onMessage = (message) => void (message.name === 'Lease' && leases.push(...message.body.leases));
      const { token } = server;
      const who = { token, pilot: 'pilot-0', instance: randomIdentity(), host: 'h', processId: process.pid, slots: 1 };
      await pilot.ask('PilotHello', { ...who, running: [] });
      const { lease, simulation, draw, attempt } = await until('a lease', () => leases[0] ?? null);
      const solver = speaker();
      const body = { token, client: randomIdentity(), library: 't', host: 'h', simulation, draw, attempt, ranks: 1 };
      assert.equal((await solver.ask('ClientHello', body)).name, 'ClientWelcome');

      server.kill('head');
      await until('the head has ended', () => server.exits[0] ?? null);
      await server.headFile();
      const early = await until('the rank is back', async () => {
        const answer = await solver.ask('ClientHello', body);
        return answer.name === 'Refused' && answer.body.code === 'ERANKS_AWAY' ? null : answer;
      });
      assert.equal(early.name, 'Refused');
      assert.equal(early.body.code, 'EPILOT_AWAY');
      assert.ok(early.body.retryAfterMs > 0, 'not for good');
      await pilot.ask('PilotHello', { ...who, running: [{ lease, simulation, draw, attempt }] });
      assert.equal((await solver.ask('ClientHello', body)).name, 'ClientWelcome');
    } finally {
      isOver = true;
      await Promise.all(speakers.map((one) => one.close()));
      server.remove();
    }
  },
);

for (const slot of ['head', 'rank-1']) {
  test(`the result is the same when ${slot} is killed twice`, { timeout: 3 * PATIENCE_MS }, async () => {
    const server = new Server(spec);
    try {
      await server.start();
      await pilots(server, 3, { stepMs: 20 });
      await killTwice(server, slot);
      const status = await finished(server);
      assert.equal(status.state, 'Succeeded', JSON.stringify(status));
      assert.equal(status.simulations.failed, 0);
      await checkMeans(server);
      assert.equal(server.exits.length, 2, server.exits.join(', '));
      await server.stop();
    } catch (cause) {
      throw new Error(
        `${(cause as Error).message}\n${server.log('head').slice(-4000)}\n${server.log('rank-1').slice(-2000)}`,
        { cause },
      );
    } finally {
      server.remove();
    }
  });
}

test(
  'a pilot that vanishes loses nothing, a solver that fails is executed again, and its reason is kept',
  { timeout: 2 * PATIENCE_MS },
  async () => {
    // The vanished pilot is given up after this time, and nobody else may be: a busy machine stands still for seconds.
    const server = new Server({ ...spec, faultPolicy: { ...spec.faultPolicy, timeoutSeconds: 20 } });
    try {
      await server.start();
      const exitCode = (simulation: number, attempt: number) => (simulation === 5 && attempt === 1 ? 3 : 0);
      const [first] = await pilots(server, 3, { stepMs: 10, exitCode });
      await until('some simulations are done', async () =>
        (await (await server.client()).status()).simulations.done >= 8 ? true : null,
      );
      await first!.vanish();
      const status = await finished(server);
      assert.equal(status.state, 'Succeeded', JSON.stringify(status));
      assert.equal(status.simulations.retried, 1);
      await checkMeans(server);
      const { history } = await (await server.client()).simulation(5);
      assert.deepEqual(
        history.map(({ state, reason }) => [state, reason]),
        [
          ['Failed', 'exited with 3'],
          ['Succeeded', ''],
        ],
      );
      await server.stop();
    } catch (cause) {
      throw new Error(`${(cause as Error).message}\n${server.log('head').slice(-4000)}`, { cause });
    } finally {
      server.remove();
    }
  },
);

const groups = {
  ...spec,
  sampling: { method: 'PickFreeze', groups: 10, seed: 7 },
  fields: [{ name: 'temperature', unit: 'K', cells: 5 }],
  statistics: { moments: 1, sobol: { estimator: 'Martinez', interval: 'Fisher' } },
};

/** Two readings of one map: every member of every group is in its statistics once. */
async function checkGroups(server: Server, study: string): Promise<void> {
  const client = await server.client();
  const counts = npyValues(await client.statisticNpy({ field: 'temperature', step: 4, statistic: 'sobolCount' }));
  assert.deepEqual([...counts], [10, 10, 10, 10, 10], study);
  const pooled = npyValues(await client.statisticNpy({ field: 'temperature', step: 4, statistic: 'count' }));
  assert.deepEqual([...pooled], [20, 20, 20, 20, 20], 'moments pool A and B');
  const first = npyValues(
    await client.statisticNpy({ field: 'temperature', step: 4, statistic: 'sobolFirst', argument: 0 }),
  );
  assert.ok(
    first.every((index) => index >= -1 && index <= 1),
    first.join(' '),
  );
  const { digests } = await client.digests();
  assert.ok(
    digests.length >= 2 && digests.every(({ digest }) => /^[0-9a-f]{16}$/.test(digest)),
    JSON.stringify(digests),
  );
}

for (const [name, changes, victim] of [
  ['groups are folded whole, each once', {}, null],
  ['whole simulations are folded only when every rank has them', { partial: 'Whole' }, null],
  ['groups survive the death of a rank that holds members', {}, 'rank-0'],
] as const) {
  test(`pick-freeze: ${name}`, { timeout: 2 * PATIENCE_MS }, async () => {
    const server = new Server({ ...groups, ...changes });
    try {
      await server.start();
      await pilots(server, 3, { stepMs: 4 });
      if (victim !== null) {
        await until('some are done', async () =>
          (await (await server.client()).status()).simulations.done >= 8 ? true : null,
        );
        server.kill(victim);
      }
      const status = await finished(server);
      assert.deepEqual([status.state, status.simulations.done], ['Succeeded', 40], JSON.stringify(status));
      await checkGroups(server, name);
      assert.equal(status.convergence.groups, 10);
      await server.stop();
    } catch (cause) {
      throw new Error(
        `${(cause as Error).message}\n${server.log('head').slice(-3000)}\n${server.log('rank-0').slice(-2000)}`,
        { cause },
      );
    } finally {
      server.remove();
    }
  });
}
