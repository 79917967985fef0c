// SPDX-License-Identifier: Apache-2.0
/** The native engine over a real socket: a ZeroMQ DEALER that speaks the protocol as a client rank does. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeData, encodeData, encodeDataFrame, type DataMessage } from '@melissa/protocol';
import {
  native,
  type EngineField,
  type EngineOptions,
  type EngineReport,
  type NativeStatistics,
} from '@melissa/native';
import { Dealer } from 'zeromq';

// Generous: only a broken engine waits this long.
const PATIENCE_MS = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'melissa-engine-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;
const freshFolder = (): string => join(folder, String(++folders));

const statistics = (changes: Partial<NativeStatistics> = {}): NativeStatistics => ({
  dtype: 'Float64',
  nonFinite: 'Reject',
  moments: 2,
  extrema: true,
  thresholds: [],
  quantiles: [],
  robbinsMonro: false,
  logSpacing: false,
  histogram: false,
  plannedSamples: 0,
  sobol: 'None',
  interval: 'None',
  secondOrder: false,
  sobolParameters: 0,
  jackknifeBlocks: 0,
  level: 0.95,
  ...changes,
});

const field = (changes: Partial<EngineField> = {}): EngineField => ({
  index: 0,
  name: 'temperature',
  keptCells: 10,
  cellBegin: 0,
  cellEnd: 10,
  keptSteps: Uint32Array.of(0, 1, 2),
  statistics: statistics(),
  ...changes,
});

const options = (changes: Partial<EngineOptions> = {}): EngineOptions => ({
  study: 'heat',
  fingerprint: 'f1',
  rank: 0,
  ranks: 1,
  epoch: 3,
  token: 'secret',
  listen: 'tcp://127.0.0.1:*',
  curveSecretKey: '',
  curvePublicKey: '',
  curveAllowedKeys: [],
  host: 'here',
  simulations: 8,
  groupSize: 1,
  partialWhole: false,
  fields: [field()],
  covariances: [],
  heldBytesMax: 1 << 20,
  receiveBudgetBytes: 1 << 20,
  sendWindowBytes: 1 << 18,
  connectionsMax: 100,
  checkpointDirectory: freshFolder(),
  rawDirectory: '',
  keepRawAll: false,
  keepRawIds: new Uint32Array(),
  ...changes,
});

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const limit = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: limit.signal }).then(() => assert.fail(`no ${what} in time`));
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    limit.abort();
  }
}

/** A running engine that gathers its reports. */
class Rank {
  readonly engine;
  readonly endpoint: string;
  readonly completed: EngineReport['completed'] = [];
  readonly faults: EngineReport['faults'] = [];
  restored;
  #waiting: (() => void)[] = [];

  constructor(given: EngineOptions, checkpoint = 0) {
    this.engine = native.engineCreate(given);
    this.restored = native.engineRestore(this.engine, checkpoint);
    this.endpoint = native.engineStart(this.engine, () => this.take());
  }
  take(): EngineReport {
    const report = native.engineTakeReport(this.engine);
    this.completed.push(...report.completed);
    this.faults.push(...report.faults);
    for (const resolve of this.#waiting.splice(0)) resolve();
    return report;
  }
  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) await within(new Promise<void>((resolve) => this.#waiting.push(resolve)), what);
  }
  read(statistic: string, step = 0, argument = 0, index = 0): Promise<Float64Array> {
    return native.engineReadStatistic(this.engine, index, step, statistic, argument, 0, 10);
  }
  async stop(): Promise<void> {
    await within(native.engineStop(this.engine), 'end of the engine');
  }
}

/** One client rank that owns all ten cells, or a part of them. */
class Client {
  readonly socket: Dealer;
  simulation: number;
  attempt = 1;
  draw = 0;
  sequence = 0;
  id = 77n;
  epoch = 3;
  clientRank = 0;
  cells = [10];

