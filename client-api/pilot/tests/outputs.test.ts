// SPDX-License-Identifier: Apache-2.0
/**
 * Solvers without instrumentation: the pilot sends their files and numbers through libmelissa, here to a rank that keeps
 * what it gets. What is wrong with a file is said with its name and both sizes.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ControlMessage, dataCodeOf, dataFrames, DATA_CODE, decodeData, encodeData } from '@melissa/protocol';
import { Router } from 'zeromq';
import { aLease, shell, type TestHead, text, withHead } from './test-head.ts';

type Output = TestHead['welcome']['outputs'][number];
const anOutput = (changes: Partial<Output>): Output => ({
  field: 'height',
  kind: 1,
  path: 'out.npy',
  cells: 4,
  dtype: 2,
  steps: 3,
  ...changes,
});

/** A .npy file as NumPy writes it: version 1 has a header length of two bytes, version 2 of four. */
function npy(options: {
  shape: string;
  values: Float64Array | Float32Array;
  version?: 1 | 2;
  fortran?: boolean;
  type?: string;
}): Buffer {
  const { version = 1, fortran = false } = options;
  const type = options.type ?? (options.values instanceof Float32Array ? '<f4' : '<f8');
  const begin = version === 1 ? 10 : 12;
  let header = `{'descr': '${type}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${options.shape}, }`;
  header = header.padEnd(Math.ceil((begin + header.length + 1) / 64) * 64 - begin - 1) + '\n';
  const prefix = Buffer.alloc(begin);
  prefix.write('\x93NUMPY', 'latin1');
  prefix[6] = version;
  if (version === 1) prefix.writeUInt16LE(header.length, 8);
  else prefix.writeUInt32LE(header.length, 8);
  return Buffer.concat([prefix, Buffer.from(header), Buffer.from(options.values.buffer)]);
}

/** The data socket of a rank that grants all credit and keeps every value. */
class TestRank {
  readonly steps = new Map<number, number[]>();
  #router = new Router({ linger: 0 });
  endpoint = '';

  async open(): Promise<void> {
    await this.#router.bind('tcp://127.0.0.1:*');
    this.endpoint = this.#router.lastEndpoint!;
    void this.#receive();
  }
  close(): void {
    this.#router.close();
  }
  async #receive(): Promise<void> {
    try {
      for await (const [from, bytes] of this.#router) await this.#router.send([from!, ...this.#answer(bytes!)]);
    } catch (error) {
      if (!this.#router.closed) throw error;
    }
  }
  #answer(bytes: Buffer): Uint8Array[] {
    const creditLimit = 1 << 30;
    if (dataCodeOf(bytes) !== DATA_CODE) {
      const message = decodeData(bytes);
      if (message.name !== 'Open') return [];
      const { simulation, draw, attempt } = message.body;
      return [
        encodeData('Opened', { instance: 1n, held: 0, creditLimit, ring: '', simulation, draw, attempt }, { epoch: 1 }),
      ];
    }
    let held = 0;
    let of = { simulation: 0, attempt: 0 };
    for (const { header, payload } of dataFrames(bytes)) {
      const copy = Uint8Array.from(payload).buffer; // aligned, as its views want it
      this.steps.set(header.step, Array.from(header.dtype === 1 ? new Float32Array(copy) : new Float64Array(copy)));
      held = Number(header.sequence);
      of = { simulation: header.simulation, attempt: header.attempt };
    }
    return [encodeData('Ack', { ...of, held, creditLimit }, { epoch: 1 })];
  }
}

/** The head's side of one client with one field on one rank. */
const headForClient =
  (output: Output, rank: TestRank) =>
  (message: ControlMessage): ReturnType<NonNullable<TestHead['onClient']>> => {
    const { field: name, dtype, cells, steps } = output;
    switch (message.name) {
      case 'ClientHello':
        return {
          name: 'ClientWelcome',
          body: {
            study: 'test',
            serverRanks: [{ endpoint: rank.endpoint, serverKey: '', host: '' }],
            firstStep: 0,
            nonFinite: 0,
            sendWindowBytes: 1 << 20,
            sendTimeoutMs: 10_000,
            heartbeatMs: 1000,
            fields: [{ name, index: 0, dtype, cells, steps }],
          },
        };
      case 'Field':
        return {
          name: 'FieldLayout',
          body: {
            index: 0,
            regions: [{ begin: 0, end: cells }],
            steps: [{ begin: 0, end: steps, stride: 1 }],
            partition: [0, cells],
          },
        };
      case 'ClientBye':
        return { name: 'Ok', body: {} };
      default:
        return null;
    }
  };

async function sent(output: Output, write: string, prepare: (folder: string) => void = () => {}): Promise<number[][]> {
  const rank = new TestRank();
  await rank.open();
  let values: number[][] = [];
  try {
    await withHead(
      async (head) => {
        prepare(head.folder);
        head.onClient = headForClient(output, rank);
        head.pilot();
        await head.next('PilotHello');
        await head.lease(aLease(1));
        const ended = await head.ended(1);
        assert.deepEqual([ended.outcome, ended.reason, text(ended.stderr)], [1, '', '']);
        values = [...rank.steps].sort(([a], [b]) => a - b).map(([, row]) => row);
      },
      { workDirectory: 1, command: shell(write), outputs: [output] },
    );
  } finally {
    rank.close();
  }
  return values;
}

