// SPDX-License-Identifier: Apache-2.0
/** Real clients in every language against a head and a rank that keep what arrives. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mpiEnvironment, missing, program, pythonPath, run, source, type Ended } from './programs.ts';
import { TestServer, type TestServerOptions } from './test-server.ts';

const expected = (step: number, shift = 0): number[] => Array.from({ length: 18 }, (_, i) => 1000 * step + i + shift);

async function withServer(
  options: Partial<TestServerOptions>,
  body: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await new TestServer(options).start();
  try {
    await body(server);
  } finally {
    await server.close();
  }
}
function succeeded(ended: Ended): void {
  assert.equal(ended.code, 0, `${ended.stdout}\n${ended.stderr}`);
  assert.equal(ended.stderr, '');
}
/** Both fields, three steps, every cell once; and the good-bye. */
function hasEverything(server: TestServer): void {
  for (let step = 0; step < 3; step++) {
    assert.deepEqual(server.received(5, 'temperature', step), expected(step), `temperature ${step}`);
    assert.deepEqual(server.received(5, 'pressure', step), expected(step, 0.5), `pressure ${step}`);
  }
  assert.equal(server.log('ClientBye').length, 1);
  assert.equal(server.log('ClientFault').length, 0);
}

const python = { PYTHONPATH: source('python'), MELISSA_LIBRARY: program('../libmelissa.so') };
const solvers: {
  title: string;
  command: string;
  words: string[];
  environment?: Record<string, string>;
  ranks: number;
  needs: string;
}[] = [
  { title: 'C without MPI', command: program('compat_no_mpi'), words: [], ranks: 1, needs: program('compat_no_mpi') },
  {
    title: 'C without MPI, static library',
    command: program('compat_no_mpi_static'),
    words: [],
    ranks: 1,
    needs: program('compat_no_mpi_static'),
  },
  {
    title: 'C with MPI',
    command: 'mpirun',
    words: ['-n', '4', program('compat_mpi')],
    ranks: 4,
    needs: program('compat_mpi'),
  },
  {
    title: 'C with MPI, static library',
    command: 'mpirun',
    words: ['-n', '4', program('compat_mpi_static')],
    ranks: 4,
    needs: program('compat_mpi_static'),
  },
  {
    title: 'Fortran 90 with MPI',
    command: 'mpirun',
    words: ['-n', '4', program('compat_fortran')],
    ranks: 4,
    needs: program('compat_fortran'),
  },
  {
    title: 'Fortran 77 form with MPI',
    command: 'mpirun',
    words: ['-n', '4', program('compat_fortran77')],
    ranks: 4,
    needs: program('compat_fortran77'),
  },
  {
    title: 'the Fortran module',
    command: program('fortran_program'),
    words: [],
    ranks: 1,
    needs: program('fortran_program'),
  },
  {
    title: 'Python',
    command: pythonPath,
    words: [source('tests/compat/solver.py')],
    environment: python,
    ranks: 1,
    needs: pythonPath,
  },
  {
    title: 'Python with mpi4py',
    command: 'mpirun',
    words: ['-n', '4', pythonPath, source('tests/compat/solver.py'), 'mpi'],
    environment: python,
    ranks: 4,
    needs: pythonPath,
  },
];
for (const { title, command, words, environment, ranks, needs } of solvers) {
  test(`a solver in ${title} delivers every cell once`, { skip: missing(needs) ?? false }, () =>
    withServer({ fields: fieldsFor(ranks) }, async (server) => {
      const ended = await run(command, words, server.environment({ ...mpiEnvironment, ...environment }));
      assert.equal(ended.code, 0, `${ended.stdout}\n${ended.stderr}`);
      if (ranks === 1) hasEverything(server);
      else hasEverythingOf(server, 5 + 0 + 7 + 8);
      assert.equal(server.log('ClientHello')[0]!.ranks, ranks);
    }),
  );
}
const mpichFolder = join(pythonPath, '..');
test(
  'the same library serves an MPI of the MPICH family',
  { skip: missing(join(mpichFolder, 'mpicc')) ?? missing(program('../libmelissa.so')) ?? false },
  () =>
    withServer({ fields: fieldsFor(4) }, async (server) => {
      const folder = mkdtempSync(join(tmpdir(), 'melissa-mpich-'));
      const library = program('..');
      const built = await run(
        join(mpichFolder, 'mpicc'),
        [
          source('tests/compat/solver_mpi.c'),
          `-I${source('include')}`,
          `-L${library}`,
          '-lmelissa',
          `-Wl,-rpath,${library}`,
          '-o',
          join(folder, 'solver'),
        ],
        {},
      );
      assert.equal(built.code, 0, built.stderr);
      const ended = await run(join(mpichFolder, 'mpiexec'), ['-n', '4', join(folder, 'solver')], server.environment());
      assert.equal(ended.code, 0, `${ended.stdout}\n${ended.stderr}`);
      hasEverythingOf(server, 5 + 0 + 7 + 8);
      rmSync(folder, { recursive: true });
    }),
);

