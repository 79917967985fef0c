// SPDX-License-Identifier: Apache-2.0
/**
 * Surroundings that are not as they should be: no solver, a port that is taken, a folder that cannot be written, checkpoints
 * of another study, preprocessing that fails, a clock that is set back. Each is said in the words tested here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUp, environment, scratch, summaryOf } from '../melissa.ts';
import { ChaosStudy } from '../chaos/study.ts';
import { attemptsOf, command, digestsOf, ended, makeStudy, manifestOf, run, twin } from './study.ts';

after(cleanUp);

/** Writes the manifest and tries to run it. */
function tryToRun(
  manifest: string,
  more: string[] = ['--port', '0'],
): { code: number | null; stderr: string; directory: string } {
  const folder = scratch();
  writeFileSync(join(folder, 'study.yaml'), manifest);
  const directory = join(folder, 'study');
  return { ...command(['run', join(folder, 'study.yaml'), '--directory', directory, ...more]), directory };
}

test('a solver that is not there is said before anything starts', () => {
  const { code, stderr, directory } = tryToRun(manifestOf('none', { client: { command: ['/nowhere/solver'] } }));
  assert.equal(code, 5);
  assert.match(
    stderr,
    /^melissa: the solver cannot be started: "\/nowhere\/solver": there is no file \/nowhere\/solver\n.*\(ESOLVER_MISSING\)/,
  );
  assert.equal(existsSync(directory), false);
});

test('a solver that is not executable is said before anything starts, with what makes it so', () => {
  const file = join(scratch(), 'solver');
  writeFileSync(file, '#!/bin/sh\nexit 0\n', { mode: 0o644 });
  const { code, stderr } = tryToRun(manifestOf('none', { client: { command: [file] } }));
  assert.equal(code, 5);
  assert.ok(
    stderr.includes(
      `melissa: the solver cannot be started: "${file}": ${file} is not executable (chmod +x makes it so)\n`,
    ),
    stderr,
  );
});

test('a port that is taken is said, with the port', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { code, stderr } = tryToRun(manifestOf('none'), ['--port', String(port)]);
  server.close();
  assert.equal(code, 5);
  assert.match(
    stderr,
    new RegExp(
      `^melissa: the port is taken: 127.0.0.1:${port} \\(listen EADDRINUSE: address already in use 127.0.0.1:${port}\\)\n.*\\(EPORT\\)`,
    ),
  );
});

test('a folder that cannot be written is said, with the reason of the system', () => {
  const folder = scratch();
  writeFileSync(join(folder, 'study.yaml'), manifestOf('none'));
  writeFileSync(join(folder, 'a-file'), '');
  // A file in the way keeps everybody out, root too.
  const place = join(folder, 'a-file', 'study');
  const { code, stderr } = command(['run', join(folder, 'study.yaml'), '--directory', place, '--port', '0']);
  assert.equal(code, 5);
  assert.ok(
    stderr.includes(`melissa: the study directory cannot be written: ${place} (ENOTDIR: not a directory`),
    stderr,
  );
});

test('preprocessing that fails fails the attempt, which is run again', async () => {
  const script = join(scratch(), 'prepare.sh');
  writeFileSync(
    script,
    '#!/bin/sh\n[ "$MELISSA_SIMULATION" != 4 ] || [ "$MELISSA_ATTEMPT" != 1 ] || { echo "no mesh for you" >&2; exit 3; }\n',
    { mode: 0o755 },
  );
  const study = await run(manifestOf('none', { client: { preprocessing: [script] } }));
  const [first, second] = attemptsOf(study, 4);
  assert.deepEqual([first!.state, first!.reason], ['Failed', 'preprocessing failed: preprocessing exited with 3']);
  assert.equal(first!.stderr, 'no mesh for you\n');
  assert.equal(second!.state, 'Succeeded');
  assert.deepEqual(digestsOf(study), digestsOf(await twin()));
});

test('a solver that becomes unusable while the study runs fails its simulations by name, and the study ends', async () => {
  const folder = scratch();
  const solver = join(folder, 'solver.sh');
  // It takes itself away.
  writeFileSync(solver, '#!/bin/sh\nrm -f "$0"\nexit 1\n', { mode: 0o755 });
  const study = makeStudy(
    manifestOf('none', { client: { command: [solver], parallelism: 1 }, faultPolicy: { retryLimit: 0, maxFailed: 1 } }),
  );
  study.start();
  assert.equal(await ended(study), 1, study.lastWords());
  const reasons = [0, 1].map((simulation) => attemptsOf(study, simulation)[0]!.reason);
  assert.match(reasons[0]!, /^exited with 1/);
  assert.match(reasons[1]!, /^could not be started: .*solver\.sh.*No such file or directory/);
  assert.deepEqual(await study.leftOver(), []);
});

