// SPDX-License-Identifier: Apache-2.0
/**
 * The fuzz targets under libFuzzer with sanitizers, MELISSA_FUZZ_SECONDS each. It needs clang, which is installed from the
 * distribution when this process may do that; else the tests are skipped by name. What is found is kept as a file in
 * build/fuzz, and named.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { environment, root } from '../melissa.ts';

const SECONDS = Number(process.env['MELISSA_FUZZ_SECONDS'] ?? 900);
const BUILD_LIMIT_MS = 1_200_000;
/** One input; a decoder needs microseconds. */
const INPUT_SECONDS_MAX = 20;
const MEMORY_MB_MAX = 2048;

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const run = (program: string, words: string[], timeout: number) =>
  spawnSync(program, words, {
    cwd: root,
    encoding: 'utf8',
    timeout,
    maxBuffer: 1 << 28,
    env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' },
  });

/** True when clang and its fuzzing runtime are there, or could be installed. */
function hasFuzzer(): boolean {
  const install = (name: string): void => {
    if (process.getuid?.() === 0) run('apt-get', ['install', '-y', '--no-install-recommends', name], BUILD_LIMIT_MS);
  };
  if (!has('clang')) install('clang');
  if (!has('clang')) return false;
  const { stdout: runtime } = run('clang', ['-print-resource-dir'], BUILD_LIMIT_MS);
  const hasRuntime = (): boolean =>
    run('sh', ['-c', `ls ${runtime.trim()}/lib/linux/libclang_rt.fuzzer-*.a`], BUILD_LIMIT_MS).status === 0;
  if (!hasRuntime()) install(`libclang-rt-${/(\d+)[.]/.exec(runtime)?.[1] ?? ''}-dev`);
  return hasRuntime();
}
const skip =
  !hasFuzzer() && 'clang with libFuzzer is not installed, and cannot be (apt-get install clang libclang-rt-14-dev)';

const builds = join(root, 'build', 'fuzz');
const parts = [
  { source: 'client-api', sanitize: 'ON', targets: ['fuzz_decode'], corpus: ['client-api/protocol/vectors'] },
  {
    source: 'server/native',
    sanitize: 'address,undefined',
    targets: ['fuzz_rank_core', 'fuzz_checkpoint'],
    corpus: [],
  },
];
const folderOf = (source: string): string => join(builds, source.replace('/', '-'));

before(() => {
  if (skip !== false) return;
  for (const { source, sanitize, targets } of parts) {
    const words = ['-S', source, '-B', folderOf(source), '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=RelWithDebInfo'];
    words.push('-DCMAKE_C_COMPILER=clang', '-DCMAKE_CXX_COMPILER=clang++', '-DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON');
    // So that the compiler tells the fuzzer which branches were taken, in all of our code.
    words.push('-DCMAKE_C_FLAGS=-fsanitize=fuzzer-no-link', '-DCMAKE_CXX_FLAGS=-fsanitize=fuzzer-no-link');
    words.push(`-DMELISSA_SANITIZE=${sanitize}`, '-DMELISSA_LIBFUZZER=ON');
    for (const step of [
      ['cmake', words],
      ['ninja', ['-C', folderOf(source), ...targets]],
    ] as const) {
      const done = run(step[0], [...step[1]], BUILD_LIMIT_MS);
      assert.equal(done.status, 0, `${step[0]}: ${done.stdout.slice(-4000)}\n${done.stderr.slice(-4000)}`);
    }
  }
});

for (const { source, targets, corpus } of parts) {
  for (const target of targets) {
    test(`${target} for ${SECONDS} s`, { skip }, () => {
      const found = run('find', [folderOf(source), '-name', target, '-type', 'f'], BUILD_LIMIT_MS).stdout.trim();
      assert.ok(existsSync(found), `${target} is built`);
      // What it learns is kept: the next run begins where this one ended.
      const learnt = join(builds, `corpus-${target}`);
      mkdirSync(learnt, { recursive: true });
      const words = [`-max_total_time=${SECONDS}`, `-timeout=${INPUT_SECONDS_MAX}`, `-rss_limit_mb=${MEMORY_MB_MAX}`];
      words.push(`-artifact_prefix=${builds}/${target}-`, '-print_final_stats=1', '-max_len=16384', learnt, ...corpus);
      const done = run(found, words, (SECONDS + 300) * 1000);
      assert.equal(done.status, 0, done.stderr.slice(-6000));
      const executions = Number(/number_of_executed_units: (\d+)/.exec(done.stderr)?.[1]);
      assert.ok(executions > 1000, done.stderr.slice(-2000));
      process.stdout.write(`${target}: ${executions} inputs\n`);
    });
  }
}
