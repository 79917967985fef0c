// SPDX-License-Identifier: Apache-2.0
/**
 * Frames that nobody of ours would send, thrown at the sockets of a running head and rank, while the study runs to its end.
 * No process may end or stop answering, and the result must be that of the study left in peace. MELISSA_FUZZ_FRAMES sets the
 * number of mutated frames.
 */
import assert from 'node:assert/strict';
import { statSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@melissa/api';
import { Random } from '@melissa/kit';
import {
  DATA_MAGIC,
  decodeControl,
  decodeData,
  encodeControl,
  encodeData,
  type ControlMessage,
  type DataBody,
} from '@melissa/protocol';
import { Dealer } from 'zeromq';
import { cleanUp, root } from '../melissa.ts';
import type { ChaosStudy } from '../chaos/study.ts';
import { mutated, vectors } from './mutate.ts';
import { digestsOf, ended, makeStudy, manifestOf, twin } from './study.ts';

const FRAMES = Number(process.env['MELISSA_FUZZ_FRAMES'] ?? 50_000);
const SEED = Number(process.env['MELISSA_FUZZ_SEED'] ?? 1);
/** Frames of one connection, before it asks whether the other side still answers. */
const BURST = 500;
const ANSWER_LIMIT_MS = 60_000;
/** Head and rank are three starts of Node, on a machine that does other things too. */
const START_LIMIT_MS = 120_000;
/** A log that grows with every bad frame would fill the disk for whoever can reach the port. */
const LOG_BYTES_MAX = 1_000_000;

let study: ChaosStudy;
let control = '';
let data = '';
let token = '';
let processesBefore: string[] = [];

/** Head and ranks: those that must not end. */
const servers = (): string[] =>
  study
    .processes()
    .filter(({ role }) => role === 'head' || role === 'rank')
    .map(({ role, pid }) => `${role} ${pid}`)
    .sort();

before(async () => {
  await twin();
  // Without pilots at first, so that the study waits for us.
  study = makeStudy(manifestOf('none', { client: { parallelism: 0 } }));
  study.start();
  const endMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    const status = await study.status();
    if (status?.ranks[0]?.state === 'Ready') {
      data = status.ranks[0].endpoint;
      break;
    }
    assert.ok(performance.now() < endMs, `the study starts\n${study.lastWords()}`);
    await sleep(50);
  }
  control = study.head()!.control;
  token = readFileSync(join(study.directory, 'token'), 'utf8').trim();
  processesBefore = servers();
});
after(() => {
  for (const { pid } of study?.processes() ?? []) process.kill(pid, 'SIGKILL');
  cleanUp();
});

function dealer(endpoint: string): Dealer {
  const socket = new Dealer({
    linger: 0,
    sendHighWaterMark: 0,
    receiveHighWaterMark: 0,
    receiveTimeout: ANSWER_LIMIT_MS,
    sendTimeout: ANSWER_LIMIT_MS,
  });
  socket.connect(endpoint);
  return socket;
}

const open: DataBody<'Open'> = {
  token: 'not the token',
  client: 1n,
  clientRank: 0,
  clientRanks: 1,
  simulation: 0,
  draw: 0,
  attempt: 1,
  firstUnacknowledged: 1,
  host: 'x',
  fields: [],
};

/** Sends the frames, then a question of which the answer is known; returns when it has come, so all before it were read. */
async function throwAt(
  endpoint: string,
  frames: Iterable<Uint8Array>,
  question: Uint8Array,
  isAnswer: (frame: Uint8Array) => boolean,
): Promise<void> {
  const socket = dealer(endpoint);
  try {
    for (const frame of frames) await socket.send(frame);
    await socket.send(question);
    for (;;) {
      const [answer] = await socket.receive();
      if (answer !== undefined && isAnswer(answer)) return;
    }
  } finally {
    socket.close();
  }
}

const wrongHello = (request: number): Uint8Array =>
  encodeControl(
    'PilotHello',
    { token: 'not the token', pilot: 'p', instance: 1n, host: 'h', processId: 1, slots: 1, running: [] },
    { epoch: 0, request },
  );

const QUESTION = 0xabcdef;
const throwAtHead = (frames: Iterable<Uint8Array>): Promise<void> =>
  throwAt(control, frames, wrongHello(QUESTION), (answer) => {
    const message = decodeControl(answer);
    return message.name === 'Refused' && message.request === QUESTION;
  });
const throwAtRank = (frames: Iterable<Uint8Array>): Promise<void> =>
  throwAt(
    data,
    frames,
    encodeData('Open', { ...open, host: 'the question', simulation: 7, attempt: 77 }, { epoch: 0 }),
    (answer) => {
      const message = decodeData(answer);
      return message.name === 'DataRefused' && message.body.attempt === 77;
    },
  );

async function answerOf(frame: Uint8Array): Promise<ControlMessage> {
  const socket = dealer(control);
  try {
    await socket.send(frame);
    const [answer] = await socket.receive();
    return decodeControl(answer!);
  } finally {
    socket.close();
  }
}
async function dataAnswerOf(frame: Uint8Array): Promise<DataBody<'DataRefused'>> {
  const socket = dealer(data);
  try {
    await socket.send(frame);
    const [answer] = await socket.receive();
    const message = decodeData(answer!);
    assert.equal(message.name, 'DataRefused');
    return message.body as DataBody<'DataRefused'>;
  } finally {
    socket.close();
  }
}