test('checkpoints of another study are refused, and the study says whose they are', async () => {
  const other = await run(manifestOf('none', { seed: 99, name: 'another' }));
  const study = makeStudy(manifestOf('none'));
  mkdirSync(study.directory, { recursive: true });
  cpSync(join(other.directory, 'checkpoint'), join(study.directory, 'checkpoint'), { recursive: true });
  study.start();
  const code = await ended(study);
  assert.equal(code, 5, study.lastWords());
  assert.match(readFileSync(study.log, 'utf8'), /ECHECKPOINT_STUDY: the checkpoint belongs to another study/);
  assert.deepEqual(await study.leftOver(), []);
});

test('a rank passes over a checkpoint of another study, and the result is right', async () => {
  const other = await run(manifestOf('none', { seed: 99, name: 'another' }));
  const study = makeStudy(manifestOf('none'));
  const place = join('checkpoint', 'rank-0');
  mkdirSync(join(study.directory, place), { recursive: true });
  cpSync(join(other.directory, place), join(study.directory, place), { recursive: true });
  assert.ok(readdirSync(join(study.directory, place)).length > 0);
  study.start();
  assert.equal(await ended(study), 0, study.lastWords());
  assert.match(readFileSync(join(study.directory, 'logs', 'rank-0.log'), 'utf8'), /a checkpoint was passed over/);
  assert.deepEqual(digestsOf(study), digestsOf(await twin()));
});

const faketime = spawnSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketime.so.1'], { encoding: 'utf8' }).stdout.trim();

test(
  'a clock that is set back an hour while the study runs changes nothing',
  { skip: faketime === '' && 'libfaketime is not installed (apt-get install faketime)' },
  async () => {
    const folder = scratch();
    const offset = join(folder, 'offset');
    writeFileSync(offset, '+0\n');
    // For the command line and the server: solver and pilot get the environment without it.
    const study = new ChaosStudy(
      folder,
      manifestOf('none', { client: { command: ['env'], args: ['-u', 'LD_PRELOAD', ...solverWords()] } }),
      null,
      {
        LD_PRELOAD: faketime,
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    );
    study.start();
    const endMs = performance.now() + 60_000;
    while (((await study.status())?.progress ?? 0) < 0.2 && study.exitCode === null && performance.now() < endMs)
      await sleep(20);
    writeFileSync(offset, '-3600\n');
    assert.equal(await ended(study), 0, study.lastWords());
    assert.deepEqual(digestsOf(study), digestsOf(await twin()));
    const elapsed = summaryOf(study.directory)['elapsedSeconds'] as number;
    assert.ok(elapsed >= 0 && elapsed < 120, `${elapsed} s`);
  },
);

function solverWords(): string[] {
  const { spec } = JSON.parse(manifestOf('none')) as { spec: { client: { command: string[]; args: string[] } } };
  return [...spec.client.command, ...spec.client.args];
}

const hasMpi = spawnSync('mpirun', ['--version'], { env: environment }).status === 0;

test(
  'another communicator size on retry is refused, and the right one goes on',
  { skip: !hasMpi && 'mpirun is not installed' },
  async () => {
    const { buildSolver } = await import('../chaos/solver.ts');
    const solver = buildSolver('chaos/solver/solver.c', 'chaos-solver-mpi', { mpi: true });
    const script = join(scratch(), 'solve.sh');
    // Simulation 2: dies after its first steps with two ranks, comes back with one, then with two again.
    writeFileSync(
      script,
      `#!/bin/sh
case $MELISSA_SIMULATION/$MELISSA_ATTEMPT in
  2/1) timeout -s KILL 3 mpirun -n 2 ${solver} "$@" 1500000 ;;
  2/2) exec ${solver} "$@" 0 ;;
  *) exec mpirun -n 2 ${solver} "$@" 0 ;;
esac
`,
      { mode: 0o755 },
    );
    const manifest = (where: string) => {
      const tree = JSON.parse(manifestOf('none')) as {
        spec: Record<string, Record<string, unknown>> & { parameters: object[] };
      };
      tree.spec.parameters = ['x', 'y', 'z'].map((name) => ({ name, uniform: { min: 1, max: 2 } }));
      tree.spec['sampling'] = { method: 'Random', simulations: 6, seed: 3 };
      Object.assign(tree.spec['client']!, {
        command: [where],
        args: ['{x}', '{y}', '{z}', '5', '32'],
        ranks: 2,
        launcher: 'None',
        parallelism: 1,
      });
      return JSON.stringify(tree);
    };
    const always = join(scratch(), 'always.sh');
    writeFileSync(always, `#!/bin/sh\nexec mpirun -n 2 ${solver} "$@" 0\n`, { mode: 0o755 });
    const [expected, study] = [await run(manifest(always)), await run(manifest(script))];
    const attempts = attemptsOf(study, 2);
    assert.equal(attempts.length, 3);
    assert.match(
      attempts[1]!.stderr,
      /ECOMMUNICATOR: simulation 2, draw 0, attempt 2: samples were counted from 2 client ranks, now there are 1/,
    );
    assert.equal(attempts[2]!.state, 'Succeeded');
    assert.deepEqual(digestsOf(study), digestsOf(expected));
  },
);