  constructor(
    endpoint: string,
    simulation: number,
    curve: Partial<{ curveServerKey: string; curvePublicKey: string; curveSecretKey: string }> = {},
  ) {
    this.socket = new Dealer({
      routingId: `client-${simulation}-${Math.trunc(performance.now() * 1e6)}`,
      linger: 0,
      ...curve,
    });
    this.socket.connect(endpoint);
    this.simulation = simulation;
  }
  async receive(): Promise<DataMessage> {
    const [message] = await within(this.socket.receive(), 'reply of the rank');
    return decodeData(message!);
  }
  open(changes: { token?: string; firstUnacknowledged?: number; fields?: number[] } = {}): Promise<void> {
    const cells = Buffer.from(new BigUint64Array(this.cells.map(BigInt)).buffer);
    return this.socket.send(
      Buffer.from(
        encodeData(
          'Open',
          {
            token: changes.token ?? 'secret',
            client: this.id,
            clientRank: this.clientRank,
            clientRanks: this.cells.length,
            simulation: this.simulation,
            draw: this.draw,
            attempt: this.attempt,
            firstUnacknowledged: changes.firstUnacknowledged ?? 1,
            host: 'elsewhere',
            fields: (changes.fields ?? [0]).map((index) => ({ index, dtype: 2, cells })),
          },
          { epoch: this.epoch },
        ),
      ),
    );
  }
  frame(step: number, values: number[], changes: Record<string, number | bigint> = {}): Buffer {
    const payload = new Uint8Array(new Float64Array(values).buffer);
    const offset = this.cells.slice(0, this.clientRank).reduce((a, b) => a + b, 0);
    const header = {
      epoch: this.epoch,
      client: this.id,
      simulation: this.simulation,
      draw: this.draw,
      attempt: this.attempt,
      step,
      field: 0,
      dtype: 2,
      flags: 0,
      clientRank: this.clientRank,
      offset,
      count: values.length,
      sequence: 0,
      payloadHash: native.payloadHash(payload),
      ...changes,
    };
    if (changes['sequence'] === undefined) header.sequence = ++this.sequence;
    return Buffer.from(encodeDataFrame(header, payload));
  }
  send(step: number, values: number[], changes: Record<string, number | bigint> = {}): Promise<void> {
    return this.socket.send(this.frame(step, values, changes));
  }
  async acknowledged(held: number): Promise<void> {
    for (;;) {
      const reply = await this.receive();
      assert.equal(
        reply.name,
        'Ack',
        JSON.stringify(reply.body, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)),
      );
      if (reply.name === 'Ack' && reply.body.held === held) return;
    }
  }
  /** Opens and sends three steps of `value(cell, step)`. */
  async run(value: (cell: number, step: number) => number): Promise<void> {
    await this.open();
    const opened = await this.receive();
    assert.ok(
      opened.name === 'Opened' && opened.body.simulation === this.simulation && opened.body.attempt === this.attempt,
    );
    for (let step = 0; step < 3; step++)
      await this.send(
        step,
        Array.from({ length: 10 }, (_, cell) => value(cell, step)),
      );
    await this.acknowledged(3);
  }
  close(): void {
    this.socket.close();
  }
}

const sample = (simulation: number) => (cell: number, step: number) =>
  Math.sin(1 + simulation * 7.3 + cell * 1.7 + step * 0.9) * 100;

test('a rank folds what a client sends, acknowledges it, and reports the simulation complete', async () => {
  const rank = new Rank(options());
  const clients = [0, 1, 2].map((simulation) => new Client(rank.endpoint, simulation));
  await Promise.all(clients.map((client, simulation) => client.run(sample(simulation))));
  await rank.until(() => rank.completed.filter((c) => c.state === 2).length === 3, 'completion');
  assert.deepEqual(rank.completed.map((c) => c.simulation).sort(), [0, 1, 2]);
  assert.deepEqual([...native.engineCompleteBitmap(rank.engine)], [0b111]);
  const mean = await rank.read('mean', 1);
  for (let cell = 0; cell < 10; cell++) {
    const expected = (sample(0)(cell, 1) + sample(1)(cell, 1) + sample(2)(cell, 1)) / 3;
    assert.ok(Math.abs(mean[cell]! - expected) <= 1e-11, `cell ${cell}: ${mean[cell]} instead of ${expected}`);
  }
  const digests = await native.engineDigests(rank.engine);
  assert.deepEqual(
    digests.map((d) => [d.consumer, d.units]),
    [['cells:temperature', 9]],
  );
  for (const client of clients) client.close();
  await rank.stop();
});

