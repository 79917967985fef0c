// SPDX-License-Identifier: Apache-2.0
/**
 * A study whose sockets are encrypted: its result is that of the same study in plain, and whoever has the wrong key, none, or
 * a key that is not on the list is told so in the words tested here, hangs nowhere, and changes nothing.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@melissa/api';
import { curveKeyPair } from 'zeromq';
import { digestsOf, ended, makeStudy, manifestOf, run, twin } from './bad-input/study.ts';
import { buildSolver } from './chaos/solver.ts';
import type { ChaosStudy } from './chaos/study.ts';
import { cleanUp, environment, root, scratch } from './melissa.ts';

const LIMIT_MS = 120_000;
const encrypted = (client: object = {}): string => {
  const manifest = JSON.parse(manifestOf('none', { client })) as { spec: Record<string, object> };
  manifest.spec['local'] = { encrypt: true };
  return JSON.stringify(manifest);
};

let study: ChaosStudy;
let control = '';
let data = '';
before(async () => {
  await twin();
  // Without pilots at first, so that the study waits for us.
  study = makeStudy(encrypted({ parallelism: 0 }));
  study.start();
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    const rank = (await study.status())?.ranks[0];
    if (rank?.state === 'Ready') {
      data = rank.endpoint;
      break;
    }
    assert.ok(performance.now() < endMs, `the study starts\n${study.lastWords()}`);
    await sleep(50);
  }
  control = study.head()!.control;
});
after(() => {
  for (const { pid } of study?.processes() ?? []) process.kill(pid, 'SIGKILL');
  cleanUp();
});

type Said = { code: number | null; text: string; seconds: number };
/** Runs a program to its end, or until it has said `enough`, or until it is called off. */
function start(
  program: string,
  words: string[],
  { enough, signal, ...more }: { enough?: RegExp; signal?: AbortSignal; variables?: Record<string, string> },
): Promise<Said> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    let text = '';
    const env = { ...environment, ...more.variables };
    const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (): void => void child.kill('SIGKILL');
    const timer = setTimeout(end, LIMIT_MS);
    signal?.addEventListener('abort', end);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (enough?.test(text) === true) end();
      });
    }
    child.once('close', (code) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve({ code, text, seconds: (performance.now() - startMs) / 1000 });
    });
  });
}

/** The study's client keys, with the named ones replaced; null: no keys. */
type Keys = 'right' | 'stranger' | 'wrong server' | null;
function keyFolder(keys: Exclude<Keys, null>, side: 'client' | 'server'): string {
  const folder = join(scratch(), side);
  cpSync(join(study.directory, 'keys', side), folder, { recursive: true });
  const pair = curveKeyPair();
  const write = (name: string, key: string): void => writeFileSync(join(folder, name), `${key}\n`);
  if (keys === 'stranger') {
    write(`${side}.key`, pair.secretKey);
    write(`${side}.pub`, pair.publicKey);
  }
  if (keys === 'wrong server') write('server.pub', pair.publicKey);
  return folder;
}

/** A solver that was started by nobody: it speaks for simulation 0, which no pilot has leased. */
const solver = (keys: Keys): Promise<Said> =>
  start(buildSolver('bad-input/solver.c', 'bad-solver'), ['1.5', '5', '32', 'none'], {
    variables: {
      MELISSA_HEAD: control,
      MELISSA_TOKEN_FILE: join(study.directory, 'token'),
      MELISSA_SIMULATION: '0',
      MELISSA_ATTEMPT: '1',
      MELISSA_TIMEOUT_SECONDS: '4',
      ...(keys === null ? {} : { MELISSA_CURVE_DIR: keyFolder(keys, 'client') }),
    },
  });
const pilot = (keys: Keys, signal?: AbortSignal): Promise<Said> =>
  start(
    join(root, 'build/client-api/pilot/melissa-pilot'),
    [
      ...['--head', control, '--token-file', join(study.directory, 'token')],
      ...['--id', 'stranger', '--work', scratch()],
      ...(keys === null ? [] : ['--curve-dir', keyFolder(keys, 'client')]),
    ],
    signal === undefined ? {} : { signal },
  );
const rank = (keys: Keys, enough?: RegExp): Promise<Said> =>
  start(
    process.execPath,
    [
      ...[join(root, 'server/src/main.ts'), 'rank', '--study', study.directory, '--rank', '0', '--head', control],
      ...(keys === null ? [] : ['--curve-dir', keyFolder(keys, 'server')]),
    ],
    enough === undefined ? {} : { enough },
  );