const numbers = Float64Array.from({ length: 12 }, (_, i) => i / 3);
const rows = [0, 4, 8].map((begin) => Array.from(numbers.subarray(begin, begin + 4)));

test('a .npy file of steps and cells is sent step by step', async () => {
  for (const version of [1, 2] as const) {
    const file = npy({ shape: '(3, 4)', values: numbers, version });
    assert.deepEqual(
      await sent(anOutput({}), 'cp ../../out.npy .', (folder) => writeFileSync(join(folder, 'out.npy'), file)),
      rows,
    );
  }
});

test('a .npy file in float32 with several axes of cells is sent in float32', async () => {
  const narrow = Float32Array.from(numbers);
  const file = npy({ shape: '(3, 2, 2)', values: narrow });
  const got = await sent(anOutput({ dtype: 1 }), 'cp ../../out.npy .', (folder) =>
    writeFileSync(join(folder, 'out.npy'), file),
  );
  assert.deepEqual(got.flat(), Array.from(narrow));
});

test('a file of bare numbers is sent step by step', async () => {
  const output = anOutput({ kind: 2, path: 'sub/out.bin' });
  const got = await sent(output, 'mkdir sub; cp ../../out.bin sub/', (folder) =>
    writeFileSync(join(folder, 'out.bin'), Buffer.from(numbers.buffer)),
  );
  assert.deepEqual(got, rows);
});

test('numbers on standard output are sent as one step', async () => {
  const output = anOutput({ kind: 3, path: '', steps: 1 });
  assert.deepEqual(await sent(output, "printf '1.5 -2e-3\\n'; sleep 0.05; printf '0.1\\t'; printf 7"), [
    [1.5, -0.002, 0.1, 7],
  ]);
});

const wrong: { what: string; output: Partial<Output>; file?: [string, Buffer]; write?: string; reason: RegExp }[] = [
  {
    what: 'a missing file',
    output: {},
    reason: /^field "height": the solver left no file out\.npy: No such file or directory$/,
  },
  {
    what: 'a .npy file of another shape',
    output: {},
    file: ['out.npy', npy({ shape: '(2, 4)', values: numbers.slice(0, 8) })],
    reason: /^field "height": out\.npy has shape \(2, 4\), but the study says 3 steps of 4 cells$/,
  },
  {
    what: 'a .npy file in Fortran order',
    output: {},
    file: ['out.npy', npy({ shape: '(3, 4)', values: numbers, fortran: true })],
    reason: /is in Fortran order; save it with numpy\.ascontiguousarray$/,
  },
  {
    what: 'a .npy file of integers',
    output: {},
    file: ['out.npy', npy({ shape: '(3, 4)', values: numbers, type: '<i8' })],
    reason: /holds values of type '<i8'/,
  },
  {
    what: 'a .npy file that is cut short',
    output: {},
    file: ['out.npy', npy({ shape: '(3, 4)', values: numbers }).subarray(0, 150)],
    reason: /out\.npy is cut short$/,
  },
  {
    what: 'something else than a .npy file',
    output: {},
    file: ['out.npy', Buffer.from('hello')],
    reason: /out\.npy is not a \.npy file$/,
  },
  {
    what: 'an empty .npy file',
    output: {},
    file: ['out.npy', Buffer.alloc(0)],
    reason: /out\.npy is not a \.npy file$/,
  },
  {
    what: 'a raw file of another size',
    output: { kind: 2 },
    file: ['out.npy', Buffer.alloc(95)],
    reason: /^field "height": out\.npy has 95 bytes, but 3 steps of 4 cells in float64 are 96$/,
  },
  {
    what: 'too few numbers on stdout',
    output: { kind: 3, steps: 1 },
    write: 'echo 1 2 3',
    reason: /^stdout holds 3 numbers, but the field has 4 values$/,
  },
  {
    what: 'too many numbers on stdout',
    output: { kind: 3, steps: 1 },
    write: 'seq 100000',
    reason: /^stdout holds 100000 numbers, but the field has 4 values$/,
  },
  {
    what: 'words among the numbers',
    output: { kind: 3, steps: 1 },
    write: 'echo 1 2 done 3 4',
    reason: /^"done" on stdout is not a number \(after 2 numbers\)$/,
  },
];

for (const { what, output, file, write, reason } of wrong) {
  test(`${what} fails the attempt with outcome 8`, () =>
    withHead(
      async (head) => {
        mkdirSync(join(head.folder, 'from'));
        if (file !== undefined) writeFileSync(join(head.folder, 'from', file[0]), file[1]);
        head.pilot();
        await head.next('PilotHello');
        await head.lease(aLease(1));
        const ended = await head.ended(1);
        assert.equal(ended.outcome, 8);
        assert.match(ended.reason, reason);
      },
      { workDirectory: 1, command: shell(write ?? 'cp ../../from/* . 2>/dev/null; true'), outputs: [anOutput(output)] },
    ));
}

test('the output of a solver that failed is not looked at', () =>
  withHead(
    async (head) => {
      head.pilot();
      await head.next('PilotHello');
      await head.lease(aLease(1));
      const ended = await head.ended(1);
      assert.deepEqual([ended.outcome, ended.exitCode, ended.reason], [1, 5, 'the solver exited with 5']);
    },
    { workDirectory: 1, command: shell('exit 5'), outputs: [anOutput({})] },
  ));