test('a second attempt that resends everything changes nothing', async () => {
  const rank = new Rank(options());
  const first = new Client(rank.endpoint, 4);
  await first.open();
  assert.equal((await first.receive()).name, 'Opened');
  await first.send(
    0,
    Array.from({ length: 10 }, (_, cell) => sample(4)(cell, 0)),
  );
  await first.acknowledged(1);
  native.engineAttempt(rank.engine, 4, 0, 2, false);
  const second = new Client(rank.endpoint, 4);
  second.attempt = 2;
  second.id = 78n;
  await second.run(sample(4));
  await rank.until(
    () => rank.completed.some((c) => c.simulation === 4 && c.attempt === 2 && c.state === 2),
    'completion',
  );
  assert.deepEqual(
    [...(await rank.read('count', 0))],
    Array.from({ length: 10 }, () => 1),
  );
  assert.equal(rank.take().duplicatesTotal, 1);
  await first.send(
    1,
    Array.from({ length: 10 }, () => 0),
  );
  const refused = await first.receive();
  assert.ok(refused.name === 'DataRefused' && refused.body.code === 'EATTEMPT' && refused.body.retry === 0);
  first.close();
  second.close();
  await rank.stop();
});

test('what is wrong is refused with its reason and leaves the result alone', async () => {
  const rank = new Rank(options());
  const good = Array.from({ length: 10 }, () => 1);
  const refusal = async (prepare: (client: Client) => Promise<void>, simulation: number): Promise<[string, number]> => {
    const client = new Client(rank.endpoint, simulation);
    await prepare(client);
    for (;;) {
      const reply = await client.receive();
      if (reply.name !== 'DataRefused') continue;
      client.close();
      return [reply.body.code, reply.body.retry];
    }
  };
  const opened = async (client: Client): Promise<void> => {
    await client.open();
    assert.equal((await client.receive()).name, 'Opened');
  };
  assert.deepEqual(await refusal((c) => c.open({ token: 'guess' }), 0), ['ETOKEN', 0]);
  assert.deepEqual(await refusal((c) => ((c.epoch = 2), c.open()), 0), ['EEPOCH', 1]);
  assert.deepEqual(await refusal((c) => c.send(0, good), 0), ['ESESSION', 2]);
  assert.deepEqual(await refusal((c) => c.socket.send(Buffer.from('garbage that is longer than an envelope')), 0), [
    'EFRAME_MAGIC',
    0,
  ]);
  assert.deepEqual(await refusal((c) => c.open({ fields: [0, 5] }), 1), ['EFIELD_UNKNOWN', 0]);
  assert.deepEqual(await refusal((c) => ((c.cells = [9]), c.open()), 2), ['EFIELD_SIZE', 0]);
  assert.deepEqual(await refusal(async (c) => (await opened(c), await c.send(9, good)), 3), ['ESTEP', 0]);
  assert.deepEqual(await refusal(async (c) => (await opened(c), await c.send(0, good.slice(1))), 4), ['EBLOCK', 0]);
  assert.deepEqual(await refusal(async (c) => (await opened(c), await c.send(0, good, { payloadHash: 1n })), 5), [
    'EFRAME_PAYLOAD',
    2,
  ]);
  assert.deepEqual(await refusal(async (c) => (await opened(c), await c.send(0, good, { sequence: 2 })), 6), [
    'ESEQUENCE',
    2,
  ]);
  assert.deepEqual(await refusal((c) => ((c.simulation = 99), c.open()), 7), ['ESIMULATION', 0]);
  await rank.until(() => rank.faults.length === 4, 'faults');
  assert.deepEqual(
    rank.faults.map((f) => f.code),
    ['EFIELD_UNKNOWN', 'EFIELD_SIZE', 'ESTEP', 'EBLOCK'],
  );
  assert.deepEqual(await native.engineDigests(rank.engine), [{ consumer: 'cells:temperature', digest: 0n, units: 0 }]);
  await rank.stop();
});