/** The programs with four ranks have 5, 0, 7 and 8 cells. */
function fieldsFor(ranks: number): TestServerOptions['fields'] {
  const cells = ranks === 1 ? 18 : 20;
  return [
    { name: 'temperature', dtype: 2, cells, steps: 3 },
    { name: 'pressure', dtype: 2, cells, steps: 3 },
  ];
}
function hasEverythingOf(server: TestServer, cells: number): void {
  for (let step = 0; step < 3; step++) {
    const values = Array.from({ length: cells }, (_, i) => 1000 * step + i);
    assert.deepEqual(server.received(5, 'temperature', step), values);
    assert.deepEqual(
      server.received(5, 'pressure', step),
      values.map((value) => value + 0.5),
    );
  }
  assert.equal(server.log('ClientBye').length, 1);
}

const client = (cells: number, steps: number, ...options: string[]) => [String(cells), String(steps), ...options];
const oneField = (dtype: 1 | 2, cells = 18, steps = 3) => [{ name: 'temperature', dtype, cells, steps }];
const clientProgram = program('client_program');
const skip = missing(clientProgram) ?? false;

test('float32 and float64 are converted to what the study wants', { skip }, async () => {
  for (const [dtype, option] of [
    [1, 'f64'],
    [1, 'f32'],
    [2, 'f32'],
  ] as const) {
    await withServer({ fields: oneField(dtype) }, async (server) => {
      succeeded(await run(clientProgram, client(18, 3, option), server.environment()));
      assert.deepEqual(server.received(5, 'temperature', 2), expected(2));
    });
  }
});

test('cells outside the regions and steps that are not kept stay at home', { skip }, () =>
  withServer(
    {
      fields: oneField(2),
      regions: [
        { begin: 2, end: 4 },
        { begin: 10, end: 13 },
      ],
      steps: [{ begin: 0, end: 3, stride: 2 }],
    },
    async (server) => {
      succeeded(await run(clientProgram, client(18, 3), server.environment()));
      assert.deepEqual(server.received(5, 'temperature', 2), [2002, 2003, 2010, 2011, 2012]);
      assert.deepEqual(server.received(5, 'temperature', 1), []);
      assert.equal(server.framesTotal, 2);
    },
  ),
);

test('a solver that asks goes on at the resume step', { skip }, () =>
  withServer({ fields: oneField(2), firstStep: 2 }, async (server) => {
    succeeded(await run(clientProgram, client(18, 3, 'resume'), server.environment()));
    assert.equal(server.framesTotal, 1);
    assert.deepEqual(server.received(5, 'temperature', 2), expected(2));
  }),
);

test(
  'a value that is not finite is reported with field, step and cell, and nothing of the step is sent',
  { skip },
  () =>
    withServer({ fields: oneField(2) }, async (server) => {
      const ended = await run(clientProgram, client(18, 3, 'nan=7'), server.environment());
      assert.match(ended.stdout, /^send 9 field "temperature", step 1: the value of cell 7 is not finite/m);
      assert.equal(ended.code, 9);
      assert.deepEqual(server.received(5, 'temperature', 1), []);
      const [fault] = server.log('ClientFault');
      assert.deepEqual([fault?.code, fault?.field, fault?.step, fault?.cell], ['ENONFINITE', 'temperature', 1, 7]);
      assert.equal(server.log('ClientBye').length, 0);
    }),
);

test('a value that is not finite travels where the study skips or propagates it', { skip }, () =>
  withServer({ fields: oneField(2), nonFinite: 1 }, async (server) => {
    succeeded(await run(clientProgram, client(18, 3, 'nan=7'), server.environment()));
    assert.ok(Number.isNaN(server.received(5, 'temperature', 1)[7]));
  }),
);