test('both sockets demand CURVE before anything else is said', async () => {
  for (const endpoint of [control, data]) {
    const greeting = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: Number(/:(\d+)$/.exec(endpoint)![1]) });
      const bytes: Buffer[] = [];
      // The half greeting of a peer that speaks ZMTP 3.0 with the mechanism NULL.
      socket.write(Buffer.concat([Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]), Buffer.from('NULL')]));
      socket.on('data', (chunk) => {
        bytes.push(chunk);
        if (Buffer.concat(bytes).length >= 32) socket.destroy();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(Buffer.concat(bytes).subarray(12, 32).toString('latin1')));
    });
    assert.equal(greeting.replaceAll('\0', ''), 'CURVE');
  }
});

test('keys and token can be read by their owner alone, and clients are not shown the secret of the server', () => {
  for (const name of ['token', 'keys/server/server.key', 'keys/client/client.key'])
    assert.equal(statSync(join(study.directory, name)).mode & 0o077, 0, name);
  const secret = readFileSync(join(study.directory, 'keys/server/server.key'), 'utf8');
  for (const name of ['client.key', 'client.pub', 'server.pub'])
    assert.notEqual(readFileSync(join(study.directory, 'keys/client', name), 'utf8'), secret);
});

test('a solver is told what is wrong with its key, and goes on without hanging', async () => {
  const expected: [Keys, RegExp][] = [
    ['stranger', /melissa: melissa_init_no_mpi: the head refuses this client's key; check MELISSA_CURVE_DIR/],
    [
      null,
      /melissa: melissa_init_no_mpi: the head wants a key, and this client has none; set MELISSA_CURVE_DIR to the folder with client\.key, client\.pub and server\.pub/,
    ],
    [
      'wrong server',
      /melissa: melissa_init_no_mpi: the head at tcp:\S+ breaks off the handshake: its key is not that in server\.pub; check MELISSA_CURVE_DIR \(waited 4000 ms\)/,
    ],
    // Its key is right: what it lacks is a lease.
    ['right', /melissa: melissa_init_no_mpi: ELEASE: simulation 0, draw 0, attempt 1 is not leased, or was replaced/],
  ];
  for (const [keys, text] of expected) {
    const said = await solver(keys);
    assert.match(said.text, text, `${keys}: ${said.text}`);
    assert.ok(said.seconds < 60, `${said.seconds} s`);
  }
});

test('a pilot is told what is wrong with its key, and leaves with exit code 5', async () => {
  const expected: [Keys, RegExp][] = [
    ['stranger', /the head at tcp:\S+ refuses this pilot's key; check --curve-dir/],
    [null, /the head at tcp:\S+ wants a key, and this pilot has none; give --curve-dir/],
  ];
  for (const [keys, text] of expected) {
    const said = await pilot(keys);
    assert.match(said.text, text, `${keys}: ${said.text}`);
    assert.equal(said.code, 5);
  }
});

test('a rank that has other keys than its head, half a pair, or none says so', async () => {
  const none = await rank(null);
  assert.equal(none.code, 1, none.text);
  assert.match(none.text, /the head did not accept the key of this rank/);
  const told = /the head breaks off the handshake again and again; has it other keys than this rank\?/;
  const other = await rank('stranger', told);
  assert.match(other.text, told);
  const half = await rank('wrong server');
  assert.equal(half.code, 6, half.text);
  assert.match(half.text, /server\.pub does not belong to the secret key in server\.key/);
});

test('the study goes on as if nobody had knocked, and its result is that of the study in plain', async () => {
  const token = readFileSync(join(study.directory, 'token'), 'utf8').trim();
  const client = createClient({ baseUrl: study.head()!.http, token, fetch, timeoutMs: 10_000 });
  await client.parallelism(4);
  const over = new AbortController();
  const knocking = (async () => {
    while ((await study.status())?.progress !== 1 && study.exitCode === null) {
      await Promise.all([pilot('stranger', over.signal), pilot(null, over.signal)]);
    }
  })();
  assert.equal(await ended(study), 0, study.lastWords());
  over.abort();
  await knocking;
  assert.deepEqual(digestsOf(study), digestsOf(await twin()));
  assert.match(readFileSync(join(study.directory, 'logs', 'head.log'), 'utf8'), /its key is not on the list/);
});

test('several ranks, and a head that is killed meanwhile, with keys', async () => {
  const three = JSON.parse(encrypted()) as { spec: Record<string, Record<string, unknown>> };
  Object.assign(three.spec['server']!, { ranks: 3 });
  const plain = { ...three, spec: { ...three.spec, local: { encrypt: false } } };
  const expected = await run(JSON.stringify(plain));
  const killed = makeStudy(JSON.stringify(three));
  killed.start();
  const endMs = performance.now() + LIMIT_MS;
  while (((await killed.status())?.progress ?? 0) < 0.3 && performance.now() < endMs) await sleep(20);
  const before = killed.head()!.pid;
  process.kill(before, 'SIGKILL');
  assert.equal(await ended(killed), 0, killed.lastWords());
  assert.notEqual(killed.head()!.pid, before);
  assert.deepEqual(digestsOf(killed), digestsOf(expected));
});