test('a restored rank goes on where its checkpoint was, and a resend is folded once', async () => {
  const checkpointDirectory = freshFolder();
  const first = new Rank(options({ checkpointDirectory }));
  const client = new Client(first.endpoint, 0);
  await client.run(sample(0));
  const half = new Client(first.endpoint, 1);
  await half.open();
  await half.receive();
  await half.send(
    0,
    Array.from({ length: 10 }, (_, cell) => sample(1)(cell, 0)),
  );
  await half.acknowledged(1);
  const saved = await native.engineCheckpoint(first.engine, 1);
  assert.ok(saved.ok, saved.reason);
  const mean = await first.read('mean', 0);
  await half.send(
    1,
    Array.from({ length: 10 }, (_, cell) => sample(1)(cell, 1)),
  );
  await half.acknowledged(2);
  await first.stop();
  client.close();
  half.close();

  const second = new Rank(options({ checkpointDirectory }), 1);
  assert.deepEqual(second.restored, { number: 1, refused: [] });
  assert.deepEqual([...native.engineCompleteBitmap(second.engine)], [1]);
  assert.deepEqual(await second.read('mean', 0), mean);
  const again = new Client(second.endpoint, 1);
  again.attempt = 2;
  await again.run(sample(1));
  await second.until(() => second.completed.some((c) => c.simulation === 1 && c.state === 2), 'completion');
  for (const step of [0, 1, 2])
    assert.deepEqual(
      [...(await second.read('count', step))],
      Array.from({ length: 10 }, () => 2),
    );
  const reference = new Rank(options());
  const all = [0, 1].map((simulation) => new Client(reference.endpoint, simulation));
  for (const [simulation, one] of all.entries()) await one.run(sample(simulation));
  assert.deepEqual(await native.engineDigests(second.engine), await native.engineDigests(reference.engine));
  for (const one of [again, ...all]) one.close();
  await second.stop();
  await reference.stop();
});

test('a damaged checkpoint is passed over with a reason, and the one before is restored', async () => {
  const checkpointDirectory = freshFolder();
  const rank = new Rank(options({ checkpointDirectory }));
  const client = new Client(rank.endpoint, 0);
  await client.run(sample(0));
  for (const number of [1, 2, 3, 4]) {
    assert.ok((await native.engineCheckpoint(rank.engine, number)).ok);
  }
  client.close();
  await rank.stop();
  const path = (number: number): string => join(checkpointDirectory, `rank-0-${String(number).padStart(10, '0')}.ckpt`);
  truncateSync(path(4), readFileSync(path(4)).length - 1);
  const flipped = readFileSync(path(3));
  flipped[8192 + 100]! ^= 1;
  writeFileSync(path(3), flipped);
  const version = readFileSync(path(2));
  version[8] = 9;
  writeFileSync(path(2), version);
  const restored = native.engineRestore(native.engineCreate(options({ checkpointDirectory })), 9);
  assert.equal(restored.number, 1);
  assert.match(restored.refused[0]!, /rank-0-0000000004\.ckpt: it has \d+ bytes instead of \d+/);
  assert.match(restored.refused[1]!, /rank-0-0000000003\.ckpt: .* (damaged)/);
  assert.match(restored.refused[2]!, /rank-0-0000000002\.ckpt: it has version 9, this server reads version 1/);
  const other = native.engineRestore(native.engineCreate(options({ checkpointDirectory, fingerprint: 'f2' })), 1);
  assert.equal(other.number, 0);
  assert.match(other.refused[0]!, /another study/);
});

test('only the last two committed checkpoints stay', async () => {
  const checkpointDirectory = freshFolder();
  const rank = new Rank(options({ checkpointDirectory }));
  for (const number of [1, 2, 3]) {
    assert.ok((await native.engineCheckpoint(rank.engine, number)).ok);
    native.engineCheckpointCommitted(rank.engine, number);
  }
  await native.engineDigests(rank.engine);
  const there = [1, 2, 3].filter((number) => existsSync(join(checkpointDirectory, `rank-0-000000000${number}.ckpt`)));
  assert.deepEqual(there, [2, 3]);
  await rank.stop();
});

test('a checkpoint that cannot be written says why', async () => {
  const blocked = freshFolder();
  writeFileSync(blocked, 'a file where the folder should be');
  const rank = new Rank(options({ checkpointDirectory: blocked }));
  const result = await native.engineCheckpoint(rank.engine, 1);
  assert.equal(result.ok, false);
  assert.match(result.reason, /cannot create .*: Not a directory/);
  await rank.stop();
});