const mistakes: {
  title: string;
  words: string[];
  options?: Partial<TestServerOptions>;
  status: number;
  text: RegExp;
  fault?: string;
}[] = [
  {
    title: 'more steps than the study has',
    words: client(18, 4),
    status: 12,
    text: /step 3 was sent, the study has steps 0 to 2/,
    fault: 'ESTEP',
  },
  { title: 'another size than the study has', words: client(17, 3), status: 11, text: /EFIELD_SIZE: 17 cells/ },
  {
    title: 'another count than was announced',
    words: client(18, 3, 'size=4'),
    status: 11,
    text: /4 values are sent, 18 cells were announced/,
    fault: 'EFIELD_SIZE',
  },
  {
    title: 'a field that was not announced',
    words: client(18, 3, 'unannounced'),
    status: 10,
    text: /"nothing" is sent but was not announced/,
    fault: 'EFIELD_ANNOUNCED',
  },
  {
    title: 'a field that the study does not have',
    words: client(18, 3),
    options: { fields: [{ name: 'other', dtype: 2, cells: 18, steps: 3 }] },
    status: 10,
    text: /EFIELD_UNKNOWN: no field temperature/,
  },
  {
    title: 'a wrong token',
    words: client(18, 3),
    options: { token: 'right' },
    status: 7,
    text: /ETOKEN: wrong token remedy of ETOKEN/,
  },
];
for (const { title, words, options, status, text, fault } of mistakes) {
  test(`${title} is an error that says so`, { skip }, () =>
    withServer({ fields: oneField(2), ...options }, async (server) => {
      const ended = await run(clientProgram, words, server.environment());
      assert.match(ended.stdout, text);
      assert.match(ended.stdout, new RegExp(`^(open|field|send) ${status} `, 'm'));
      assert.equal(server.log('ClientFault')[0]?.code, fault);
    }),
  );
}

test('a token is read from its file, and CURVE keys from their folder', { skip }, async () => {
  const { curveKeyPair } = await import('zeromq');
  const [serverKeys, clientKeys] = [curveKeyPair(), curveKeyPair()];
  const folder = mkdtempSync(join(tmpdir(), 'melissa-client-'));
  for (const [name, text] of [
    ['client.key', clientKeys.secretKey],
    ['client.pub', clientKeys.publicKey],
    ['server.pub', serverKeys.publicKey],
    ['token', 'right'],
  ] as const) {
    writeFileSync(join(folder, name), `${text}\n`);
  }
  await withServer({ fields: oneField(2), token: 'right', curve: serverKeys }, async (server) => {
    const environment = { MELISSA_TOKEN_FILE: join(folder, 'token'), MELISSA_CURVE_DIR: folder };
    succeeded(await run(clientProgram, client(18, 3), server.environment(environment)));
    assert.deepEqual(server.received(5, 'temperature', 2), expected(2));
    const plain = await run(
      clientProgram,
      client(18, 3),
      server.environment({ MELISSA_TOKEN_FILE: join(folder, 'token'), MELISSA_TIMEOUT_SECONDS: '2' }),
    );
    assert.match(plain.stdout + plain.stderr, /wants a key, and this client has none; set MELISSA_CURVE_DIR/);
    assert.ok(plain.code !== 0 && plain.seconds < 30, plain.stdout);
  });
  rmSync(folder, { recursive: true });
});

test('without MELISSA_HEAD a solver runs and says once that nothing is sent', { skip }, async () => {
  const ended = await run(program('compat_no_mpi'), [], { MELISSA_HEAD: '' });
  assert.equal(ended.code, 0);
  assert.equal(ended.stderr, 'melissa: MELISSA_HEAD is not set: the solver runs without a study and sends nothing.\n');
  const aborted = await run(program('compat_no_mpi'), [], { MELISSA_HEAD: '', MELISSA_ON_ERROR: 'abort' });
  assert.equal(aborted.signal, 'SIGABRT');
});

test('after fork the child is refused and the parent goes on', { skip }, () =>
  withServer({ fields: oneField(2) }, async (server) => {
    const ended = await run(clientProgram, client(18, 3, 'fork'), server.environment());
    assert.match(ended.stdout, /^child 0$/m);
    assert.equal(ended.code, 0, ended.stdout);
    assert.deepEqual(server.received(5, 'temperature', 2), expected(2));
  }),
);

test('exit without finalize delivers what was sent and does not hang', { skip }, async () => {
  await withServer({ fields: oneField(2) }, async (server) => {
    const ended = await run(clientProgram, client(18, 3, 'exit'), server.environment());
    assert.equal(ended.code, 0);
    assert.deepEqual(server.received(5, 'temperature', 2), expected(2));
    assert.equal(server.log('ClientBye').length, 0);
  });
  await withServer({ fields: oneField(2) }, async (server) => {
    server.onOpen = () => null; // the rank never answers
    const ended = await run(clientProgram, client(18, 3, 'exit'), server.environment());
    assert.equal(ended.code, 0);
    assert.ok(ended.seconds < 10, `${ended.seconds} s`);
  });
});
