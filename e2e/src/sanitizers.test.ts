// SPDX-License-Identifier: Apache-2.0
/**
 * The C and C++ code built with sanitizers: addresses, undefined behaviour and leaks (AddressSanitizer, UBSan), and threads
 * (ThreadSanitizer). Run are its own tests, the tests of the client library and the pilot against a head and ranks of the test,
 * and studies of many simulations through one process, which shows what each of them leaks. MELISSA_SANITIZE_SIMULATIONS sets
 * how many.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ended, makeStudy } from './bad-input/study.ts';
import { cleanUp, environment, root, scratch, summaryOf } from './melissa.ts';

after(cleanUp);

const SIMULATIONS = Number(process.env['MELISSA_SANITIZE_SIMULATIONS'] ?? 3000);
const BUILD_LIMIT_MS = 1_200_000;
const TEST_LIMIT_MS = 600_000;

type Tool = 'address' | 'thread';
const builds = join(root, 'build', 'sanitize');
const clientBuild = (tool: Tool): string => join(builds, `client-${tool}`);
const nativeBuild = (tool: Tool): string => join(builds, `native-${tool}`);
const suppressions = join(root, 'client-api/tests/tsan-suppressions.txt');

function succeed(program: string, words: string[], env: NodeJS.ProcessEnv, timeout: number): string {
  const done = spawnSync(program, words, { cwd: root, env, encoding: 'utf8', timeout, maxBuffer: 1 << 28 });
  const text = `${done.stdout}\n${done.stderr}`;
  assert.equal(done.status, 0, `${program} ${words.join(' ')}\n${text.slice(-8000)}`);
  return text;
}

/** Without MPI and Python: their own code is not built with the sanitizer, and Open MPI's leaks are not ours. */
function build(tool: Tool): void {
  const sanitizers = tool === 'address' ? 'address,undefined' : 'thread';
  const folders: [string, string, string, string][] = [
    ['client-api', clientBuild(tool), tool === 'address' ? 'ON' : 'thread', 'all'],
    ['server/native', nativeBuild(tool), sanitizers, 'native_tests'],
  ];
  for (const [source, folder, sanitize, target] of folders) {
    mkdirSync(folder, { recursive: true });
    const words = ['-S', source, '-B', folder, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=RelWithDebInfo'];
    words.push(`-DMELISSA_SANITIZE=${sanitize}`, '-DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON');
    succeed('cmake', words, environment, BUILD_LIMIT_MS);
    succeed('ninja', ['-C', folder, target], environment, BUILD_LIMIT_MS);
  }
}

/** Every report goes into a file of the folder, of whatever process it is. */
function reporting(tool: Tool): { env: NodeJS.ProcessEnv; reports: () => string } {
  const folder = scratch();
  const log = `log_path=${join(folder, 'report')}`;
  const env =
    tool === 'address'
      ? { ASAN_OPTIONS: `${log}:detect_leaks=1:abort_on_error=0`, UBSAN_OPTIONS: `${log}:print_stacktrace=1` }
      : { TSAN_OPTIONS: `${log}:suppressions=${suppressions}:halt_on_error=0` };
  const reports = (): string =>
    readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
  return { env: { ...environment, ...env }, reports };
}

for (const tool of ['address', 'thread'] as const) {
  describe(`${tool} sanitizer`, () => {
    test('builds', () => build(tool));

    for (const folder of [clientBuild(tool), nativeBuild(tool)]) {
      test(`tests of ${folder.slice(builds.length + 1)}`, () => {
        const { env, reports } = reporting(tool);
        // Which symbols a library shows is tested with the library that is shipped.
        const words = ['--test-dir', folder, '--output-on-failure', '--timeout', '600', '-E', 'exported_symbols'];
        const text = succeed('ctest', words, env, BUILD_LIMIT_MS);
        assert.match(text, /100% tests passed, 0 tests failed out of [1-9]/);
        assert.equal(reports(), '');
      });
    }

    test('client library and pilot against a head and ranks of the test', () => {
      const { env, reports } = reporting(tool);
      const build = clientBuild(tool);
      const files = ['client-api/protocol/src/io/{client,loop,faults}.test.ts', 'client-api/pilot/tests/*.test.ts'];
      const words = ['--test', '--test-concurrency=2', `--test-timeout=${TEST_LIMIT_MS}`];
      // A library with a sanitizer cannot be loaded into a Python without one; memory limits and times are those of the plain build.
      // In a forked child the memory that only the I/O thread's stack knows looks lost: that thread is not there.
      words.push(
        '--test-skip-pattern=/Python|MPI|Fortran|memory|fast|latency|does not grow|after fork|credit holds/',
        ...files,
      );
      const pilot = join(build, 'pilot', 'melissa-pilot');
      const variables = { ...env, MELISSA_CLIENT_BUILD: build, MELISSA_PILOT: pilot, NODE_TEST_CONTEXT: undefined };
      const text = succeed(process.execPath, words, variables, BUILD_LIMIT_MS);
      assert.ok(Number(/^. pass (\d+)$/m.exec(text)?.[1]) > 20, text.slice(-3000));
      assert.equal(reports(), '');
    });

    test(`a looping solver that runs many simulations`, async () => {
      const { env, reports } = reporting(tool);
      const solver = join(clientBuild(tool), 'tests', 'loop_program');
      assert.ok(existsSync(solver));
      const manifest = {
        apiVersion: 'melissa.dev/v1alpha1',
        kind: 'MelissaStudy',
        metadata: { name: 'leaks' },
        spec: {
          parameters: [{ name: 'x', uniform: { min: 1, max: 2 } }],
          sampling: { method: 'Random', simulations: SIMULATIONS, seed: 1 },
          time: { steps: 2 },
          fields: [{ name: 'temperature', shape: [4] }],
          statistics: { moments: 2 },
          client: { command: [solver], args: ['2'], loop: true, parallelism: 2 },
          server: { memory: '512Mi' },
        },
      };
      const study = makeStudy(JSON.stringify(manifest), env as Record<string, string>);
      study.start();
      assert.equal(await ended(study), 0, study.lastWords());
      assert.equal(summaryOf(study.directory).digests[0]!.units, 2 * SIMULATIONS);
      assert.equal(reports(), '');
    });

    test('the engine under many simulations', () => {
      const { env, reports } = reporting(tool);
      succeed(join(nativeBuild(tool), 'native_test_engine_threads'), [String(SIMULATIONS)], env, TEST_LIMIT_MS);
      assert.equal(reports(), '');
    });
  });
}

test('the instrument sees a leak, an overrun and a race', () => {
  const folder = scratch();
  const source = join(root, 'e2e', 'src', 'sanitizers-planted.c');
  for (const [tool, flags, expected] of [
    ['address', 'address,undefined', { leak: /LeakSanitizer/, overrun: /heap-buffer-overflow/ }],
    ['thread', 'thread', { race: /data race/ }],
  ] as const) {
    const program = join(folder, tool);
    succeed('cc', ['-g', '-pthread', `-fsanitize=${flags}`, '-o', program, source], environment, BUILD_LIMIT_MS);
    for (const [what, text] of Object.entries(expected)) {
      const { env, reports } = reporting(tool);
      spawnSync(program, [what], { env, timeout: TEST_LIMIT_MS });
      assert.match(reports(), text as RegExp);
    }
  }
});