test('a pick-freeze group is folded when its last member is there; only A and B feed the statistics of cells', async () => {
  const sobol = statistics({ sobol: 'Martinez', interval: 'Fisher', sobolParameters: 1 });
  const rank = new Rank(options({ simulations: 6, groupSize: 3, fields: [field({ statistics: sobol })] }));
  for (const simulation of [3, 5]) {
    const client = new Client(rank.endpoint, simulation);
    await client.run(sample(simulation));
    client.close();
  }
  await rank.until(() => rank.completed.length === 2, 'state 1');
  assert.deepEqual(
    rank.completed.map((c) => c.state),
    [1, 1],
  );
  assert.equal(rank.take().heldBytes, 2 * 3 * 80);
  const last = new Client(rank.endpoint, 4);
  await last.run(sample(4));
  await rank.until(() => rank.completed.filter((c) => c.state === 2).length === 3, 'state 2');
  const report = rank.take();
  assert.equal(report.heldBytes, 0);
  assert.equal(report.groupsFolded, 1);
  assert.deepEqual(
    [...(await rank.read('count', 2))],
    Array.from({ length: 10 }, () => 2),
  );
  assert.deepEqual(
    [...(await rank.read('sobolCount', 2))],
    Array.from({ length: 10 }, () => 1),
  );
  const convergence = await native.engineConvergence(rank.engine, await native.engineMaxVariance(rank.engine));
  assert.equal(convergence.groups, 1);
  last.close();
  await rank.stop();
});

test('raw fields of chosen simulations are kept as npy', async () => {
  const rawDirectory = freshFolder();
  const rank = new Rank(options({ rawDirectory, keepRawIds: Uint32Array.of(1) }));
  for (const simulation of [0, 1]) {
    const client = new Client(rank.endpoint, simulation);
    await client.run(sample(simulation));
    client.close();
  }
  await rank.stop();
  assert.equal(existsSync(join(rawDirectory, 'temperature', '000000.npy')), false);
  const npy = readFileSync(join(rawDirectory, 'temperature', '000001.npy'));
  assert.match(
    npy.subarray(10, 128).toString(),
    /^\{'descr': '<f8', 'fortran_order': False, 'shape': \(3, 10\), \} *\n$/,
  );
  const values = new Float64Array(npy.buffer.slice(npy.byteOffset + 128, npy.byteOffset + npy.length));
  assert.equal(values.length, 30);
  for (let i = 0; i < 30; i++) assert.equal(values[i], sample(1)(i % 10, Math.trunc(i / 10)));
});

test('with keys only clients on the allow-list are heard', async () => {
  const server = native.curveKeypair();
  const friend = native.curveKeypair();
  const stranger = native.curveKeypair();
  const rank = new Rank(
    options({
      curveSecretKey: server.secretKey,
      curvePublicKey: server.publicKey,
      curveAllowedKeys: [friend.publicKey],
    }),
  );
  const keys = (pair: { publicKey: string; secretKey: string }) => ({
    curveServerKey: server.publicKey,
    curvePublicKey: pair.publicKey,
    curveSecretKey: pair.secretKey,
  });
  const refused = new Client(rank.endpoint, 1, keys(stranger));
  const plain = new Client(rank.endpoint, 2);
  await Promise.all([refused.open(), plain.open()]);
  const welcome = new Client(rank.endpoint, 0, keys(friend));
  await welcome.run(sample(0));
  await rank.until(() => rank.completed.length === 1, 'completion');
  const report = rank.take();
  assert.equal(report.framesTotal, 4);
  for (const client of [refused, plain, welcome]) client.close();
  await rank.stop();
});

test('an engine that is under load stops at once, and a later command is rejected', async () => {
  const rank = new Rank(options());
  const client = new Client(rank.endpoint, 0);
  await client.open();
  await client.receive();
  for (let i = 0; i < 2000; i++)
    await client.send(
      0,
      Array.from({ length: 10 }, () => 1),
      { sequence: 1 },
    );
  const checkpoint = native.engineCheckpoint(rank.engine, 1);
  await rank.stop();
  assert.equal(typeof (await checkpoint).ok, 'boolean');
  await assert.rejects(native.engineDigests(rank.engine), { code: 'ESTOPPED' });
  assert.equal((await native.engineCheckpoint(rank.engine, 2)).ok, false);
  client.close();
});