test('a wrong token is refused with the remedy, by head and rank', async () => {
  const answer = await answerOf(wrongHello(5));
  assert.deepEqual([answer.name, answer.request], ['Refused', 5]);
  assert.deepEqual(answer.body, {
    code: 'ETOKEN',
    message: 'the token is not that of this study',
    remedy: 'Take the token from the file `token` in the study directory, or from the Secret on a cluster.',
    retryAfterMs: 0,
  });
  const { code, message, retry } = await dataAnswerOf(encodeData('Open', open, { epoch: 0 }));
  assert.deepEqual([code, message, retry], ['ETOKEN', "the token is not this study's", 0]);
});

test('another version of the protocol is refused, and both versions are named', async () => {
  const frame = Uint8Array.from(wrongHello(6));
  new DataView(frame.buffer).setUint16(4, 9, true);
  const answer = await answerOf(frame);
  assert.equal(answer.name, 'Refused');
  assert.equal((answer.body as { code: string }).code, 'EVERSION');
  assert.match((answer.body as { message: string }).message, /the peer speaks 9, this side 1/);
  const block = readFileSync(join(root, 'client-api/protocol/vectors/Data.float64.bin'));
  block.writeUInt16LE(9, 4);
  const refused = await dataAnswerOf(block);
  assert.deepEqual(
    [refused.code, refused.message],
    ['EVERSION', 'the peer speaks version 9 of the data protocol, this rank speaks version 1'],
  );
});

test('a truncated, an oversized and an empty message are refused, each with what is wrong', async () => {
  const whole = wrongHello(7);
  const texts: [Uint8Array, RegExp][] = [
    [whole.slice(0, 40), /ends before its fields do/],
    [Buffer.concat([whole, new Uint8Array(9)]), /has bytes after its last field/],
    [new Uint8Array(0), /ends before its fields do/],
  ];
  for (const [frame, text] of texts) {
    const answer = await answerOf(frame);
    assert.equal(answer.name, 'Refused');
    assert.match((answer.body as { message: string }).message, text);
  }
});

test('bytes that are not ZeroMQ, and connections that say nothing, do not keep others out', async () => {
  const random = new Random(SEED);
  const ports = [control, data].map((endpoint) => Number(/:(\d+)$/.exec(endpoint)![1]));
  const silent = ports.flatMap((port) =>
    Array.from({ length: 100 }, () => createConnection({ host: '127.0.0.1', port }).on('error', () => undefined)),
  );
  const noisy = ports.flatMap((port) =>
    Array.from({ length: 100 }, () => {
      const socket = createConnection({ host: '127.0.0.1', port }).on('error', () => undefined);
      socket.write(Uint8Array.from({ length: 1 + random.below(4096) }, () => random.below(256)));
      return socket;
    }),
  );
  await throwAtHead([]);
  await throwAtRank([]);
  for (const socket of [...silent, ...noisy]) socket.destroy();
});

test(`${FRAMES} mutated, replayed and reordered frames end nothing and stop nothing`, async () => {
  for (let first = 0; first < FRAMES; first += 2 * BURST) {
    const frames = Array.from({ length: 2 * BURST }, (_, i) => mutated(SEED, first + i));
    await Promise.all([throwAtHead(frames.slice(0, BURST)), throwAtRank(frames.slice(BURST))]);
  }
  assert.deepEqual(servers(), processesBefore);
});

test('frames of a pilot that has the token but sends nonsense hurt nobody else', async () => {
  const hello = encodeControl(
    'PilotHello',
    { token, pilot: 'stranger', instance: 9n, host: 'h', processId: 1, slots: 4, running: [] },
    { epoch: 0, request: 1 },
  );
  const frames = Array.from({ length: BURST }, (_, i) => mutated(SEED + 1, i));
  await throwAtHead([hello, ...frames, hello, ...frames]);
  const far = encodeData('Open', { ...open, token, simulation: 4_000_000_000 }, { epoch: 0 });
  await throwAtRank([far, far, ...vectors]);
  assert.deepEqual(servers(), processesBefore);
});

test('a message of the greatest size that is allowed, and one above it, are survived', async () => {
  const huge = new Uint8Array(65 * 2 ** 20);
  new DataView(huge.buffer).setUint32(0, DATA_MAGIC, true);
  for (const endpoint of [control, data]) {
    const socket = dealer(endpoint);
    await socket.send(huge);
    socket.close();
  }
  await throwAtHead([]);
  await throwAtRank([]);
  assert.deepEqual(servers(), processesBefore);
});

test('the study runs to its end under fire, and its result is that of the study left in peace', async () => {
  const client = createClient({ baseUrl: study.head()!.http, token, fetch, timeoutMs: 10_000 });
  await client.parallelism(4);
  let index = FRAMES;
  // It stops answering when it is over; everything before that must have been answered.
  while ((await study.status())?.progress !== 1 && study.exitCode === null) {
    const frames = Array.from({ length: 50 }, () => mutated(SEED, index++));
    await Promise.all([throwAtHead(frames), throwAtRank(frames)]);
  }
  assert.equal(await ended(study), 0, study.lastWords());
  assert.deepEqual(digestsOf(study), digestsOf(await twin()));
});

test('bad frames are told in the log, but do not fill the disk', () => {
  for (const name of ['head', 'rank-0']) {
    const { size } = statSync(join(study.directory, 'logs', `${name}.log`));
    assert.ok(size < LOG_BYTES_MAX, `logs/${name}.log has ${size} bytes`);
  }
});
