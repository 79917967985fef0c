// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { at } from '../setup/run.ts';
import { runSuite } from './runner.ts';
import type { Suite } from './suites.ts';

mkdirSync(at('build', 'reports'), { recursive: true });

const suite = (script: string, budgetSeconds = 60): Suite => ({
  name: 'planted',
  level: 'check',
  report: 'tap',
  budgetSeconds,
  command: () => [process.execPath, '-e', script],
});

test('a suite that passes is counted', async () => {
  const outcome = await runSuite(suite('console.log("ok 1 - a")'));
  assert.deepEqual([outcome.passed, outcome.failed, outcome.problem], [1, 0, null]);
});

test('a suite that reports no test counts as failed', async () => {
  const outcome = await runSuite(suite(''));
  assert.deepEqual([outcome.failed, outcome.problem], [1, 'reported no test']);
});

test('a suite that exits with an error although its tests passed counts as failed', async () => {
  const outcome = await runSuite(suite('console.log("ok 1 - a"); process.exitCode = 3'));
  assert.deepEqual([outcome.passed, outcome.failed, outcome.problem], [1, 1, 'exit code 3 although no test failed']);
});

test('a suite that is killed counts as failed', async () => {
  const outcome = await runSuite(
    suite('console.log("ok 1 - a"); setTimeout(() => process.kill(process.pid, "SIGKILL"), 50)'),
  );
  assert.deepEqual([outcome.failed, outcome.problem], [1, 'killed by SIGKILL']);
});

test('a suite over its budget is ended and counts as failed', async () => {
  const outcome = await runSuite(suite('console.log("ok 1 - a"); setInterval(() => {}, 1000)', 0.5));
  assert.deepEqual([outcome.failed, outcome.problem], [1, 'over its budget of 0.5 s']);
});

test('a suite that cannot start counts as failed', async () => {
  const outcome = await runSuite({ ...suite(''), command: () => ['/nowhere/program'] });
  assert.equal(outcome.failed, 1);
  assert.match(outcome.problem ?? '', /ENOENT/);
});

test('^C ends the suite under way and says so, and nothing else is started', async () => {
  const running = runSuite(suite('console.log("ok 1 - a"); setInterval(() => {}, 1000)'));
  process.emit('SIGINT', 'SIGINT');
  const outcome = await running;
  assert.equal(outcome.problem, 'interrupted');
  assert.equal(outcome.failed, 1);
});
